"""Servers that do nothing with a bid request: what the machine itself can do. `python -m bench.bid_floor NAME PORT`.

`bare`: an asyncio.Protocol that parses with httptools and sends the body back. `asgi`: a raw ASGI application that does
the same on uvicorn. Both on uvloop.
"""

import asyncio
import sys
from typing import Any

import httptools
import uvicorn
import uvloop


class Echo(asyncio.Protocol):
    """Parses a request and sends its body back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport: Any = transport
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        """Parse."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer."""
        body = b"".join(self._body)
        self._body.clear()
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


async def asgi(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the body and send it back."""
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _bare(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "bare":
        uvloop.run(_bare(int(sys.argv[2])))
    else:
        uvicorn.run(
            asgi, port=int(sys.argv[2]), log_level="error", loop="uvloop", http="httptools", lifespan="off",
            access_log=False,
        )  # fmt: skip
