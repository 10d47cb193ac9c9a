"""Adjustments over GraphQL on both databases: listing them, and a person sending a failed one again."""

from typing import Any

import pytest

from domain.adjustments import Adjustment, AdjustmentStatus
from models import adjustments, log
from services import recommendations as decisions
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id

RETRY = """mutation ($id: ID!, $version: Int!, $key: String!) {
  adjustmentRetry(id: $id, expectedVersion: $version, idempotencyKey: $key) {
    adjustment { status version attempts failureCode failureReason }
    userErrors { __typename code message
      ... on AdjustmentVersionConflict { current { status version } changedBy { kind name } changedAt } } } }"""


async def failed(ports: Ports, house: House, place: int = 0) -> Adjustment:
    """An approved change that did not go through."""
    ana = await viewer_of(ports, house, house.owner_id)
    decided = await decisions.approve(ports, ana, house.recommendations[place].id, 1, f"approve {place}")
    assert decided.adjustment is not None
    async with ports.database.write(house.tenant_id) as scope:
        assert await adjustments.fail_pending(scope, decided.adjustment.id, "QUOTA", "the platform is busy")
    return await adjustments.adjustment(ports.database.read(house.tenant_id), decided.adjustment.id)


async def retry(ports: Ports, viewer: Viewer, which: Adjustment, version: int, key: str) -> dict[str, Any]:
    variables = {"id": global_id("Adjustment", which.id), "version": version, "key": key}
    answer: dict[str, Any] = (await execute(ports, viewer, RETRY, variables))["data"]["adjustmentRetry"]
    return answer


async def test_a_failed_change_is_queued_again_once_per_key(ports: Ports, house: House) -> None:
    which = await failed(ports, house)
    ben = await viewer_of(ports, house, house.reviewer_id)
    answer = await retry(ports, ben, which, 2, "k")
    assert answer == {
        "adjustment": {
            "status": "PENDING",
            "version": 3,
            "attempts": 0,
            "failureCode": None,
            "failureReason": None,
        },
        "userErrors": [],
    }
    assert await retry(ports, ben, which, 2, "k") == answer
    scope = ports.database.read(house.tenant_id)
    stored = await adjustments.adjustment(scope, which.id)
    assert (stored.status, stored.version, stored.failure_reason) == (AdjustmentStatus.PENDING, 3, None)
    kinds = [(event.entry.kind, event.entry.actor_id) for event in await log.events_after(scope, 2, 10)]
    assert kinds == [("adjustment.retried", str(house.reviewer_id))]


async def test_who_retries_second_learns_who_was_first(ports: Ports, house: House) -> None:
    which = await failed(ports, house)
    ana, ben = [await viewer_of(ports, house, who) for who in (house.owner_id, house.reviewer_id)]
    await retry(ports, ben, which, 2, "a")
    lost = await retry(ports, ana, which, 2, "b")
    assert lost == {
        "adjustment": None,
        "userErrors": [
            {
                "__typename": "AdjustmentVersionConflict",
                "code": "VERSION_CONFLICT",
                "message": "this adjustment changed meanwhile",
                "current": {"status": "PENDING", "version": 3},
                "changedBy": {"kind": "MEMBER", "name": "Reviewer of acme"},
                "changedAt": "2026-03-10T12:00:00.000000Z",
            }
        ],
    }


async def test_what_is_on_its_way_cannot_be_sent_again(ports: Ports, house: House) -> None:
    which = await failed(ports, house)
    ana = await viewer_of(ports, house, house.owner_id)
    await retry(ports, ana, which, 2, "a")
    answer = await retry(ports, ana, which, 3, "b")
    assert [(each["code"], each["message"]) for each in answer["userErrors"]] == [
        ("INVALID_TRANSITION", "this adjustment is PENDING; only one that failed or is unknown can be sent again")
    ]


@pytest.mark.req("FR-PLT-003")
async def test_retrying_takes_a_person_who_may_decide_budgets(ports: Ports, house: House) -> None:
    which = await failed(ports, house)
    answer = await retry(ports, await viewer_of(ports, house, house.analyst_id), which, 2, "k")
    assert [each["code"] for each in answer["userErrors"]] == ["FORBIDDEN"]
    stored = await adjustments.adjustment(ports.database.read(house.tenant_id), which.id)
    assert stored == which


async def test_adjustments_are_listed_newest_first_by_status(ports: Ports, house: House) -> None:
    first, second = await failed(ports, house, 0), await failed(ports, house, 1)
    ana = await viewer_of(ports, house, house.owner_id)
    await retry(ports, ana, first, 2, "k")
    document = """query ($w: ID!, $statuses: [AdjustmentStatus!]) { adjustments(workspaceId: $w, first: 10, statuses: $statuses) {
      nodes { id status budgetBefore { amount } intendedBudget { amount } failureReason approvedBy { name } recommendation { campaignName } campaign { name } } } }"""

    async def listed(statuses: list[str] | None) -> list[dict[str, Any]]:
        variables = {"w": global_id("Workspace", house.workspace.id), "statuses": statuses}
        nodes: list[dict[str, Any]] = (await execute(ports, ana, document, variables))["data"]["adjustments"]["nodes"]
        return nodes

    assert [each["id"] for each in await listed(None)] == [global_id("Adjustment", x.id) for x in (second, first)]
    assert await listed(["FAILED", "UNKNOWN"]) == [
        {
            "id": global_id("Adjustment", second.id),
            "status": "FAILED",
            "budgetBefore": {"amount": "100.00"},
            "intendedBudget": {"amount": "80.00"},
            "failureReason": "the platform is busy",
            "approvedBy": {"name": "Owner of acme"},
            "recommendation": {"campaignName": "acme 1"},
            "campaign": {"name": "acme 1"},
        }
    ]
    assert await listed([]) == []
