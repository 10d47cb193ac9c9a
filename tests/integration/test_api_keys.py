"""API keys: made, shown once, used, revoked, on both databases."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from adapters import tokens
from adapters.tokens import new_api_key
from domain.access import Permission, PrincipalKind, ReservedAct
from domain.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from domain.log import Actor, ActorKind, LogEvent
from kit.ids import new_id
from kit.pagination import Slice
from kit.time import FixedClock
from models import api_keys as table
from models import log, members
from services import api_keys as service
from services import recommendations
from services.members import profile
from services.ports import Ports
from services.viewers import Viewer, look_up
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute, global_id

CAMPAIGNS = (Permission.CAMPAIGN_WRITE, Permission.CAMPAIGN_READ)


@pytest.fixture
async def ana(ports: Ports, house: House) -> Viewer:
    """The workspace's owner."""
    return await viewer_of(ports, house, house.owner_id)


async def make(ports: Ports, viewer: Viewer, house: House, *permissions: Permission) -> service.Created:
    return await service.create(ports, viewer, house.workspace.id, "nightly", permissions or CAMPAIGNS, None)


async def program(ports: Ports, created: service.Created) -> Viewer:
    """The viewer behind a key."""
    return await look_up(ports, await service.identify(ports, created.secret.text))


async def events(ports: Ports, house: House) -> list[LogEvent]:
    return await log.events_after(ports.database.read(house.tenant_id), 0, 100)


@pytest.mark.req("FR-PLT-005")
async def test_a_key_is_told_once_and_stored_as_a_hash(ports: Ports, house: House, ana: Viewer) -> None:
    end = NOON + timedelta(days=90)
    created = await service.create(ports, ana, house.workspace.id, " nightly ", CAMPAIGNS, end)
    key = created.api_key
    assert (key.name, key.permissions, key.expires_at_utc) == (
        "nightly",
        (Permission.CAMPAIGN_READ, Permission.CAMPAIGN_WRITE),
        end,
    )
    assert (key.created_by_id, key.created_at_utc, key.revoked_at_utc) == (house.owner_id, NOON, None)
    assert created.secret.text.startswith(f"ce_{key.prefix}_")
    (row,) = await ports.database.read(house.tenant_id).of(table.ApiKeyTable).all().values()
    assert row["secret_hash"] == tokens.hash_secret(created.secret.text)
    (event,) = await events(ports, house)
    assert (event.entry.kind, event.entry.actor_id, event.entry.workspace_id) == (
        "api_key.created",
        str(house.owner_id),
        house.workspace.id,
    )
    for where in (row, event):
        assert created.secret.text not in str(where)
    assert created.secret.hash not in str(event)
    assert created.secret.text not in repr(created)


@pytest.mark.req("FR-PLT-001", "FR-PLT-003")
async def test_a_key_speaks_for_its_tenant_and_workspace_with_its_permissions_only(
    ports: Ports, house: House, other_house: House, ana: Viewer
) -> None:
    viewer = await program(ports, await make(ports, ana, house, Permission.CAMPAIGN_READ))
    assert (viewer.principal.kind, viewer.tenant_id) == (PrincipalKind.API_KEY, house.tenant_id)
    assert viewer.principal.expires_at_utc is None
    assert viewer.authority(house.workspace.id).permissions == {Permission.CAMPAIGN_READ}
    assert (await recommendations.one(ports, viewer, house.recommendations[0].id)) == house.recommendations[0]
    with pytest.raises(NotFound):
        await recommendations.one(ports, viewer, other_house.recommendations[0].id)
    for elsewhere in (other_house.workspace.id, uuid4()):
        with pytest.raises(NotFound):
            viewer.authority(elsewhere)
    told = await profile(ports, viewer)
    assert (told.kind, told.name, told.email, told.tenant_name) == (PrincipalKind.API_KEY, "nightly", None, "acme")
    assert [(each.workspace_id, each.permissions) for each in told.places] == [
        (house.workspace.id, (Permission.CAMPAIGN_READ,))
    ]


@pytest.mark.req("FR-PLT-003", "BT-roles")
async def test_no_key_decides_a_budget(ports: Ports, house: House) -> None:
    """Not even one with every permission, made by a person who may decide."""
    ana = await viewer_of(ports, house, house.owner_id)
    viewer = await program(ports, await make(ports, ana, house, *Permission))
    with pytest.raises(Forbidden):
        viewer.require_act(house.workspace.id, ReservedAct.DECIDE_BUDGETS)
    with pytest.raises(Forbidden):
        await recommendations.approve(ports, viewer, house.recommendations[0].id, 1, "k")
    assert not (await profile(ports, viewer)).places[0].may_decide_budgets
    assert [event.entry.kind for event in await events(ports, house)] == ["api_key.created"]


@pytest.mark.req("FR-PLT-003")
async def test_nobody_makes_a_key_that_gives_more_than_they_hold(ports: Ports, house: House) -> None:
    cleo = await viewer_of(ports, house, house.analyst_id)
    with pytest.raises(Forbidden, match="user:write"):
        await make(ports, cleo, house, Permission.CAMPAIGN_READ)
    async with ports.database.write(house.tenant_id) as scope:
        await scope.create(
            members.RoleTable, id=new_id(), name="hr", permissions=members.json_text(["user:read", "user:write"])
        )
        user_id = new_id()
        await members.add_user(scope, user_id, "hr@acme.test", "Hr", "!", NOON)
        await members.add_membership(scope, house.workspace.id, user_id, ("hr", "finance"))
    hr = await viewer_of(ports, house, user_id)
    with pytest.raises(Forbidden, match="campaign:write"):
        await make(ports, hr, house, *CAMPAIGNS)
    assert (await make(ports, hr, house, Permission.CAMPAIGN_READ)).api_key.created_by_id == user_id


async def test_a_key_makes_no_keys(ports: Ports, house: House, ana: Viewer) -> None:
    viewer = await program(ports, await make(ports, ana, house, *Permission))
    with pytest.raises(Forbidden, match="takes a person"):
        await make(ports, viewer, house, Permission.CAMPAIGN_READ)
    assert len(await events(ports, house)) == 1


@pytest.mark.parametrize(
    ("name", "permissions", "ends_in_days", "path"),
    [
        ("", CAMPAIGNS, None, ("name",)),
        ("x" * 201, CAMPAIGNS, None, ("name",)),
        ("nightly", (), None, ("scopes",)),
        ("nightly", CAMPAIGNS, 0, ("expires_at",)),
        ("nightly", CAMPAIGNS, -1, ("expires_at",)),
    ],
)
async def test_a_bad_new_key_is_refused_by_field(
    ports: Ports,
    house: House,
    ana: Viewer,
    name: str,
    permissions: tuple[Permission, ...],
    ends_in_days: int | None,
    path: tuple[str, ...],
) -> None:
    end = None if ends_in_days is None else NOON + timedelta(days=ends_in_days)
    with pytest.raises(InvalidInput) as refused:
        await service.create(ports, ana, house.workspace.id, name, permissions, end)
    assert refused.value.path == path
    assert await events(ports, house) == []


async def test_a_revoked_key_is_refused_at_once_and_revoking_again_changes_nothing(
    ports: Ports, clock: FixedClock, house: House, ana: Viewer
) -> None:
    created = await make(ports, ana, house)
    principal = await service.identify(ports, created.secret.text)
    clock.advance(timedelta(minutes=1))
    answers = await asyncio.gather(*(service.revoke(ports, ana, created.api_key.id) for _ in range(5)))
    assert {each.revoked_at_utc for each in answers} == {NOON + timedelta(minutes=1)}
    clock.advance(timedelta(minutes=1))
    assert (await service.revoke(ports, ana, created.api_key.id)).revoked_at_utc == NOON + timedelta(minutes=1)
    with pytest.raises(Unauthenticated):
        await look_up(ports, principal)
    with pytest.raises(Unauthenticated):
        await service.identify(ports, created.secret.text)
    assert [event.entry.kind for event in await events(ports, house)] == ["api_key.created", "api_key.revoked"]


async def test_a_key_ends_when_it_says(ports: Ports, clock: FixedClock, house: House, ana: Viewer) -> None:
    end = NOON + timedelta(hours=1)
    created = await service.create(ports, ana, house.workspace.id, "short", CAMPAIGNS, end)
    clock.advance(timedelta(minutes=59, seconds=59))
    principal = await service.identify(ports, created.secret.text)
    assert principal.expires_at_utc == end
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await service.identify(ports, created.secret.text)
    with pytest.raises(Unauthenticated):
        await look_up(ports, principal)


async def test_a_wrong_secret_under_a_right_prefix_is_refused(ports: Ports, house: House, ana: Viewer) -> None:
    created = await make(ports, ana, house)
    for wrong in (f"ce_{created.api_key.prefix}_{'0' * 64}", new_api_key().text, "ce_", created.secret.text + "0"):
        with pytest.raises(Unauthenticated, match="the API key is not valid"):
            await service.identify(ports, wrong)


@pytest.mark.req("FR-PLT-001", "FR-PLT-003")
async def test_keys_are_listed_to_those_who_may_read_users_and_another_tenants_are_not_found(
    ports: Ports, house: House, other_house: House, ana: Viewer
) -> None:
    theirs_owner = await viewer_of(ports, other_house, other_house.owner_id)
    theirs = await make(ports, theirs_owner, other_house)
    made = [(await make(ports, ana, house)).api_key for _ in range(3)]
    await service.revoke(ports, ana, made[0].id)
    listed = await service.page(ports, ana, house.workspace.id, Slice(10))
    assert [each.id for each in listed] == [made[2].id, made[1].id, made[0].id]
    assert [each.revoked_at_utc for each in listed] == [None, None, NOON]
    # One more than asked for says that there are more; both come in the list's order.
    below, above = Slice(1, after=made[2].id), Slice(1, before=made[0].id, backwards=True)
    found = await service.page(ports, ana, house.workspace.id, below)
    assert ([each.id for each in found], [each.id for each in below.kept(found)]) == (
        [made[1].id, made[0].id],
        [made[1].id],
    )
    found = await service.page(ports, ana, house.workspace.id, above)
    assert ([each.id for each in found], [each.id for each in above.kept(found)]) == (
        [made[2].id, made[1].id],
        [made[1].id],
    )

    cleo = await viewer_of(ports, house, house.analyst_id)
    for refused in (service.page(ports, cleo, house.workspace.id, Slice(1)), service.one(ports, cleo, made[1].id),
                    service.revoke(ports, cleo, made[1].id)):  # fmt: skip
        with pytest.raises(Forbidden):
            await refused

    before = await events(ports, other_house)
    boss = await tenant_wide_owner(ports, house)
    for viewer in (ana, boss):
        for foreign in (theirs.api_key.id, uuid4()):
            for missing in (service.one(ports, viewer, foreign), service.revoke(ports, viewer, foreign)):
                with pytest.raises(NotFound, match="no such API key"):
                    await missing
        for workspace_id in (other_house.workspace.id, uuid4()):
            for missing in (service.page(ports, viewer, workspace_id, Slice(1)),
                            service.create(ports, viewer, workspace_id, "x", CAMPAIGNS, None)):  # fmt: skip
                with pytest.raises(NotFound, match="no such workspace"):
                    await missing
    assert await events(ports, other_house) == before
    assert (await service.identify(ports, theirs.secret.text)).tenant_id == other_house.tenant_id


async def tenant_wide_owner(ports: Ports, house: House) -> Viewer:
    user_id: UUID = new_id()
    async with ports.database.write(house.tenant_id) as scope:
        await members.add_user(scope, user_id, "boss@acme.test", "Boss", "!", NOON)
        await members.add_membership(scope, None, user_id, ("owner",))
    return await viewer_of(ports, house, user_id)


async def test_the_log_names_the_key_that_acted(ports: Ports, house: House, ana: Viewer) -> None:
    created = await make(ports, ana, house)
    viewer = await program(ports, created)
    assert viewer.actor == Actor(ActorKind.API_KEY, str(created.api_key.id))


# --- as clients see them ----------------------------------------------------------------------------------------------


API_KEY_CREATE = """
mutation ($workspaceId: ID!, $scopes: [Permission!]!, $expiresAt: DateTime) {
  apiKeyCreate(workspaceId: $workspaceId, name: "nightly", scopes: $scopes, expiresAt: $expiresAt) {
    apiKey { id name prefix scopes createdBy { name } createdAt expiresAt revokedAt }
    secret
    userErrors { field code message }
  }
}
"""
API_KEYS = """
query ($workspaceId: ID!) { apiKeys(workspaceId: $workspaceId, first: 10) { nodes { id prefix revokedAt } } }
"""
API_KEY_REVOKE = """
mutation ($id: ID!) { apiKeyRevoke(id: $id) { apiKey { id revokedAt } userErrors { field code } } }
"""


async def test_clients_make_list_and_revoke_keys(ports: Ports, house: House, other_house: House, ana: Viewer) -> None:
    workspace = {"workspaceId": global_id("Workspace", house.workspace.id)}
    end = "2026-06-10T12:00:00.000000Z"
    response = await execute(ports, ana, API_KEY_CREATE, {**workspace, "scopes": ["CAMPAIGN_READ"], "expiresAt": end})
    payload = response["data"]["apiKeyCreate"]
    key = payload["apiKey"]
    assert payload["userErrors"] == []
    assert payload["secret"].startswith(f"ce_{key['prefix']}_")
    assert {name: key[name] for name in ("name", "scopes", "createdBy", "createdAt", "expiresAt", "revokedAt")} == {
        "name": "nightly",
        "scopes": ["CAMPAIGN_READ"],
        "createdBy": {"name": "Owner of acme"},
        "createdAt": "2026-03-10T12:00:00.000000Z",
        "expiresAt": end,
        "revokedAt": None,
    }
    listed = await execute(ports, ana, API_KEYS, workspace)
    assert listed["data"]["apiKeys"]["nodes"] == [{"id": key["id"], "prefix": key["prefix"], "revokedAt": None}]
    revoked = await execute(ports, ana, API_KEY_REVOKE, {"id": key["id"]})
    assert revoked["data"]["apiKeyRevoke"] == {
        "apiKey": {"id": key["id"], "revokedAt": "2026-03-10T12:00:00.000000Z"},
        "userErrors": [],
    }
    stranger = await viewer_of(ports, other_house, other_house.owner_id)
    foreign = await execute(ports, stranger, API_KEY_REVOKE, {"id": key["id"]})
    assert foreign["data"]["apiKeyRevoke"] == {"apiKey": None, "userErrors": [{"field": None, "code": "NOT_FOUND"}]}
    one = await execute(ports, stranger, "query ($id: ID!) { apiKey(id: $id) { id } }", {"id": key["id"]})
    assert one["data"] == {"apiKey": None}


@pytest.mark.parametrize(
    ("scopes", "end", "field"),
    [([], None, ["scopes"]), (["CAMPAIGN_READ"], "2026-03-10T12:00:00Z", ["expiresAt"])],
)
async def test_clients_are_told_the_field_of_a_bad_key(
    ports: Ports, house: House, ana: Viewer, scopes: list[str], end: str | None, field: list[str]
) -> None:
    variables = {"workspaceId": global_id("Workspace", house.workspace.id), "scopes": scopes, "expiresAt": end}
    payload = (await execute(ports, ana, API_KEY_CREATE, variables))["data"]["apiKeyCreate"]
    assert (payload["apiKey"], payload["secret"]) == (None, None)
    assert [(each["field"], each["code"]) for each in payload["userErrors"]] == [(field, "INVALID_INPUT")]
