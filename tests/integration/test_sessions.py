"""Signing in, refreshing and signing out, on both databases.

Unless the password is the point, a test opens its session for a verified identity: a check of a password is slow on
purpose.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import pytest

from adapters.passwords import Passwords
from adapters.tokens import new_refresh_token
from domain.access import ALL_SCOPES
from domain.errors import InvalidInput, NotFound, Unauthenticated
from domain.log import ActorKind, LogEvent
from domain.sessions import Identity, SessionEnd
from kit.ids import new_id
from kit.time import FixedClock
from models import log, members
from services import sessions as service
from services.logs import verify
from services.ports import Ports
from tests.conftest import NOON, House
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


@dataclass
class CountedPasswords:
    """Quick to check, and remembers against what each password was checked."""

    checked: list[str | None] = field(default_factory=list)

    async def hash_soon(self, password: str) -> str:
        return f"hash of {password}"

    async def verify_soon(self, password: str, stored_hash: str | None) -> bool:
        self.checked.append(stored_hash)
        return stored_hash == f"hash of {password}"


def identity(house: House) -> Identity:
    return Identity(house.tenant_id, house.analyst_id)


async def events(ports: Ports, house: House) -> list[LogEvent]:
    return await log.events_after(ports.database.read(house.tenant_id), 0, 100)


async def kinds(ports: Ports, house: House) -> list[str]:
    return [event.entry.kind for event in await events(ports, house)]


async def set_hash(ports: Ports, house: House) -> None:
    async with ports.database.write(house.tenant_id) as scope:
        people = scope.of(members.UserTable)
        await people.filter(id=house.analyst_id).update(password_hash=f"hash of {PASSWORD}")


async def revoke_memberships(ports: Ports, house: House) -> None:
    async with ports.database.write(house.tenant_id) as scope:
        await scope.of(members.MembershipTable).filter(user_id=house.analyst_id).update(revoked_at_utc=NOON)


# --- signing in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "password", "tenant"),
    [
        ("analyst@acme.test", "wrong horse battery", None),
        ("nobody@acme.test", PASSWORD, None),
        ("analyst@acme.test", "", None),
        ("analyst@acme.test", PASSWORD, "globex"),
        ("owner@acme.test", PASSWORD, None),
    ],
)
async def test_every_wrong_sign_in_is_told_the_same_and_leaves_nothing(
    ports: Ports, house: House, other_house: House, email: str, password: str, tenant: str | None
) -> None:
    ports = replace(ports, passwords=CountedPasswords())
    await set_hash(ports, house)
    variables = {"email": email, "password": password}
    if tenant is not None:
        variables["tenantId"] = global_id("Tenant", other_house.tenant_id)
    response = await execute(ports, None, SESSION_CREATE, variables)
    assert response["data"]["sessionCreate"] == {
        "session": None,
        "userErrors": [
            {"field": None, "message": "the e-mail address or the password is wrong", "code": "UNAUTHENTICATED"}
        ],
    }
    assert await events(ports, house) == await events(ports, other_house) == []


async def test_one_password_is_checked_for_whoever_asks(ports: Ports, house: House) -> None:
    """The time a sign-in takes is that of its one check: it tells neither who is known nor in how many tenants."""
    passwords = CountedPasswords()
    ports = replace(ports, passwords=passwords)
    for email in ("analyst@acme.test", "nobody@acme.test"):
        with pytest.raises(Unauthenticated):
            await service.create(ports, email, "wrong horse battery", None)
    assert passwords.checked == ["!", None]


async def test_what_is_no_address_is_told_so(ports: Ports) -> None:
    with pytest.raises(InvalidInput) as refused:
        await service.create(ports, "not an address", PASSWORD, None)
    assert refused.value.path == ("email",)


@pytest.mark.req("FR-PLT-001")
async def test_the_same_person_is_another_account_in_another_tenant(
    ports: Ports, clock: FixedClock, house: House, other_house: House
) -> None:
    """Whoever sets up an account for somebody's address in their own tenant opens no other one by it."""
    passwords = CountedPasswords()
    ports = replace(ports, passwords=passwords)
    await set_hash(ports, house)
    twin_id = new_id()
    async with ports.database.write(other_house.tenant_id) as scope:
        later = clock.now_utc() + timedelta(days=1)
        await members.add_user(scope, twin_id, "analyst@acme.test", "Twin", "hash of another one", later)
        await members.add_membership(scope, other_house.workspace.id, twin_id, ("finance",))

    first = await service.create(ports, "analyst@acme.test", PASSWORD, None)
    assert (first.viewer.tenant_id, first.viewer.principal.subject_id) == (house.tenant_id, house.analyst_id)
    chosen = await service.create(ports, "analyst@acme.test", "another one", other_house.tenant_id)
    assert (chosen.viewer.tenant_id, chosen.viewer.principal.subject_id) == (other_house.tenant_id, twin_id)
    for password, tenant_id in ((PASSWORD, other_house.tenant_id), ("another one", house.tenant_id)):
        with pytest.raises(Unauthenticated):
            await service.create(ports, "analyst@acme.test", password, tenant_id)
    assert len(passwords.checked) == 4


@pytest.mark.req("FR-PLT-003")
async def test_who_holds_nothing_any_more_gets_no_session(ports: Ports, house: House) -> None:
    ports = replace(ports, passwords=CountedPasswords())
    await set_hash(ports, house)
    await revoke_memberships(ports, house)
    with pytest.raises(Unauthenticated, match="the e-mail address or the password is wrong"):
        await service.create(ports, "analyst@acme.test", PASSWORD, None)
    assert await events(ports, house) == []


@pytest.mark.req("FR-PLT-004")
async def test_a_session_tells_who_with_every_scope_until_its_token_ends(ports: Ports, house: House) -> None:
    signed_in = await service.open_session(ports, identity(house))
    principal = signed_in.viewer.principal
    assert (principal.tenant_id, principal.subject_id) == (house.tenant_id, house.analyst_id)
    assert principal.credential_id == signed_in.session_id
    assert principal.scopes == ALL_SCOPES
    assert principal.expires_at_utc == signed_in.access_token.expires_at_utc == NOON + timedelta(seconds=900)
    assert signed_in.refresh_expires_at_utc == NOON + timedelta(days=30)


@pytest.mark.req("FR-PLT-005")
async def test_the_log_says_who_signed_in_without_name_address_or_secret(ports: Ports, house: House) -> None:
    signed_in = await service.open_session(ports, identity(house))
    (event,) = await events(ports, house)
    assert event.before is None
    assert event.after == {
        "id": str(signed_in.session_id),
        "tenant_id": str(house.tenant_id),
        "user_id": str(house.analyst_id),
        "opened_at_utc": "2026-03-10T12:00:00Z",
        "ended_at_utc": None,
        "end_reason": None,
        "workspace_id": None,
    }
    assert (event.entry.subject_type, event.entry.subject_id) == ("session", signed_in.session_id)


# --- refreshing -------------------------------------------------------------------------------------------------------


@pytest.mark.req("FR-PLT-004")
async def test_a_refresh_replaces_the_token_keeps_the_session_and_logs_nothing(
    ports: Ports, clock: FixedClock, house: House
) -> None:
    first = await service.open_session(ports, identity(house))
    clock.advance(timedelta(days=29))
    second = await service.refresh(ports, first.refresh_token.text)
    assert second.session_id == first.session_id
    assert second.refresh_token.text != first.refresh_token.text
    assert second.access_token.expires_at_utc == NOON + timedelta(days=29, seconds=900)
    assert second.refresh_expires_at_utc == NOON + timedelta(days=59)
    clock.advance(timedelta(days=29))
    await service.refresh(ports, second.refresh_token.text)
    assert await kinds(ports, house) == ["session.created"]


@pytest.mark.req("FR-PLT-004", "FR-PLT-005")
async def test_a_token_used_twice_ends_the_session_for_whoever_holds_its_successor(
    ports: Ports, clock: FixedClock, house: House
) -> None:
    first = await service.open_session(ports, identity(house))
    other = await service.open_session(ports, identity(house))
    second = await service.refresh(ports, first.refresh_token.text)
    clock.advance(timedelta(minutes=1))
    for token in (first, second, first):
        with pytest.raises(Unauthenticated, match="this session is over"):
            await service.refresh(ports, token.refresh_token.text)
    assert await kinds(ports, house) == ["session.created", "session.created", "session.reuse_detected"]
    last = (await events(ports, house))[-1]
    assert (last.entry.actor_kind, last.entry.actor_id) == (ActorKind.SYSTEM, "sessions")
    assert (last.entry.subject_id, last.entry.at_utc) == (first.session_id, NOON + timedelta(minutes=1))
    assert last.before is not None
    assert last.after is not None
    assert (last.before["ended_at_utc"], last.after["end_reason"]) == (None, SessionEnd.REFRESH_TOKEN_REUSED.value)
    # The person's other session is another family.
    await service.refresh(ports, other.refresh_token.text)


@pytest.mark.req("FR-PLT-004")
async def test_of_twenty_refreshes_at_once_one_wins_and_the_session_is_over(ports: Ports, house: House) -> None:
    """The rule: one use of a token succeeds, and any other use of it, however close, ends the session."""
    for _ in range(3):
        first = await service.open_session(ports, identity(house))
        answers = await asyncio.gather(
            *(service.refresh(ports, first.refresh_token.text) for _ in range(20)), return_exceptions=True
        )
        won = [each for each in answers if isinstance(each, service.SignedIn)]
        assert len(won) == 1
        assert [type(each) for each in answers if each is not won[0]] == [Unauthenticated] * 19
        with pytest.raises(Unauthenticated):
            await service.refresh(ports, won[0].refresh_token.text)
    assert await kinds(ports, house) == ["session.created", "session.reuse_detected"] * 3
    assert await verify(ports, house.tenant_id) == []


@pytest.mark.req("FR-PLT-004")
async def test_no_successor_outlives_a_session_that_ends_meanwhile(ports: Ports, house: House) -> None:
    """A thief replays an old token while the chain goes on: whichever comes first, nothing of the family works after."""
    for _ in range(10):
        first = await service.open_session(ports, identity(house))
        second = await service.refresh(ports, first.refresh_token.text)
        answers = await asyncio.gather(
            service.refresh(ports, second.refresh_token.text),
            service.refresh(ports, first.refresh_token.text),
            return_exceptions=True,
        )
        assert isinstance(answers[1], Unauthenticated)
        newest = answers[0] if isinstance(answers[0], service.SignedIn) else second
        with pytest.raises(Unauthenticated):
            await service.refresh(ports, newest.refresh_token.text)


async def test_a_token_that_waited_too_long_is_refused_without_suspicion(
    ports: Ports, clock: FixedClock, house: House
) -> None:
    first = await service.open_session(ports, identity(house))
    clock.advance(timedelta(days=30))
    with pytest.raises(Unauthenticated):
        await service.refresh(ports, first.refresh_token.text)
    assert await kinds(ports, house) == ["session.created"]


@pytest.mark.req("FR-PLT-003")
async def test_who_holds_nothing_any_more_cannot_refresh_until_they_do_again(ports: Ports, house: House) -> None:
    first = await service.open_session(ports, identity(house))
    await revoke_memberships(ports, house)
    with pytest.raises(Unauthenticated):
        await service.refresh(ports, first.refresh_token.text)
    async with ports.database.write(house.tenant_id) as scope:
        await scope.of(members.MembershipTable).filter(user_id=house.analyst_id).update(revoked_at_utc=None)
    again = await service.refresh(ports, first.refresh_token.text)
    assert again.session_id == first.session_id


@pytest.mark.parametrize("token", ["", "cr_", "cr_" + "0" * 64, "ce_" + "0" * 12 + "_" + "0" * 64, "nonsense"])
async def test_a_token_nobody_was_given_is_refused(ports: Ports, house: House, token: str) -> None:
    for use in (service.refresh, service.revoke):
        with pytest.raises(Unauthenticated):
            await use(ports, token)
    assert await events(ports, house) == []


# --- signing out ------------------------------------------------------------------------------------------------------


SESSION_REVOKE = """
mutation ($refreshToken: String!) {
  sessionRevoke(refreshToken: $refreshToken) { revoked userErrors { message code } }
}
"""
SESSION_REFRESH = """
mutation ($refreshToken: String!) {
  sessionRefresh(refreshToken: $refreshToken) {
    session { refreshToken viewer { name } } userErrors { message code }
  }
}
"""


@pytest.mark.req("FR-PLT-004", "FR-PLT-005")
async def test_signing_out_ends_the_session_once(ports: Ports, house: House) -> None:
    signed_in = await service.open_session(ports, identity(house))
    refreshed = await execute(ports, None, SESSION_REFRESH, {"refreshToken": signed_in.refresh_token.text})
    session = refreshed["data"]["sessionRefresh"]["session"]
    assert session["viewer"] == {"name": "Analyst of acme"}
    token = {"refreshToken": session["refreshToken"]}
    for revoked in (True, False):
        response = await execute(ports, None, SESSION_REVOKE, token)
        assert response["data"]["sessionRevoke"] == {"revoked": revoked, "userErrors": []}
    response = await execute(ports, None, SESSION_REFRESH, token)
    assert response["data"]["sessionRefresh"] == {
        "session": None,
        "userErrors": [{"message": "this session is over; sign in again", "code": "UNAUTHENTICATED"}],
    }
    assert await kinds(ports, house) == ["session.created", "session.revoked"]
    last = (await events(ports, house))[-1]
    assert (last.entry.actor_id, last.entry.subject_id) == (str(house.analyst_id), signed_in.session_id)
    assert last.after is not None
    assert last.after["end_reason"] == "SIGNED_OUT"


async def test_signing_out_with_an_unknown_token_says_so(ports: Ports) -> None:
    response = await execute(ports, None, SESSION_REVOKE, {"refreshToken": new_refresh_token().text})
    assert response["data"]["sessionRevoke"] == {
        "revoked": False,
        "userErrors": [{"message": "this session is over; sign in again", "code": "UNAUTHENTICATED"}],
    }


# --- the command line -------------------------------------------------------------------------------------------------


async def test_the_command_line_signs_in_by_address_alone(ports: Ports, house: House) -> None:
    signed_in = await service.open_local(ports, "Analyst@acme.test")
    assert signed_in.viewer.principal.subject_id == house.analyst_id
    assert await kinds(ports, house) == ["session.created"]
    viewer = await service.local_viewer(ports, "analyst@acme.test")
    assert viewer.standing == signed_in.viewer.standing
    for use in (service.open_local, service.local_viewer):
        with pytest.raises(NotFound):
            await use(ports, "nobody@acme.test")


async def test_the_command_line_acts_for_nobody_who_holds_nothing(ports: Ports, house: House) -> None:
    await revoke_memberships(ports, house)
    for use in (service.open_local, service.local_viewer):
        with pytest.raises(Unauthenticated):
            await use(ports, "analyst@acme.test")


@pytest.mark.req("FR-PLT-001")
async def test_an_identity_of_another_tenant_opens_nothing(ports: Ports, house: House, other_house: House) -> None:
    for tenant_id, user_id in ((other_house.tenant_id, house.analyst_id), (uuid4(), house.analyst_id)):
        with pytest.raises(Unauthenticated):
            await service.open_session(ports, Identity(tenant_id, user_id))
    assert await events(ports, other_house) == []
