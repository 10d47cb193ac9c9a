"""What is remembered beside a followed log: never older than what its followers were given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import UUID

import pytest

import realtime.remembered
from domain.changes import Watermark
from domain.log import Actor, ActorKind, LogEvent, NewEvent
from kit.ids import new_id
from realtime.hints import Hints
from realtime.relay import Relay
from realtime.remembered import Remembered
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import House

WRITER = Actor(ActorKind.SYSTEM, "writer")
LONG = 3_600.0


class Source:
    """Where values come from, counted."""

    def __init__(self) -> None:
        self.value = 1
        self.loads = 0
        self.slow: asyncio.Event | None = None

    async def load(self) -> int:
        self.loads += 1
        value = self.value
        if self.slow is not None:
            await self.slow.wait()
        return value


@pytest.fixture
async def relay(ports: Ports) -> AsyncIterator[Relay]:
    async with Relay.run(ports.database, Hints(), ports.clock) as running:
        yield running


async def write(ports: Ports, relay: Relay, tenant_id: UUID, subject_type: str) -> None:
    async with begin(ports, tenant_id, WRITER) as work:
        work.events.append(NewEvent(f"{subject_type}.changed", None, subject_type, new_id(), 1, None, None))
    relay.hints.publish(tenant_id, 2**31)


async def test_a_value_holds_until_an_event_about_it_reaches_the_followers(
    ports: Ports, house: House, relay: Relay
) -> None:
    source, remembered = Source(), Remembered[int](relay, frozenset({"member"}), LONG)

    async def get() -> int:
        return await remembered.get(house.tenant_id, "key", source.load)

    async with aclosing(relay.follow(house.tenant_id)) as messages:
        assert await anext(messages) == Watermark(0)
        assert (await get(), await get(), source.loads) == (1, 1, 1)
        source.value = 2
        await write(ports, relay, house.tenant_id, "recommendation")
        assert isinstance(await anext(messages), LogEvent)
        assert (await get(), source.loads) == (1, 1)
        await write(ports, relay, house.tenant_id, "member")
        assert isinstance(await anext(messages), LogEvent)
        assert (await get(), await get(), source.loads) == (2, 2, 2)


async def test_a_load_that_an_event_overtakes_is_not_remembered(ports: Ports, house: House, relay: Relay) -> None:
    source, remembered = Source(), Remembered[int](relay, frozenset({"member"}), LONG)
    async with aclosing(relay.follow(house.tenant_id)) as messages:
        await anext(messages)
        source.slow = asyncio.Event()
        overtaken = asyncio.create_task(remembered.get(house.tenant_id, "key", source.load))
        await asyncio.sleep(0)
        source.value = 2
        await write(ports, relay, house.tenant_id, "member")
        await anext(messages)
        source.slow.set()
        assert await overtaken == 1
        assert await remembered.get(house.tenant_id, "key", source.load) == 2


async def test_nothing_is_remembered_while_nobody_follows_nor_from_an_earlier_time(
    ports: Ports, house: House, other_house: House, relay: Relay
) -> None:
    source, remembered = Source(), Remembered[int](relay, frozenset({"member"}), LONG)

    async def get(tenant_id: UUID) -> int:
        return await remembered.get(tenant_id, "key", source.load)

    await get(house.tenant_id)
    assert (await get(house.tenant_id), source.loads) == (1, 2)
    async with aclosing(relay.follow(house.tenant_id)) as messages:
        await anext(messages)
        assert (await get(house.tenant_id), source.loads) == (1, 3)
    await write(ports, relay, house.tenant_id, "member")  # heard by nobody here
    source.value = 2
    async with aclosing(relay.follow(house.tenant_id)) as messages:
        await anext(messages)
        assert (await get(house.tenant_id), source.loads) == (2, 4)
        # The same key of another tenant is another value.
        source.value = 3
        assert (await get(other_house.tenant_id), await get(house.tenant_id)) == (3, 2)


async def test_a_value_has_an_age_and_their_number_a_bound(
    house: House, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.remembered, "MAX_VALUES", 3)
    source, remembered = Source(), Remembered[int](relay, frozenset(), LONG)
    brief = Remembered[int](relay, frozenset(), 0.05)
    async with aclosing(relay.follow(house.tenant_id)) as messages:
        await anext(messages)
        for key in "abcd":
            await remembered.get(house.tenant_id, key, source.load)
        for key in "bcd":
            await remembered.get(house.tenant_id, key, source.load)
        assert source.loads == 4
        await remembered.get(house.tenant_id, "a", source.load)
        assert source.loads == 5
        await brief.get(house.tenant_id, "a", source.load)
        await asyncio.sleep(0.06)
        await brief.get(house.tenant_id, "a", source.load)
        assert source.loads == 7
