"""A platform that does not answer keeps its own slots only: changes of the others are sent and confirmed meanwhile."""

import asyncio
from pathlib import Path

import pytest

from domain.adjustments import AdjustmentStatus
from domain.platforms import Platform
from jobs.sending import AT_ONCE
from services.ports import Ports
from tests.conftest import House
from tests.faults.harness import Bench, open_bench

#: More than a worker would have slots if all platforms shared them.
HANGING = AT_ONCE * len(Platform) + 1


async def statuses(bench: Bench) -> tuple[set[AdjustmentStatus], set[AdjustmentStatus]]:
    """In which states the changes of Meta are, and those of the others."""
    found = await bench.changes()
    hanging = {change.status for (platform, _, _), change in found if platform == Platform.META.value}
    return hanging, {change.status for (platform, _, _), change in found if platform != Platform.META.value}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.req("GO-06")
async def test_a_platform_that_hangs_holds_up_no_other(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    async with open_bench(ports, house, database_url, tmp_path, HANGING * len(Platform)) as bench:
        # A lease so long that nothing is given up while the test runs: the slots stay taken.
        bench.lease_seconds = 600
        ours = [n for n, each in enumerate(bench.budgets) if bench.places[each.id][0] == Platform.META.value]
        others = [n for n in range(len(bench.budgets)) if n not in ours][:10]
        await bench.fault(Platform.META, "slow", count=10_000, operation="any", seconds=600)
        await bench.queue(ours)
        await bench.queue(others)
        worker = await bench.worker()
        try:
            async with asyncio.timeout(240):
                while (await statuses(bench))[1] != {AdjustmentStatus.CONFIRMED}:
                    assert worker.returncode is None
                    await asyncio.sleep(0.1)
            hanging, _ = await statuses(bench)
            assert hanging == {AdjustmentStatus.SENDING, AdjustmentStatus.PENDING}
            held = [each for _, each in await bench.changes() if each.status is AdjustmentStatus.SENDING]
            assert len(held) == AT_ONCE
        finally:
            worker.kill()
            await worker.wait()
