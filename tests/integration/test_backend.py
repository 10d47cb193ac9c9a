"""Credentials at the door, and the context of each operation, on both databases."""

from datetime import timedelta
from uuid import uuid4

import pytest

from adapters.tokens import AccessTokens
from app.backend import GraphQLBackend
from app.container import Container
from domain.access import ALL_SCOPES
from domain.errors import Unauthenticated
from domain.sessions import Identity
from kit.time import FixedClock
from services import sessions
from services.ports import Ports
from services.sessions import SignedIn
from tests.conftest import House


@pytest.fixture
def backend(ports: Ports, access_tokens: AccessTokens) -> GraphQLBackend:
    """A backend over the test's ports; nothing here follows the log, so there is no relay."""
    parts = {"settings": None, "relay": None, "hints": None, "passwords": None}
    container = Container(ports=ports, tokens=access_tokens, **parts)  # type: ignore[arg-type]
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
