"""How uvicorn must be set for the transport. Owns the WebSocket protocol class that can really cut a connection.

uvicorn's sans-I/O implementation over `websockets` is used: its legacy one is deprecated upstream, wsproto is slower
and one dependency more. Compression is off: it costs more CPU per event than the events cost in all. WebSocket-level
pings are off: they prove that a kernel answers, where the protocol's own pings prove that the client does, and a client
cut by uvicorn would see 1011, which the graphql-ws client takes as fatal.

Two gaps are closed here. A peer that does not read blocks `send`, so that not even a close frame is written; and a
transport closed with unsent bytes lingers for as long as that peer likes, also through a shutdown.
"""

from typing import Any, cast

from starlette.types import Message
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

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


def uvicorn_options(limits: TransportLimits) -> dict[str, Any]:
    """Keyword arguments for `uvicorn.run` or `uvicorn.Config`."""
    return {
        "ws": type("LimitedSocketProtocol", (GraphQLSocketProtocol,), {"close_seconds": limits.close_seconds}),
        "ws_max_size": limits.frame_bytes,
        "ws_per_message_deflate": False,
        "ws_ping_interval": None,
        "http": "httptools",
        "loop": "uvloop",
        "timeout_graceful_shutdown": int(limits.close_seconds) + 5,
    }
