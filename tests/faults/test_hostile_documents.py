"""Survival row 22: a corpus of hostile documents against the served product. All refused, none runs, nothing is told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from app.graphql_transport import GraphQLEngine
from domain.access import ALL_SCOPES
from realtime.hints import Hints
from services.ports import Ports
from tests.conftest import House
from tests.integration.sockets import Api, serve

DOUBLING = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40))
REFUSED = "QUERY_LIMIT_EXCEEDED"
SYNTAX = "GRAPHQL_PARSE_FAILED"
INVALID = "GRAPHQL_VALIDATION_FAILED"

#: Documents that even a member may not send.
DOCUMENTS = {
    "deep": ("{" + "node(id: 1) {" * 15 + "id" + "}" * 16, REFUSED),
    "deeper than any stack": ("{" + "a{" * 300 + "b" + "}" * 301, SYNTAX),
    "deep through inline fragments": ("{" + "... {" * 25 + "__typename" + "}" * 26, REFUSED),
    "deep through a list": ("{ node(id: " + "[" * 480 + "]" * 480 + ") { id } }", SYNTAX),
    "deep through an object": ("{ node(id: " + "{a:" * 240 + "1" + "}" * 241 + ") { id } }", SYNTAX),
    "deep through a type": ("query ($a: " + "[" * 480 + "Int" + "]" * 480 + ") { __typename }", SYNTAX),
    "aliases": ("{" + " ".join(f"a{n}: __typename" for n in range(16)) + "}", REFUSED),
    "aliases of a mutation": ("mutation {" + " ".join(f"a{n}: __typename" for n in range(16)) + "}", REFUSED),
    "doubling fragments": (f"{{ ...f0 }} {DOUBLING} fragment f40 on Query {{ a: __typename }}", REFUSED),
    "fragments in a circle": (
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
        INVALID,
    ),
    "directives": ("{ __typename" + " @include(if: true)" * 51 + "}", REFUSED),
    "unknown directives": ("{ __typename" + " @aa" * 300 + "}", REFUSED),
    "one field many times": ("{" + " __typename" * 990 + "}", REFUSED),
    "tokens": ("{" + " __typename" * 2_000 + "}", SYNTAX),
    "introspection in a circle": (
        "{ __schema {" + " types { fields { type { name" * 7 + "}" * 21 + "} }",
        REFUSED,
    ),
    "many operations": ("".join(f"query a{n} {{ __typename }} " for n in range(150)), "BAD_REQUEST"),
    "an unknown field": ("{ campaing { id } }", INVALID),
    "an unknown type": ("{ node(id: 1) { ... on Campain { id } } }", INVALID),
    "an unknown argument": ("{ node(idd: 1) { id } }", INVALID),
}
#: What only a stranger may not.
STRANGERS = {
    "introspection": "{ __schema { types { name } } }",
    "introspection of a type": '{ __type(name: "Campaign") { name } }',
    "introspection inside a fragment": "{ ...a } fragment a on Query { __schema { types { name } } }",
}


@pytest.fixture
async def api(ports: Ports, access_tokens: AccessTokens, passwords: Passwords) -> AsyncIterator[Api]:
    hints = Hints()
    async with serve(replace(ports, hints=hints), hints, access_tokens, passwords) as served:
        yield served


@pytest.fixture
def token(access_tokens: AccessTokens, house: House) -> str:
    return access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.owner_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    ).text


@pytest.fixture
def never_executed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was executed, which is nothing."""
    executed: list[Any] = []

    async def execute(self: GraphQLEngine, operation: Any, *_: Any) -> Any:
        executed.append(operation)
        return {"data": None}

    monkeypatch.setattr(GraphQLEngine, "execute", execute)
    return executed


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"accept": "application/graphql-response+json"}
    address = f"http://127.0.0.1:{api.port}"
    async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=60) as opened:
        yield opened


def tells_nothing(answer: httpx.Response) -> None:
    for hint in ("Traceback", "Did you mean", ".py", "graphql_transport", "sqlite", "postgres"):
        assert hint not in answer.text, answer.text
    assert len(answer.content) < 10_000
    assert answer.json().keys() == {"errors"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("signed_in", [True, False])
async def test_hostile_documents_are_refused_and_nothing_runs(
    client: httpx.AsyncClient, token: str, never_executed: list[Any], signed_in: bool
) -> None:
    headers = {"authorization": f"Bearer {token}"} if signed_in else {}
    for name, (query, code) in DOCUMENTS.items():
        answer = await client.post("/graphql", json={"query": query}, headers=headers)
        assert (name, answer.status_code) == (name, 400)
        assert (name, answer.json()["errors"][0]["extensions"]["code"]) == (name, code)
        if not signed_in:
            tells_nothing(answer)
    assert never_executed == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_strangers_learn_nothing_of_the_schema(client: httpx.AsyncClient, never_executed: list[Any]) -> None:
    for query in STRANGERS.values():
        answer = await client.post("/graphql", json={"query": query})
        assert answer.status_code == 400
        tells_nothing(answer)
    assert never_executed == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_no_request_is_refused_and_nothing_runs(
    client: httpx.AsyncClient, token: str, never_executed: list[Any]
) -> None:
    client.headers["authorization"] = f"Bearer {token}"
    ask, change = '{"query": "{ __typename }"}', "mutation { __typename }"
    files = {"operations": (None, '{"query": "mutation ($f: Upload) { x(f: $f) }"}'), "map": (None, '{"0": ["f"]}')}
    as_json = {"content-type": "application/json"}
    corpus: list[tuple[str, int, dict[str, Any]]] = [
        ("batch", 400, {"content": f"[{','.join([ask] * 100)}]", "headers": as_json}),
        ("multipart", 415, {"files": files}),
        ("form", 415, {"data": {"query": "{ __typename }"}}),
        ("text", 415, {"content": ask, "headers": {"content-type": "text/plain"}}),
        ("deep JSON", 400, {"content": "[" * 90_000, "headers": as_json}),
        ("deep variables", 400, {"content": ask[:-1] + ', "variables": ' + '{"a":' * 9_000, "headers": as_json}),
        ("large", 413, {"json": {"query": "{ __typename }", "variables": {"a": "x" * 100_000}}}),
    ]
    for name, status, request in corpus:
        answer = await client.post("/graphql", **request)
        assert (name, answer.status_code) == (name, status)
        tells_nothing(answer)
    for text in (change, f"query A {{ __typename }} {change.replace('mutation', 'mutation B')}"):
        answer = await client.get("/graphql", params={"query": text, "operationName": "B" if " B " in text else ""})
        assert answer.status_code == 405
        tells_nothing(answer)
    assert never_executed == []
