"""Documents by the hash of their text, on every transport, and servers that run known ones only."""

import hashlib
import json

import pytest

HELLO = "query Hello($name: String) { hello(name: $name) }"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def by_id(text: str) -> dict[str, object]:
    return {"documentId": f"sha256:{sha256(text)}"}


def by_extension(text: str, **more: object) -> dict[str, object]:
    return {**more, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}}


@pytest.fixture
async def served(serve):
    found = await serve()
    found.backend.documents["ann", sha256(HELLO)] = HELLO
    return found


async def ask(served, body, token="ann", **headers):
    authorization = {"authorization": f"Bearer {token}"} if token else {}
    answer = await served.http.post("/graphql", json=body, headers={**authorization, **headers})
    return answer.status_code, answer.json()


@pytest.mark.parametrize("named", [by_id, by_extension, lambda text: by_extension(text, query="")])
async def test_a_hash_runs_the_document_with_variables(served, named):
    status, answer = await ask(served, {**named(HELLO), "variables": {"name": "Ada"}, "operationName": "Hello"})
    assert (status, answer["data"]) == (200, {"hello": "hello Ada"})


async def test_by_get_too_which_caches_like(served):
    for named in (by_id(HELLO), by_extension(HELLO)):
        parameters = {name: value if isinstance(value, str) else json.dumps(value) for name, value in named.items()}
        answer = await served.http.get("/graphql", params=parameters, headers={"authorization": "Bearer ann"})
        assert answer.json()["data"] == {"hello": "hello world"}


@pytest.mark.parametrize("token", ["bob", None])
async def test_what_is_not_registered_for_one_is_not_found_by_it(served, token):
    modern = {"accept": "application/graphql-response+json"}
    status, answer = await ask(served, by_id(HELLO), token, **modern)
    assert (status, [each["extensions"]["code"] for each in answer["errors"]]) == (400, ["PERSISTED_QUERY_NOT_FOUND"])
    status, answer = await ask(served, by_extension("{ unheard }"))
    assert (status, answer["errors"][0]["extensions"]["code"]) == (200, "PERSISTED_QUERY_NOT_FOUND")


async def test_sending_text_and_hash_runs_it_and_registers_nothing(served):
    text = "{ hello }"
    assert (await ask(served, by_extension(text, query=text)))[1]["data"] == {"hello": "hello world"}
    assert (await ask(served, by_extension(text)))[1]["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (by_extension("{ hello }", query="{ hello }  "), "The hash is not that of the document."),
        ({"documentId": "md5:1"}, "The parameter 'documentId' must be sha256: and a hash."),
        ({"documentId": 7}, "The parameter 'documentId' must be sha256: and a hash."),
        ({"documentId": "sha256:" + "A" * 64}, "A document's hash is 64 hexadecimal digits, in lower case."),
        ({"extensions": {"persistedQuery": 1}}, "A document's hash is 64 hexadecimal digits, in lower case."),
        (
            {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "0" * 64}}},
            "A document's hash is 64 hexadecimal digits, in lower case.",
        ),
        ({"extensions": {}}, "The parameter 'query' must be a GraphQL document."),
        ({"query": 7, **by_id(HELLO)}, "The parameter 'query' must be a GraphQL document."),
    ],
)
async def test_what_is_no_hash_or_another_texts_is_400_always(served, body, message):
    status, answer = await ask(served, body)
    assert (status, answer["errors"][0]["message"]) == (400, message)


async def test_where_only_known_ones_run_no_other_does(served, ledger):
    served.backend.only_known = True
    for text in ("mutation { setPrice(price: 9) }", "{ __schema { types { name } } }", "{ hello }", "{"):
        status, answer = await ask(served, {"query": text})
        assert (status, answer["errors"]) == (
            200,
            [
                {
                    "message": "This server runs registered documents only.",
                    "extensions": {"code": "PERSISTED_QUERY_ONLY"},
                }
            ],
        )
    assert ledger["price"] == 100
    assert (await ask(served, by_id(HELLO)))[1]["data"] == {"hello": "hello world"}
    assert (await ask(served, {"query": HELLO}))[1]["data"] == {"hello": "hello world"}


async def test_on_sockets(served, client):
    ticks = "subscription { count(to: 2) }"
    served.backend.documents["ann", sha256(ticks)] = ticks
    served.backend.only_known = True
    async with served.socket() as socket:
        c = client(socket)
        await c.init("ann")
        for place, payload in enumerate((by_id(ticks), by_extension(ticks, query=""), {"query": ticks})):
            await c.say(id=str(place), type="subscribe", payload=payload)
            heard = [await c.hear() for _ in range(3)]
            assert [each["type"] for each in heard] == ["next", "next", "complete"]
            assert [each["payload"]["data"]["count"] for each in heard[:2]] == [0, 1]
        for payload, code in (
            ({"query": "{ hello }"}, "PERSISTED_QUERY_ONLY"),
            (by_id("{ hello }"), "PERSISTED_QUERY_NOT_FOUND"),
        ):
            await c.say(id="refused", type="subscribe", payload=payload)
            heard = await c.hear()
            assert (heard["type"], heard["payload"][0]["extensions"]["code"]) == ("error", code)


@pytest.mark.parametrize("payload", [{}, {"variables": {}}, {"query": 1}, {"query": "{ hello }", "documentId": 1}])
async def test_a_subscribe_without_document_or_hash_closes_4400(served, client, payload):
    async with served.socket() as socket:
        c = client(socket)
        await c.init("ann")
        await c.say(id="1", type="subscribe", payload=payload)
        assert await c.close_code() == 4400


async def test_on_event_streams(served):
    served.backend.only_known = True
    headers = {"authorization": "Bearer ann", "accept": "text/event-stream"}
    known = await served.http.post("/graphql", json=by_id(HELLO), headers=headers)
    assert '{"hello":"hello world"}' in known.text
    refused = await served.http.post("/graphql", json={"query": "{ hello }"}, headers=headers)
    assert "PERSISTED_QUERY_ONLY" in refused.text
    assert refused.text.endswith("event: complete\ndata:\n\n")
