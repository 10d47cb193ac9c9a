"""What the bid process answers: auctions, notices, health and readiness. Must not decide a bid or read a socket."""

import logging
from collections.abc import Callable
from typing import Final, final
from urllib.parse import parse_qsl

from hotpath.auction.bidder import Bidder
from hotpath.auction.notices import NoticeKind
from hotpath.auction.settlement import NoticeResult
from hotpath.grpc.messages import PROTOBUF
from hotpath.openrtb.codec import JSON, Codec, MalformedRequest, id_of
from hotpath.server.messages import HttpAnswer, HttpRequest, TooLarge, Unpackable, unpacked
from hotpath.server.protocol import Reply

logger = logging.getLogger("campaign_express.bid")

_NO_CONTENT: Final = HttpAnswer(204)
_NO_BID: Final = HttpAnswer(204, timed=True)
_OF_NOTICES: Final = {
    NoticeResult.COUNTED: HttpAnswer(204),
    NoticeResult.REPEATED: HttpAnswer(204),
    NoticeResult.EXPIRED: HttpAnswer(410),
    NoticeResult.REFUSED: HttpAnswer(400),
    # The one answer of ours that asks for another try: what it reports is money.
    NoticeResult.POSTPONED: HttpAnswer(503),
}
_NOTICES: Final = {f"/v1/{kind}".encode(): kind for kind in NoticeKind}
_BID: Final = b"/v1/bid"
_JSON: Final = b"application/json"
_PROTOBUF: Final = b"application/x-protobuf"
#: How a body is read, and its answer written and called, by the request's content type.
_CODECS: Final[dict[bytes, tuple[Codec, bytes]]] = {
    **dict.fromkeys((b"", _JSON, b"text/json", b"text/plain"), (JSON, _JSON)),
    **dict.fromkeys((_PROTOBUF, b"application/protobuf"), (PROTOBUF, _PROTOBUF)),
}


@final
class _Replying:
    """Whom to tell a bidder's answer, and how it is written."""

    __slots__ = ("content_type", "reply")

    def __init__(self, reply: Reply, content_type: bytes) -> None:
        """Nobody is told yet."""
        self.reply = reply
        self.content_type = content_type

    def tell(self, answer: bytes) -> None:
        """The answer, empty for none."""
        self.reply(HttpAnswer(200, answer, self.content_type, timed=True) if answer else _NO_BID)


class Routes:
    """The application of `protocol.py`."""

    def __init__(
        self,
        bidder: Bidder,
        *,
        most_body_bytes: int,
        now: Callable[[], float],
        ready: Callable[[], bool],
        late: Callable[[float], bool] = lambda _: False,
    ) -> None:
        """`now` is a monotonic clock; `ready` says whether connections are wanted.

        `late` says of a request that came at some moment of that clock whether to refuse it.
        """
        self._bidder = bidder
        self._most_body_bytes = most_body_bytes
        self._now = now
        self._ready = ready
        self._late = late

    def __call__(self, request: HttpRequest, reply: Reply) -> None:
        """Answer one request, whatever goes wrong: exchanges count errors against a bidder, and cut its traffic."""
        path, query = request.target, b""
        if path != _BID:
            path, _, query = path.partition(b"?")
        try:
            if path == _BID and request.method == b"POST":
                self._bid(request, reply)
            else:
                reply(self._other(request, path, query))
        except Exception:
            logger.exception("request %r to %r could not be answered", id_of(request.body), path)
            self._bidder.counts.answers["technical"] += 1
            reply(_NO_CONTENT)

    def _other(self, request: HttpRequest, path: bytes, query: bytes) -> HttpAnswer:
        if path == _BID:
            return HttpAnswer(405)
        kind = _NOTICES.get(path)
        if kind is not None:
            return self._notice(kind, query) if request.method in {b"GET", b"POST"} else HttpAnswer(405)
        if request.method != b"GET":
            return HttpAnswer(404)
        if path == b"/health":
            return HttpAnswer(200, b'{"status":"ok"}')
        if path == b"/ready":
            return HttpAnswer(200, b'{"status":"ready"}') if self._ready() else HttpAnswer(503)
        return HttpAnswer(404)

    def _bid(self, request: HttpRequest, reply: Reply) -> None:
        if self._late(request.started_s):
            self._bidder.counts.answers["overloaded"] += 1
            return reply(_NO_BID)
        kind = request.headers.get(b"content-type", b"")
        found = _CODECS.get(kind) or _CODECS.get(kind.partition(b";")[0].strip().lower())
        if found is None:
            return reply(HttpAnswer(415))
        codec, named = found
        packing = request.headers.get(b"content-encoding", b"identity").strip().lower()
        body = request.body
        try:
            if packing in {b"gzip", b"x-gzip"}:
                body = unpacked(body, self._most_body_bytes)
            elif packing != b"identity":
                return reply(HttpAnswer(415))
            self._bidder.begin(
                body,
                self._now() - request.started_s,
                _Replying(reply, named).tell,
                codec,
            )
        except TooLarge:
            reply(HttpAnswer(413))
        except (Unpackable, MalformedRequest):
            reply(HttpAnswer(400))

    def _notice(self, kind: NoticeKind, query: bytes) -> HttpAnswer:
        values = dict(parse_qsl(query.decode("latin-1")))
        result = self._bidder.settlement.count(kind, values.get("t", ""), values.get("p", ""), values.get("l", ""))
        return _OF_NOTICES[result]
