"""Signing in, refreshing and signing out, on both databases."""

import pytest

from adapters.passwords import Passwords
from domain.log import ActorKind
from models import log, members
from services.ports import Ports
from tests.conftest import House
from tests.graphql_client import execute, global_id

PASSWORD = "correct horse battery"

SESSION_CREATE = """
mutation ($email: String!, $password: String!, $tenantId: ID) {
  sessionCreate(email: $email, password: $password, tenantId: $tenantId) {
    session {
      accessToken expiresAt refreshToken refreshExpiresAt
      viewer { id kind name email tenant { id name } expiresAt workspaces { id name roles permissions mayDecideBudgets } }
    }
    userErrors { field message code }
  }
}
"""


async def give_password(ports: Ports, passwords: Passwords, house: House) -> None:
    """The analyst's local account gets a password."""
    async with ports.database.write(house.tenant_id) as scope:
        hashed = await passwords.hash_soon(PASSWORD)
        await scope.of(members.UserTable).filter(id=house.analyst_id).update(password_hash=hashed)


@pytest.mark.req("FR-PLT-004", "FR-PLT-005")
async def test_signing_in_gives_tokens_and_says_who(
    ports: Ports, passwords: Passwords, house: House, other_house: House
) -> None:
    await give_password(ports, passwords, house)
    response = await execute(ports, None, SESSION_CREATE, {"email": " Analyst@ACME.test", "password": PASSWORD})
    payload = response["data"]["sessionCreate"]
    session = payload["session"]
    assert payload["userErrors"] == []
    assert session["expiresAt"] == "2026-03-10T12:15:00.000000Z"
    assert session["refreshExpiresAt"] == "2026-04-09T12:00:00.000000Z"
    assert session["accessToken"].count(".") == 2
    assert session["refreshToken"].startswith("cr_")
    assert session["viewer"] == {
        "id": global_id("User", house.analyst_id),
        "kind": "USER",
        "name": "Analyst of acme",
        "email": "analyst@acme.test",
        "tenant": {"id": global_id("Tenant", house.tenant_id), "name": "acme"},
        "expiresAt": "2026-03-10T12:15:00.000000Z",
        "workspaces": [
            {
                "id": global_id("Workspace", house.workspace.id),
                "name": "acme",
                "roles": ["data_analyst"],
                "permissions": [
                    "ANALYTICS_READ", "ANALYTICS_WRITE", "CAMPAIGN_READ", "CDP_READ", "CREATIVE_READ", "DCO_READ",
                    "EXPERIMENT_READ", "JOURNEY_READ",
                ],
                "mayDecideBudgets": False,
            }
        ],
    }  # fmt: skip
    events = await log.events_after(ports.database.read(house.tenant_id), 0, 10)
    assert [(e.entry.kind, e.entry.actor_kind, e.entry.actor_id, e.entry.workspace_id) for e in events] == [
        ("session.created", ActorKind.MEMBER, str(house.analyst_id), None)
    ]
    assert await log.events_after(ports.database.read(other_house.tenant_id), 0, 10) == []
