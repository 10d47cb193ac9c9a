"""Survival row 4: one idempotency key fifty times at once over HTTP, then with a changed body."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from domain.access import ALL_SCOPES
from models import adjustments, log
from realtime.hints import Hints
from services.ports import Ports
from tests.conftest import House
from tests.graphql_client import global_id
from tests.integration.sockets import serve

APPROVE = """mutation ($id: ID!, $version: Int!, $key: String!) {
  recommendationApprove(id: $id, expectedVersion: $version, idempotencyKey: $key) {
    recommendation { id status version } adjustment { id status } userErrors { code } } }"""


@pytest.fixture
async def client(
    ports: Ports, access_tokens: AccessTokens, passwords: Passwords, house: House
) -> AsyncIterator[httpx.AsyncClient]:
    token = access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.owner_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    )
    async with (
        serve(ports, Hints(), access_tokens, passwords) as api,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{api.port}",
            headers={"authorization": f"Bearer {token.text}"},
            trust_env=False,
            timeout=30,
        ) as opened,
    ):
        yield opened


async def approve(client: httpx.AsyncClient, house: House, position: int, version: int, key: str) -> dict[str, Any]:
    variables = {"id": global_id("Recommendation", house.recommendations[position].id), "version": version, "key": key}
    answer = await client.post("/graphql", json={"query": APPROVE, "variables": variables})
    payload: dict[str, Any] = answer.raise_for_status().json()["data"]["recommendationApprove"]
    return payload


async def test_a_key_used_fifty_times_at_once_has_one_effect_and_another_body_is_refused(
    ports: Ports, house: House, client: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(*(approve(client, house, 0, 1, "the key") for _ in range(50)))
    assert answers[0]["userErrors"] == []
    assert answers[0]["recommendation"]["status"] == "APPROVED"
    assert all(answer == answers[0] for answer in answers)
    scope = ports.database.read(house.tenant_id)
    queued = await adjustments.plan_adjustments(scope, house.plan.id)
    assert [global_id("Adjustment", each.id) for each in queued] == [answers[0]["adjustment"]["id"]]

    changed = await asyncio.gather(
        *(approve(client, house, 1 + n % 3, 1, "the key") for n in range(25)),
        *(approve(client, house, 0, 2 + n, "the key") for n in range(25)),
    )
    assert {tuple(error["code"] for error in answer["userErrors"]) for answer in changed} == {
        ("IDEMPOTENCY_KEY_REUSED",)
    }
    assert await adjustments.plan_adjustments(scope, house.plan.id) == queued
    assert (await log.head(scope))[0] == 2
