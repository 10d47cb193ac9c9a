"""A server that is restarted under the graphql-ws client: it is told to come back, does so, and misses nothing."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from domain.access import ALL_SCOPES
from realtime.hints import Hints
from schema.base import global_id
from services import recommendations
from services.ports import Ports
from tests.audits.conftest import RunScript
from tests.conftest import House, viewer_of
from tests.integration.sockets import Api, serve

DEADLINE_SECONDS = 100


@contextmanager
def listening(port: int = 0) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        yield listener


async def followed(api: Api, house: House) -> None:
    while api.relay.followers(house.tenant_id) < 2:  # noqa: ASYNC110 - the relay has no event for it
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_restart_sends_the_client_back_and_it_resumes(
    ports: Ports, access_tokens: AccessTokens, passwords: Passwords, house: House, run_script: RunScript
) -> None:
    hints = Hints()
    ports = replace(ports, hints=hints)
    ana = await viewer_of(ports, house, house.owner_id)
    token = access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.reviewer_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    ).text

    async def decide(place: int) -> None:
        await recommendations.reject(ports, ana, house.recommendations[place].id, 1, "no", uuid4().hex)

    async with asyncio.timeout(DEADLINE_SECONDS):
        with listening() as listener:
            port = listener.getsockname()[1]
            async with serve(ports, hints, access_tokens, passwords, listener) as api:
                arguments = {
                    "url": f"ws://127.0.0.1:{port}/graphql",
                    "token": token,
                    "workspaceId": global_id("Workspace", house.workspace.id),
                }
                script = asyncio.create_task(run_script("restart_client.mjs", **arguments))
                await followed(api, house)
        # Nobody hears of this one while it happens.
        await decide(0)
        with listening(port) as listener:
            async with serve(ports, hints, access_tokens, passwords, listener) as api:
                await followed(api, house)
                await decide(1)
                heard = await script
    assert heard == [
        "Watermark 0",
        "closed 1012",
        "RecommendationChanged 1",
        "RecommendationChanged 2",
    ]
