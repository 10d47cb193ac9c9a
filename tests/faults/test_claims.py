"""Survival row 5: four processes claim the same jobs; none is claimed twice, nobody meets a locked database."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from domain.adjustments import AdjustmentStatus
from services.ports import Ports
from tests.conftest import House
from tests.faults.harness import open_bench, size

JOBS = 10_000 if size(1) > 1 else 300


@pytest.mark.slow
@pytest.mark.timeout(300 + JOBS)
@pytest.mark.req("GO-15")
async def test_four_processes_claim_each_job_once(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    async with open_bench(ports, house, database_url, tmp_path, JOBS) as bench:
        bench.lease_seconds = 60.0
        await bench.queue(range(JOBS))
        # run_worker also refuses any worker that said 'locked'.
        ended = await asyncio.gather(*(bench.run_worker(240 + JOBS) for _ in range(4)))
        assert ended == [0] * 4
        claims = Counter(
            event.entry.subject_id for event in await bench.events() if event.entry.kind == "adjustment.dispatched"
        )
        assert len(claims) == JOBS
        assert set(claims.values()) == {1}
        assert len(await bench.effects()) == JOBS
        assert {(c.status, c.attempts) for _, c in await bench.changes()} == {(AdjustmentStatus.CONFIRMED, 1)}
        assert await bench.violations() == []
