"""What waits to be sent on one socket. Owns the bound; must not know what the frames mean.

Operations put frames in without waiting, so that a slow reader holds up nobody who feeds it; one task takes them out.
"""

import asyncio
from collections import deque

from starlette.types import Send

from app.graphql_transport.messages import TOO_SLOW, CloseSocketError


class Outbox:
    """Frames in order, bounded in bytes (UTF-8 is counted as characters: our JSON is mostly ASCII)."""

    def __init__(self, send: Send, limit_bytes: int) -> None:
        self._send = send
        self._limit_bytes = limit_bytes
        self._frames: deque[str] = deque()
        self._waiting_bytes = 0
        self._filled = asyncio.Event()

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
        self._filled.set()

    async def drain(self) -> None:
        """Send frames in order, until cancelled or until the peer has left."""
        while True:
            await self._filled.wait()
            while self._frames:
                frame = self._frames[0]
                try:
                    await self._send({"type": "websocket.send", "text": frame})
                except OSError:  # what ASGI says of a peer that left; whoever receives hears it too
                    return
                self._frames.popleft()
                self._waiting_bytes -= len(frame)
            self._filled.clear()
