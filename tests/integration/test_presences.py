"""Presence on both databases: who is at an item, who watches it, and that it ends by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

import realtime.presences
from domain.access import Permission, Principal, PrincipalKind
from domain.access.authority import api_key_standing
from domain.errors import Forbidden, NotFound
from domain.presences import PresenceMode
from kit.time import FixedClock
from models import log
from models.presences import PresenceTable
from realtime.hints import Hints
from realtime.presences import PresenceRooms, PresenceState
from realtime.relay import Relay
from services import presences
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import NOON, House, viewer_of

LONG = 3_600.0


@asynccontextmanager
async def rooms(ports: Ports) -> AsyncIterator[tuple[PresenceRooms, Hints]]:
    hints = Hints()
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        yield relay.presences, hints


def who(state: PresenceState) -> dict[UUID, set[tuple[UUID, PresenceMode]]]:
    return {item: {(p.user_id, p.mode) for p in here} for item, here in state.items.items()}


async def heard(states: AsyncIterator[PresenceState]) -> PresenceState:
    async with asyncio.timeout(10):
        return await anext(states)


@pytest.mark.req("DC-2")
async def test_watchers_see_who_is_there_first_and_then_each_change(
    ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.presences, "POLL_SECONDS", LONG)
    ana, ben = await viewer_of(ports, house, house.owner_id), await viewer_of(ports, house, house.reviewer_id)
    first, second = house.recommendations[:2]
    async with rooms(ports) as (live, hints):

        def tell() -> None:
            hints.publish_presence(house.tenant_id, house.workspace.id)

        await presences.come(ports, ana, first.id, PresenceMode.VIEWING)
        async with aclosing(live.watch(house.tenant_id, house.workspace.id)) as states:
            state = await heard(states)
            assert (state.whole, who(state)) == (True, {first.id: {(house.owner_id, PresenceMode.VIEWING)}})

            await presences.come(ports, ben, second.id, PresenceMode.EDITING)
            tell()
            state = await heard(states)
            assert (state.whole, who(state)) == (False, {second.id: {(house.reviewer_id, PresenceMode.EDITING)}})

            await presences.come(ports, ana, second.id, PresenceMode.VIEWING)
            await presences.leave(ports, ana, first.id)
            tell()
            assert who(await heard(states)) == {
                first.id: set(),
                second.id: {(house.owner_id, PresenceMode.VIEWING), (house.reviewer_id, PresenceMode.EDITING)},
            }


async def test_a_slow_watcher_gets_the_newest_state_and_nothing_in_between(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    item = house.recommendations[0].id
    async with (
        rooms(ports) as (live, hints),
        aclosing(live.watch(house.tenant_id, house.workspace.id)) as slow,
        aclosing(live.watch(house.tenant_id, house.workspace.id)) as quick,
    ):
        assert who(await heard(slow)) == who(await heard(quick)) == {}
        for mode in (PresenceMode.VIEWING, PresenceMode.EDITING, PresenceMode.VIEWING):
            await presences.come(ports, ana, item, mode)
            hints.publish_presence(house.tenant_id, house.workspace.id)
            assert who(await heard(quick)) == {item: {(house.owner_id, mode)}}
        assert who(await heard(slow)) == {item: {(house.owner_id, PresenceMode.VIEWING)}}


async def test_presence_lapses_unless_renewed(
    ports: Ports, house: House, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.presences, "POLL_SECONDS", 0.1)  # no hint at all here: the poll finds everything
    ana, ben = await viewer_of(ports, house, house.owner_id), await viewer_of(ports, house, house.reviewer_id)
    item = house.recommendations[0].id
    async with rooms(ports) as (live, _), aclosing(live.watch(house.tenant_id, house.workspace.id)) as states:
        assert who(await heard(states)) == {}
        await presences.come(ports, ana, item, PresenceMode.VIEWING)
        assert who(await heard(states)) == {item: {(house.owner_id, PresenceMode.VIEWING)}}
        await presences.come(ports, ben, item, PresenceMode.VIEWING)
        assert who(await heard(states)) == {
            item: {(house.owner_id, PresenceMode.VIEWING), (house.reviewer_id, PresenceMode.VIEWING)}
        }
        clock.advance(timedelta(seconds=20))
        await presences.come(ports, ana, item, PresenceMode.VIEWING)
        clock.advance(timedelta(seconds=10))
        assert who(await heard(states)) == {item: {(house.owner_id, PresenceMode.VIEWING)}}
        clock.advance(timedelta(seconds=20))
        assert who(await heard(states)) == {item: set()}
    assert await presences.forget_lapsed(ports, house.tenant_id) == 2
    assert await ports.database.read(house.tenant_id).of(PresenceTable).count() == 0


async def test_one_person_is_at_an_item_once_and_a_renewal_is_no_news(
    ports: Ports, house: House, clock: FixedClock
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    item = house.recommendations[0].id
    came = await presences.come(ports, ana, item, PresenceMode.VIEWING)
    early = await presences.come(ports, ana, item, PresenceMode.VIEWING)
    clock.advance(timedelta(seconds=10))
    renewed = await presences.come(ports, ana, item, PresenceMode.VIEWING)
    edits = await presences.come(ports, ana, item, PresenceMode.EDITING)
    left = await presences.leave(ports, ana, item)
    again = await presences.leave(ports, ana, item)

    assert [each.changed for each in (came, early, renewed, edits, left, again)] == [
        True, False, False, True, True, False,
    ]  # fmt: skip
    ends = [each.presences[0].expires_at_utc - NOON for each in (came, early, renewed, edits)]
    assert [end.total_seconds() for end in ends] == [30, 30, 40, 40]
    assert len({each.presences[0].id for each in (came, early, renewed, edits)}) == 1
    assert (edits.presences[0].mode, left.presences, again.presences) == (PresenceMode.EDITING, (), ())
    # None of this went into the log.
    assert (await log.head(ports.database.read(house.tenant_id)))[0] == 0


async def test_who_may_not_read_an_item_is_not_at_it(ports: Ports, house: House, other_house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    with pytest.raises(NotFound):
        await presences.come(ports, ana, other_house.recommendations[0].id, PresenceMode.VIEWING)
    with pytest.raises(NotFound):
        presences.watch(ana, other_house.workspace.id)
    key_id = uuid4()
    permissions = frozenset({Permission.CAMPAIGN_READ})
    program = Viewer(
        Principal(
            PrincipalKind.API_KEY, house.tenant_id, key_id, key_id, frozenset({Permission.CAMPAIGN_READ.value}), None
        ),
        api_key_standing(house.tenant_id, key_id, permissions, None),
    )
    with pytest.raises(Forbidden):
        await presences.come(ports, program, house.recommendations[0].id, PresenceMode.VIEWING)
    for tenant_id in (house.tenant_id, other_house.tenant_id):
        assert await ports.database.read(tenant_id).of(PresenceTable).count() == 0


async def test_another_workspaces_watchers_hear_nothing(ports: Ports, house: House, other_house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    await presences.come(ports, ana, house.recommendations[0].id, PresenceMode.VIEWING)
    async with (
        rooms(ports) as (live, _),
        aclosing(live.watch(other_house.tenant_id, other_house.workspace.id)) as other,
        # The other tenant with this workspace's id, too: the read is scoped to the tenant.
        aclosing(live.watch(other_house.tenant_id, house.workspace.id)) as crossed,
    ):
        assert who(await heard(other)) == who(await heard(crossed)) == {}


async def test_abrupt_ends_leave_no_room_behind(ports: Ports, house: House) -> None:
    async with rooms(ports) as (live, _):
        place = (house.tenant_id, house.workspace.id)
        seen = 0

        async def watcher() -> None:
            nonlocal seen
            async for _ in live.watch(*place):
                seen += 1

        watchers = [asyncio.create_task(watcher()) for _ in range(1_000)]
        async with asyncio.timeout(20):
            while seen < 1_000:  # noqa: ASYNC110 - the product has no event for what only tests ask
                await asyncio.sleep(0.01)
        assert live.watchers(*place) == 1_000
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        assert (live.watchers(*place), live._rooms) == (0, {})


async def test_watchers_outlive_a_database_that_fails_for_a_while(
    ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    read = realtime.presences.presences_in
    failures = 0

    async def flaky(*arguments: object) -> object:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise OSError("away")
        return await read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(realtime.presences, "presences_in", flaky)
    monkeypatch.setattr(realtime.presences, "POLL_SECONDS", 0.05)
    await presences.come(ports, ana, house.recommendations[0].id, PresenceMode.VIEWING)
    async with rooms(ports) as (live, _), aclosing(live.watch(house.tenant_id, house.workspace.id)) as states:
        assert who(await heard(states)) == {house.recommendations[0].id: {(house.owner_id, PresenceMode.VIEWING)}}
    assert caplog.text.count("presence could not be read") == 2
