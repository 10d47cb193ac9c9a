"""Credentials at the door, and the context of each operation, on both databases."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette

import models.members
from adapters.tokens import AccessTokens
from app.backend import GraphQLBackend
from app.container import Container
from app.graphql_transport import graphql_routes
from app.settings import Settings
from domain.access import ALL_SCOPES, Permission
from domain.changes import ReloadReason
from domain.errors import Forbidden, NotFound, Unauthenticated
from domain.log import LogEvent
from domain.sessions import Identity
from kit.time import FixedClock
from models.members import member_of as membership_of
from models.scope import Scope
from realtime.hints import Hints
from realtime.relay import Message, Relay
from resolvers.context import AskedWhoIsLookingError
from schema.changes import Reload, Watermark, cursor_of
from schema.presences import PresenceChange
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
    parts = {"hints": None, "passwords": None}
    container = Container(settings=Settings(), ports=ports, tokens=access_tokens, relay=relay, **parts)  # type: ignore[arg-type]
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
    assert (nobody.status_code, nobody.json()["data"]) == (200, {"viewer": None})
    assert (wrong.status_code, wrong.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert wrong.headers["www-authenticate"].startswith("Bearer")
    assert (right.status_code, right.json()["data"]) == (200, {"viewer": {"name": "Analyst of acme"}})


async def followed(relay: Relay, house: House) -> AsyncGenerator[Message, None]:
    """A follower of the tenant who has begun: what the log says is remembered from here on."""
    messages = relay.follow(house.tenant_id)
    await anext(messages)
    return messages


async def test_an_events_context_is_remembered_until_the_log_speaks_of_rights(
    backend: GraphQLBackend, ports: Ports, relay: Relay, house: House
) -> None:
    session = await backend.authenticate(f"Bearer {(await sign_in(ports, house)).access_token.text}")
    started = await backend.new_context(session, "r1")
    async with aclosing(await followed(relay, house)) as messages:
        first, second = await backend.event_context(session, "r2"), await backend.event_context(session, "r3")
        assert first.viewer == started.viewer
        assert first.viewer is second.viewer
        assert first.loaders is not second.loaders
        assert (first.request_id, second.request_id) == ("r2", "r3")
        owner, cleo = await viewer_of(ports, house, house.owner_id), await member_of(ports, house)
        await members.set_roles(ports, owner, cleo, 1, ("data_analyst", "finance"))
        relay.hints.publish(house.tenant_id, 1)
        assert isinstance(await anext(messages), LogEvent)
        grown = (await backend.event_context(session, "r4")).viewer
        assert grown is not None
        assert grown.authority(house.workspace.id).roles == {"data_analyst", "finance"}
        await members.set_roles(ports, owner, cleo, 2, ("data_analyst",))
        relay.hints.publish(house.tenant_id, 2)
        await anext(messages)
        # What was never there when an operation began is no loss to any.
        assert (await backend.event_context(session, "r5")).viewer == started.viewer


async def test_a_session_that_lost_a_right_gets_no_context_for_events_and_a_new_one_does(
    backend: GraphQLBackend, ports: Ports, house: House
) -> None:
    text = (await sign_in(ports, house)).access_token.text
    session, idle = await backend.authenticate(f"Bearer {text}"), await backend.authenticate(f"Bearer {text}")
    await backend.new_context(session, "r1")
    owner, cleo = await viewer_of(ports, house, house.owner_id), await member_of(ports, house)
    await members.set_roles(ports, owner, cleo, 1, ("finance",))
    for _ in range(2):
        with pytest.raises(Forbidden):
            await backend.event_context(session, "r2")
    # Nothing had begun on this one; and an operation that begins now rests on what is held now.
    assert (await backend.event_context(idle, "r3")).viewer is not None
    assert (await backend.new_context(session, "r4")).viewer is not None
    await members.revoke(ports, owner, cleo, 2)
    for each in (session, idle):
        with pytest.raises(Unauthenticated):
            await backend.event_context(each, "r5")


async def test_a_right_that_now_holds_in_the_whole_tenant_is_not_lost(
    backend: GraphQLBackend, ports: Ports, house: House
) -> None:
    session = await backend.authenticate(f"Bearer {(await sign_in(ports, house)).access_token.text}")
    started = (await backend.new_context(session, "r1")).viewer
    assert started is not None
    grants = tuple(replace(each, workspace_id=None) for each in started.standing.grants)
    wider = replace(started, standing=replace(started.standing, grants=grants))
    session.require_held(wider)
    session.begin(wider)
    with pytest.raises(Forbidden):
        session.require_held(started)


async def test_what_is_remembered_does_not_outlive_the_credential(
    backend: GraphQLBackend, ports: Ports, clock: FixedClock, relay: Relay, house: House
) -> None:
    session = await backend.authenticate(f"Bearer {(await sign_in(ports, house)).access_token.text}")
    await backend.new_context(session, "r1")
    async with aclosing(await followed(relay, house)):
        await backend.event_context(session, "r2")
        clock.advance(timedelta(seconds=900))
        with pytest.raises(Unauthenticated):
            await backend.event_context(session, "r3")


async def test_a_revoked_api_key_gets_no_later_event(
    backend: GraphQLBackend, ports: Ports, relay: Relay, house: House
) -> None:
    owner = await viewer_of(ports, house, house.owner_id)
    created = await api_keys.create(ports, owner, house.workspace.id, "feed", [Permission.CAMPAIGN_READ], None)
    session = await backend.authenticate(f"Bearer {created.secret.text}")
    await backend.new_context(session, "r1")
    async with aclosing(await followed(relay, house)) as messages:
        await backend.event_context(session, "r2")
        await api_keys.revoke(ports, owner, created.api_key.id)
        relay.hints.publish(house.tenant_id, 2)
        await anext(messages)
        with pytest.raises(Unauthenticated):
            await backend.event_context(session, "r3")


async def test_nobody_gets_event_contexts_too_and_shares_with_nobody(backend: GraphQLBackend, house: House) -> None:
    session = await backend.authenticate(None)
    context = await backend.event_context(session, "r1")
    assert (context.viewer, context.request_id) == (None, "r1")
    assert await context.loaders.user_name(house.owner_id) is None
    for same in (False, True):
        assert backend.audience(session, same_for_all=same) is None
        assert backend.event_key(context, Watermark(sequence=1, cursor=cursor_of(1)), same_for_all=same) is None


async def test_names_are_remembered_per_tenant_and_asked_once(
    backend: GraphQLBackend,
    ports: Ports,
    relay: Relay,
    house: House,
    other_house: House,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[UUID] = []
    load = models.members.names_by_user_id

    async def counted(scope: Scope, user_ids: list[UUID]) -> dict[UUID, str]:
        asked.extend(user_ids)
        return await load(scope, user_ids)

    monkeypatch.setattr(models.members, "names_by_user_id", counted)
    session = await backend.authenticate(f"Bearer {(await sign_in(ports, house)).access_token.text}")
    async with aclosing(await followed(relay, house)):
        contexts = [await backend.event_context(session, str(number)) for number in range(20)]
        names = await asyncio.gather(*(each.loaders.user_name(house.owner_id) for each in contexts))
        assert (set(names), asked) == ({"Owner of acme"}, [house.owner_id])
        assert await contexts[0].loaders.user_name(other_house.owner_id) is None


async def test_one_audience_is_one_credential_and_one_event_its_number_under_the_same_rights(
    backend: GraphQLBackend, ports: Ports, house: House
) -> None:
    text, other = [(await sign_in(ports, house)).access_token.text for _ in range(2)]
    one, same, another = [await backend.authenticate(f"Bearer {each}") for each in (text, text, other)]
    audience = partial(backend.audience, same_for_all=False)
    event_key = partial(backend.event_key, same_for_all=False)
    assert audience(one) == audience(same)
    assert audience(one) != audience(another)
    context, again = await backend.new_context(one, "r1"), await backend.new_context(same, "r2")
    mark = Watermark(sequence=1, cursor=cursor_of(1))
    key = event_key(context, mark)
    assert key == event_key(again, Watermark(sequence=1, cursor=cursor_of(1)))
    assert key != event_key(context, Watermark(sequence=2, cursor=cursor_of(2)))
    assert key != event_key(context, Reload(sequence=1, cursor=cursor_of(1), reason=ReloadReason.UNKNOWN_PLACE))
    assert event_key(context, PresenceChange.of({}, whole=True)) is None
    owner, cleo = await viewer_of(ports, house, house.owner_id), await member_of(ports, house)
    await members.set_roles(ports, owner, cleo, 1, ("data_analyst", "finance"))
    assert key != event_key(await backend.new_context(one, "r3"), mark)


async def test_what_is_the_same_for_all_has_the_tenant_for_an_audience_whatever_each_may_do(
    backend: GraphQLBackend, ports: Ports, house: House, other_house: House
) -> None:
    owner, another, stranger = [
        await backend.authenticate(f"Bearer {(await sign_in(ports, each)).access_token.text}")
        for each in (house, house, other_house)
    ]
    audience = partial(backend.audience, same_for_all=True)
    assert audience(owner) == audience(another)
    assert audience(owner) != audience(stranger)
    mark = Watermark(sequence=1, cursor=cursor_of(1))
    keys = [
        backend.event_key(await backend.new_context(each, "r"), mark, same_for_all=True) for each in (owner, another)
    ]
    assert keys[0] == keys[1] is not None
    later = Watermark(sequence=2, cursor=cursor_of(2))
    assert keys[0] != backend.event_key(await backend.new_context(owner, "r"), later, same_for_all=True)


async def test_nobody_can_be_asked_for_in_a_shared_context(backend: GraphQLBackend, ports: Ports, house: House) -> None:
    session = await backend.authenticate(f"Bearer {(await sign_in(ports, house)).access_token.text}")
    shared = backend.shared_context(await backend.new_context(session, "r1"))
    assert await shared.loaders.user_name(house.owner_id) == "Owner of acme"
    for name in ("viewer", "reads"):
        with pytest.raises(AskedWhoIsLookingError):
            getattr(shared, name)
