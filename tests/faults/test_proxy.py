"""The fault proxy does what it says, to a small HTTP server that counts what reached it."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from tests.faults.proxy import Break, Fault, FaultProxy, running_proxy

BODY = b"x" * 100


@dataclass
class Server:
    requests: list[bytes] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + BODY)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    counted = Server()
    listening = await asyncio.start_server(counted.serve, "127.0.0.1", 0)
    counted.port = listening.sockets[0].getsockname()[1]
    yield counted
    listening.close()


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[FaultProxy]:
    async with running_proxy("127.0.0.1", server.port) as running:
        yield running


async def ask(proxy: FaultProxy, fault: Fault | None) -> httpx.Response:
    proxy.decide = lambda _request: fault
    async with httpx.AsyncClient(base_url=proxy.address, timeout=5) as client:
        return await client.get("/")


async def test_what_is_not_broken_passes_also_twice_on_one_connection(proxy: FaultProxy, server: Server) -> None:
    async with httpx.AsyncClient(base_url=proxy.address) as client:
        assert [(await client.get("/")).content for _ in range(3)] == [BODY] * 3
    assert len(server.requests) == 3
    assert proxy.met == []


async def test_refused_and_cut_requests_never_reach_the_server(proxy: FaultProxy, server: Server) -> None:
    for fault in (Fault(Break.REFUSE), Fault(Break.CUT_UP, after_bytes=10)):
        with pytest.raises(httpx.TransportError):
            await ask(proxy, fault)
    assert server.requests == []
    assert proxy.met == [Break.REFUSE, Break.CUT_UP]


@pytest.mark.parametrize("kind", [Break.CUT_DOWN, Break.TRUNCATE])
@pytest.mark.parametrize("after_bytes", [0, 20, 60])
async def test_a_cut_reply_is_a_request_that_was_served(
    proxy: FaultProxy, server: Server, kind: Break, after_bytes: int
) -> None:
    with pytest.raises(httpx.TransportError):
        await ask(proxy, Fault(kind, after_bytes=after_bytes))
    assert len(server.requests) == 1


async def test_a_delayed_request_arrives_late(proxy: FaultProxy, server: Server) -> None:
    begun = time.monotonic()
    assert (await ask(proxy, Fault(Break.DELAY, seconds=0.2))).content == BODY
    assert time.monotonic() - begun >= 0.2


async def test_a_held_request_arrives_even_when_its_client_has_given_up(proxy: FaultProxy, server: Server) -> None:
    held = Fault(Break.HOLD)
    asking = asyncio.create_task(ask(proxy, held))
    while not proxy.met:  # noqa: ASYNC110 - the proxy is another task's
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert server.requests == []
    held.released.set()
    async with asyncio.timeout(5):
        while not server.requests:  # noqa: ASYNC110 - the server is another task's
            await asyncio.sleep(0.01)
