"""The audit trail over GraphQL on both databases: what happened, by whom, and who may read it."""

from typing import Any

import pytest

from domain.access import Permission
from domain.workspaces import WorkspaceChange
from models import log
from services import api_keys, members, workspaces
from services import recommendations as decisions
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id

TRAIL = """query ($w: ID!, $subject: ID, $first: PageSize, $after: Cursor, $last: PageSize, $before: Cursor) {
  events(workspaceId: $w, subjectId: $subject, first: $first, after: $after, last: $last, before: $before) {
    nodes { sequence at kind subjectType subjectVersion actor { kind name } before after subject { __typename id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def trail(ports: Ports, viewer: Viewer, house: House, **arguments: Any) -> dict[str, Any]:
    answer = await execute(ports, viewer, TRAIL, {"w": global_id("Workspace", house.workspace.id), **arguments})
    assert "errors" not in answer
    found: dict[str, Any] = answer["data"]["events"]
    return found


async def some_history(ports: Ports, house: House) -> None:
    """Settings changed (1), a cut approved (2 and 3), a rise rejected (4)."""
    ana = await viewer_of(ports, house, house.owner_id)
    ben = await viewer_of(ports, house, house.reviewer_id)
    await workspaces.update(ports, ana, house.workspace.id, 1, WorkspaceChange(name="new"), "a")
    await decisions.approve(ports, ben, house.recommendations[0].id, 1, "b")
    await decisions.reject(ports, ana, house.recommendations[2].id, 1, "no", "c")


@pytest.mark.req("FR-PLT-005")
async def test_the_trail_tells_who_did_what_to_what(ports: Ports, house: House) -> None:
    await some_history(ports, house)
    ana = await viewer_of(ports, house, house.owner_id)
    found = await trail(ports, ana, house, first=10)
    assert [(each["sequence"], each["kind"], each["actor"]["name"]) for each in found["nodes"]] == [
        (4, "recommendation.rejected", "Owner of acme"),
        (3, "recommendation.approved", "Reviewer of acme"),
        (2, "adjustment.queued", "Reviewer of acme"),
        (1, "workspace.updated", "Owner of acme"),
    ]
    rejected = found["nodes"][0]
    assert rejected["subject"] == {
        "__typename": "Recommendation",
        "id": global_id("Recommendation", house.recommendations[2].id),
    }
    assert (rejected["at"], rejected["subjectType"], rejected["subjectVersion"]) == (
        "2026-03-10T12:00:00.000000Z",
        "recommendation",
        2,
    )
    assert (rejected["before"]["status"], rejected["after"]["status"]) == ("NEEDS_REVIEW", "REJECTED")
    assert rejected["after"]["decision_reason"] == "no"
    queued = found["nodes"][2]
    assert (queued["before"], queued["after"]["intended_micros"]) == (None, 90_000_000)


async def test_the_trail_withholds_leases_and_tenants(ports: Ports, house: House) -> None:
    await some_history(ports, house)
    ana = await viewer_of(ports, house, house.owner_id)
    for event in (await trail(ports, ana, house, first=10))["nodes"]:
        shown = {**(event["before"] or {}), **event["after"]}
        assert {name for name in shown if "token" in name or "hash" in name} == set()
        assert "tenant_id" not in shown


async def test_the_trail_pages_by_number_in_both_directions(ports: Ports, house: House) -> None:
    await some_history(ports, house)
    ana = await viewer_of(ports, house, house.owner_id)

    async def numbers(**paging: Any) -> tuple[list[int], dict[str, Any]]:
        page = await trail(ports, ana, house, **paging)
        return [each["sequence"] for each in page["nodes"]], page["pageInfo"]

    newest, info = await numbers(first=2)
    assert (newest, info["hasNextPage"]) == ([4, 3], True)
    older, info = await numbers(first=2, after=info["endCursor"])
    assert (older, info["hasNextPage"], info["hasPreviousPage"]) == ([2, 1], False, True)
    assert (await numbers(last=1, before=info["endCursor"]))[0] == [2]
    oldest, info = await numbers(last=3)
    assert (oldest, info["hasPreviousPage"]) == ([3, 2, 1], True)
    # A cursor of another list is some place beyond the log's end, and no error of the database.
    assert (await numbers(first=2, after="_____________________w"))[0] == [4, 3]


@pytest.mark.req("RB-F5")
async def test_a_change_can_be_followed_from_its_decision_on(ports: Ports, house: House) -> None:
    await some_history(ports, house)
    cleo = await viewer_of(ports, house, house.analyst_id)
    found = await trail(ports, cleo, house, first=10, subject=global_id("Recommendation", house.recommendations[0].id))
    assert [each["kind"] for each in found["nodes"]] == ["recommendation.approved"]


@pytest.mark.req("FR-PLT-003")
async def test_who_sees_campaigns_only_sees_what_happened_to_budgets(ports: Ports, house: House) -> None:
    await some_history(ports, house)
    cleo = await viewer_of(ports, house, house.analyst_id)
    kinds = [each["kind"] for each in (await trail(ports, cleo, house, first=10))["nodes"]]
    assert kinds == ["recommendation.rejected", "recommendation.approved", "adjustment.queued"]
    about_workspace = await trail(ports, cleo, house, first=10, subject=global_id("Workspace", house.workspace.id))
    assert about_workspace["nodes"] == []


async def test_what_was_erased_still_says_that_it_happened(ports: Ports, house: House) -> None:
    await some_history(ports, house)
    async with ports.database.write(house.tenant_id) as scope:
        assert await log.erase_payloads(scope, house.recommendations[2].id) == 1
    ana = await viewer_of(ports, house, house.owner_id)
    newest = (await trail(ports, ana, house, first=1))["nodes"][0]
    assert (newest["kind"], newest["before"], newest["after"]) == ("recommendation.rejected", None, None)


async def test_an_id_without_a_history_is_refused(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    for subject, code in (("nonsense", "INVALID_INPUT"), (global_id("Tenant", house.tenant_id), "NOT_FOUND")):
        answer = await execute(
            ports, ana, TRAIL, {"w": global_id("Workspace", house.workspace.id), "first": 1, "subject": subject}
        )
        assert [each["extensions"]["code"] for each in answer["errors"]] == [code]


async def test_what_happened_to_members_and_keys_leads_to_them(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    cleo = (await viewer_of(ports, house, house.analyst_id)).standing.member_id
    assert cleo is not None
    await members.set_roles(ports, ana, cleo, 1, ("finance",))
    key = await api_keys.create(ports, ana, house.workspace.id, "key", [Permission.CAMPAIGN_READ], None)
    found = (await trail(ports, ana, house, first=10))["nodes"]
    assert [(each["kind"], each["subject"]) for each in found] == [
        ("api_key.created", {"__typename": "ApiKey", "id": global_id("ApiKey", key.api_key.id)}),
        ("member.roles_set", {"__typename": "Member", "id": global_id("Member", cleo)}),
    ]
    about = (await trail(ports, ana, house, first=10, subject=global_id("Member", cleo)))["nodes"]
    assert [each["kind"] for each in about] == ["member.roles_set"]
