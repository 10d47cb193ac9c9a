"""A TCP proxy that breaks connections as networks do: refuses, delays, holds, cuts and truncates.

Of HTTP it knows where a message ends, so that a test chooses the very request.
The kernel's own traffic shaping is not there on every machine, and could not.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum


class Break(StrEnum):
    """What happens to an exchange."""

    REFUSE = "REFUSE"  # the connection is reset before a byte went anywhere
    CUT_UP = "CUT_UP"  # so many bytes of the request reach the server, then both ends are reset
    CUT_DOWN = "CUT_DOWN"  # so many bytes of the reply reach the client, then both ends are reset
    TRUNCATE = "TRUNCATE"  # so many bytes of the reply reach the client, then the connection ends politely
    DELAY = "DELAY"  # the request waits so many seconds
    HOLD = "HOLD"  # the request waits until it is released, whatever becomes of the client


@dataclass(slots=True)
class Fault:
    """One break; `after_bytes` for CUT_UP, CUT_DOWN and TRUNCATE, `seconds` for DELAY, `released` for HOLD."""

    kind: Break
    after_bytes: int = 0
    seconds: float = 0.0
    released: asyncio.Event = field(default_factory=asyncio.Event)


#: Looks at a whole request and says what happens to it; None lets it pass.
Decide = Callable[[bytes], Fault | None]


def unharmed(_request: bytes) -> Fault | None:
    """Lets everything pass."""
    return None


@dataclass(slots=True)
class FaultProxy:
    """A running proxy. `decide` may be replaced at any time; `met` remembers the breaks that happened."""

    host: str
    port: int
    decide: Decide = unharmed
    met: list[Break] = field(default_factory=list)
    address: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._exchange(reader, writer)
        await _close(writer)

    async def _exchange(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = None, None
        try:
            # One request at a time on a connection: that is how HTTP/1.1 clients without pipelining use it.
            while request := await _message(client):
                fault = self.decide(request)
                if fault is not None:
                    self.met.append(fault.kind)
                if fault is not None and fault.kind is Break.REFUSE:
                    _reset(to_client)
                    return
                if fault is not None and fault.kind in {Break.DELAY, Break.HOLD}:
                    await _wait(fault)
                    if to_server is not None:  # a server leaves a connection that was idle for so long
                        await _close(to_server)
                        server = None
                if server is None or to_server is None:
                    server, to_server = await asyncio.open_connection(self.host, self.port)
                if not await _pass(request, fault, server, to_client, to_server):
                    return
        finally:
            if to_server is not None:
                await _close(to_server)


async def _pass(
    request: bytes,
    fault: Fault | None,
    server: asyncio.StreamReader,
    to_client: asyncio.StreamWriter,
    to_server: asyncio.StreamWriter,
) -> bool:
    """Carry one request up and its reply down; False when the connection is over."""
    kind = None if fault is None else fault.kind
    if fault is not None and kind is Break.CUT_UP:
        to_server.write(request[: fault.after_bytes])
        await to_server.drain()
        _reset(to_server)
        _reset(to_client)
        return False
    to_server.write(request)
    await to_server.drain()
    reply = await _message(server)
    if fault is not None and kind in {Break.CUT_DOWN, Break.TRUNCATE}:
        to_client.write(reply[: fault.after_bytes])
        await to_client.drain()
        if kind is Break.CUT_DOWN:
            _reset(to_client)
        return False
    to_client.write(reply)
    await to_client.drain()
    return bool(reply)


async def _wait(fault: Fault) -> None:
    if fault.kind is Break.DELAY:
        await asyncio.sleep(fault.seconds)
    else:
        await fault.released.wait()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A request or reply, its body as long as its content-length says. Raises IncompleteReadError at the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def running_proxy(host: str, port: int, decide: Decide = unharmed) -> AsyncIterator[FaultProxy]:
    """A proxy on a port of its own in front of `host:port`."""
    proxy = FaultProxy(host, port, decide)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.address = "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    try:
        yield proxy
    finally:
        server.close()
