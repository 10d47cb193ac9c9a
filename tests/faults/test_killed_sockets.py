"""Survival row 18: every socket is killed in the middle of the stream, and everybody comes back to the place they left."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from domain.log import Actor, ActorKind, NewEvent
from realtime.hints import Hints
from realtime.relay import BACKLOG_EVENTS
from schema.base import global_id
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import House
from tests.faults.harness import size
from tests.integration.sockets import Api, serve

SUBSCRIBERS = 1_000 if size(1) > 1 else 60
KILLS, EVENTS_BETWEEN = 3, 20
#: Of a loaded machine; how quickly they are back is the bench's to say.
DEADLINE_SECONDS = 600 if size(1) > 1 else 100
CHANGES = """subscription ($workspace: ID!, $after: Cursor) { recommendationChanges(workspaceId: $workspace, after: $after) {
  __typename ... on StreamMessage { sequence cursor } ... on Reload { reason } } }"""


@pytest.fixture
async def api(ports: Ports, access_tokens: AccessTokens, passwords: Passwords) -> AsyncIterator[Api]:
    hints = Hints()
    async with serve(replace(ports, hints=hints), hints, access_tokens, passwords) as served:
        yield served


@dataclass
class Subscriber:
    """Somebody who follows through one socket after another, each time from the newest cursor."""

    api: Api
    house: House
    user_id: UUID
    may_come: asyncio.Event = field(default_factory=asyncio.Event)
    cursor: str | None = None
    connections: int = 0
    heard: list[int] = field(default_factory=list)
    reloads: list[tuple[str, int]] = field(default_factory=list)

    async def follow(self) -> None:
        while True:
            await self.may_come.wait()
            try:
                async with self.api.client(self.house.tenant_id, self.user_id, open_timeout=None) as client:
                    workspace = global_id("Workspace", self.house.workspace.id)
                    await client.subscribe("s", CHANGES, workspace=workspace, after=self.cursor)
                    self.take(await client.data("s", DEADLINE_SECONDS))
                    self.connections += 1
                    while True:
                        self.take(await client.data("s", DEADLINE_SECONDS))
            except (ConnectionClosed, OSError):
                continue

    def take(self, message: dict[str, Any]) -> None:
        self.cursor = message["cursor"]
        match message["__typename"]:
            case "RecommendationChanged":
                self.heard.append(message["sequence"])
            case "Reload":
                self.reloads.append((message["reason"], message["sequence"]))


async def tell(api: Api, house: House, versions: range) -> None:
    """Events, in one transaction."""
    value = house.recommendations[0]
    plain = msgspec.to_builtins(value)
    async with begin(api.ports, house.tenant_id, Actor(ActorKind.SYSTEM, "writer")) as work:
        for version in versions:
            work.events.append(
                NewEvent("recommendation.edited", house.workspace.id, "recommendation", value.id, version, None, plain)
            )


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the conditions are plain counters
        await asyncio.sleep(0.01)


def kill_all(api: Api) -> int:
    """End every connection without a word, whatever it was saying."""
    alive = list(api.server.server_state.connections)
    for connection in alive:
        connection.transport.abort()  # type: ignore[union-attr]
    return len(alive)


@pytest.mark.timeout(DEADLINE_SECONDS + 60)
async def test_all_come_back_without_a_gap_and_who_stayed_away_too_long_is_told(api: Api, house: House) -> None:
    people = (house.owner_id, house.reviewer_id, house.analyst_id)
    everybody = [Subscriber(api, house, people[place % len(people)]) for place in range(SUBSCRIBERS)]
    away, here = everybody[: SUBSCRIBERS // 10], everybody[SUBSCRIBERS // 10 :]
    for each in everybody:
        each.may_come.set()
    tasks = [asyncio.create_task(each.follow()) for each in everybody]
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await until(lambda: all(each.connections == 1 for each in everybody))
            last = await killed_again_and_again(api, house, away, here)
            # One stays, and is what the others would be; a thousand events for each would only be slow.
            for task in tasks[len(away) + 1 :]:
                task.cancel()
            await who_missed_more_than_is_kept_is_told(api, house, away, here[0], last)
    finally:
        broken = [task for task in tasks if task.done() and not task.cancelled()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [task.exception() for task in broken] == []


async def killed_again_and_again(api: Api, house: House, away: list[Subscriber], here: list[Subscriber]) -> int:
    """Kill everybody in mid-stream, several times; the last number of the log then."""
    written = 0
    for kill in range(1, KILLS + 1):
        due = sum(len(each.heard) for each in here) + len(here) * EVENTS_BETWEEN // 2
        writing = asyncio.create_task(write(api, house, written, EVENTS_BETWEEN))
        # Half of what is due has arrived: some have more, some less, and the writer goes on.
        await until(lambda: sum(len(each.heard) for each in here) >= due)  # noqa: B023 - awaited in the same round
        if kill == 1:
            for each in away:
                each.may_come.clear()
        assert kill_all(api) >= len(here)
        await writing
        written += EVENTS_BETWEEN
        await until(lambda: all(len(each.heard) == written for each in here))  # noqa: B023 - likewise
    assert [each.heard for each in here] == [list(range(1, written + 1))] * len(here)
    assert [each.reloads for each in here] == [[]] * len(here)
    # Who had heard all already may still be on the way back.
    await until(lambda: {each.connections for each in here} == {KILLS + 1})
    assert {each.connections for each in away} == {1}
    return written


async def who_missed_more_than_is_kept_is_told(
    api: Api, house: House, away: list[Subscriber], stays: Subscriber, last: int
) -> None:
    """The log went on for longer than a follower is served; so they reload once, and miss nothing from there on."""
    left_off = [list(each.heard) for each in away]
    assert all(heard == list(range(1, len(heard) + 1)) for heard in left_off)
    await tell(api, house, range(last, last + BACKLOG_EVENTS + 1))
    head = last + BACKLOG_EVENTS + 1
    await until(lambda: stays.heard[-1] == head)
    for each in away:
        each.may_come.set()
    await until(lambda: all(each.reloads for each in away))
    await write(api, house, head, 5)
    await until(lambda: all(each.heard[-1:] == [head + 5] for each in away))
    assert [each.reloads for each in away] == [[("TOO_FAR_BEHIND", head)]] * len(away)
    ahead = list(range(head + 1, head + 6))
    await until(lambda: stays.heard[-1] == head + 5)
    assert (stays.heard, stays.reloads) == (list(range(1, head + 6)), [])
    assert [each.heard for each in away] == [heard + ahead for heard in left_off]


async def write(api: Api, house: House, place: int, count: int) -> None:
    """Events, one by one."""
    for version in range(place, place + count):
        await tell(api, house, range(version, version + 1))
        await asyncio.sleep(0.005)
