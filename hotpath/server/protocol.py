"""One connection: bytes in, whole requests to the application, answers out in the requests' order.

Keep-alive and pipelining; limits on head and body; a connection that dawdles over a request is ended by the sweep. The
application may answer later: answers wait in a row, so that none overtakes another. Must not know a route.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast, final

import httptools

from hotpath.server.heads import Head, Heads
from hotpath.server.messages import HttpAnswer, HttpRequest, answer_bytes

logger = logging.getLogger("campaign_express.bid")

Reply = Callable[[HttpAnswer], None]
#: Told a request, and whom to tell its answer: once, now or later, on the loop's thread.
Application = Callable[[HttpRequest, Reply], None]
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Limits:
    """What a client may do: bytes of a head and of a body, seconds for one request, seconds of silence, connections."""

    head_bytes: int = 16_384
    body_bytes: int = 524_288
    request_s: float = 5.0
    idle_s: float = 75.0
    connections: int = 10_000


class Shared:
    """What all connections of one server share."""

    def __init__(
        self,
        application: Application,
        limits: Limits,
        *,
        turn: Callable[[], float] | None = None,
        observe: Callable[[float], None] | None = None,
    ) -> None:
        """Nothing is connected and nothing is draining.

        `turn` gives when the bytes that are seen now came, as far as that is known; without it, it is now. `observe` is
        told the seconds of each timed answer, from then until it was written.
        """
        self.turn = turn or time.monotonic
        self.observe = observe
        self.application = application
        self.limits = limits
        self.connections: set[Connection] = set()
        self.heads = Heads()
        self.draining = False

    def sweep(self, now_s: float) -> None:
        """End the connections that were silent too long, or too slow over a request."""
        for connection in tuple(self.connections):
            connection.end_if_late(now_s)


@final
class _Place:
    """One request's place in the row of answers; called with the answer once there is one. Bytes go out as they are."""

    __slots__ = ("answer", "closes", "headers", "settled", "started_s")

    def __init__(
        self,
        settled: Callable[[], None],
        headers: dict[bytes, bytes],
        closes: bool = False,
        started_s: float = 0.0,
        answer: HttpAnswer | bytes | None = None,
    ) -> None:
        """Hold these."""
        self.settled = settled
        self.headers = headers
        self.closes = closes
        self.started_s = started_s
        self.answer = answer

    def __call__(self, answer: HttpAnswer) -> None:
        self.answer = answer
        self.settled()


class Connection(asyncio.Protocol):
    """A client. Calls of httptools come in the order of the bytes.

    Once `_closing` is set no further byte is looked at; `_ended` says that the last answer is written.
    """

    #: What a compiled class lets go of.
    __deletable__ = ("_parser",)

    def __init__(self, shared: Shared) -> None:
        """A connection that is not made yet."""
        self._shared = shared
        # The loop's own clock stands still during a turn of uvloop.
        self._now = time.monotonic
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._last_s = self._now()
        self._started_s: float | None = None
        self._row: deque[_Place] = deque()
        #: What came last, if a request began with it and the parser is between two requests before it.
        self._chunk = b""
        self._reading = False
        self._closing = False
        self._ended = False
        self._reset()

    @property
    def is_busy(self) -> bool:
        """Whether part of a request has come, or an answer is still to leave."""
        return self._started_s is not None or bool(self._row)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came; too many are turned away at once."""
        # Not by isinstance: uvloop's transports have the methods, not the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._shared.connections.add(self)
        if len(self._shared.connections) > self._shared.limits.connections:
            self._answer(HttpAnswer(503, closes=True))
            self._flush()

    def eof_received(self) -> bool:
        """The client sends no more: what it still waits for goes out, then the connection ends."""
        if not self._row:
            return False
        self._closing = self._row[-1].closes = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """The client left."""
        self._closing = True
        self._shared.connections.discard(self)
        self._transport = None
        # The parser and the connection hold each other, and the collector seldom comes.
        del self._parser

    def pause_writing(self) -> None:
        """A client that sends without reading is not read further."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._transport is not None and not self._closing:
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Parse; answers that are there at once leave in one write."""
        if self._closing:
            return
        self._reading = True
        self._last_s = self._shared.turn()
        if self._started_s is None:
            known = self._shared.heads.find(data)
            if known is not None:
                head, body = known
                request = HttpRequest(head.method, head.target, head.headers, body, self._last_s)
                self._take(request, closes=self._shared.draining)
                self._reading = False
                self._flush()
                return
            self._started_s = self._last_s
            self._chunk = data
        else:
            self._chunk = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._answer(HttpAnswer(400, closes=True))
        except httptools.HttpParserCallbackError as error:
            # What a callback of ours raised; the parser cannot go on behind it.
            logger.exception("a connection failed in the middle of a request", exc_info=error.__context__ or error)
            self._answer(HttpAnswer(204, closes=True))
        except httptools.HttpParserError:
            self._answer(HttpAnswer(400, closes=True))
        self._reading = False
        self._flush()

    def settled(self) -> None:
        """An answer of the row has come."""
        if not self._reading:
            self._flush()

    def end_if_late(self, now_s: float) -> None:
        """Answer 408 to half a request that has taken too long; close what was idle too long."""
        limits = self._shared.limits
        if self._started_s is not None and now_s - self._started_s > limits.request_s:
            self._answer(HttpAnswer(408, closes=True))
            self._flush()
        elif now_s - self._last_s > max(limits.idle_s, limits.request_s):
            self.end()
        if self._closing and self._transport is not None and now_s - self._last_s > 2 * limits.request_s:
            # It was told, and does not read what it was told.
            self._transport.abort()

    def end(self) -> None:
        """Close once what was written has left."""
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if self._started_s is None:
            self._started_s = self._last_s
        self._reset()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._url.append(url)
        self._head_bytes += len(url)
        if self._head_bytes > self._shared.limits.head_bytes:
            self._answer(HttpAnswer(431, closes=True))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; of one that comes twice, the last counts."""
        self._headers[name.lower()] = value
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._shared.limits.head_bytes:
            self._answer(HttpAnswer(431, closes=True))

    def on_headers_complete(self) -> None:
        """Ask for the body where the client waits to be asked."""
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and not self._closing:
            self._row.append(_Place(self.settled, self._headers, answer=_CONTINUE))

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > self._shared.limits.body_bytes:
            self._answer(HttpAnswer(413, closes=True))
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """A whole request."""
        if self._closing:
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        started_s = self._last_s if self._started_s is None else self._started_s
        request = HttpRequest(self._parser.get_method(), b"".join(self._url), self._headers, body, started_s)
        self._started_s = None
        closes = b"upgrade" in self._headers or not self._parser.should_keep_alive()
        if self._chunk and not closes:
            head = Head(request.method, request.target, request.headers, len(body))
            self._shared.heads.learn(self._chunk, head)
        self._chunk = b""
        self._take(request, closes=closes or self._shared.draining)

    def _take(self, request: HttpRequest, *, closes: bool) -> None:
        place = _Place(self.settled, request.headers, closes, request.started_s)
        self._row.append(place)
        self._closing = closes
        self._shared.application(request, place)

    def _reset(self) -> None:
        self._url: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._head_bytes = 0

    def _answer(self, answer: HttpAnswer) -> None:
        """Answer for the connection itself, behind what the application still has to say."""
        if self._closing:
            return
        self._row.append(_Place(self.settled, self._headers, answer=answer))
        self._closing = answer.closes

    def _flush(self) -> None:
        out: list[bytes] = []
        timed: list[float] = []
        row = self._row
        while row and (answer := row[0].answer) is not None and not self._ended:
            place = row.popleft()
            if isinstance(answer, bytes):
                out.append(answer)
                continue
            out.append(answer_bytes(answer, place.headers, closes=place.closes))
            self._ended = place.closes or answer.closes
            if answer.timed:
                timed.append(place.started_s)
        if self._transport is None:
            return
        if out:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        if timed and self._shared.observe is not None:
            now_s = self._now()
            for started_s in timed:
                self._shared.observe(now_s - started_s)
        if self._ended:
            self._closing = True
            self._transport.close()
