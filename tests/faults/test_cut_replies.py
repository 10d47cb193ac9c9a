"""Survival row 3: the reply is cut after the platform applied the change; one effect each, read before sent again."""

import random
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from domain.adjustments import AdjustmentStatus
from services.ports import Ports
from tests.conftest import House
from tests.faults.harness import open_bench, size, writes
from tests.faults.proxy import Break, Fault, running_proxy

CUTS = 500 if size(1) > 1 else 20


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.req("RB-F4")
async def test_a_reply_cut_after_the_effect_leaves_one_effect(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    rng = random.Random(20263)
    cut_bodies: set[bytes] = set()

    def cut_each_write_once(request: bytes) -> Fault | None:
        what = request.split(b"\r\n", 1)[0] + request.partition(b"\r\n\r\n")[2]
        if not writes(request) or what in cut_bodies:
            return None
        cut_bodies.add(what)
        kind = rng.choice([Break.CUT_DOWN, Break.TRUNCATE])
        return Fault(kind, after_bytes=rng.randint(0, 60))

    async with open_bench(ports, house, database_url, tmp_path, CUTS) as bench:
        url = urlsplit(bench.sandbox)
        async with running_proxy(str(url.hostname), int(url.port or 0), cut_each_write_once) as proxy:
            await bench.queue(range(CUTS))
            assert await bench.run_worker(60 + CUTS, platforms_url=proxy.address) == 0
        assert len(proxy.met) == CUTS
        effects = await bench.effects()
        assert len(effects) == CUTS  # not even the same value was set twice: it was read first
        assert await bench.violations() == []
        changes = [change for _, change in await bench.changes()]
        assert [(change.status, change.attempts) for change in changes] == [(AdjustmentStatus.CONFIRMED, 2)] * CUTS
