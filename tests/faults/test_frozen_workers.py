"""Survival row 2: a worker is stopped for twice its lease, then continued: no stale record, a stray write is put right."""

import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from domain.adjustments import AdjustmentStatus
from services.ports import Ports
from tests.conftest import House
from tests.faults.harness import Bench, open_bench, size, writes
from tests.faults.proxy import Break, Fault, running_proxy


async def stopped(process: asyncio.subprocess.Process) -> None:
    """Wait until a process has been stopped."""
    async with asyncio.timeout(30):
        state = Path(f"/proc/{process.pid}/stat")
        while state.read_text().rpartition(")")[2].split()[0] != "T":  # noqa: ASYNC110, ASYNC240 - nothing tells it
            await asyncio.sleep(0.02)


async def two_changes_by_another_worker(bench: Bench) -> None:
    """The frozen worker's change is taken over and confirmed; then a newer change of the same budget is made."""
    await asyncio.sleep(2 * bench.lease_seconds)
    assert await bench.run_worker() == 0
    await bench.queue([0])
    assert await bench.run_worker() == 0


async def ends_well(bench: Bench, frozen: asyncio.subprocess.Process) -> None:
    """Continue the frozen worker; it must come to its end, and everything to rest with the newer value."""
    frozen.send_signal(signal.SIGCONT)
    async with asyncio.timeout(60):
        _, said = await frozen.communicate()
    assert (frozen.returncode, said.decode()) == (0, "")
    assert await bench.run_worker() == 0
    assert await bench.violations() == []
    changes = [change for _, change in await bench.changes()]
    assert [change.status for change in changes] == [AdjustmentStatus.CONFIRMED] * 2
    assert (await bench.effects())[-1].after_micros == changes[1].intended_micros


#: Outside transactions: one that was stopped inside holds SQLite's only write lock, and the others just wait for it.
OUTSIDE = ("dispatch.after_intent", "dispatch.before_call", "dispatch.after_call")
ALSO = ("dispatch.after_claim_commit", "dispatch.after_applied_commit", "dispatch.after_read_back")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", OUTSIDE if size(1) == 1 else OUTSIDE + ALSO)
async def test_frozen_for_twice_its_lease_it_writes_nothing_stale(
    ports: Ports, house: House, database_url: str, tmp_path: Path, point: str
) -> None:
    async with open_bench(ports, house, database_url, tmp_path, 1) as bench:
        await bench.queue([0])
        frozen = await bench.worker(CE_FREEZE_AT=point)
        await stopped(frozen)
        await two_changes_by_another_worker(bench)
        await ends_well(bench, frozen)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_write_that_arrives_after_a_newer_one_is_put_right(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    """The worker is stopped while its request hangs in the network; the platform gets it when all is long over."""
    held = Fault(Break.HOLD)

    async with open_bench(ports, house, database_url, tmp_path, 1) as bench:
        url = urlsplit(bench.sandbox)
        hold_writes = lambda request: held if writes(request) and not held.released.is_set() else None  # noqa: E731
        async with running_proxy(str(url.hostname), int(url.port or 0), hold_writes) as proxy:
            await bench.queue([0])
            frozen = await bench.worker(proxy.address)
            while not proxy.met:  # noqa: ASYNC110 - the proxy is another task's
                await asyncio.sleep(0.02)
            frozen.send_signal(signal.SIGSTOP)
            await two_changes_by_another_worker(bench)
            held.released.set()
            while len(await bench.effects()) < 3:  # noqa: ASYNC110 - the sandbox is another process
                await asyncio.sleep(0.02)
            await ends_well(bench, frozen)
        amounts = [effect.after_micros for effect in await bench.effects()]
        first, second = [change.intended_micros for _, change in await bench.changes()]
        assert amounts == [first, second, first, second]
