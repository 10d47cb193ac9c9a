"""Pauses and restarts with real workers: killed anywhere, frozen, replies cut, two at once; each is made once."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from domain.emergency_stops import StopPausing
from domain.platforms import CampaignStatus, Platform
from domain.status_changes import StatusChange, StatusChangeState
from jobs.emergency_stops import go_on_all
from kit.crash_points import KILLED, POINTS
from kit.pagination import Slice
from models import campaigns, emergency_stops, status_changes
from services import emergency_stops as stops
from services.logs import verify
from services.ports import Ports
from services.status_changes import request
from services.unit_of_work import begin
from tests.conftest import House, viewer_of
from tests.faults.harness import QUEUER, Bench, open_bench, size, writes
from tests.faults.proxy import Break, Fault, running_proxy
from tests.faults.statuses import StatusEffect, Where, wrong
from tests.faults.test_frozen_workers import stopped

ON, OFF = CampaignStatus.ENABLED, CampaignStatus.PAUSED
#: Changes queued for each crash point, and how many workers die there on the way.
CHANGES = size(3)
DEATHS = max(1, CHANGES // 3)
CUT_REPLIES = "status.before_postpone_commit"
STRAYS = "status_recheck.before_reopen_commit"


async def queue(bench: Bench, positions: Sequence[int], wanted: CampaignStatus = OFF) -> list[StatusChange]:
    async with begin(bench.ports, bench.house.tenant_id, QUEUER) as work:
        return [
            await request(work, await campaigns.campaign(work.scope, bench.campaign_ids[each]), wanted, "test")
            for each in positions
        ]


async def changes(bench: Bench) -> list[tuple[Where, StatusChange]]:
    scope = bench.ports.database.read(bench.house.tenant_id)
    found = await status_changes.status_change_page(scope, bench.house.workspace.id, Slice(10_000))
    # A campaign of this sandbox has its budget's id.
    where = {each: bench.places[budget.id] for each, budget in zip(bench.campaign_ids, bench.budgets, strict=True)}
    # The house has four campaigns more, which no platform knows.
    known = [each for each in found if each.campaign_id in where]
    return [((where[each.campaign_id][0], where[each.campaign_id][2]), each) for each in known]


async def ledger(bench: Bench) -> list[dict[str, object]]:
    told: list[dict[str, object]] = (await bench.control.get("/control/statuses")).raise_for_status().json()["statuses"]
    return told


async def violations(bench: Bench) -> list[str]:
    assert await verify(bench.ports, bench.house.tenant_id) == []
    effects = [StatusEffect.of(each) for each in await ledger(bench)]
    return wrong(effects, await changes(bench), await bench.events())


async def states(bench: Bench) -> Counter[StatusChangeState]:
    return Counter(each.state for _, each in await changes(bench))


@pytest.mark.slow
@pytest.mark.timeout(600 + 60 * size(10))
@pytest.mark.req("GO-15")
async def test_killed_anywhere_each_campaign_is_paused_once(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    rng = random.Random(20264)
    points = [point for point in POINTS if point.startswith("status.")]
    count = CHANGES * len(points)
    async with open_bench(ports, house, database_url, tmp_path, count) as bench:
        for place, point in enumerate(points):
            await queue(bench, range(place * CHANGES, (place + 1) * CHANGES))
            for _ in range(DEATHS):
                if point == CUT_REPLIES:
                    for platform in Platform:
                        await bench.fault(platform, "cut_after_apply", operation="set_status")
                at = 1 if point == CUT_REPLIES else rng.randint(1, CHANGES - DEATHS + 1)
                assert await bench.run_worker(CE_CRASH_AT=f"{point}:{at}") == KILLED, point
        assert await bench.run_worker(seconds=120 + size(1)) == 0
        assert await violations(bench) == []
        assert await states(bench) == {StatusChangeState.CONFIRMED: count}
        assert len(await ledger(bench)) == count  # not even what stood there already was set again: it was read first


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_reply_cut_after_the_effect_leaves_one_effect(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    rng, count, cut = random.Random(20265), size(12), set[bytes]()

    def cut_each_write_once(sent: bytes) -> Fault | None:
        what = sent.split(b"\r\n", 1)[0] + sent.partition(b"\r\n\r\n")[2]
        if not writes(sent) or what in cut:
            return None
        cut.add(what)
        return Fault(rng.choice([Break.CUT_DOWN, Break.TRUNCATE]), after_bytes=rng.randint(0, 60))

    async with open_bench(ports, house, database_url, tmp_path, count) as bench:
        url = urlsplit(bench.sandbox)
        async with running_proxy(str(url.hostname), int(url.port or 0), cut_each_write_once) as proxy:
            await queue(bench, range(count))
            assert await bench.run_worker(60 + count, platforms_url=proxy.address) == 0
        assert len(proxy.met) == count
        assert len(await ledger(bench)) == count
        assert await violations(bench) == []
        assert {(each.state, each.attempts) for _, each in await changes(bench)} == {(StatusChangeState.CONFIRMED, 2)}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.req("GO-15")
async def test_two_workers_make_each_change_once_and_in_order(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    """Every campaign is paused and, before anybody was at it or while somebody is, asked to run again."""
    count = size(24)
    async with open_bench(ports, house, database_url, tmp_path, count) as bench:
        bench.lease_seconds = 60.0
        await queue(bench, range(count))
        workers = [asyncio.create_task(bench.run_worker(240)) for _ in range(2)]
        async with asyncio.timeout(60):
            while not await ledger(bench):  # noqa: ASYNC110 - the sandbox is another process
                await asyncio.sleep(0.02)
        await queue(bench, range(0, count, 2), ON)
        assert await asyncio.gather(*workers, bench.run_worker(240)) == [0, 0, 0]
        assert await violations(bench) == []
        found = await changes(bench)
        assert {each.state for _, each in found if each.wanted is ON} == {StatusChangeState.CONFIRMED}
        claims = Counter(
            event.entry.subject_id for event in await bench.events() if event.entry.kind == "status_change.dispatched"
        )
        assert set(claims.values()) == {1}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", ["status.after_intent", "status.before_call", "status.after_call"])
async def test_frozen_for_twice_its_lease_it_undoes_nothing_newer(
    ports: Ports, house: House, database_url: str, tmp_path: Path, point: str
) -> None:
    async with open_bench(ports, house, database_url, tmp_path, 1) as bench:
        await queue(bench, [0])
        frozen = await bench.worker(CE_FREEZE_AT=point)
        await stopped(frozen)
        await asyncio.sleep(2 * bench.lease_seconds)
        assert await bench.run_worker() == 0
        await queue(bench, [0], ON)
        assert await bench.run_worker() == 0
        frozen.send_signal(signal.SIGCONT)
        async with asyncio.timeout(60):
            _, said = await frozen.communicate()
        assert (frozen.returncode, said.decode()) == (0, "")
        assert await bench.run_worker() == 0
        assert await violations(bench) == []
        assert [each["paused"] for each in await ledger(bench)] == [True, False]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_write_that_arrives_after_a_newer_one_is_put_right_also_by_a_worker_that_dies_at_it(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    """The first request once more: what a worker frozen in mid-send leaves."""
    async with open_bench(ports, house, database_url, tmp_path, 1) as bench:
        await queue(bench, [0])
        assert await bench.run_worker() == 0
        await queue(bench, [0], ON)
        assert await bench.run_worker() == 0
        platform, account, entity = bench.places[bench.budgets[0].id]
        await bench.platforms[Platform(platform)].set_campaign_status(account, entity, OFF)
        async with bench.ports.database.write(bench.house.tenant_id) as scope:
            await status_changes.recheck_newest(scope, bench.campaign_ids[0], bench.ports.clock.now_utc())
        assert await bench.run_worker(CE_CRASH_AT=STRAYS) == KILLED
        assert await bench.run_worker() == 0
        assert [each["paused"] for each in await ledger(bench)] == [True, False, True, False]
        assert await states(bench) == {StatusChangeState.CONFIRMED: 2}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.req("RO-10")
async def test_nothing_runs_again_a_second_after_the_stop_and_all_is_paused(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    count = size(18)
    async with open_bench(ports, house, database_url, tmp_path, count) as bench:
        await queue(bench, range(count // 2))
        assert await bench.run_worker() == 0
        await queue(bench, range(count // 2), ON)
        workers = [await bench.worker(), await bench.worker()]
        async with asyncio.timeout(60):
            while len(await ledger(bench)) < count // 2 + 2:  # noqa: ASYNC110 - the sandbox is another process
                await asyncio.sleep(0.02)
        ana = await viewer_of(ports, house, house.owner_id)
        stop = await stops.start(ports, ana, house.workspace.id, "spend runs away", 24, "stop", StopPausing.ALL)
        # The sandbox's ledger and this process read the same machine's clock.
        from_then_on = datetime.now(UTC) + timedelta(seconds=1)
        for worker in workers:
            async with asyncio.timeout(90):
                await worker.communicate()
        for _ in range(20):
            await go_on_all(ports)
            assert await bench.run_worker() == 0
            kept = await emergency_stops.emergency_stop(ports.database.read(house.tenant_id), stop.id)
            if kept.still_at_utc is not None:
                break
        assert kept.still_at_utc is not None
        restarts = [each for each in await ledger(bench) if not each["paused"]]
        late = [each for each in restarts if datetime.fromisoformat(str(each["at"])) > from_then_on]
        assert late == []
        world = (await bench.control.get("/control/world")).raise_for_status().json()["campaigns"]
        assert {each["paused"] for each in world} == {True}
        assert await violations(bench) == []
