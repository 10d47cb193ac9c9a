"""The emergency stop with real workers under way: nothing leaves after its second, and all comes back (RO-10)."""

import asyncio
import random
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.adjustments import AdjustmentStatus
from jobs.emergency_stops import go_on_all
from kit.pagination import Slice
from models import emergency_stops
from services import emergency_stops as cases
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.faults.harness import Bench, open_bench, size
from tests.faults.test_frozen_workers import stopped


async def amounts(bench: Bench) -> dict[str, int]:
    told = (await bench.control.get("/control/world")).raise_for_status().json()["campaigns"]
    return {each["entity"]: each["daily_budget_micros"] for each in told}


async def some_effects(bench: Bench, count: int) -> None:
    async with asyncio.timeout(60):
        while len(await bench.effects()) < count:  # noqa: ASYNC110 - the sandbox is another process
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.req("RO-10")
@pytest.mark.parametrize("point", ["dispatch.after_intent", "dispatch.before_call"])
async def test_a_worker_that_was_frozen_before_its_call_does_not_make_it_when_it_is_thawed(
    ports: Ports, house: House, database_url: str, tmp_path: Path, point: str
) -> None:
    async with open_bench(ports, house, database_url, tmp_path, 1) as bench:
        await bench.queue([0])
        frozen = await bench.worker(CE_FREEZE_AT=point)
        await stopped(frozen)
        ana = await viewer_of(ports, house, house.owner_id)
        await cases.start(ports, ana, house.workspace.id, "spend runs away", 24, "stop")
        await asyncio.sleep(1)
        frozen.send_signal(signal.SIGCONT)
        async with asyncio.timeout(60):
            _, said = await frozen.communicate()
        assert (frozen.returncode, said.decode()) == (0, "")
        assert await bench.effects() == []
        [(_, change)] = await bench.changes()
        assert (change.status, change.failure_code) == (AdjustmentStatus.FAILED, "EMERGENCY_STOP")
        assert await bench.violations() == []


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.req("RO-10")
async def test_nothing_leaves_a_second_after_the_stop_and_all_is_put_back(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    # So many that two workers are not done before the stop.
    rng, count = random.Random(7), max(150, size(24))
    async with open_bench(ports, house, database_url, tmp_path, count) as bench:
        before = await amounts(bench)
        await bench.queue(range(count))
        workers = [await bench.worker(), await bench.worker()]
        await some_effects(bench, rng.randrange(3, 9))
        ana = await viewer_of(ports, house, house.owner_id)
        stop = await cases.start(ports, ana, house.workspace.id, "spend runs away", 24, "stop")
        # The sandbox's ledger and this process read the same machine's clock.
        from_then_on = datetime.now(UTC) + timedelta(seconds=1)
        for worker in workers:
            async with asyncio.timeout(90):
                await worker.communicate()
        sent = await bench.effects()
        assert [effect for effect in sent if effect.at_utc > from_then_on] == []
        assert len(sent) < count

        for _ in range(20):
            await go_on_all(ports)
            assert await bench.run_worker() == 0
            kept = await emergency_stops.emergency_stop(ports.database.read(house.tenant_id), stop.id)
            if kept.still_at_utc is not None:
                break
        assert kept.still_at_utc is not None
        assert await amounts(bench) == before
        assert await bench.violations() == []
        [only] = await cases.page(ports, ana, house.workspace.id, Slice(5))
        outcomes = [item.outcome.value for item in only.items]
        assert (outcomes.count("RESTORING"), outcomes.count("NEEDS_PERSON")) == (len(sent), 0)
