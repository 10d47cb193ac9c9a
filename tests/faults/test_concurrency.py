"""Survival: four processes on one tenant's log, fifty approvers on one version."""

import asyncio
import sys
from pathlib import Path

import pytest

from domain.adjustments import AdjustmentStatus
from domain.errors import VersionConflict
from models import adjustments, log, recommendations
from services import recommendations as service
from services.logs import verify
from services.ports import Ports
from tests.conftest import House, build_house, viewer_of

WRITER = Path(__file__).with_name("writer.py")


async def test_four_processes_writing_one_tenant_lose_nothing(ports: Ports, house: House, database_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(WRITER), database_url, str(house.tenant_id), str(house.workspace.id), "150",
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in processes:
        _, stderr = await process.communicate()
        assert (process.returncode, stderr.decode()) == (0, "")
    events = await log.events_after(ports.database.read(house.tenant_id), 0, 1_000)
    assert [e.entry.sequence for e in events] == list(range(1, 601))
    assert await verify(ports, house.tenant_id) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.req("RB-E3")
async def test_fifty_approvers_on_one_version_two_hundred_rounds(ports: Ports) -> None:
    """Survival row 9: one winner each round; every loser learns who won and when; the log has exactly the winners."""
    rounds = 200
    houses = [await build_house(ports, f"round{n}") for n in range(rounds // 2)]
    for each in houses:
        viewers = [await viewer_of(ports, each, user) for user in (each.owner_id, each.reviewer_id)]
        for cut in each.recommendations[:2]:
            results = await asyncio.gather(
                *(service.approve(ports, viewers[n % 2], cut.id, 1, f"{cut.id}-{n}") for n in range(50)),
                return_exceptions=True,
            )
            winners = [r for r in results if isinstance(r, service.Decided)]
            losers = [r for r in results if isinstance(r, VersionConflict)]
            assert (len(winners), len(losers)) == (1, 49)
            winner = winners[0].recommendation
            assert {(r.changed_by_id, r.changed_at_utc, r.current_version) for r in losers} == {
                (winner.decided_by_id, winner.decided_at_utc, 2)
            }
            assert await recommendations.recommendation(ports.database.read(each.tenant_id), cut.id) == winner
        queued = await adjustments.plan_adjustments(ports.database.read(each.tenant_id), each.plan.id)
        assert [a.status for a in queued] == [AdjustmentStatus.PENDING] * 2
        assert (await log.head(ports.database.read(each.tenant_id)))[0] == 4
