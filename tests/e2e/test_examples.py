"""Every example operation of the explorer, run against a served demo in the order in which the explorer shows them."""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from graphql import OperationType, parse
from websockets.asyncio.client import connect

from app.explorer import FRESH
from tests.e2e.pages_browser import Product

pytestmark = pytest.mark.timeout(600)

#: What an example has in hand may still be on its way to its platform, on a machine that may be busy.
PATIENCE_SECONDS = 120
#: Refused in a demo in which no change failed, which the example's own words say.
REFUSED = {"RetryAdjustment": "INVALID_TRANSITION"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("served"))
    product.migrate()
    with product.running():
        yield product


class Runner:
    """What the explorer does, without its page: it fills examples in and runs them."""

    def __init__(self, http: httpx.AsyncClient, password: str) -> None:
        self.http = http
        self.password = password
        self.offered: dict[str, Any] = {}

    async def ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        answer = await self.http.post("/graphql", json={"query": query, "variables": variables})
        return dict(answer.json())

    async def begin(self) -> None:
        self.offered = (await self.http.get("/explorer/examples.json")).json()
        sign_in = next(each for each in self.offered["examples"] if each["name"] == "SignIn")
        found = await self.ask(sign_in["document"], await self.filled(sign_in["variables"]))
        token = found["data"]["sessionCreate"]["session"]["accessToken"]
        self.http.headers["authorization"] = f"Bearer {token}"

    async def filled(self, value: Any) -> Any:
        """Variables with their words replaced; waits for what the workspace is about to have."""
        if isinstance(value, dict):
            return {key: await self.filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [await self.filled(each) for each in value]
        if value == "PASSWORD":
            return self.password
        if value in FRESH:
            return self.offered["fresh"][value].format(secrets.token_hex(16))
        return await self.found(value) if isinstance(value, str) and value in self.offered["words"] else value

    async def found(self, word: str) -> Any:
        name, paths = self.offered["words"][word]
        variables = {} if name == "workspaces" else {"workspaceId": await self.found("WORKSPACE")}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = await self.ask(self.offered["asks"][name], variables)
            assert "errors" not in answer, (word, answer)
            for path in paths:
                if (found := led(answer["data"], path)) is not None:
                    return found
            assert time.monotonic() < deadline, f"the demo has no {word}"
            await asyncio.sleep(0.2)

    async def first_message(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The first thing that a subscription says."""
        address = str(self.http.base_url.join("/graphql")).replace("http", "ws", 1)
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            connect(address, subprotocols=["graphql-transport-ws"], proxy=None) as socket,  # type: ignore[list-item]  # its protocols are plain texts
        ):
            token = self.http.headers["authorization"]
            await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": token}}))
            subscribe = {"id": "1", "type": "subscribe", "payload": {"query": document, "variables": variables}}
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "connection_ack":
                    await socket.send(json.dumps(subscribe))
                elif message["type"] == "ping":
                    await socket.send(json.dumps({"type": "pong"}))
                else:
                    return dict(message)
        raise AssertionError("the socket was closed")


def led(value: Any, path: list[Any]) -> Any:
    """What a path leads to: a name, a place, or a pair that keeps those whose field's text begins so."""
    for step in path:
        if isinstance(step, list):
            field, beginning = step[0].split("."), step[1]
            value = [each for each in value if _text(led(each, field)).startswith(beginning)]
        elif isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            value = None if value is None else value[step]
        if value is None:
            return None
    return value


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def refusals(value: Any) -> list[dict[str, Any]]:
    """Every user error anywhere in an answer."""
    if isinstance(value, dict):
        return [*(value.get("userErrors") or []), *(each for one in value.values() for each in refusals(one))]
    return [each for one in value for each in refusals(one)] if isinstance(value, list) else []


@pytest.mark.req("DC-4")
async def test_every_example_runs_against_the_served_demo(served: Product) -> None:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=PATIENCE_SECONDS) as http:
        runner = Runner(http, served.password)
        await runner.begin()
        for example in runner.offered["examples"]:
            name, document = example["name"], example["document"]
            variables = await runner.filled(example["variables"])
            if parse(document).definitions[0].operation is OperationType.SUBSCRIPTION:  # type: ignore[attr-defined]  # each is one operation
                message = await runner.first_message(document, variables)
                assert (message["type"], "errors" in message["payload"]) == ("next", False), (name, message)
                continue
            answer = await runner.ask(document, variables)
            assert "errors" not in answer, (name, answer)
            codes = [each["code"] for each in refusals(answer["data"])]
            assert codes == ([REFUSED[name]] if name in REFUSED else []), (name, answer)
