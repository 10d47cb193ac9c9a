"""Hints over a real Redis: between processes, and through cut and silent connections."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

import realtime.relay
from domain.changes import Watermark
from domain.log import LogEvent
from realtime import hints as carrier
from realtime.hints import CarriedHints, Hint, Hints, LogHint, PresenceHint, open_hints
from realtime.relay import Relay
from services.ports import Ports
from tests.conftest import House


@pytest.fixture(autouse=True)
def _channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel of each test's own: the Redis is shared."""
    monkeypatch.setattr(carrier, "CHANNEL", f"test:{uuid4().hex}")


PROBE = UUID(int=99)


class Proxy:
    """A TCP proxy that can refuse, cut and fall silent."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname or "", parts.port or 0)
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.refuses = False
        self.url = ""

    @asynccontextmanager
    async def run(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        try:
            yield self
        finally:
            self.speak()
            self.cut()
            server.close()
            await server.wait_closed()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def fall_silent(self) -> None:
        self._open.clear()

    def speak(self) -> None:
        self._open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self.refuses:
            writer.transport.abort()
            return
        up_reader, up_writer = await asyncio.open_connection(*self._to)
        self._writers.add(up_writer)
        await asyncio.gather(self._pipe(reader, up_writer), self._pipe(up_reader, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(4_096):
                await self._open.wait()
                writer.write(data)
        writer.close()


async def until_heard(publisher: Hints, heard: list[Hint], number: int) -> None:
    """Publish until it is heard: a hint may be lost while a carrier is not open yet, or no longer."""
    wanted = LogHint(PROBE, number)
    async with asyncio.timeout(20):
        while wanted not in heard:
            publisher.publish(PROBE, number)
            await asyncio.sleep(0.05)


async def test_both_kinds_of_hint_reach_the_other_process_once(redis_url: str) -> None:
    async with open_hints(redis_url) as here, open_hints(redis_url) as there:
        far: list[Hint] = []
        near: list[Hint] = []
        there.listen(far.append)
        here.listen(near.append)
        await until_heard(here, far, 1)
        near.clear()
        far.clear()
        here.publish(UUID(int=1), 7)
        here.publish_presence(UUID(int=1), UUID(int=2))
        here.publish(UUID(int=3), 9)
        await until_heard(here, far, 8)
        expected = [LogHint(UUID(int=1), 7), PresenceHint(UUID(int=1), UUID(int=2)), LogHint(UUID(int=3), 9)]
        assert near[:3] == expected  # its own, at once
        assert [hint for hint in near if hint.tenant_id != PROBE] == expected  # and not a second time
        assert [hint for hint in far if hint.tenant_id != PROBE] == expected


@pytest.mark.parametrize("fault", ["cut", "refused", "silent"])
async def test_a_broken_subscription_is_replaced(
    redis_url: str, fault: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(carrier, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(carrier, "BEAT_LIMIT_SECONDS", 0.5)
    monkeypatch.setattr(carrier, "CARRIER_SECONDS", 0.5)
    async with Proxy(redis_url).run() as proxy, open_hints(redis_url) as here, open_hints(proxy.url) as there:
        assert isinstance(there, CarriedHints)
        far: list[Hint] = []
        there.listen(far.append)
        await until_heard(here, far, 1)
        sessions = there.sessions

        proxy.refuses = fault == "refused"
        if fault == "silent":
            proxy.fall_silent()
        else:
            proxy.cut()
        await asyncio.sleep(2.0)
        # Nobody who publishes notices.
        there.publish(PROBE, 2)
        proxy.refuses = False
        proxy.speak()

        await until_heard(here, far, 3)
        near: list[Hint] = []
        here.listen(near.append)
        await until_heard(there, near, 4)
        if fault != "cut":
            assert there.sessions > sessions
            assert "the carrier of hints broke" in caplog.text


WRITER = """
import asyncio, sys
from uuid import UUID
from datetime import UTC, datetime
from domain.log import Actor, ActorKind, NewEvent
from models import log
from models.scope import Database
from realtime import hints as carrier

async def main(database_url, redis_url, channel, tenant):
    carrier.CHANNEL = channel
    tenant_id = UUID(tenant)
    database = Database(database_url)
    await database.open()
    async with carrier.open_hints(redis_url) as hints:
        while not hints.sessions:
            await asyncio.sleep(0.01)
        actor = Actor(ActorKind.SYSTEM, "elsewhere")
        for number in range(1, 21):
            event = NewEvent("recommendation.edited", None, "recommendation", tenant_id, number, None, {"n": number})
            async with database.write(tenant_id) as scope:
                entries = await log.append(scope, b"k" * 32, actor, datetime.now(UTC), [event])
            hints.publish(tenant_id, entries[-1].sequence)
        await asyncio.sleep(0.5)
    await database.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.req("DC-2")
async def test_what_another_process_writes_is_followed_here_on_hints_alone(
    ports: Ports, house: House, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.relay, "POLL_SECONDS", 3_600.0)
    async with open_hints(redis_url) as hints, Relay.run(ports.database, hints, ports.clock) as relay:
        assert isinstance(hints, CarriedHints)
        async with asyncio.timeout(60), aclosing(relay.follow(house.tenant_id)) as messages:
            assert await anext(messages) == Watermark(0)
            while not hints.sessions:  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.01)
            arguments = (database_url, redis_url, carrier.CHANNEL, str(house.tenant_id))
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", WRITER, *arguments, stderr=subprocess.PIPE
            )
            heard = [await anext(messages) for _ in range(20)]
            _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert [(m.entry.sequence, m.entry.actor_id, m.after) for m in heard if isinstance(m, LogEvent)] == [
        (number, "elsewhere", {"n": number}) for number in range(1, 21)
    ]
