"""Refetching by global id on both databases: every type, in order, and only where the viewer may look."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from domain.access import Permission
from domain.guardrails import Scope, ScopeKind, Settings
from kit.ids import new_id
from models import campaigns, members, tenants
from resolvers.loaders import NODES
from services import api_keys, documents, emergency_stops, guardrails, shifts, status_changes
from services import recommendations as decisions
from services.ports import Ports
from services.viewers import look_up
from tests.conftest import NOON, House, principal_of, viewer_of
from tests.graphql_client import execute, global_id

NODES_QUERY = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


async def test_every_type_comes_back_in_the_order_asked_with_nothing_for_what_is_not(
    ports: Ports, house: House
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    decided = await decisions.approve(ports, ana, house.recommendations[0].id, 1, "k")
    assert decided.adjustment is not None
    cleo = (await viewer_of(ports, house, house.analyst_id)).standing.member_id
    key = await api_keys.create(ports, ana, house.workspace.id, "key", [Permission.CAMPAIGN_READ], None)
    assert cleo is not None
    document = await documents.register(ports, ana, house.workspace.id, "list", "{ viewer { name } }")
    whole = Scope(ScopeKind.WORKSPACE)
    guardrail = await guardrails.set_(ports, ana, house.workspace.id, whole, Settings(), None, "g")
    pair = (house.campaigns[2].id, house.campaigns[3].id)
    shift = await shifts.request(ports, ana, pair, 1_000_000, "why", "s")
    pause = await status_changes.pause(ports, ana, house.campaigns[1].id, "why", "p")
    stop = await emergency_stops.start(ports, ana, house.workspace.id, "why", 0, "e")
    found = {
        "Workspace": house.workspace.id,
        "AdAccount": house.account.id,
        "Campaign": house.campaigns[0].id,
        "Budget": house.budgets[0].id,
        "Plan": house.plan.id,
        "Recommendation": house.recommendations[0].id,
        "Adjustment": decided.adjustment.id,
        "Member": cleo,
        "ApiKey": key.api_key.id,
        "TrustedDocument": document.id,
        "Guardrail": guardrail.id,
        "EmergencyStop": stop.id,
        "Shift": shift.id,
        "CampaignStatusChange": pause.id,
    }
    # Grants of platforms have tests of their own (test_connections.py): they take a whole consent.
    assert {*found, "PlatformGrant"} == set(NODES)
    ids = [global_id(name, id_) for name, id_ in found.items()]
    # An id of the right object under the wrong type is nobody's.
    ids += [global_id("Campaign", uuid4()), global_id("Plan", house.campaigns[0].id), global_id("Nothing", uuid4())]
    answer = await execute(ports, ana, NODES_QUERY, {"ids": ids})
    expected: list[Any] = [{"__typename": name, "id": global_id(name, id_)} for name, id_ in found.items()]
    assert answer == {"data": {"nodes": [*expected, None, None, None]}}
    one = "query ($id: ID!) { node(id: $id) { id ... on Campaign { name } } }"
    assert (await execute(ports, ana, one, {"id": ids[2]}))["data"] == {"node": {"id": ids[2], "name": "acme 0"}}


async def test_nothing_asked_is_nothing_found(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    assert await execute(ports, ana, NODES_QUERY, {"ids": []}) == {"data": {"nodes": []}}


@pytest.mark.parametrize(("ids", "field"), [(["x"] * 101, ["ids"]), (["x"], ["ids", "0"])])
async def test_what_is_no_id_is_said_to_be_none(ports: Ports, house: House, ids: list[str], field: list[str]) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    answer = await execute(ports, ana, NODES_QUERY, {"ids": ids})
    assert answer["data"] is None
    assert [each["extensions"] for each in answer["errors"]] == [{"code": "INVALID_INPUT", "field": field}]


@pytest.mark.req("FR-PLT-001")
async def test_another_workspace_of_the_same_tenant_is_as_far_away_as_another_tenant(
    ports: Ports, house: House
) -> None:
    hidden = replace(house.workspace, id=new_id(), name="hidden")
    campaign = replace(house.campaigns[0], id=new_id(), workspace_id=hidden.id, external_id="hidden")
    chief = new_id()
    async with ports.database.write(house.tenant_id) as scope:
        await tenants.add_workspace(scope, hidden)
        await campaigns.add_campaigns(scope, [campaign])
        await members.add_user(scope, chief, "chief@acme.test", "Chief", "!", NOON)
        await members.add_membership(scope, None, chief, ["owner"])
    ids = [global_id("Workspace", hidden.id), global_id("Campaign", campaign.id)]
    document = "query ($ids: [ID!]!, $w: ID!, $c: ID!) { nodes(ids: $ids) { id } workspace(id: $w) { id } campaign(id: $c) { id } }"
    variables = {"ids": ids, "w": ids[0], "c": ids[1]}
    ana = await viewer_of(ports, house, house.owner_id)
    assert await execute(ports, ana, document, variables) == {
        "data": {"nodes": [None, None], "workspace": None, "campaign": None}
    }
    wide = await look_up(ports, principal_of(house.tenant_id, chief))
    assert (await execute(ports, wide, document, variables))["data"]["nodes"] == [{"id": id_} for id_ in ids]


async def test_what_a_role_may_not_read_is_not_there(ports: Ports, house: House) -> None:
    engineer = new_id()
    async with ports.database.write(house.tenant_id) as scope:
        await members.add_user(scope, engineer, "e@acme.test", "E", "!", NOON)
        await members.add_membership(scope, house.workspace.id, engineer, ["platform_engineer"])
    viewer = await look_up(ports, principal_of(house.tenant_id, engineer))
    ids = [global_id("Workspace", house.workspace.id), global_id("Campaign", house.campaigns[0].id)]
    answer = await execute(ports, viewer, NODES_QUERY, {"ids": ids})
    assert answer == {"data": {"nodes": [{"__typename": "Workspace", "id": ids[0]}, None]}}


@pytest.mark.req("FR-PLT-003")
async def test_members_and_keys_come_back_to_those_who_may_read_users_where_they_hold(
    ports: Ports, house: House
) -> None:
    chief, director = new_id(), new_id()
    async with ports.database.write(house.tenant_id) as scope:
        for user, name in ((chief, "chief"), (director, "director")):
            await members.add_user(scope, user, f"{name}@acme.test", name, "!", NOON)
        wide_member = await members.add_membership(scope, None, chief, ["owner"])
        await members.add_membership(scope, None, director, ["data_analyst"])
    ana, cleo = [await viewer_of(ports, house, user) for user in (house.owner_id, house.analyst_id)]
    chiefs, directors = [await look_up(ports, principal_of(house.tenant_id, user)) for user in (chief, director)]
    key = await api_keys.create(ports, ana, house.workspace.id, "key", [Permission.CAMPAIGN_READ], None)
    assert cleo.standing.member_id is not None
    ids = [
        global_id("Member", cleo.standing.member_id),
        global_id("Member", wide_member),
        global_id("ApiKey", key.api_key.id),
    ]
    document = """query ($ids: [ID!]!) { nodes(ids: $ids) {
      ... on Member { name email roles tenantWide } ... on ApiKey { name scopes } } }"""
    member = {"name": "Analyst of acme", "email": "analyst@acme.test", "roles": ["data_analyst"], "tenantWide": False}
    wide = {"name": "chief", "email": "chief@acme.test", "roles": ["owner"], "tenantWide": True}
    program = {"name": "key", "scopes": ["CAMPAIGN_READ"]}
    for viewer, shown in (
        (chiefs, [member, wide, program]),
        # An owner of one workspace holds nothing in the tenant, so who is in all of it is not theirs to see so.
        (ana, [member, None, program]),
        (cleo, [None, None, None]),
        (directors, [None, None, None]),
    ):
        assert await execute(ports, viewer, document, {"ids": ids}) == {"data": {"nodes": shown}}


async def test_nobody_gets_nothing(ports: Ports, house: House) -> None:
    ids = [global_id("Workspace", house.workspace.id)]
    answer = await execute(ports, None, NODES_QUERY, {"ids": ids})
    assert (answer["data"], [each["extensions"]["code"] for each in answer["errors"]]) == (None, ["UNAUTHENTICATED"])
