"""Answers that come later: in the requests' order on a connection, whatever order the application finds them in."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from hotpath.server.messages import HttpAnswer, HttpRequest
from hotpath.server.protocol import Connection, Reply
from hotpath.server.serving import serve
from tests.integration.bid_server import LIMITS, Client, http


@dataclass
class Desk:
    """An application that answers when it is told to."""

    waiting: list[tuple[HttpRequest, Reply]] = field(default_factory=list)
    come: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, request: HttpRequest, reply: Reply) -> None:
        self.waiting.append((request, reply))
        self.come.set()

    async def has(self, count: int) -> None:
        while len(self.waiting) < count:
            self.come.clear()
            await asyncio.wait_for(self.come.wait(), 30)

    def answer(self, number: int) -> None:
        request, reply = self.waiting[number]
        reply(HttpAnswer(200, request.body))


@asynccontextmanager
async def desk() -> AsyncIterator[tuple[Desk, Client, asyncio.Event]]:
    listener = socket.create_server(("127.0.0.1", 0))
    stop, made = asyncio.Event(), Desk()
    task = asyncio.create_task(serve(listener, made, stop, limits=LIMITS, quiet_s=0.2, drain_s=30.0))
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
    try:
        yield made, Client(reader, writer), stop
    finally:
        writer.close()
        stop.set()
        await asyncio.wait_for(task, 60)


async def test_no_answer_overtakes_an_earlier_one() -> None:
    async with desk() as (made, client, _):
        client.writer.write(http(b"a") + http(b"b") + http(b"c"))
        await made.has(3)
        for number in (2, 1, 0):
            made.answer(number)
        assert [(await client.read()).body for _ in range(3)] == [b"a", b"b", b"c"]


async def test_what_breaks_the_connection_is_told_behind_the_answers_that_are_owed() -> None:
    async with desk() as (made, client, _):
        client.writer.write(http(b"a") + b"nonsense\r\n\r\n")
        await made.has(1)
        # The parser has seen the nonsense in the same piece: nothing of it may leave before the answer to a.
        made.answer(0)
        assert (await client.read()).body == b"a"
        last = await client.read()
        assert (last.status, last.headers["connection"]) == (400, "close")
        assert await client.is_closed()


async def test_a_client_that_only_stopped_sending_gets_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, original = asyncio.Event(), Connection.eof_received

    def eof_received(connection: Connection) -> bool:
        ended.set()
        return original(connection)

    monkeypatch.setattr(Connection, "eof_received", eof_received)
    async with desk() as (made, client, _):
        client.writer.write(http(b"a") + http(b"b"))
        client.writer.write_eof()
        await made.has(2)
        await asyncio.wait_for(ended.wait(), 30)
        # A turn later, the transport would have been closed.
        await asyncio.sleep(0)
        for number in (1, 0):
            made.answer(number)
        first, last = await client.read(), await client.read()
        assert (first.body, last.body) == (b"a", b"b")
        assert ("connection" in first.headers, last.headers["connection"]) == (False, "close")
        assert await client.is_closed()


async def test_a_drain_waits_for_an_answer_that_is_owed() -> None:
    async with desk() as (made, client, stop):
        client.writer.write(http(b"a"))
        await made.has(1)
        stop.set()
        # Longer than the quiet time after which connections without a request are closed.
        await asyncio.sleep(0.4)
        made.answer(0)
        assert (await client.read()).body == b"a"


async def test_an_answer_to_a_client_that_has_left_goes_nowhere() -> None:
    async with desk() as (made, client, _):
        client.writer.write(http(b"a"))
        await made.has(1)
        client.writer.close()
        await client.writer.wait_closed()
        made.answer(0)
