"""GraphQL over HTTP: media types, statuses, parameters, tokens, request ids."""

import asyncio
import json

import pytest

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


async def test_a_query_runs_with_all_kinds_of_values(serve, plain):
    served = await serve()
    query = "{ items(first: 1) { __typename id title colour weight count note price maker { name } } }"
    answer = await served.post(query)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert plain(answer) == {
        "data": {
            "items": [
                {
                    "__typename": "Item",
                    "id": "SXRlbTow",
                    "title": "item 0",
                    "colour": "BLUE",
                    "weight": "1.50",
                    "count": 0,
                    "note": None,
                    "price": 100,
                    "maker": {"name": "Ada"},
                }
            ]
        }
    }


async def test_node_enum_input_and_scalar_variables(serve, plain):
    served = await serve()
    query = """query ($id: ID!, $where: Filter, $odd: Odd!) {
        node(id: $id) { ... on Item { title } } items(first: 1, where: $where) { title } oddPlus(odd: $odd) }"""
    answer = await served.post(query, {"id": "SXRlbTo1", "where": {"colour": "RED"}, "odd": 3})
    assert plain(answer) == {"data": {"node": {"title": "item 5"}, "items": [{"title": "item 0"}], "oddPlus": 4}}


async def test_loaders_batch_within_one_operation(serve, ledger):
    served = await serve()
    await served.post("{ items(first: 50) { price } }")
    assert ledger["loads"] == 1


ACCEPTED = [
    (None, JSON),
    ("", JSON),
    ("*/*", JSON),
    ("application/*", JSON),
    (JSON, JSON),
    (GRAPHQL, GRAPHQL),
    (f"{GRAPHQL}, {JSON}", GRAPHQL),
    (f"{JSON}, {GRAPHQL}", GRAPHQL),
    (f"{GRAPHQL};q=0.5, {JSON};q=0.9", JSON),
    (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
    (f"{GRAPHQL};q=0, */*", JSON),
    ("text/html, */*;q=0.1", JSON),
]


async def test_accept(serve):
    served = await serve()
    del served.http.headers["accept"]
    for accept, expected in ACCEPTED:
        answer = await served.post("{ hello }", **({} if accept is None else {"accept": accept}))
        assert answer.status_code == 200
        assert (accept, answer.headers["content-type"]) == (accept, f"{expected}; charset=utf-8")


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", f"{JSON}; charset=latin-1"])
async def test_nothing_acceptable_is_406(serve, accept):
    served = await serve()
    assert (await served.post("{ hello }", accept=accept)).status_code == 406


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", None, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: Int!) { items(first: $n) { id } }", {"n": "x"}, "BAD_USER_INPUT"),
        ("query ($odd: Odd!) { oddPlus(odd: $odd) }", {"odd": 4}, "BAD_USER_INPUT"),
        ("fragment f on Query { hello }", None, "BAD_REQUEST"),
        ("query A { hello } query B { hello }", None, "BAD_REQUEST"),
    ],
)
async def test_a_refused_document_is_400_or_legacy_200(serve, query, variables, code):
    served = await serve()
    for accept, status in ((GRAPHQL, 400), (JSON, 200)):
        answer = await served.post(query, variables, accept=accept)
        assert answer.status_code == status
        assert answer.json().keys() == {"errors"}
        assert answer.json()["errors"][0]["extensions"]["code"] == code


NO_REQUESTS = [
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b'"x"',
    b"{}",
    b'{"query": null}',
    b'{"query": 1}',
    b'{"query": {}}',
    b'{"query": []}',
    b'{"query": true}',
    b'{"query": "{ hello }", "operationName": 1}',
    b'{"query": "{ hello }", "operationName": []}',
    b'{"query": "{ hello }", "variables": 1}',
    b'{"query": "{ hello }", "variables": "{}"}',
    b'{"query": "{ hello }", "variables": []}',
    b'{"query": "{ hello }", "extensions": "x"}',
    b'{"query": "{ hello }", "extensions": []}',
]


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_what_is_no_graphql_request_is_400_always(serve, accept):
    served = await serve()
    for body in NO_REQUESTS:
        answer = await served.http.post("/graphql", content=body, headers={"content-type": JSON, "accept": accept})
        assert (body, answer.status_code) == (body, 400)
        assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
        assert answer.json().keys() == {"errors"}
        assert "Traceback" not in answer.text


async def test_batches_are_refused_clearly(serve):
    served = await serve()
    answer = await served.http.post("/graphql", json=[{"query": "{ hello }"}])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "Batching is off: send one operation per request."


@pytest.mark.parametrize("value", ["null", '""', '"A"'])
async def test_null_and_string_operation_names(serve, plain, value):
    served = await serve()
    body = f'{{"query": "query A {{ hello }}", "operationName": {value}, "variables": null, "extensions": null}}'
    answer = await served.http.post(
        "/graphql", content=body, headers={"content-type": "application/json;charset=UTF-8"}
    )
    assert plain(answer) == {"data": {"hello": "hello world"}}


async def test_extensions_reach_resolvers(serve):
    served = await serve()
    answer = await served.http.post("/graphql", json={"query": "{ extensions }", "extensions": {"trace": 1}})
    assert json.loads(answer.json()["data"]["extensions"]) == {"trace": 1}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
    ],
)
async def test_other_content_types_are_415(serve, content_type):
    served = await serve()
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await served.http.post("/graphql", content=b'{"query": "{ hello }"}', headers=headers)
    assert answer.status_code == 415


async def test_compressed_bodies_are_415(serve):
    served = await serve()
    headers = {"content-type": JSON, "content-encoding": "gzip"}
    assert (await served.http.post("/graphql", content=b"{}", headers=headers)).status_code == 415


async def test_bodies_are_bounded_declared_or_chunked(serve):
    served = await serve(body_bytes=1_000)

    async def chunks():
        for _ in range(3):
            yield b" " * 500

    declared = await served.post("{ hello }", {"x": "y" * 1_000})
    chunked = await served.http.post("/graphql", content=chunks(), headers={"content-type": JSON})
    assert (declared.status_code, chunked.status_code) == (413, 413)
    assert (await served.post("{ hello }")).status_code == 200


async def test_a_body_that_never_ends_is_408(serve):
    served = await serve(body_seconds=0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"408"
    writer.close()


async def test_get_runs_queries_with_variables(serve, plain):
    served = await serve()
    parameters = {
        "query": "query A($n: String) { hello(name: $n) }",
        "operationName": "A",
        "variables": '{"n": "you"}',
        "extensions": "{}",
    }
    answer = await served.http.get("/graphql", params=parameters)
    assert plain(answer) == {"data": {"hello": "hello you"}}


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_mutations_by_get_are_405_and_do_nothing(serve, ledger, accept):
    served = await serve()
    answer = await served.http.get(
        "/graphql", params={"query": "mutation { setPrice(price: 5) }"}, headers={"accept": accept}
    )
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert ledger["price"] == 100
    # Again after the same text went through by POST: the cache does not open the door.
    await served.post("mutation { setPrice(price: 5) }")
    ledger["price"] = 100
    again = await served.http.get(
        "/graphql", params={"query": "mutation { setPrice(price: 5) }"}, headers={"accept": accept}
    )
    assert (again.status_code, ledger["price"]) == (405, 100)


@pytest.mark.parametrize(
    "parameters",
    [{}, {"query": ""}, {"query": "{ hello }", "variables": "{"}, {"query": "{ hello }", "variables": "1"}],
)
async def test_bad_get_parameters_are_400(serve, parameters):
    served = await serve()
    assert (await served.http.get("/graphql", params=parameters)).status_code == 400


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query ($where: Filter) { items(first: 1, where: $where) { title } }", {"where": {"colour": "RE\0D"}}),
        ("query ($where: Filter) { items(first: 1, where: $where) { title } }", {"where": {"a": [{"b\0": 1}]}}),
        ('{ node(id: "a\\u0000b") { id } }', None),
        ('{ node(id: "a\\u{000}b") { id } }', None),
        ('{ node(id: "a\0b") { id } }', None),
    ],
)
async def test_no_text_holds_the_character_that_postgres_cannot_keep(serve, query, variables):
    served = await serve()
    answer = await served.post(query, variables)
    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [{"message": "A text cannot hold the character U+0000.", "extensions": {"code": "BAD_REQUEST"}}]
    }


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_405(serve, method):
    served = await serve()
    answer = await served.http.request(method, "/graphql")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_subscriptions_without_an_event_stream_are_told_where_to_go(serve, ledger):
    served = await serve()
    answer = await served.post("subscription { count(to: 1) }")
    assert answer.status_code == 400
    assert "graphql-transport-ws" in answer.json()["errors"][0]["message"]
    assert ledger["opened"] == 0


async def test_a_wrong_token_is_401_with_a_challenge(serve):
    served = await serve()
    answer = await served.post("{ hello }", authorization="Bearer wrong")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.json() == {
        "errors": [{"message": "The token is not valid.", "extensions": {"code": "UNAUTHENTICATED"}}]
    }


async def test_a_lost_membership_is_403(serve):
    served = await serve()
    served.backend.revoked.add("ann")
    assert (await served.post("{ hello }", authorization="Bearer ann")).status_code == 403


async def test_permissions_see_the_session(serve, plain):
    served = await serve()
    assert plain(await served.post("{ me }", authorization="Bearer ann")) == {"data": {"me": "ann"}}
    refused = (await served.post("{ me }")).json()
    assert refused["data"] == {"me": None}
    assert refused["errors"][0]["message"] == "Sign in first"


async def test_request_ids_are_echoed_or_made(serve):
    served = await serve()
    given = await served.post("{ requestId }", x_request_id="abc-1")
    assert given.headers["x-request-id"] == given.json()["data"]["requestId"] == "abc-1"
    made = await served.post("{ requestId }", x_request_id="bad id\t!")
    assert len(made.headers["x-request-id"]) == 32
    assert made.headers["x-request-id"] == made.json()["data"]["requestId"]


async def test_each_request_has_a_context_of_its_own(serve):
    served = await serve()
    await served.post("{ hello }")
    await served.post("{ hello }")
    first, second = served.backend.contexts
    assert first.prices is not second.prices
