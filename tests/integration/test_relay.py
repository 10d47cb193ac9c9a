"""The relay on both databases: nothing missed, nothing twice, nothing kept for who lags or left."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

import realtime.relay
from domain.changes import Reload, ReloadReason, Watermark
from domain.log import Actor, ActorKind, LogEvent, NewEvent
from kit.ids import new_id
from models import log
from realtime.hints import Hints
from realtime.relay import Message, Relay
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import House

WRITER = Actor(ActorKind.SYSTEM, "writer")
LONG = 3_600.0


async def write(ports: Ports, tenant_id: UUID, count: int, subject_type: str = "recommendation") -> None:
    """`count` events in one transaction."""
    async with begin(ports, tenant_id, WRITER) as work:
        for number in range(count):
            work.events.append(
                NewEvent(f"{subject_type}.edited", None, subject_type, new_id(), number, None, {"n": number})
            )


def number(message: Message) -> int:
    return message.entry.sequence if isinstance(message, LogEvent) else message.sequence


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens in another task."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the product has no event for what only tests ask
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(ports: Ports, hints: Hints) -> AsyncIterator[tuple[Relay, Ports]]:
    """A relay, and ports whose hints reach it."""
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        yield relay, replace(ports, hints=hints)


async def collect(relay: Relay, tenant_id: UUID, after: int | None, until: int) -> list[Message]:
    """Everything up to a sequence number."""
    heard: list[Message] = []
    async with asyncio.timeout(30), aclosing(relay.follow(tenant_id, after)) as messages:
        async for message in messages:
            heard.append(message)
            if isinstance(message, LogEvent) and number(message) >= until:
                return heard
    raise AssertionError("the stream ended")


def events(messages: list[Message]) -> list[int]:
    return [number(message) for message in messages if isinstance(message, LogEvent)]


@pytest.mark.req("DC-2")
async def test_followers_who_join_anywhere_among_four_writers_get_exactly_the_rest(ports: Ports, house: House) -> None:
    rng = random.Random(7)
    async with running(ports, Hints()) as (relay, told):

        async def writer() -> None:
            left = 50
            while left:
                count = min(left, rng.randint(1, 3))
                await write(told, house.tenant_id, count)
                left -= count

        async def follower(starts_at: int) -> tuple[int, list[int]]:
            scope = ports.database.read(house.tenant_id)
            async with aclosing(relay.follow(house.tenant_id)) as messages:
                await anext(message async for message in messages if number(message) >= starts_at)
            after = rng.randint(0, (await log.head(scope))[0])
            return after, events(await collect(relay, house.tenant_id, after, 200))

        followers = [asyncio.create_task(follower(start)) for start in (0, 20, 60, 110, 170)]
        await asyncio.gather(*(writer() for _ in range(4)))
        for after, heard in await asyncio.gather(*followers):
            assert heard == list(range(after + 1, 201))
        assert len({after for after, _ in await asyncio.gather(*followers)}) > 1


async def test_the_stream_says_what_was_missed_then_that_it_is_live_then_what_comes(ports: Ports, house: House) -> None:
    async with running(ports, Hints()) as (relay, told):
        await write(told, house.tenant_id, 3)
        async with (
            aclosing(relay.follow(house.tenant_id, 1)) as resumed,
            aclosing(relay.follow(house.tenant_id)) as new,
        ):
            heard = [await anext(resumed), await anext(resumed), await anext(resumed)]
            assert [number(message) for message in heard] == [2, 3, 3]
            assert [type(message) for message in heard] == [LogEvent, LogEvent, Watermark]
            assert await anext(new) == Watermark(3)
            await write(told, house.tenant_id, 1)
            first, second = await anext(resumed), await anext(new)
        assert isinstance(first, LogEvent)
        assert (first.entry.sequence, first.entry.kind, first.after) == (4, "recommendation.edited", {"n": 0})
        # One reading for all followers: they are handed the very same value.
        assert first is second


async def test_lost_hints_cost_a_second_and_no_event(ports: Ports, house: House) -> None:
    async with running(ports, Hints()) as (relay, _), aclosing(relay.follow(house.tenant_id)) as messages:
        assert await anext(messages) == Watermark(0)
        await write(ports, house.tenant_id, 2)  # the fixture's hints go nowhere
        async with asyncio.timeout(5):
            assert [number(await anext(messages)), number(await anext(messages))] == [1, 2]


async def test_a_hint_alone_delivers(ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime.relay, "POLL_SECONDS", LONG)
    async with running(ports, Hints()) as (relay, told), aclosing(relay.follow(house.tenant_id)) as messages:
        assert await anext(messages) == Watermark(0)
        await write(told, house.tenant_id, 1)
        async with asyncio.timeout(5):
            assert number(await anext(messages)) == 1


async def test_another_tenants_events_are_not_heard(ports: Ports, house: House, other_house: House) -> None:
    async with running(ports, Hints()) as (relay, told), aclosing(relay.follow(house.tenant_id)) as messages:
        assert await anext(messages) == Watermark(0)
        await write(told, other_house.tenant_id, 5)
        await write(told, house.tenant_id, 1)
        heard = await anext(messages)
        assert isinstance(heard, LogEvent)
        assert (heard.entry.tenant_id, heard.entry.sequence) == (house.tenant_id, 1)


async def test_who_lags_beyond_the_backlog_is_told_to_reload_and_goes_on(
    ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.relay, "RING_EVENTS", 20)
    monkeypatch.setattr(realtime.relay, "BACKLOG_EVENTS", 100)
    async with running(ports, Hints()) as (relay, told), aclosing(relay.follow(house.tenant_id)) as slow:
        assert await anext(slow) == Watermark(0)
        await write(told, house.tenant_id, 150)
        await collect(relay, house.tenant_id, 149, 150)  # the relay is there; the slow one was never asked
        feed = relay._feeds[house.tenant_id]
        assert (feed.sequence, len(feed.ring)) == (150, 20)
        assert await anext(slow) == Reload(ReloadReason.TOO_FAR_BEHIND, 150)
        await write(told, house.tenant_id, 1)
        assert number(await anext(slow)) == 151


async def test_who_lags_behind_the_ring_is_served_from_the_log(
    ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.relay, "RING_EVENTS", 5)
    async with running(ports, Hints()) as (relay, told), aclosing(relay.follow(house.tenant_id)) as slow:
        assert await anext(slow) == Watermark(0)
        await write(told, house.tenant_id, 300)
        await collect(relay, house.tenant_id, 299, 300)
        assert len(relay._feeds[house.tenant_id].ring) == 5
        assert [number(await anext(slow)) for _ in range(300)] == list(range(1, 301))


async def test_history_further_back_than_the_limit_is_a_reload(ports: Ports, house: House) -> None:
    await write(ports, house.tenant_id, 1_001)
    async with running(ports, Hints()) as (relay, _):
        async with aclosing(relay.follow(house.tenant_id, 0)) as messages:
            assert await anext(messages) == Reload(ReloadReason.TOO_FAR_BEHIND, 1_001)
            assert await anext(messages) == Watermark(1_001)
        assert events(await collect(relay, house.tenant_id, 1, 1_001)) == list(range(2, 1_002))


async def test_a_number_that_is_not_of_this_log_is_a_reload(ports: Ports, house: House) -> None:
    await write(ports, house.tenant_id, 2)
    async with running(ports, Hints()) as (relay, _), aclosing(relay.follow(house.tenant_id, 3)) as messages:
        assert await anext(messages) == Reload(ReloadReason.UNKNOWN_PLACE, 2)


async def test_a_number_this_process_has_not_read_yet_is_waited_for(
    ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.relay, "POLL_SECONDS", LONG)
    async with running(ports, Hints()) as (relay, told), aclosing(relay.follow(house.tenant_id)) as first:
        assert await anext(first) == Watermark(0)
        await write(ports, house.tenant_id, 2)  # unheard: the client saw 1 and 2 elsewhere
        async with aclosing(relay.follow(house.tenant_id, 2)) as moved:
            assert await anext(moved) == Watermark(2)
            await write(told, house.tenant_id, 1)
            assert number(await anext(moved)) == 3


async def test_a_filtered_stream_tells_how_far_it_is(
    ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_wanted(event: LogEvent) -> bool:
        return event.entry.subject_type == "recommendation"

    async with running(ports, Hints()) as (relay, told):
        async with aclosing(relay.follow(house.tenant_id, keep=is_wanted)) as messages:
            assert await anext(messages) == Watermark(0)
            await write(told, house.tenant_id, 250, "adjustment")
            await write(told, house.tenant_id, 1)
            heard = [await anext(messages) for _ in range(3)]
            assert [(type(message), number(message)) for message in heard] == [
                (Watermark, 100),
                (Watermark, 200),
                (LogEvent, 251),
            ]
        monkeypatch.setattr(realtime.relay, "WATERMARK_SECONDS", 0.2)
        async with aclosing(relay.follow(house.tenant_id, keep=is_wanted)) as messages:
            assert await anext(messages) == Watermark(251)
            await write(told, house.tenant_id, 3, "adjustment")
            async with asyncio.timeout(5):
                assert await anext(messages) == Watermark(254)


async def test_a_thousand_abrupt_ends_leave_nothing_behind(ports: Ports, house: House) -> None:
    async with running(ports, Hints()) as (relay, told):
        tasks_before = len(asyncio.all_tasks())
        live = 0

        async def follower() -> None:
            nonlocal live
            async for _ in relay.follow(house.tenant_id):
                live += 1

        followers = [asyncio.create_task(follower()) for _ in range(1_000)]
        await until(lambda: live == 1_000)
        assert relay.followers(house.tenant_id) == 1_000
        await write(told, house.tenant_id, 1)
        for task in followers:
            task.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
        # The last ones are dropped in the middle, without a word.
        for _ in range(10):
            await anext(relay.follow(house.tenant_id))
        gc.collect()
        await asyncio.sleep(0.05)
        assert relay.followers(house.tenant_id) == 0
        assert relay._feeds == {}
        assert len(asyncio.all_tasks()) == tasks_before


async def test_followers_end_when_the_relay_ends(ports: Ports, house: House) -> None:
    async with running(ports, Hints()) as (relay, _):
        messages = relay.follow(house.tenant_id)
        assert await anext(messages) == Watermark(0)
        waiting = asyncio.create_task(anext(messages, None))
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        assert await waiting is None


async def test_listeners_hear_of_an_event_before_any_follower(ports: Ports, house: House) -> None:
    heard: list[tuple[str, int]] = []
    async with running(ports, Hints()) as (relay, told):
        relay.listen(lambda event: heard.append(("listener", event.entry.sequence)))

        async def follower() -> None:
            async for message in relay.follow(house.tenant_id):
                heard.append(("follower", number(message)))  # noqa: PERF401 - seen one by one while it goes on

        task = asyncio.create_task(follower())
        await until(lambda: len(heard) == 1)
        await write(told, house.tenant_id, 1)
        await until(lambda: len(heard) == 3)
        task.cancel()
    assert heard == [("follower", 0), ("listener", 1), ("follower", 1)]


async def test_the_worker_is_woken_by_a_change_and_misses_none(ports: Ports, house: House) -> None:
    async with running(ports, Hints()) as (relay, told):
        seen = await relay.wait_for_change(0, timeout_seconds=0.01)
        await write(told, house.tenant_id, 1)  # while nobody waits
        later = await relay.wait_for_change(seen, timeout_seconds=LONG)
        assert later > seen
        waiting = asyncio.create_task(relay.wait_for_change(later, timeout_seconds=LONG))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await write(ports, house.tenant_id, 1)  # unhinted: found by the poll
        async with asyncio.timeout(5):
            assert await waiting > later
        assert await relay.wait_for_change(relay._changes, timeout_seconds=0.01) == relay._changes


async def test_the_relay_outlives_a_database_that_fails_for_a_while(
    ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = True
    read = log.events_after

    async def flaky(*arguments: object) -> list[LogEvent]:
        if broken:
            raise OSError("away")
        return await read(*arguments)  # type: ignore[arg-type]

    async with running(ports, Hints()) as (relay, told), aclosing(relay.follow(house.tenant_id)) as messages:
        assert await anext(messages) == Watermark(0)
        monkeypatch.setattr(log, "events_after", flaky)
        await write(told, house.tenant_id, 2)
        await until(lambda: "the relay could not read" in caplog.text)
        broken = False
        async with asyncio.timeout(5):
            assert [number(await anext(messages)), number(await anext(messages))] == [1, 2]


async def test_who_lags_gets_nothing_that_listeners_have_not_heard(
    ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.relay, "POLL_SECONDS", LONG)
    monkeypatch.setattr(realtime.relay, "RING_EVENTS", 2)
    heard: list[int] = []
    async with running(ports, Hints()) as (relay, told), aclosing(relay.follow(house.tenant_id)) as slow:
        relay.listen(lambda event: heard.append(event.entry.sequence))
        assert await anext(slow) == Watermark(0)
        await write(told, house.tenant_id, 5)
        await until(lambda: len(heard) == 5)
        await write(ports, house.tenant_id, 3)  # in the log, and unheard of here
        assert [number(await anext(slow)) for _ in range(5)] == [1, 2, 3, 4, 5]
        waiting = asyncio.create_task(anext(slow))
        await asyncio.sleep(0.05)
        assert (waiting.done(), heard) == (False, [1, 2, 3, 4, 5])
        await write(told, house.tenant_id, 1)
        assert number(await waiting) == 6
        assert heard == [1, 2, 3, 4, 5, 6, 7, 8, 9]
