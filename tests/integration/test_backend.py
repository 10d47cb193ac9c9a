"""Credentials at the door, and the context of each operation, on both databases."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette

from adapters.tokens import AccessTokens
from app.backend import GraphQLBackend
from app.container import Container
from app.graphql_transport import graphql_routes
from domain.access import ALL_SCOPES, Permission
from domain.errors import NotFound, Unauthenticated
from domain.sessions import Identity
from kit.time import FixedClock
from models.members import member_of as membership_of
from realtime.hints import Hints
from realtime.relay import Relay
from services import api_keys, members, sessions
from services.ports import Ports
from services.sessions import SignedIn
from tests.conftest import House, viewer_of
from tests.graphql_client import engine


@pytest.fixture
async def relay(ports: Ports) -> AsyncIterator[Relay]:
    async with Relay.run(ports.database, Hints(), ports.clock) as running:
        yield running


@pytest.fixture
def backend(ports: Ports, access_tokens: AccessTokens, relay: Relay) -> GraphQLBackend:
    """A backend over the test's ports."""
    parts = {"settings": None, "hints": None, "passwords": None}
    container = Container(ports=ports, tokens=access_tokens, relay=relay, **parts)  # type: ignore[arg-type]
    return GraphQLBackend(container)


async def sign_in(ports: Ports, house: House) -> SignedIn:
    return await sessions.open_session(ports, Identity(house.tenant_id, house.analyst_id))


async def test_nobody_is_anonymous_and_finds_nothing(backend: GraphQLBackend, house: House) -> None:
    session = await backend.authenticate(None)
    assert (session.principal, session.expires_at_utc) == (None, None)
    context = await backend.new_context(session, "r1")
    assert (context.viewer, context.request_id) == (None, "r1")
    assert await context.loaders.workspace(house.workspace.id) is None


@pytest.mark.req("FR-PLT-001", "FR-PLT-004")
async def test_an_access_token_gives_a_viewer_of_its_tenant_and_fresh_loaders(
    backend: GraphQLBackend, ports: Ports, clock: FixedClock, house: House, other_house: House
) -> None:
    signed_in = await sign_in(ports, house)
    session = await backend.authenticate(f"Bearer {signed_in.access_token.text}")
    assert session.expires_at_utc == clock.now_utc() + timedelta(seconds=900)
    context, again = await backend.new_context(session, "r1"), await backend.new_context(session, "r2")
    assert context.viewer == signed_in.viewer
    assert context.loaders is not again.loaders
    assert await context.loaders.workspace(house.workspace.id) == house.workspace
    assert await context.loaders.workspace(other_house.workspace.id) is None


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic YTpi", "nonsense", "Bearer nonsense", "Bearer a.b.c", "Bearer ce_short",
     f"Bearer ce_{'0' * 12}_{'0' * 64}", f"ce_{'0' * 12}_{'0' * 64}"],
)  # fmt: skip
async def test_anything_else_is_refused(backend: GraphQLBackend, authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        await backend.authenticate(authorization)


@pytest.mark.req("FR-PLT-004")
async def test_a_token_that_ended_opens_nothing_even_on_an_open_socket(
    backend: GraphQLBackend, ports: Ports, clock: FixedClock, house: House
) -> None:
    text = (await sign_in(ports, house)).access_token.text
    session = await backend.authenticate(f"bearer {text}")
    clock.advance(timedelta(seconds=900))
    with pytest.raises(Unauthenticated):
        await backend.new_context(session, "r")
    clock.advance(timedelta(seconds=6))
    with pytest.raises(Unauthenticated):
        await backend.authenticate(f"bearer {text}")


@pytest.mark.req("FR-PLT-001")
async def test_a_token_that_names_another_tenant_than_its_person_opens_nothing(
    backend: GraphQLBackend, access_tokens: AccessTokens, house: House, other_house: House
) -> None:
    crossed = access_tokens.issue(
        tenant_id=other_house.tenant_id, user_id=house.owner_id, session_id=uuid4(), roles=["owner"], scopes=ALL_SCOPES
    )
    session = await backend.authenticate(f"Bearer {crossed.text}")
    with pytest.raises(Unauthenticated):
        await backend.new_context(session, "r")


@pytest.mark.req("FR-PLT-003")
async def test_a_revoked_membership_counts_at_the_next_operation(
    backend: GraphQLBackend, ports: Ports, house: House
) -> None:
    session = await backend.authenticate(f"Bearer {(await sign_in(ports, house)).access_token.text}")
    assert (await backend.new_context(session, "r1")).viewer is not None
    owner = await viewer_of(ports, house, house.owner_id)
    cleo = await member_of(ports, house)
    await members.set_roles(ports, owner, cleo, 1, ("finance",))
    viewer = (await backend.new_context(session, "r2")).viewer
    assert viewer is not None
    assert viewer.authority(house.workspace.id).roles == {"finance"}
    await members.revoke(ports, owner, cleo, 2)
    with pytest.raises(Unauthenticated):
        await backend.new_context(session, "r3")


async def member_of(ports: Ports, house: House) -> UUID:
    found = await membership_of(ports.database.read(house.tenant_id), house.workspace.id, house.analyst_id)
    assert found is not None
    return found.id


@pytest.mark.req("FR-PLT-001")
async def test_an_api_key_gives_a_viewer_until_it_is_revoked(
    backend: GraphQLBackend, ports: Ports, house: House, other_house: House
) -> None:
    owner = await viewer_of(ports, house, house.owner_id)
    created = await api_keys.create(ports, owner, house.workspace.id, "nightly", [Permission.CAMPAIGN_READ], None)
    session = await backend.authenticate(f"Bearer {created.secret.text}")
    assert session.expires_at_utc is None
    context = await backend.new_context(session, "r1")
    assert context.viewer is not None
    assert (context.viewer.tenant_id, context.viewer.actor.id) == (house.tenant_id, str(created.api_key.id))
    assert context.viewer.authority(house.workspace.id).permissions == {Permission.CAMPAIGN_READ}
    with pytest.raises(NotFound):
        context.viewer.authority(other_house.workspace.id)
    await api_keys.revoke(ports, owner, created.api_key.id)
    with pytest.raises(Unauthenticated):
        await backend.new_context(session, "r2")
    with pytest.raises(Unauthenticated):
        await backend.authenticate(f"Bearer {created.secret.text}")


async def test_an_api_key_ends_when_it_says_on_an_open_socket_too(
    backend: GraphQLBackend, ports: Ports, clock: FixedClock, house: House
) -> None:
    owner = await viewer_of(ports, house, house.owner_id)
    end = clock.now_utc() + timedelta(hours=1)
    created = await api_keys.create(ports, owner, house.workspace.id, "short", [Permission.CAMPAIGN_READ], end)
    session = await backend.authenticate(f"Bearer {created.secret.text}")
    assert session.expires_at_utc == end
    clock.advance(timedelta(hours=1))
    with pytest.raises(Unauthenticated):
        await backend.new_context(session, "r")
    with pytest.raises(Unauthenticated):
        await backend.authenticate(f"Bearer {created.secret.text}")


async def test_over_http_nobody_is_null_a_wrong_token_401_and_a_token_its_viewer(
    backend: GraphQLBackend, ports: Ports, house: House
) -> None:
    app = Starlette(routes=graphql_routes(engine(), backend))
    text = (await sign_in(ports, house)).access_token.text
    body = {"query": "{ viewer { name } }"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as client:
        nobody = await client.post("/graphql", json=body)
        wrong = await client.post("/graphql", json=body, headers={"authorization": "Bearer wrong"})
        right = await client.post("/graphql", json=body, headers={"authorization": f"Bearer {text}"})
    assert (nobody.status_code, nobody.json()) == (200, {"data": {"viewer": None}})
    assert (wrong.status_code, wrong.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert wrong.headers["www-authenticate"].startswith("Bearer")
    assert (right.status_code, right.json()) == (200, {"data": {"viewer": {"name": "Analyst of acme"}}})
