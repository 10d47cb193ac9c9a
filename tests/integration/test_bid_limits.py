"""What a client may not do for ever: be silent, not read what it is told, or come with too many connections."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from hotpath.server.protocol import Connection, Limits
from tests.integration.bid_server import LIMITS, REQUEST, Client, Served, bid_server, http

#: Deadlines that pass soon; idle time counts from the last byte.
#: Soon for a test, and long for a busy connection on a machine that is busy, too.
SOON = replace(LIMITS, request_s=4, idle_s=4)
ENOUGH_S = 60
#: More than all buffers between here and there hold of answers, when the client's is small.
MANY = 8_000


def noted(monkeypatch: pytest.MonkeyPatch, name: str) -> asyncio.Event:
    """Set once a connection of the server has gone through one of its methods."""
    event, original = asyncio.Event(), getattr(Connection, name)

    def method(connection: Connection, *args: object) -> object:
        event.set()
        return original(connection, *args)

    monkeypatch.setattr(Connection, name, method)
    return event


async def test_a_silent_connection_is_closed_and_a_busy_one_is_not() -> None:
    async with bid_server(SOON) as server, server.client() as silent, server.client() as busy:
        assert (await silent.send(http(REQUEST))).status == 200
        closed = asyncio.create_task(silent.reader.read())
        async with asyncio.timeout(ENOUGH_S):
            while not closed.done():
                assert (await busy.send(http(REQUEST))).status == 200
                await asyncio.sleep(0.01)
        assert closed.result() == b""
        assert (await busy.send(http(REQUEST))).status == 200


async def test_one_connection_too_many_is_told_so() -> None:
    async with bid_server(replace(LIMITS, connections=2)) as server, server.client() as first:
        assert (await first.send(http(REQUEST))).status == 200
        async with server.client() as second:
            assert (await second.send(http(REQUEST))).status == 200
            async with server.client() as third:
                answer = await third.read()
                assert (answer.status, answer.headers["connection"]) == (503, "close")
                assert await third.is_closed()
            assert (await first.send(http(REQUEST))).status == 200
        await _served_again(server)


@asynccontextmanager
async def narrow(server: Served) -> AsyncIterator[Client]:
    """A client that takes little before it has to be read from."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        held.setblocking(False)
        await asyncio.get_running_loop().sock_connect(held, ("127.0.0.1", server.port))
        reader, writer = await asyncio.open_connection(sock=held)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()


async def _served_again(server: Served) -> None:
    """Once the server has seen that somebody left, there is room."""
    async with asyncio.timeout(ENOUGH_S):
        while True:
            async with server.client() as client:
                # Where there is none, 503 is said before anything is asked, and the connection may be reset.
                try:
                    if (await client.send(http(REQUEST))).status == 200:
                        return
                except (ConnectionError, asyncio.IncompleteReadError):
                    pass
            await asyncio.sleep(0.01)


async def test_who_sends_without_reading_is_not_read_further_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = noted(monkeypatch, "pause_writing")
    async with bid_server(Limits()) as server, narrow(server) as client:
        sending = asyncio.create_task(_send_many(client.writer))
        await asyncio.wait_for(full.wait(), ENOUGH_S)
        assert server.bidder.counts.answers["bid"] < MANY
        async with asyncio.timeout(ENOUGH_S):
            for number in range(MANY):
                assert json.loads((await client.read()).body)["id"] == f"r{number}"
            await sending
    assert server.bidder.counts.answers == {"bid": MANY}


async def _send_many(writer: asyncio.StreamWriter) -> None:
    for number in range(MANY):
        writer.write(http({**REQUEST, "id": f"r{number}"}))
        await writer.drain()


async def test_who_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = noted(monkeypatch, "connection_lost")
    async with bid_server(replace(LIMITS, idle_s=1.0)) as server, narrow(server) as client:
        sending = asyncio.create_task(_send_many(client.writer))
        await asyncio.wait_for(lost.wait(), ENOUGH_S)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert server.bidder.counts.answers["bid"] < MANY
        async with server.client() as other:
            assert (await other.send(http(REQUEST))).status == 200
