"""Survival row 24: clients that never finish a request's head are cut off, and cost those who do nothing.

The rest of the row: replayed webhooks are in tests/integration/test_webhooks.py; of outgoing calls, that no client of
the API can name an address to be called.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from graphql import GraphQLInputObjectType, is_input_object_type, is_interface_type, is_object_type

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from app.graphql import build_schema
from realtime.hints import Hints
from services.ports import Ports
from tests.faults.harness import size
from tests.integration.sockets import Api, serve

SLOW, HONEST = size(100), 50


@pytest.fixture
async def api(ports: Ports, access_tokens: AccessTokens, passwords: Passwords) -> AsyncIterator[Api]:
    hints = Hints()
    async with serve(replace(ports, hints=hints), hints, access_tokens, passwords, header_seconds=2.0) as served:
        yield served


async def drip(port: int) -> bytes:
    """A head that goes on and on, until the server has enough of it; what it says to that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\nx-slow: ")
    answer = asyncio.create_task(reader.read())
    try:
        while not answer.done():
            writer.write(b"x")
            await asyncio.wait((answer,), timeout=0.1)
        return answer.result()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.timeout(300)
async def test_who_drips_a_head_is_cut_and_the_others_are_served(api: Api) -> None:
    address = f"http://127.0.0.1:{api.port}"
    async with asyncio.timeout(240), httpx.AsyncClient(base_url=address, trust_env=False, timeout=60) as client:
        dripping = [asyncio.create_task(drip(api.port)) for _ in range(SLOW)]
        async with asyncio.timeout(60):
            while len(api.server.server_state.connections) < SLOW:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        answers = [await client.post("/graphql", json={"query": "{ __typename }"}) for _ in range(HONEST)]
        assert [answer.json()["data"] for answer in answers] == [{"__typename": "Query"}] * HONEST
        assert await asyncio.gather(*dripping) == [b""] * SLOW
        async with asyncio.timeout(60):
            while len(api.server.server_state.connections) > 1:  # noqa: ASYNC110 - as above; one is the honest client's
                await asyncio.sleep(0.01)


def test_no_client_of_the_api_can_name_an_address_to_be_called() -> None:
    """What would have to pass an address filter does not exist; whoever adds such an argument meets this test."""
    telling = ("url", "uri", "host", "endpoint", "webhook", "callback", "redirect", "proxy")
    named = []
    schema = build_schema()._schema
    for kind in schema.type_map.values():
        if kind.name.startswith("__"):
            continue
        if is_input_object_type(kind):
            assert isinstance(kind, GraphQLInputObjectType)
            named += [f"{kind.name}.{name}" for name in kind.fields]
        elif is_object_type(kind) or is_interface_type(kind):
            named += [f"{kind.name}.{field}({name})" for field, it in kind.fields.items() for name in it.args]
    assert len(named) > 100
    assert [each for each in named if any(word in each.rpartition(".")[2].lower() for word in telling)] == []
