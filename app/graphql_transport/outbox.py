"""What waits to be sent on one socket or event stream. Owns the bound; must not know what the frames mean.

Operations put frames in without waiting, so that a slow reader holds up nobody who feeds it; one task takes them out.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from starlette.types import Message, Send

from app.graphql_transport.messages import TOO_SLOW, CloseSocketError


def socket_message(frame: str) -> Message:
    """A frame as ASGI sends it over a WebSocket."""
    return {"type": "websocket.send", "text": frame}


class Outbox:
    """Frames in order, bounded in bytes (UTF-8 is counted as characters: our JSON is mostly ASCII)."""

    def __init__(self, send: Send, limit_bytes: int, wrap: Callable[[str], Message] = socket_message) -> None:
        self._send = send
        self._wrap = wrap
        self._limit_bytes = limit_bytes
        self._frames: deque[str] = deque()
        self._waiting_bytes = 0
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()

    def put(self, frame: str) -> None:
        """Queue a frame.

        A single frame may be larger than the bound: one large answer to a quick reader is no reason to cut it off.

        Raises:
            CloseSocketError: frames already wait, and with this one they are over the bound.
        """
        if self._waiting_bytes and self._waiting_bytes + len(frame) > self._limit_bytes:
            raise CloseSocketError(TOO_SLOW)
        self._waiting_bytes += len(frame)
        self._frames.append(frame)
        self._empty.clear()
        self._filled.set()

    async def emptied(self) -> None:
        """Wait until all that was put in is sent."""
        if self._frames:
            await self._empty.wait()

    async def drain(self) -> None:
        """Send frames in order, until cancelled or until the peer has left."""
        while True:
            await self._filled.wait()
            while self._frames:
                frame = self._frames[0]
                try:
                    await self._send(self._wrap(frame))
                except OSError:  # what ASGI says of a peer that left; whoever receives hears it too
                    return
                self._frames.popleft()
                self._waiting_bytes -= len(frame)
            self._filled.clear()
            self._empty.set()
