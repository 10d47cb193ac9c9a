"""How uvicorn must be set for the transport. Owns the two protocol classes that can really cut a connection.

uvicorn's sans-I/O implementation over `websockets` is used: its legacy one is deprecated upstream, wsproto is slower
and one dependency more. Compression is off: it costs more CPU per event than the events cost in all. WebSocket-level
pings are off: they prove that a kernel answers, where the protocol's own pings prove that the client does, and a client
cut by uvicorn would see 1011, which the graphql-ws client takes as fatal.

Gaps that are closed here. A peer that does not read blocks `send`, so that not even a close frame is written; and a
transport closed with unsent bytes lingers for as long as that peer likes, also through a shutdown. A request's head may
take for ever, so that a few hundred connections which send a byte now and then would hold theirs (slowloris).
"""

import asyncio
from typing import Any, cast

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.graphql_transport.connection import EXTENSION
from app.graphql_transport.limits import TransportLimits


class GraphQLSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, which also ends connections whose peer does not read."""

    close_seconds = 5.0

    async def send(self, message: Any) -> None:
        """Send an ASGI message; a close frame does not wait for the peer to read, and an unanswered one is final."""
        if cast("Message", message)["type"] != "websocket.close" or not self.handshake_complete:
            if self.close_sent and self.initial_response is None:
                # Closed for what the peer sent, before its reader here could hear of it: no mistake of the writer.
                raise ClientDisconnected
            await super().send(message)
            return
        self.writable.set()
        await super().send(message)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.close_seconds, self.transport.abort)

    def shutdown(self) -> None:
        """The server stops: close with 1012, so that clients connect again elsewhere, and wait only so long."""
        super().shutdown()
        self.loop.call_later(self.close_seconds, self.transport.abort)


class GraphQLHTTPProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also waits for a request's head only so long and tells of the connection."""

    header_seconds = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stopping = asyncio.Event()
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """The first head begins to be waited for."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._end_wait()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A head begins; before the next one, what uvicorn's keep-alive allows may pass."""
        super().on_message_begin()
        self._await_head()
        self.scope["extensions"] = {EXTENSION: {"cut": self._cut, "stopping": self._stopping}}

    def on_headers_complete(self) -> None:
        """The head is there in time."""
        self._end_wait()
        super().on_headers_complete()

    def shutdown(self) -> None:
        """The server stops: streams end, so that their clients connect again elsewhere."""
        self._stopping.set()
        super().shutdown()

    def _await_head(self) -> None:
        self._end_wait()
        self._head_timer = self.loop.call_later(self.header_seconds, self._cut)

    def _end_wait(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cut(self) -> None:
        self.transport.abort()


def uvicorn_options(limits: TransportLimits) -> dict[str, Any]:
    """Keyword arguments for `uvicorn.run` or `uvicorn.Config`."""
    return {
        "ws": type("LimitedSocketProtocol", (GraphQLSocketProtocol,), {"close_seconds": limits.close_seconds}),
        "ws_max_size": limits.frame_bytes,
        "ws_per_message_deflate": False,
        "ws_ping_interval": None,
        "http": type("LimitedHTTPProtocol", (GraphQLHTTPProtocol,), {"header_seconds": limits.header_seconds}),
        "loop": "uvloop",
        "timeout_graceful_shutdown": int(limits.close_seconds) + 5,
    }
