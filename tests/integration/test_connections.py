"""Connections on both databases: the way there and back, tokens sealed and renewed once, disconnected at once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from adapters.credential_keys import CredentialCipher, FixedCredentialRing
from app.oauth_callbacks import oauth_routes
from domain.adjustments import AdjustmentStatus
from domain.connections import Connection, ConnectionStatus
from domain.errors import Forbidden, InvalidInput, NotFound, PlatformError, Unauthenticated
from domain.notifications.notices import NoticeKind
from domain.platforms import Platform
from domain.recommendations import RecommendationStatus
from domain.sessions import Session, SessionEnd, ended
from jobs.connections import forget_all_attempts, renew_all
from jobs.notifications import tell_all
from kit.pagination import Slice
from kit.time import FixedClock
from models import ad_accounts as stored_accounts
from models import adjustments, connections, log, recommendations, sessions
from services import connection_tokens, dispatch
from services import connections as service
from services import recommendations as decisions
from services.platform_access import platform_of
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration.fake_grants import KEYS, FakeProvider
from tests.integration.fake_platform import FakePlatform, campaign, refused
from tests.integration.test_notifications import inbox


@dataclass
class Desk:
    """A house, its owner signed in, one fake platform, and its consent page."""

    ports: Ports
    house: House
    ana: Viewer
    meta: FakePlatform

    @property
    def provider(self) -> FakeProvider:
        assert self.ports.connections is not None
        found = self.ports.connections.providers[Platform.META]
        assert isinstance(found, FakeProvider)
        return found

    @property
    def scope(self):
        return self.ports.database.read(self.house.tenant_id)

    async def set_out(self) -> str:
        """The state that the platform was handed."""
        begun = await service.start(self.ports, self.ana, self.house.workspace.id, Platform.META)
        return parse_qs(urlsplit(begun.consent_url).query)["state"][0]

    async def granted(self) -> Connection:
        return await service.finish(self.ports, Platform.META, await self.set_out(), "good code")

    async def over_connection(self) -> Connection:
        """The house's own account reached over a connection."""
        made = await self.granted()
        await self.point_house_at(made.id)
        return made

    async def point_house_at(self, connection_id: UUID) -> None:
        async with self.ports.database.write(self.house.tenant_id) as scope:
            await stored_accounts.store_ad_account(scope, replace(self.house.account, connection_id=connection_id))

    async def kinds(self) -> list[str]:
        return [event.entry.kind for event in await log.events_after(self.scope, 0, 1_000)]

    async def read(self) -> int:
        account = await stored_accounts.ad_account(self.scope, self.house.account.id)
        return (await platform_of(self.ports, account).read_budget("acme-1", "acme-b0")).daily_budget_micros


@pytest.fixture
async def desk(ports: Ports, house: House) -> Desk:
    meta = FakePlatform(
        campaigns=[
            campaign(n, external_id=c.external_id, budget_external_id=b.external_id)
            for n, (c, b) in enumerate(zip(house.campaigns, house.budgets, strict=True))
        ]
    )
    ports.platforms[Platform.META] = meta  # type: ignore[index]  # the fixture's is a dictionary
    ana = await viewer_of(ports, house, house.owner_id)
    session = Session(ana.principal.credential_id, house.tenant_id, house.owner_id, NOON, None, None)
    async with ports.database.write(house.tenant_id) as scope:
        await sessions.add_session(scope, session)
    return Desk(ports, house, ana, meta)


async def test_a_grant_is_kept_sealed_and_its_account_connected(desk: Desk) -> None:
    made = await desk.granted()
    assert (made.platform, made.status, made.scopes, made.connected_by_id, made.expires_at_utc) == (
        Platform.META,
        ConnectionStatus.CONNECTED,
        ("ads",),
        str(desk.house.owner_id),
        NOON + timedelta(hours=1),
    )
    stored = await connections.stored_connection(desk.scope, made.id)
    assert stored.connection == made
    assert "secret" not in f"{stored.sealed_access} {stored.sealed_refresh}"
    tokens = connection_tokens.opened(desk.ports, stored)
    assert (tokens.access_token, tokens.refresh_token) == ("access-secret-1", "refresh-secret-1")
    assert [each.name for each in await service.offered(desk.ports, desk.ana, made.id)] == ["Acme shop"]
    [account] = await service.connect(desk.ports, desk.ana, made.id, ["1", "1"])
    assert (account.connection_id, account.connected, account.name) == (made.id, True, "Acme shop")
    assert await desk.kinds() == ["connection.connected", "ad_account.connected"]


async def test_no_token_is_seen_anywhere_but_sealed(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = await desk.over_connection()
    await desk.read()
    stored = await connections.stored_connection(desk.scope, made.id)
    tokens = connection_tokens.opened(desk.ports, stored)
    desk.provider.failures = [refused("down", retryable=True)]
    with pytest.raises(PlatformError) as caught:
        await connection_tokens.renew(desk.ports, stored)
    events = await log.events_after(desk.scope, 0, 1_000)
    shown = await execute(
        desk.ports,
        desk.ana,
        "query($id: ID!) { platformGrants(workspaceId: $id, first: 10) { nodes { platform status scopes reason } } }",
        {"id": global_id("Workspace", desk.house.workspace.id)},
    )
    tables = [
        await desk.ports.database.system().rows(f"SELECT * FROM {name}")
        for name in ("platform_connections", "connection_attempts", "log_payloads", "ad_accounts")
    ]
    assert desk.ports.connections is not None
    everything = (
        f"{events} {shown} {tables} {stored!r} {tokens!r} {made!r} {caught.value!r} {caplog.text}"
        f"{desk.ports.connections.adapters!r}"
    )
    assert "-secret-" not in everything
    assert shown["data"]["platformGrants"]["nodes"][0]["status"] == "CONNECTED"


async def test_a_state_is_good_once_and_for_ten_minutes_and_on_its_own_platform(desk: Desk, clock: FixedClock) -> None:
    state = await desk.set_out()
    with pytest.raises(InvalidInput):
        await service.finish(desk.ports, Platform.GOOGLE, state, "good code")
    with pytest.raises(InvalidInput):  # The wrong platform used it up.
        await service.finish(desk.ports, Platform.META, state, "good code")
    state = await desk.set_out()
    await service.finish(desk.ports, Platform.META, state, "good code")
    with pytest.raises(InvalidInput) as caught:
        await service.finish(desk.ports, Platform.META, state, "good code")
    assert caught.value.path == ("state",)
    late = await desk.set_out()
    clock.advance(timedelta(minutes=10))
    with pytest.raises(InvalidInput):
        await service.finish(desk.ports, Platform.META, late, "good code")
    with pytest.raises(InvalidInput):
        await service.finish(desk.ports, Platform.META, "guessed", "good code")
    assert (await desk.kinds()).count("connection.connected") == 1


async def test_a_state_belongs_to_the_session_that_set_out(desk: Desk) -> None:
    state = await desk.set_out()
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        session = await sessions.open_session(scope, desk.ana.principal.credential_id)
        assert session is not None
        await sessions.end_session(scope, ended(session, SessionEnd.SIGNED_OUT, NOON))
    with pytest.raises(Unauthenticated):
        await service.finish(desk.ports, Platform.META, state, "good code")
    assert await desk.kinds() == []


async def test_who_only_reads_campaigns_connects_nothing(desk: Desk, other_house: House) -> None:
    cleo = await viewer_of(desk.ports, desk.house, desk.house.analyst_id)
    made = await desk.granted()
    with pytest.raises(Forbidden):
        await service.start(desk.ports, cleo, desk.house.workspace.id, Platform.META)
    with pytest.raises(Forbidden):
        await service.connect(desk.ports, cleo, made.id, ["1"])
    with pytest.raises(Forbidden):
        await service.disconnect(desk.ports, cleo, made.id)
    stranger = await viewer_of(desk.ports, other_house, other_house.owner_id)
    with pytest.raises(NotFound):
        await service.disconnect(desk.ports, stranger, made.id)
    assert (await connections.connection(desk.scope, made.id)).status is ConnectionStatus.CONNECTED


async def test_only_accounts_on_offer_are_connected(desk: Desk) -> None:
    made = await desk.granted()
    with pytest.raises(InvalidInput) as caught:
        await service.connect(desk.ports, desk.ana, made.id, ["1", "2"])
    assert caught.value.path == ("external_ids",)
    assert await desk.kinds() == ["connection.connected"]


# --- renewal ----------------------------------------------------------------------------------------------------------


async def test_a_worker_renews_before_the_end_and_nobody_renews_twice(desk: Desk, clock: FixedClock) -> None:
    made = await desk.over_connection()
    clock.advance(timedelta(minutes=49))
    assert await renew_all(desk.ports) == 0
    clock.advance(timedelta(minutes=1))  # A sixth of the hour is left.
    assert await renew_all(desk.ports) == 1
    assert await renew_all(desk.ports) == 0
    stored = await connections.stored_connection(desk.scope, made.id)
    assert (stored.generation, stored.connection.expires_at_utc) == (2, NOON + timedelta(minutes=110))
    assert connection_tokens.opened(desk.ports, stored).access_token == "access-secret-2"
    assert await desk.kinds() == ["connection.connected", "connection.renewed"]


async def test_of_two_refreshers_at_once_one_asks_and_both_get_its_token(desk: Desk, clock: FixedClock) -> None:
    desk.provider.rotates = True
    made = await desk.over_connection()
    clock.advance(timedelta(minutes=59, seconds=30))
    asked = 0

    async def slowly() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.2)

    desk.provider.before_answer = slowly
    tenant_id = desk.house.tenant_id
    both = await asyncio.gather(*(connection_tokens.access_token(desk.ports, tenant_id, made.id) for _ in range(3)))
    assert (both, asked) == (["access-secret-2"] * 3, 1)
    stored = await connections.stored_connection(desk.scope, made.id)
    assert connection_tokens.opened(desk.ports, stored).refresh_token == "refresh-secret-2"


async def test_a_refresher_that_lost_its_lease_still_saves_what_the_platform_rotated(
    desk: Desk, clock: FixedClock
) -> None:
    """The second one meets a used refresh token and gives up; what the first brings then counts all the same."""
    desk.provider.rotates = True
    made = await desk.over_connection()
    stored = await connections.stored_connection(desk.scope, made.id)

    async def freeze() -> None:
        desk.provider.before_answer = None
        clock.advance(timedelta(minutes=2))
        with pytest.raises(PlatformError):
            await connection_tokens.renew(desk.ports, stored)
        assert (await connections.connection(desk.scope, made.id)).status is ConnectionStatus.NEEDS_RECONNECT

    desk.provider.before_answer = freeze
    assert await connection_tokens.renew(desk.ports, stored)
    after = await connections.stored_connection(desk.scope, made.id)
    assert (after.connection.status, after.connection.reason) == (ConnectionStatus.CONNECTED, None)
    assert connection_tokens.opened(desk.ports, after).refresh_token == "refresh-secret-2"


async def test_a_refused_token_is_renewed_once_and_the_call_made_once_more(desk: Desk) -> None:
    await desk.over_connection()
    desk.meta.failures["read_budget"] = [refused("expired", platform_code="190/463")]
    assert await desk.read() == 100_000_000
    assert len(desk.meta.calls_of("read_budget")) == 2
    assert (await desk.kinds())[-1] == "connection.renewed"
    desk.meta.failures["read_budget"] = [refused("expired", platform_code="190") for _ in range(2)]
    with pytest.raises(PlatformError) as caught:
        await desk.read()
    assert caught.value.platform_code == "190"
    desk.meta.failures["read_budget"] = [refused("limit", platform_code="17", retryable=True)]
    with pytest.raises(PlatformError):
        await desk.read()
    assert len(desk.meta.calls_of("read_budget")) == 5


async def test_a_passing_failure_leaves_the_connection_and_is_tried_again_in_a_minute(
    desk: Desk, clock: FixedClock
) -> None:
    made = await desk.over_connection()
    clock.advance(timedelta(minutes=55))
    desk.provider.failures = [refused("down", retryable=True)]
    assert await renew_all(desk.ports) == 0
    assert (await connections.connection(desk.scope, made.id)).status is ConnectionStatus.CONNECTED
    clock.advance(timedelta(seconds=59))
    assert await renew_all(desk.ports) == 0
    clock.advance(timedelta(seconds=1))
    assert await renew_all(desk.ports) == 1


async def approved(desk: Desk) -> UUID:
    adjustment = (await decisions.approve(desk.ports, desk.ana, desk.house.recommendations[0].id, 1, "k")).adjustment
    assert adjustment is not None
    return adjustment.id


async def test_a_refused_refresh_needs_a_person_is_told_and_changes_wait(desk: Desk, clock: FixedClock) -> None:
    made = await desk.over_connection()
    waiting = await approved(desk)
    desk.provider.good.clear()
    clock.advance(timedelta(minutes=55))
    assert await renew_all(desk.ports) == 0
    after = await connections.connection(desk.scope, made.id)
    assert (after.status, after.reason) == (ConnectionStatus.NEEDS_RECONNECT, "the refresh token was revoked")
    await tell_all(desk.ports)
    told = await inbox(desk.ports, desk.ana, desk.house)
    assert [each.kind for each in told][:1] == [NoticeKind.CONNECTION_LOST]
    assert await dispatch.due(desk.ports) == []
    with pytest.raises(PlatformError) as caught:
        await desk.read()
    assert (caught.value.platform_code, caught.value.retryable) == ("NEEDS_RECONNECT", True)
    assert desk.meta.calls_of("read_budget") == []

    desk.provider.offered = [replace(desk.provider.offered[0], external_id="acme-1")]
    again = await desk.granted()
    account = await stored_accounts.ad_account(desk.scope, desk.house.account.id)
    assert account.connection_id == again.id
    assert (await connections.connection(desk.scope, made.id)).status is ConnectionStatus.DISCONNECTED
    assert await dispatch.due(desk.ports) == [(desk.house.tenant_id, waiting)]
    done = await dispatch.Dispatcher(desk.ports, Random(1)).dispatch(desk.house.tenant_id, waiting)
    assert done is not None
    assert done.status is AdjustmentStatus.CONFIRMED


# --- disconnecting ----------------------------------------------------------------------------------------------------


async def test_disconnecting_erases_revokes_and_closes_what_waits(desk: Desk) -> None:
    made = await desk.over_connection()
    waiting = await approved(desk)
    left = await service.disconnect(desk.ports, desk.ana, made.id)
    assert (left.revoked, left.connection.status) == (True, ConnectionStatus.DISCONNECTED)
    assert desk.provider.revoked == ["refresh-secret-1"]
    stored = await connections.stored_connection(desk.scope, made.id)
    assert (stored.sealed_access, stored.sealed_refresh) == (None, None)
    account = await stored_accounts.ad_account(desk.scope, desk.house.account.id)
    assert account.connected is False
    failed = await adjustments.adjustment(desk.scope, waiting)
    assert (failed.status, failed.failure_code) == (AdjustmentStatus.FAILED, "DISCONNECTED")
    found = await recommendations.recommendations_by_id(desk.scope, [r.id for r in desk.house.recommendations[1:]])
    assert {(r.status, r.decision_reason) for r in found.values()} == {
        (RecommendationStatus.STALE, "the ad account was disconnected from META")
    }
    with pytest.raises(PlatformError) as caught:
        await desk.read()
    assert (caught.value.platform_code, caught.value.retryable) == ("DISCONNECTED", False)
    again = await service.disconnect(desk.ports, desk.ana, made.id)
    assert (again.revoked, again.connection.version) == (False, left.connection.version)


async def test_a_platform_that_does_not_answer_keeps_nobody_from_disconnecting(desk: Desk) -> None:
    made = await desk.over_connection()
    desk.provider.failures = [refused("down", retryable=True)]
    left = await service.disconnect(desk.ports, desk.ana, made.id)
    assert (left.revoked, left.connection.status) == (False, ConnectionStatus.DISCONNECTED)
    assert (await connections.stored_connection(desk.scope, made.id)).sealed_access is None


async def test_a_disconnected_account_can_be_connected_again(desk: Desk) -> None:
    made = await desk.granted()
    [before] = await service.connect(desk.ports, desk.ana, made.id, ["1"])
    await service.disconnect(desk.ports, desk.ana, made.id)
    again = await desk.granted()
    [after] = await service.connect(desk.ports, desk.ana, again.id, ["1"])
    assert (after.id, after.connected, after.connection_id) == (before.id, True, again.id)


# --- keys -------------------------------------------------------------------------------------------------------------


async def test_a_rotation_seals_every_row_anew_and_the_old_key_can_go(desk: Desk) -> None:
    made = await desk.granted()
    assert desk.ports.connections is not None
    new_ring = f"k3:{'Mw' * 21}A=,{KEYS}"
    rotated = replace(
        desk.ports, connections=replace(desk.ports.connections, cipher=CredentialCipher(FixedCredentialRing(new_ring)))
    )
    assert await connection_tokens.reseal_all(rotated, desk.house.tenant_id) == 1
    assert await connection_tokens.reseal_all(rotated, desk.house.tenant_id) == 0
    alone = CredentialCipher(FixedCredentialRing(new_ring.split(",", maxsplit=1)[0]))
    only_new = replace(desk.ports, connections=replace(desk.ports.connections, cipher=alone))
    stored = await connections.stored_connection(desk.scope, made.id)
    assert connection_tokens.opened(only_new, stored).refresh_token == "refresh-secret-1"


async def test_attempts_nobody_came_back_from_are_forgotten(desk: Desk, clock: FixedClock) -> None:
    await desk.set_out()
    assert await forget_all_attempts(desk.ports) == 0
    clock.advance(timedelta(minutes=11))
    assert await forget_all_attempts(desk.ports) == 1


# --- over HTTP and GraphQL --------------------------------------------------------------------------------------------

START = """
mutation($id: ID!) {
  adAccountConnectionStart(workspaceId: $id, platform: META) { consentUrl expiresAt userErrors { code } }
}
"""
CONNECT = """
mutation($id: ID!, $ids: [String!]!) {
  adAccountConnect(grantId: $id, externalIds: $ids) { adAccounts { externalId connected } userErrors { code field } }
}
"""
DISCONNECT = """
mutation($id: ID!) { adAccountDisconnect(grantId: $id) { revoked grant { status endedAt } userErrors { code } } }
"""


@asynccontextmanager
async def browser(ports: Ports) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=oauth_routes(ports)))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as opened:
        yield opened


async def test_there_and_back_over_graphql_and_http(desk: Desk) -> None:
    place = {"id": global_id("Workspace", desk.house.workspace.id)}
    begun = (await execute(desk.ports, desk.ana, START, place))["data"]["adAccountConnectionStart"]
    state = parse_qs(urlsplit(begun["consentUrl"]).query)["state"][0]
    assert datetime.fromisoformat(begun["expiresAt"]) == NOON + timedelta(minutes=10)
    async with browser(desk.ports) as client:
        answer = await client.get("/oauth/meta/callback", params={"state": state, "code": "good code"})
        assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        grant = {"id": query["connection"][0]}
        replayed = await client.get("/oauth/meta/callback", params={"state": state, "code": "good code"})
        assert replayed.headers["location"] == "http://127.0.0.1:8000/?connection_error=INVALID_INPUT"
        strange = await client.get("/oauth/myspace/callback")
        assert strange.headers["location"] == "http://127.0.0.1:8000/?connection_error=NOT_FOUND"
    made = (await execute(desk.ports, desk.ana, CONNECT, {**grant, "ids": ["1"]}))["data"]["adAccountConnect"]
    assert made == {"adAccounts": [{"externalId": "1", "connected": True}], "userErrors": []}
    wrong = (await execute(desk.ports, desk.ana, CONNECT, {**grant, "ids": ["9"]}))["data"]["adAccountConnect"]
    assert wrong == {"adAccounts": None, "userErrors": [{"code": "INVALID_INPUT", "field": ["externalIds"]}]}
    left = (await execute(desk.ports, desk.ana, DISCONNECT, grant))["data"]["adAccountDisconnect"]
    assert (left["revoked"], left["grant"]["status"], left["userErrors"]) == (True, "DISCONNECTED", [])


async def test_who_denies_comes_back_without_a_connection(desk: Desk) -> None:
    state = await desk.set_out()
    async with browser(desk.ports) as client:
        denied = await client.get("/oauth/meta/callback", params={"state": state, "error": "access_denied"})
        assert denied.headers["location"] == "http://127.0.0.1:8000/?connection_error=DENIED"
        late = await client.get("/oauth/meta/callback", params={"state": state, "code": "good code"})
        assert late.headers["location"] == "http://127.0.0.1:8000/?connection_error=INVALID_INPUT"
    assert await service.page(desk.ports, desk.ana, desk.house.workspace.id, Slice(10)) == []


def test_a_connection_has_no_place_for_a_token() -> None:
    made = Connection(
        uuid4(), uuid4(), uuid4(), Platform.META, ConnectionStatus.CONNECTED, 1, (), "ana", NOON, None
    )  # fmt: skip
    assert not [name for name in msgspec.to_builtins(made) if "token" in name or "sealed" in name]
