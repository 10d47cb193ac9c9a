"""Survival row 17: some subscribers never read. The others lose nothing, and the slow ones are cut off."""

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import msgspec
import pytest

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from app.graphql_transport.outbox import Outbox
from domain.log import Actor, ActorKind, NewEvent
from realtime.hints import Hints
from schema.base import global_id
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import House
from tests.faults.harness import size
from tests.integration.sockets import Api, Client, serve

READERS, PAUSED = (900, 100) if size(1) > 1 else (60, 6)
EVENTS = 100
#: Of a loaded machine; how quickly the others hear is the bench's to say.
DEADLINE_SECONDS = 900 if size(1) > 1 else 60
#: Of one event; a hundred of them are about twice what one socket may have waiting.
TEXT_BYTES = 20_000
#: How many events the writer is ahead of the last reader at most: well below what may wait.
AHEAD = 10
#: Of the kernel, at both ends of each socket: what it takes in hides from the server that nobody reads.
KERNEL_BYTES = 16_384
CHANGES = """subscription ($workspace: ID!) { recommendationChanges(workspaceId: $workspace) {
  __typename ... on StreamMessage { sequence } ... on RecommendationChanged { recommendation { rationale } } } }"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket whose connections keep little in the kernel."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        listening.bind(("127.0.0.1", 0))
        listening.listen(2_048)
        yield listening


@pytest.fixture
async def api(
    ports: Ports, access_tokens: AccessTokens, passwords: Passwords, listener: socket.socket
) -> AsyncIterator[Api]:
    hints = Hints()
    ports = replace(ports, hints=hints)
    async with serve(ports, hints, access_tokens, passwords, listener, close_seconds=1.0, ping_seconds=3_600) as served:
        yield served


async def subscribe(api: Api, house: House, client: Client) -> None:
    await client.subscribe("s", CHANGES, workspace=global_id("Workspace", house.workspace.id))
    assert (await client.data("s"))["__typename"] == "Watermark"


async def paused_client(api: Api, house: House, stack: AsyncExitStack) -> Client:
    """A subscriber who reads no more after the first message."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
    small.connect(("127.0.0.1", api.port))
    options = {"sock": small, "max_queue": 1, "close_timeout": 0.1}
    client = await stack.enter_async_context(api.client(house.tenant_id, house.analyst_id, **options))
    await subscribe(api, house, client)
    client.socket.transport.pause_reading()
    return client


async def tell(api: Api, house: House, number: int) -> None:
    """One large event."""
    value = replace(house.recommendations[0], rationale=f"{number} {'x' * TEXT_BYTES}")
    plain = msgspec.to_builtins(value)
    async with begin(api.ports, house.tenant_id, Actor(ActorKind.SYSTEM, "writer")) as work:
        work.events.append(
            NewEvent("recommendation.edited", house.workspace.id, "recommendation", value.id, number, None, plain)
        )


async def read_all(client: Client, heard: list[int]) -> None:
    """The number that stands in each event's text."""
    for _ in range(EVENTS):
        message = json.loads(await client.socket.recv())
        change = message["payload"]["data"]["recommendationChanges"]
        assert len(change["recommendation"]["rationale"]) > TEXT_BYTES
        heard.append(int(change["recommendation"]["rationale"].split()[0]))


def outboxes() -> list[Outbox]:
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, Outbox)]


@pytest.mark.timeout(DEADLINE_SECONDS + 60)
async def test_who_never_reads_is_cut_off_and_costs_the_others_nothing(api: Api, house: House) -> None:
    before = set(outboxes())
    async with AsyncExitStack() as stack, asyncio.timeout(DEADLINE_SECONDS):
        readers = []
        for _ in range(READERS):
            readers.append(await stack.enter_async_context(api.client(house.tenant_id, house.reviewer_id)))
            await subscribe(api, house, readers[-1])
        paused = [await paused_client(api, house, stack) for _ in range(PAUSED)]
        mine = [each for each in outboxes() if each not in before]
        assert len(mine) == READERS + PAUSED
        most = 0
        heard: list[list[int]] = [[] for _ in readers]

        async def tell_all() -> None:
            nonlocal most
            for number in range(1, EVENTS + 1):
                await tell(api, house, number)
                # Who reads is never far behind, however slow the machine; who does not read is waited for by nobody.
                while min(map(len, heard)) < number - AHEAD:  # noqa: ASYNC110 - plain lists
                    await asyncio.sleep(0.01)
                most = max(most, *(each._waiting_bytes for each in mine))

        telling = asyncio.create_task(tell_all())
        await asyncio.gather(*map(read_all, readers, heard))
        assert heard == [list(range(1, EVENTS + 1))] * READERS
        await telling
        # The bound was reached, and never passed.
        assert 900_000 < most <= 1_000_000
        while len(api.server.server_state.connections) > READERS:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        # Nothing is left of those who were cut off, and nothing waits for the others.
        mine.clear()
        left = [each for each in outboxes() if each not in before]
        assert [each._waiting_bytes for each in left] == [0] * READERS
        assert api.relay.followers(house.tenant_id) == READERS
        for client in paused:
            client.break_off()
