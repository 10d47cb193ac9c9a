"""What the bid process answers: auctions, notices, health and readiness. Must not decide a bid or read a socket."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from hotpath.auction.bidder import Bidder, NoticeResult
from hotpath.auction.notices import NoticeKind
from hotpath.grpc.messages import PROTOBUF
from hotpath.openrtb.codec import JSON, Codec, MalformedRequest
from hotpath.server.messages import HttpAnswer, HttpRequest, TooLarge, Unpackable, unpacked
from hotpath.server.protocol import Reply

_NO_CONTENT: Final = HttpAnswer(204)
_NOTICES: Final = {f"/v1/{kind}".encode(): kind for kind in NoticeKind}
_JSON: Final = b"application/json"
_PROTOBUF: Final = b"application/x-protobuf"
#: How a body is read, and its answer written and called, by the request's content type.
_CODECS: Final[dict[bytes, tuple[Codec, bytes]]] = {
    **dict.fromkeys((b"", _JSON, b"text/json", b"text/plain"), (JSON, _JSON)),
    **dict.fromkeys((_PROTOBUF, b"application/protobuf"), (PROTOBUF, _PROTOBUF)),
}


class Routes:
    """The application of `protocol.py`."""

    def __init__(
        self, bidder: Bidder, *, most_body_bytes: int, now: Callable[[], float], ready: Callable[[], bool]
    ) -> None:
        """`now` is the loop's clock; `ready` says whether new connections are wanted."""
        self._bidder = bidder
        self._most_body_bytes = most_body_bytes
        self._now = now
        self._ready = ready

    def __call__(self, request: HttpRequest, reply: Reply) -> None:
        """Answer one request."""
        path, _, query = request.target.partition(b"?")
        if path == b"/v1/bid" and request.method == b"POST":
            self._bid(request, reply)
        else:
            reply(self._other(request, path, query))

    def _other(self, request: HttpRequest, path: bytes, query: bytes) -> HttpAnswer:
        if path == b"/v1/bid":
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
        kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        found = _CODECS.get(kind)
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
                lambda answer: reply(HttpAnswer(200, answer, named) if answer else _NO_CONTENT),
                codec,
            )
        except TooLarge:
            reply(HttpAnswer(413))
        except (Unpackable, MalformedRequest):
            reply(HttpAnswer(400))

    def _notice(self, kind: NoticeKind, query: bytes) -> HttpAnswer:
        values = dict(parse_qsl(query.decode("latin-1")))
        result = self._bidder.notice(kind, values.get("t", ""), values.get("p", ""))
        return HttpAnswer(400) if result is NoticeResult.REFUSED else _NO_CONTENT
