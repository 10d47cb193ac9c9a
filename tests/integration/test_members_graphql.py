"""Members as clients see them: pages, payloads, typed refusals with their paths, and foreign ids."""

from typing import Any
from uuid import UUID

import pytest

from models import log, members
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id

MEMBERS = """
query ($workspaceId: ID!, $after: Cursor) {
  members(workspaceId: $workspaceId, first: 2, after: $after) {
    nodes { id version userId name email roles tenantWide changedBy { name } changedAt revokedAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""
MEMBER_ADD = """
mutation ($workspaceId: ID!, $member: MemberInput!) {
  memberAdd(workspaceId: $workspaceId, member: $member) {
    member { name email roles version changedBy { kind name } changedAt }
    accountCreated
    userErrors { __typename field code }
  }
}
"""
MEMBER_ROLES_SET = """
mutation ($id: ID!, $expectedVersion: Int!, $roles: [String!]!, $key: String) {
  memberRolesSet(id: $id, expectedVersion: $expectedVersion, roles: $roles, idempotencyKey: $key) {
    member { roles version }
    userErrors {
      __typename field code message
      ... on VersionConflict { changedBy { kind name } changedAt }
      ... on MemberVersionConflict { current { roles version } }
    }
  }
}
"""
MEMBER_REVOKE = """
mutation ($id: ID!, $expectedVersion: Int!) {
  memberRevoke(id: $id, expectedVersion: $expectedVersion) {
    member { version revokedAt } userErrors { __typename field code message }
  }
}
"""
NOON_TEXT = "2026-03-10T12:00:00.000000Z"


@pytest.fixture
async def ana(ports: Ports, house: House) -> Viewer:
    return await viewer_of(ports, house, house.owner_id)


async def member_id(ports: Ports, house: House, user_id: UUID) -> str:
    found = await members.member_of(ports.database.read(house.tenant_id), house.workspace.id, user_id)
    assert found is not None
    return global_id("Member", found.id)


async def answer(ports: Ports, viewer: Viewer, document: str, **variables: object) -> Any:
    """The one field of a response without errors."""
    response = await execute(ports, viewer, document, variables)
    assert "errors" not in response
    (payload,) = response["data"].values()
    return payload


async def test_members_come_in_pages(ports: Ports, house: House, ana: Viewer) -> None:
    workspace = global_id("Workspace", house.workspace.id)
    first = await answer(ports, ana, MEMBERS, workspaceId=workspace)
    assert first["nodes"][0] == {
        "id": await member_id(ports, house, house.owner_id),
        "version": 1,
        "userId": global_id("User", house.owner_id),
        "name": "Owner of acme",
        "email": "owner@acme.test",
        "roles": ["owner", "reviewer"],
        "tenantWide": False,
        "changedBy": None,
        "changedAt": None,
        "revokedAt": None,
    }
    assert first["pageInfo"]["hasNextPage"]
    second = await answer(ports, ana, MEMBERS, workspaceId=workspace, after=first["pageInfo"]["endCursor"])
    assert [each["name"] for each in second["nodes"]] == ["Analyst of acme"]
    assert not second["pageInfo"]["hasNextPage"]


async def test_adding_says_whether_an_account_was_made_and_which_field_is_wrong(
    ports: Ports, house: House, ana: Viewer
) -> None:
    workspace = global_id("Workspace", house.workspace.id)
    dora = {"email": "dora@acme.test", "name": "Dora", "password": "correct horse battery", "roles": ["finance"]}
    assert await answer(ports, ana, MEMBER_ADD, workspaceId=workspace, member=dora) == {
        "member": {
            "name": "Dora",
            "email": "dora@acme.test",
            "roles": ["finance"],
            "version": 1,
            "changedBy": {"kind": "MEMBER", "name": "Owner of acme"},
            "changedAt": NOON_TEXT,
        },
        "accountCreated": True,
        "userErrors": [],
    }
    for change, field in (
        ({}, ["member", "email"]),
        ({"email": "eve@acme.test", "roles": ["finance", "emperor"]}, ["member", "roles", "1"]),
        ({"email": "eve@acme.test", "password": "short"}, ["member", "password"]),
    ):
        refused = await answer(ports, ana, MEMBER_ADD, workspaceId=workspace, member={**dora, **change})
        assert refused == {
            "member": None,
            "accountCreated": False,
            "userErrors": [{"__typename": "RequestError", "field": field, "code": "INVALID_INPUT"}],
        }
    nowhere = await answer(ports, ana, MEMBER_ADD, workspaceId="nonsense", member=dora)
    assert nowhere["userErrors"] == [{"__typename": "RequestError", "field": ["workspaceId"], "code": "INVALID_INPUT"}]


async def test_the_loser_sees_who_won_and_the_member_as_it_is(ports: Ports, house: House, ana: Viewer) -> None:
    cleo = await member_id(ports, house, house.analyst_id)
    won = await answer(ports, ana, MEMBER_ROLES_SET, id=cleo, expectedVersion=1, roles=["finance"], key="k")
    assert won == {"member": {"roles": ["finance"], "version": 2}, "userErrors": []}
    again = await answer(ports, ana, MEMBER_ROLES_SET, id=cleo, expectedVersion=1, roles=["finance"], key="k")
    assert again == won
    lost = await answer(ports, ana, MEMBER_ROLES_SET, id=cleo, expectedVersion=1, roles=["developer"])
    assert lost == {
        "member": None,
        "userErrors": [
            {
                "__typename": "MemberVersionConflict",
                "field": ["expectedVersion"],
                "code": "VERSION_CONFLICT",
                "message": "somebody else changed this member first",
                "changedBy": {"kind": "MEMBER", "name": "Owner of acme"},
                "changedAt": NOON_TEXT,
                "current": {"roles": ["finance"], "version": 2},
            }
        ],
    }


async def test_revoking_and_the_last_owner(ports: Ports, house: House, ana: Viewer) -> None:
    cleo = await member_id(ports, house, house.analyst_id)
    assert await answer(ports, ana, MEMBER_REVOKE, id=cleo, expectedVersion=1) == {
        "member": {"version": 2, "revokedAt": NOON_TEXT},
        "userErrors": [],
    }
    own = await member_id(ports, house, house.owner_id)
    refused = await answer(ports, ana, MEMBER_REVOKE, id=own, expectedVersion=1)
    assert refused == {
        "member": None,
        "userErrors": [
            {
                "__typename": "RequestError",
                "field": None,
                "code": "INVALID_TRANSITION",
                "message": "somebody must stay the owner here; make somebody else one first",
            }
        ],
    }


@pytest.mark.req("FR-PLT-001")
async def test_another_tenants_ids_answer_as_not_found(
    ports: Ports, house: House, other_house: House, ana: Viewer
) -> None:
    theirs = await member_id(ports, other_house, other_house.analyst_id)
    nobodys = global_id("Member", house.tenant_id)
    query = "query ($id: ID!) { member(id: $id) { id } }"
    for missing in (theirs, nobodys):
        assert await answer(ports, ana, query, id=missing) is None
        not_found = {"__typename": "RequestError", "field": None, "code": "NOT_FOUND", "message": "no such member"}
        assert await answer(ports, ana, MEMBER_REVOKE, id=missing, expectedVersion=1) == {
            "member": None,
            "userErrors": [not_found],
        }
        refused = await answer(ports, ana, MEMBER_ROLES_SET, id=missing, expectedVersion=1, roles=["finance"])
        assert refused == {"member": None, "userErrors": [not_found]}
    answers = [
        await execute(ports, ana, MEMBERS, {"workspaceId": global_id("Workspace", id_)})
        for id_ in (other_house.workspace.id, house.tenant_id)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert await log.events_after(ports.database.read(other_house.tenant_id), 0, 10) == []


async def test_who_did_not_sign_in_is_told_so(ports: Ports, house: House) -> None:
    response = await execute(ports, None, MEMBERS, {"workspaceId": global_id("Workspace", house.workspace.id)})
    assert response["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    cleo = await member_id(ports, house, house.analyst_id)
    response = await execute(ports, None, MEMBER_REVOKE, {"id": cleo, "expectedVersion": 1})
    assert response["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
