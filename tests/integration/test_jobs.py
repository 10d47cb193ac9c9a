"""The jobs against both databases, and the loops that run them: failures logged, wakes, stops, heartbeat."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.container import open_container
from app.settings import Settings
from app.worker import heartbeat_path, loops, run_worker
from domain.adjustments import AdjustmentStatus
from domain.platforms import Platform
from domain.presences import Presence, PresenceMode
from domain.recommendations import RecommendationStatus
from jobs.anchor import anchor_all
from jobs.dispatch import on_change
from jobs.expire import expire_all
from jobs.presence import forget_all_lapsed
from jobs.propose import propose_all
from jobs.schedule import Loop, by_clock, for_each, run_loops
from jobs.sync import sync_all
from kit.ids import new_id
from kit.time import FixedClock
from models import ad_accounts, adjustments, log, plans, presences, recommendations
from services import recommendations as decisions
from services.logs import verify
from services.ports import Ports
from tests.conftest import NOON, House, build_house, viewer_of
from tests.integration.fake_platform import FakePlatform, campaign, refused


async def test_the_expire_job_closes_what_nobody_decided_in_time(
    ports: Ports, house: House, other_house: House, clock: FixedClock
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    decided = house.recommendations[0]
    await decisions.approve(ports, ana, decided.id, 1, "k")
    clock.advance(timedelta(hours=23, minutes=59))
    assert await expire_all(ports) == 0
    clock.advance(timedelta(minutes=1))
    assert await expire_all(ports) == 3 + 4
    assert await expire_all(ports) == 0
    ids = [each.id for each in house.recommendations]
    found = await recommendations.recommendations_by_id(ports.database.read(house.tenant_id), ids)
    assert [found[each].status for each in ids] == [RecommendationStatus.APPROVED, *[RecommendationStatus.EXPIRED] * 3]


async def test_the_presence_job_forgets_only_what_lapsed(ports: Ports, house: House) -> None:
    async with ports.database.write(house.tenant_id) as scope:
        for user_id, seconds in ((house.owner_id, 0), (house.reviewer_id, 1)):
            here = Presence(
                new_id(), house.tenant_id, house.workspace.id, house.recommendations[0].id, user_id,
                PresenceMode.VIEWING, NOON + timedelta(seconds=seconds),
            )  # fmt: skip
            await presences.put_presence(scope, here)
    assert await forget_all_lapsed(ports) == 1
    left = await presences.presences_in(ports.database.read(house.tenant_id), house.workspace.id, NOON)
    assert [each.user_id for each in left] == [house.reviewer_id]


async def test_the_anchor_job_keeps_each_grown_log_once(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    assert await anchor_all(ports) == 0
    await decisions.reject(ports, ana, house.recommendations[0].id, 1, "no", "k")
    assert await anchor_all(ports) == 1
    assert await anchor_all(ports) == 0
    [anchor] = ports.anchors.anchors(house.tenant_id)
    assert (anchor.sequence, anchor.hash) == await log.head(ports.database.read(house.tenant_id))


async def test_the_sync_job_visits_every_connected_account_and_one_failure_stops_no_other(
    ports: Ports, house: House, other_house: House
) -> None:
    meta = FakePlatform()
    meta.failures["fetch_campaigns"] = [refused("no")]
    ports.platforms[Platform.META] = meta
    imported = replace(house.account, id=new_id(), external_id="file", connected=False)
    async with ports.database.write(house.tenant_id) as scope:
        await ad_accounts.add_ad_account(scope, imported)
    assert await sync_all(ports) == 1
    assert {call[0] for call in meta.calls_of("fetch_campaigns")} == {
        house.account.external_id,
        other_house.account.external_id,
    }
    errors = [
        (await ad_accounts.ad_account(ports.database.read(each.tenant_id), each.account.id)).sync_error
        for each in (house, other_house)
    ]
    assert sorted(errors, key=str) == [None, "no"]


async def test_the_propose_job_makes_one_plan_for_each_workspace_and_day(
    ports: Ports, house: House, other_house: House, clock: FixedClock
) -> None:
    assert await propose_all(ports) == 0  # the houses have a plan of that day
    clock.advance(timedelta(days=1))
    assert await propose_all(ports) == 2
    assert await propose_all(ports) == 0
    made = await plans.newest_plan(ports.database.read(house.tenant_id), house.workspace.id)
    assert made is not None
    assert made.created_at_utc == NOON + timedelta(days=1)


async def test_a_failing_run_is_logged_with_its_traceback_and_the_loop_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop, runs = asyncio.Event(), []

    async def act() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise ValueError("first run breaks")
        if len(runs) == 3:
            stop.set()

    await asyncio.wait_for(run_loops([Loop("shaky", 0.001, act)], stop), 5)
    assert runs == [0, 1, 2]
    assert "shaky failed; it runs again in at most 0.001 s" in caplog.text
    assert "ValueError: first run breaks" in caplog.text


async def test_a_wait_that_fails_does_not_make_its_loop_spin(caplog: pytest.LogCaptureFixture) -> None:
    stop, runs = asyncio.Event(), []

    async def act() -> None:
        runs.append(1)

    async def broken(_seconds: float) -> None:
        raise ValueError("cannot wait")

    task = asyncio.create_task(run_loops([Loop("broken", 60.0, act, broken)], stop))
    await asyncio.sleep(0.05)
    assert runs == [1]
    stop.set()
    await asyncio.wait_for(task, 5)
    assert "waiting for broken failed" in caplog.text


async def test_stopping_lets_running_work_finish_and_cancels_what_takes_too_long() -> None:
    stop, done = asyncio.Event(), []

    def work(name: str, seconds: float) -> Loop:
        async def act() -> None:
            try:
                await asyncio.sleep(seconds)
                done.append(f"{name} finished")
            except asyncio.CancelledError:
                done.append(f"{name} cancelled")
                raise

        return Loop(name, 60.0, act)

    both = [work("short", 0.05), work("long", 60.0)]
    task = asyncio.create_task(run_loops(both, stop, grace_seconds=0.2))
    await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(task, 5)
    assert done == ["short finished", "long cancelled"]


async def test_a_stop_ends_waiting_at_once_and_a_cancel_leaves_no_task() -> None:
    stop = asyncio.Event()

    async def act() -> None:
        await asyncio.sleep(0)

    before = asyncio.all_tasks()
    task = asyncio.create_task(run_loops([Loop("calm", 3_600.0, act)], stop))
    await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(task, 1)
    cancelled = asyncio.create_task(run_loops([Loop("calm", 3_600.0, act)], asyncio.Event()))
    await asyncio.sleep(0.01)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert asyncio.all_tasks() == before


async def test_waiting_by_a_clock_ends_when_the_clock_jumps() -> None:
    clock = FixedClock(NOON)
    waiting = asyncio.ensure_future(by_clock(clock)(900.0))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    clock.advance(timedelta(days=1))
    await asyncio.wait_for(waiting, 2)


async def test_for_each_bounds_what_runs_at_once_and_leaves_out_what_failed(caplog: pytest.LogCaptureFixture) -> None:
    running, most = 0, 0

    async def act(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        if item == 3:
            raise ValueError("three")
        return item * 10

    assert await for_each("count", range(6), act, concurrency=2) == [0, 10, 20, 40, 50]
    assert most == 2
    assert "count failed for 3" in caplog.text


async def test_the_dispatch_loop_waits_for_changes_since_it_last_looked() -> None:
    asked = []

    async def wait_for_change(seen: int, timeout_seconds: float) -> int:
        asked.append((seen, timeout_seconds))
        return seen + 5

    wait = on_change(SimpleNamespace(wait_for_change=wait_for_change))
    await wait(1.0)
    await wait(2.0)
    assert asked == [(0, 1.0), (5, 2.0)]


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    """Look every 20 ms, for ten seconds at most."""
    async with asyncio.timeout(10):
        while not await reached():  # noqa: ASYNC110 - what is waited for lies in a database and on disk
            await asyncio.sleep(0.02)


async def test_the_worker_runs_every_job_beats_and_stops(database_url: str, clock: FixedClock, tmp_path: Path) -> None:
    """The composed worker: it syncs, sends an approval long before its interval, keeps anchors, and ends when told."""
    settings = Settings(
        var_dir=tmp_path / "var", database_url=database_url, worker_interval_seconds=30.0, anchor_interval_seconds=0.05
    )
    async with open_container(settings, clock) as opened:
        house = await build_house(opened.ports, "acme")
        meta = FakePlatform(
            campaigns=[campaign(n, budget_external_id=b.external_id) for n, b in enumerate(house.budgets)]
        )
        ports = replace(opened.ports, platforms={Platform.META: meta})
        container = replace(opened, ports=ports)
        names = [loop.name for loop in loops(container)]
        assert names == [
            "heartbeat", "sync and propose", *(f"dispatch to {each.value}" for each in Platform),
            *(f"campaign statuses of {each.value}" for each in Platform), "emergency stops", "shifts", "auto-approve", "notices", "deliveries", "webhooks", "requested syncs",
            "old webhooks", "unsubscribe links", "renew tokens", "connection attempts", "expire", "presence", "bid events",
            "old bid events", "bid snapshot", "anchor",
        ]  # fmt: skip
        stop = asyncio.Event()
        running = asyncio.create_task(run_worker(container, stop))
        scope = ports.database.read(house.tenant_id)

        async def synced() -> bool:
            return (await ad_accounts.ad_account(scope, house.account.id)).synced_at_utc is not None

        await until(synced)
        ana = await viewer_of(ports, house, house.owner_id)
        decided = await decisions.approve(ports, ana, house.recommendations[0].id, 1, "k")
        assert decided.adjustment is not None
        adjustment_id = decided.adjustment.id

        async def confirmed() -> bool:
            return (await adjustments.adjustment(scope, adjustment_id)).status is AdjustmentStatus.CONFIRMED

        async def anchored() -> bool:
            kept = ports.anchors.anchors(house.tenant_id)
            return bool(kept) and kept[-1].sequence == (await log.head(scope))[0]

        async def beating() -> bool:
            return heartbeat_path(settings.var_dir).exists()

        for reached in (confirmed, anchored, beating):
            await until(reached)
        stop.set()
        await asyncio.wait_for(running, 15)
        assert await verify(ports, house.tenant_id) == []
