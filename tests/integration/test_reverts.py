"""Putting a confirmed change back, over GraphQL and through the same dispatch, on both databases."""

import random
from dataclasses import replace
from typing import Any

import pytest

from domain.adjustments import Adjustment, AdjustmentStatus
from jobs.dispatch import sweep
from models import adjustments, campaigns, log, plans
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration import meta_shop
from tests.integration.fake_platform import FakePlatform
from tests.integration.meta_shop import amounts, approve

REVERT = """mutation ($id: ID!, $version: Int!, $reason: String!, $key: String!) {
  adjustmentRevert(id: $id, expectedVersion: $version, reason: $reason, idempotencyKey: $key) {
    adjustment { status version restoredBy { status } restores { id } reason }
    restoring { id status version budgetBefore { amount } intendedBudget { amount } autoApproved reason
                approvedBy { name } restores { id } restoredBy { id } }
    userErrors { __typename code message ... on PlanUnfunded { shortfall { amount } } } } }"""
SHOWN = """query ($id: ID!) { adjustment(id: $id) { status restoredBy { id status } } }"""


async def confirmed(ports: Ports, house: House, *positions: int) -> list[Adjustment]:
    """Approved, sent and read back: -10, -20, +5 and +25 of 100."""
    queued = await approve(ports, house, *positions)
    await sweep(ports, random.Random(1))
    return await meta_shop.now(ports, *queued)


async def now(ports: Ports, which: Adjustment) -> Adjustment:
    [found] = await meta_shop.now(ports, which)
    return found


async def revert(
    ports: Ports,
    house: House,
    which: Adjustment,
    *,
    who: str = "reviewer_id",
    reason: str = "it was wrong",
    key: str = "k",
) -> dict[str, Any]:
    viewer = await viewer_of(ports, house, getattr(house, who))
    variables = {"id": global_id("Adjustment", which.id), "version": which.version, "reason": reason, "key": key}
    answer: dict[str, Any] = (await execute(ports, viewer, REVERT, variables))["data"]["adjustmentRevert"]
    return answer


async def kinds_of(ports: Ports, which: Adjustment) -> list[str]:
    events = await log.events_after(ports.database.read(which.tenant_id), 0, 1_000)
    return [e.entry.kind.removeprefix("adjustment.") for e in events if e.entry.subject_id == which.id]


@pytest.mark.req("RO-08", "RO-16")
async def test_a_reversal_goes_through_the_same_dispatch_and_counts_when_it_is_read_back(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    [cut] = await confirmed(ports, house, 0)
    answer = await revert(ports, house, cut)
    restoring_id = answer["restoring"].pop("id")
    assert answer == {
        "adjustment": {
            "status": "CONFIRMED",
            "version": cut.version + 1,
            "restoredBy": {"status": "PENDING"},
            "restores": None,
            "reason": None,
        },
        "restoring": {
            "status": "PENDING",
            "version": 1,
            "budgetBefore": {"amount": "90.00"},
            "intendedBudget": {"amount": "100.00"},
            "autoApproved": False,
            "reason": "it was wrong",
            "approvedBy": {"name": "Reviewer of acme"},
            "restores": {"id": global_id("Adjustment", cut.id)},
            "restoredBy": None,
        },
        "userErrors": [],
    }
    assert amounts(meta)[0] == 90

    assert await sweep(ports, random.Random(1)) == 1

    assert amounts(meta) == [100, 100, 100, 100]
    viewer = await viewer_of(ports, house, house.owner_id)
    shown = await execute(ports, viewer, SHOWN, {"id": global_id("Adjustment", cut.id)})
    assert shown["data"]["adjustment"] == {
        "status": "REVERTED",
        "restoredBy": {"id": restoring_id, "status": "CONFIRMED"},
    }
    assert await kinds_of(ports, cut) == [
        "queued", "dispatched", "applied", "confirmed", "restoring", "reverted",
    ]  # fmt: skip
    scope = ports.database.read(house.tenant_id)
    assert (await campaigns.budget(scope, cut.budget_id)).daily_budget_micros == 100_000_000


async def test_the_same_key_reverts_once_and_a_second_reversal_is_refused(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    [cut] = await confirmed(ports, house, 0)
    first = await revert(ports, house, cut)
    assert await revert(ports, house, cut) == first
    again = await revert(ports, house, await now(ports, cut), key="other")
    assert [each["message"] for each in again["userErrors"]] == [
        "another change of this budget is on its way; wait for it"
    ]
    await sweep(ports, random.Random(1))
    done = await revert(ports, house, await now(ports, cut), key="third")
    assert [each["code"] for each in done["userErrors"]] == ["INVALID_TRANSITION"]
    assert len(await adjustments.plan_adjustments(ports.database.read(house.tenant_id), house.plan.id)) == 2


async def test_money_that_another_change_spends_is_not_put_back_twice(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    """20 are freed, 5 of them are spent: undoing the cut first would spend 5 twice."""
    cut, rise = await confirmed(ports, house, 1, 2)
    refused = await revert(ports, house, cut)
    assert [(each["__typename"], each["shortfall"]) for each in refused["userErrors"]] == [
        ("PlanUnfunded", {"amount": "5.00"})
    ]
    assert await now(ports, cut) == cut
    assert (await revert(ports, house, rise, key="rise"))["userErrors"] == []
    assert (await revert(ports, house, cut, key="cut"))["userErrors"] == []
    await sweep(ports, random.Random(1))
    assert amounts(meta) == [100, 100, 100, 100]
    assert {(await now(ports, each)).status for each in (cut, rise)} == {AdjustmentStatus.REVERTED}
    plan = await plans.plan(ports.database.read(house.tenant_id), house.plan.id)
    assert (plan.approved_increase_micros, plan.approved_decrease_micros) == (25_000_000, 25_000_000)


async def test_somebody_elses_edit_is_not_overwritten_by_a_reversal(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    [cut] = await confirmed(ports, house, 0)
    queued = await revert(ports, house, cut)
    assert queued["userErrors"] == []
    meta.set_budget(house.budgets[0].external_id, 95_000_000)
    await sweep(ports, random.Random(1))
    assert amounts(meta)[0] == 95
    original = await now(ports, cut)
    assert original.status is AdjustmentStatus.CONFIRMED
    assert original.restored_by_id is not None
    failed = await adjustments.adjustment(ports.database.read(house.tenant_id), original.restored_by_id)
    assert (failed.status, failed.failure_code) == (AdjustmentStatus.FAILED, "BUDGET_CHANGED_ELSEWHERE")


async def test_what_no_longer_stands_is_not_reverted(ports: Ports, house: House, meta: FakePlatform) -> None:
    [cut] = await confirmed(ports, house, 0)
    async with ports.database.write(house.tenant_id) as scope:
        await campaigns.observe_budget(scope, cut.budget_id, 70_000_000, ports.clock.now_utc())
    refused = await revert(ports, house, cut)
    assert [each["message"] for each in refused["userErrors"]] == [
        "the budget has moved on to 70.00 USD from the 90.00 this change had set; revert what came later first"
    ]


@pytest.mark.parametrize(
    ("who", "reason", "code"), [("analyst_id", "why", "FORBIDDEN"), ("owner_id", " ", "INVALID_INPUT")]
)
async def test_reverting_takes_a_person_who_may_decide_and_a_reason(
    ports: Ports, house: House, meta: FakePlatform, who: str, reason: str, code: str
) -> None:
    [cut] = await confirmed(ports, house, 0)
    refused = await revert(ports, house, cut, who=who, reason=reason)
    assert [each["code"] for each in refused["userErrors"]] == [code]
    assert await now(ports, cut) == cut


async def test_who_reverts_what_changed_meanwhile_is_told(ports: Ports, house: House, meta: FakePlatform) -> None:
    [cut] = await confirmed(ports, house, 0)
    refused = await revert(ports, house, replace(cut, version=cut.version - 1))
    assert [each["__typename"] for each in refused["userErrors"]] == ["AdjustmentVersionConflict"]


async def test_a_restored_change_can_be_made_again_by_reverting_its_reversal(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    [cut] = await confirmed(ports, house, 0)
    await revert(ports, house, cut)
    await sweep(ports, random.Random(1))
    back_id = (await now(ports, cut)).restored_by_id
    assert back_id is not None
    back = await adjustments.adjustment(ports.database.read(house.tenant_id), back_id)
    assert (await revert(ports, house, back, key="again"))["userErrors"] == []
    await sweep(ports, random.Random(1))
    assert amounts(meta)[0] == 90
    assert (await now(ports, back)).status is AdjustmentStatus.REVERTED
