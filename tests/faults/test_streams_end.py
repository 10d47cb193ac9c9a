"""Survival rows 19 and 20: streams end with the right to them, on both transports; and one socket has its bounds."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from domain.access import ALL_SCOPES
from kit.time import FixedClock
from models import log, members
from realtime.hints import Hints
from schema.base import global_id
from services import members as member_service
from services import recommendations
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.faults.harness import size
from tests.integration.sockets import Api, serve

CHANGES = """subscription ($workspace: ID!) { recommendationChanges(workspaceId: $workspace) {
  __typename ... on StreamMessage { sequence } } }"""
SUBSCRIBES = size(10_000)


@pytest.fixture
async def api(ports: Ports, access_tokens: AccessTokens, passwords: Passwords) -> AsyncIterator[Api]:
    hints = Hints()
    ports = replace(ports, hints=hints)
    async with serve(ports, hints, access_tokens, passwords, recheck_seconds=0.5) as served:
        yield served


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the product has no event for it
            await asyncio.sleep(0.01)


async def approve(api: Api, house: House, place: int) -> int:
    """The owner approves; returns the sequence number the log then has."""
    ana = await viewer_of(api.ports, house, house.owner_id)
    await recommendations.approve(api.ports, ana, house.recommendations[place].id, 1, uuid4().hex)
    return await head(api, house)


async def head(api: Api, house: House) -> int:
    return (await log.head(api.ports.database.read(house.tenant_id)))[0]


class Numbers:
    """The sequence numbers that one subscriber gets, over either transport, until it is ended by the server."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.live = asyncio.Event()
        self.ended = asyncio.Event()

    def take(self, response: dict[str, Any]) -> None:
        if response.get("data"):
            self.heard.append(response["data"]["recommendationChanges"]["sequence"])
            self.live.set()


@asynccontextmanager
async def over_socket(api: Api, house: House, _: str) -> AsyncIterator[Numbers]:
    numbers = Numbers()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(api.client(house.tenant_id, house.reviewer_id))
        await client.subscribe("s", CHANGES, workspace=global_id("Workspace", house.workspace.id))

        async def read() -> None:
            async for text in client.socket:
                message = json.loads(text)
                if message["type"] == "next":
                    numbers.take(message["payload"])

        async def read_all() -> None:
            await asyncio.gather(read(), return_exceptions=True)
            assert client.socket.close_code == 4403
            numbers.ended.set()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read_all())
            yield numbers


@asynccontextmanager
async def over_events(api: Api, house: House, token: str) -> AsyncIterator[Numbers]:
    numbers = Numbers()
    variables = {"workspace": global_id("Workspace", house.workspace.id)}
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {token}"}
    address = f"http://127.0.0.1:{api.port}"
    async with (
        httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=60) as client,
        client.stream("POST", "/graphql", json={"query": CHANGES, "variables": variables}) as answer,
        asyncio.TaskGroup() as tasks,
    ):
        assert answer.status_code == 200

        async def read() -> None:
            async with aclosing(answer.aiter_lines()) as lines:
                async for line in lines:
                    assert line != "event: complete"
                    if line.startswith("data: "):
                        numbers.take(json.loads(line.removeprefix("data: ")))
            numbers.ended.set()

        tasks.create_task(read())
        yield numbers


TRANSPORTS = pytest.mark.parametrize("transport", [over_socket, over_events])


@pytest.fixture
def token(access_tokens: AccessTokens, house: House) -> str:
    return access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.reviewer_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    ).text


@TRANSPORTS
async def test_no_event_above_a_revocation_reaches_whom_it_took_the_right_from(
    api: Api, house: House, token: str, transport: Any
) -> None:
    ana = await viewer_of(api.ports, house, house.owner_id)
    async with asyncio.timeout(120), transport(api, house, token) as numbers:
        await numbers.live.wait()
        before = await approve(api, house, 0)
        member = await members.member_of(
            api.ports.database.read(house.tenant_id), house.workspace.id, house.reviewer_id
        )
        assert member is not None
        await member_service.revoke(api.ports, ana, member.id, member.version)
        revoked_at = await head(api, house)
        await approve(api, house, 1)
        await numbers.ended.wait()
    assert before < revoked_at
    assert max(numbers.heard) <= revoked_at
    assert before in numbers.heard or before == revoked_at - 1


@TRANSPORTS
async def test_no_event_after_its_end_reaches_an_expired_token(
    api: Api, house: House, token: str, clock: FixedClock, transport: Any
) -> None:
    async with asyncio.timeout(120), transport(api, house, token) as numbers:
        await numbers.live.wait()
        before = await approve(api, house, 0)
        await until(lambda: max(numbers.heard) >= before - 1)
        clock.advance(timedelta(hours=1))
        await approve(api, house, 1)
        await numbers.ended.wait()
    assert max(numbers.heard) <= before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.timeout(300)
async def test_ten_thousand_subscribes_on_one_socket_leave_fifty(api: Api, house: House) -> None:
    workspace = global_id("Workspace", house.workspace.id)
    async with asyncio.timeout(240), api.client(house.tenant_id, house.analyst_id) as client:

        async def ask() -> None:
            for number in range(SUBSCRIBES):
                await client.subscribe(str(number), CHANGES, workspace=workspace)

        asking = asyncio.create_task(ask())
        started, refused = set(), set()
        while len(started) + len(refused) < SUBSCRIBES:
            message = await client.hear(60)
            if message["type"] == "next":
                started.add(message["id"])
            else:
                assert message["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
                refused.add(message["id"])
        await asking
        assert started == {str(number) for number in range(50)}
        assert len(refused) == SUBSCRIBES - 50
        assert api.relay.followers(house.tenant_id) == 50
        # The socket serves on, and what ends makes room.
        await client.say(id="0", type="complete")
        await until(lambda: api.relay.followers(house.tenant_id) == 49)
        await client.subscribe("again", CHANGES, workspace=workspace)
        assert (await client.data("again"))["__typename"] == "Watermark"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_does_not_begin_as_the_protocol_says_gets_no_event(api: Api, house: House) -> None:
    address = f"ws://127.0.0.1:{api.port}/graphql"
    variables = {"workspace": global_id("Workspace", house.workspace.id)}
    asked = json.dumps({"id": "1", "type": "subscribe", "payload": {"query": CHANGES, "variables": variables}})
    async with connect(address, subprotocols=["graphql-transport-ws"], proxy=None) as early:  # type: ignore[list-item]
        await early.send(asked)
        async with asyncio.timeout(60):
            await early.wait_closed()
        assert early.close_code == 4401
    for legacy in ("graphql-ws", "subscriptions-transport-ws"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(address, subprotocols=[legacy], proxy=None)  # type: ignore[list-item]
        assert refused.value.response.status_code == 400
    assert api.relay.followers(house.tenant_id) == 0
