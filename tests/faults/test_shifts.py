"""Survival row 7: a shift between two platforms fails at any step, and the worker is killed while it puts back.

All applied or all restored, else flagged within a minute; the sandbox's ledger shows nothing doubled and nothing lost.
"""

import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.adjustments import SETTLED, Adjustment
from domain.platforms import Platform
from domain.shifts import ENDED, FLAG_AFTER, Shift, ShiftStatus
from kit.crash_points import KILLED
from kit.pagination import Slice
from models import adjustments, shifts
from services import shifts as cases
from services.logs import verify
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.faults.checker import Place, check
from tests.faults.harness import Bench, open_bench, size

#: Where a worker may die on the way, and the which-th time there: of the first leg, the second, or the way back.
OF_SHIFTS = (("shift.before_commit", 1), ("shift.after_commit", 1))
POINTS = (
    *OF_SHIFTS,
    *itertools.product(
        ("dispatch.after_claim_commit", "dispatch.after_call", "dispatch.before_confirm_commit"), (1, 2)
    ),
    ("dispatch.after_call", 3),
)
#: What the platform of the second leg does: refuses for good, cuts the reply after or before it obeyed, breaks once.
FAULTS = ("refuse", "cut_after_apply", "cut_before_apply", "server_error")


async def amounts(bench: Bench) -> dict[str, int]:
    told = (await bench.control.get("/control/world")).raise_for_status().json()["campaigns"]
    return {each["entity"]: each["daily_budget_micros"] for each in told}


async def ended(bench: Bench) -> list[Shift]:
    """Run workers until they rest; the shifts then."""
    assert await bench.run_worker(90) == 0
    scope = bench.ports.database.read(bench.house.tenant_id)
    return await shifts.shift_page(scope, bench.house.workspace.id, Slice(100))


async def changes(bench: Bench, found: Sequence[Shift]) -> list[tuple[Place, Adjustment]]:
    scope = bench.ports.database.read(bench.house.tenant_id)
    return [
        (bench.places[each.budget_id], each)
        for shift in found
        for each in await adjustments.plan_adjustments(scope, shift.plan_id)
    ]


async def is_all_or_nothing(bench: Bench, before: dict[str, int], shift: Shift) -> None:
    """The ends of one shift at their platforms, by what it says of itself."""
    scope, after = bench.ports.database.read(bench.house.tenant_id), await amounts(bench)
    moved = []
    for adjustment_id in (shift.from_adjustment_id, shift.to_adjustment_id):
        leg = await adjustments.adjustment(scope, adjustment_id)
        entity = bench.places[leg.budget_id][2]
        assert leg.status in SETTLED
        assert after[entity] in {before[entity], leg.intended_micros}
        moved.append(after[entity] == leg.intended_micros)
    if shift.status is ShiftStatus.DONE:
        assert moved == [True, True]
    elif shift.status is ShiftStatus.NOT_MOVED:
        assert moved == [False, False]
    else:
        assert shift.status is ShiftStatus.FLAGGED
        assert shift.flagged_at_utc is not None


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.req("GO-05")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_shift_is_all_or_nothing_wherever_the_worker_dies(
    ports: Ports, house: House, database_url: str, tmp_path: Path, fault: str
) -> None:
    rng = random.Random(fault)
    points = [*OF_SHIFTS, rng.choice(POINTS)] if size(1) == 1 else POINTS
    async with open_bench(ports, house, database_url, tmp_path, 2 * len(points)) as bench:
        ana = await viewer_of(ports, house, house.owner_id)
        before = await amounts(bench)
        for n, (point, nth) in enumerate(points):
            pair = (bench.campaign_ids[2 * n], bench.campaign_ids[2 * n + 1])
            target = Platform(bench.places[bench.budgets[2 * n + 1].id][0])
            await bench.fault(target, fault, 1)
            await cases.request(ports, ana, pair, 1_000_000, "cheaper there", f"k{n}")
            assert await bench.run_worker(90, CE_CRASH_AT=f"{point}:{nth}") in {0, KILLED}
        found = await ended(bench)
        assert len(found) == len(points)
        for shift in found:
            await is_all_or_nothing(bench, before, shift)
        assert await verify(ports, house.tenant_id) == []
        assert check(await bench.effects(), await changes(bench, found), await bench.events()) == []


def test_a_flag_comes_within_a_minute_of_the_jobs_pace() -> None:
    assert FLAG_AFTER.total_seconds() + 2 < 60
    assert {ShiftStatus.DONE, ShiftStatus.NOT_MOVED} == ENDED
