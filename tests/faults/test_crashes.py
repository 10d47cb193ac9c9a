"""Survival row 1: the dispatcher is killed at each named crash point; nothing is lost, nothing doubled, all settles."""

import random
from pathlib import Path

import pytest

from domain.adjustments import AdjustmentStatus
from domain.platforms import Platform
from kit.crash_points import KILLED, POINTS
from models import adjustments
from services.ports import Ports
from tests.conftest import House
from tests.faults.harness import STEP_MICROS, Bench, open_bench, size

#: Changes queued for each crash point, and how many workers die there on the way.
CHANGES = size(10)
DEATHS = max(2, CHANGES // 5)
EACH = CHANGES // DEATHS
#: Workers that die one after the other. Each takes up what the last one held, which counts as a try of every change: after
#: 20 a change is given up, and long before that a cut reply is waited out for minutes.
PATIENCE = 2
#: A point needs something to happen there.
CUT_REPLIES = "dispatch.before_postpone_commit"
STRAYS = "recheck.before_reopen_commit"


async def die_at(bench: Bench, point: str, place: int, rng: random.Random) -> None:
    """Workers that die at a point, each with changes of its own; every one of them must have got there."""
    for death in range(DEATHS):
        # What one that died had claimed or confirmed besides, in the same transactions, the next does not meet again.
        first = (place * DEATHS + death) * EACH
        await bench.queue(range(first, first + EACH))
        at = 1 if point.startswith("recheck") or point == CUT_REPLIES else rng.randint(1, 4)
        if point == CUT_REPLIES:
            await bench.fault(Platform.META, "cut_after_apply")
            await bench.fault(Platform.GOOGLE, "cut_before_apply")
        assert await bench.run_worker(CE_CRASH_AT=f"{point}:{at}") == KILLED, point
        if death % PATIENCE == PATIENCE - 1:
            await settle(bench)


async def settle(bench: Bench) -> None:
    """A worker without faults brings everything to rest before its deadline."""
    assert await bench.run_worker(seconds=60 + size(1)) == 0


@pytest.mark.slow
@pytest.mark.timeout(600 + 60 * size(10))
@pytest.mark.req("RB-F4", "GO-15")
async def test_killed_anywhere_nothing_is_lost_and_nothing_doubled(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    rng = random.Random(20261)
    # Shifts and status changes have points of their own (test_shifts.py, test_status_changes.py).
    points = [point for point in POINTS if point != STRAYS and not point.startswith(("shift.", "status"))]
    async with open_bench(ports, house, database_url, tmp_path, CHANGES * len(points)) as bench:
        for place, point in enumerate(points):
            await die_at(bench, point, place, rng)
        await settle(bench)
        assert await bench.violations() == []
        changes = [change for _, change in await bench.changes()]
        assert len(changes) == CHANGES * len(points)
        assert {change.status for change in changes} == {AdjustmentStatus.CONFIRMED}
        moved = [effect for effect in await bench.effects() if effect.before_micros != effect.after_micros]
        assert len(moved) == len(changes)


#: Points inside a transaction that several changes share.
SHARED = ("before_claim_commit", "before_intent_commit", "before_applied_commit", "before_confirm_commit")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.req("GO-15")
async def test_killed_amid_a_shared_transaction_its_neighbours_are_neither_lost_nor_doubled(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    """Some of a group were written when the worker dies, others not: all of the group go back."""
    several = 4 * len(Platform)
    async with open_bench(ports, house, database_url, tmp_path, several * len(SHARED)) as bench:
        for place, point in enumerate(SHARED):
            await bench.queue(range(place * several, (place + 1) * several))
            # They go side by side, so that by the third of a kind its transaction has mostly written others.
            assert await bench.run_worker(CE_CRASH_AT=f"dispatch.{point}:3") == KILLED
        await settle(bench)
        assert await bench.violations() == []
        changes = [change for _, change in await bench.changes()]
        assert {change.status for change in changes} == {AdjustmentStatus.CONFIRMED}
        moved = [effect for effect in await bench.effects() if effect.before_micros != effect.after_micros]
        assert len(moved) == len(changes) == several * len(SHARED)


@pytest.mark.slow
@pytest.mark.timeout(300 + 60 * size(10))
async def test_killed_while_it_puts_a_stray_write_right_it_is_put_right_all_the_same(
    ports: Ports, house: House, database_url: str, tmp_path: Path
) -> None:
    """Two changes of a budget, then the first one's request once more: what a worker frozen in mid-send leaves."""
    async with open_bench(ports, house, database_url, tmp_path, 4) as bench:
        first = await bench.queue(range(4))
        await settle(bench)
        await bench.queue(range(4))
        await settle(bench)
        for change in first[:2]:
            await stray(bench, change.budget_id)
        assert await bench.run_worker(CE_CRASH_AT=f"{STRAYS}:2") == KILLED
        assert await bench.run_worker(CE_CRASH_AT=STRAYS) == KILLED
        await settle(bench)
        assert await bench.violations() == []
        moved = [effect for effect in await bench.effects() if effect.before_micros != effect.after_micros]
        assert len(moved) == 8 + 2 + 2
        assert [budget.daily_budget_micros for budget in bench.budgets] == [
            change.intended_micros for _, change in await bench.changes()
        ][4:]


async def stray(bench: Bench, budget_id: object) -> None:
    """Set a budget once more to what stood before its newest change, through the API, and have it read again."""
    [position] = [n for n, budget in enumerate(bench.budgets) if budget.id == budget_id]
    platform, account, entity = bench.places[budget_id]
    amount = bench.budgets[position].daily_budget_micros + STEP_MICROS
    await bench.platforms[Platform(platform)].set_daily_budget(account, entity, amount)
    async with bench.ports.database.write(bench.house.tenant_id) as scope:
        await adjustments.recheck_newest(scope, budget_id, bench.ports.clock.now_utc())
