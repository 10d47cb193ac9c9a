"""graphql-transport-ws: the protocol's states, its close codes, and what each operation gets."""

import asyncio
import json
from contextvars import ContextVar

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from domain.errors import Unauthenticated

ACK = {"type": "connection_ack"}


def result(operation_id, data):
    return {"id": operation_id, "type": "next", "payload": {"data": data}}


def completed(operation_id):
    return {"id": operation_id, "type": "complete"}


@pytest.mark.parametrize("subprotocols", [["graphql-ws"], None])
async def test_other_subprotocols_are_refused_at_the_handshake(serve, subprotocols):
    served = await serve()
    with pytest.raises(InvalidStatus) as refused:
        async with served.socket(subprotocols=subprotocols):
            pass
    assert refused.value.response.status_code == 400


async def test_compression_is_not_negotiated(serve):
    served = await serve()
    async with connect(f"ws://127.0.0.1:{served.port}/graphql", subprotocols=["graphql-transport-ws"]) as socket:
        assert "sec-websocket-extensions" not in socket.response.headers


async def test_queries_mutations_and_subscriptions_at_once(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("q", "query ($n: String) { hello(name: $n) }", variables={"n": "you"})
        assert [await c.hear(), await c.hear()] == [result("q", {"hello": "hello you"}), completed("q")]
        await c.subscribe("m", "mutation { setPrice(price: 7) }")
        assert [await c.hear(), await c.hear()] == [result("m", {"setPrice": 7}), completed("m")]
        await c.subscribe("a", "subscription { count(to: 2, pause: 0.05) }")
        await c.subscribe("b", "subscription { count(to: 2, pause: 0.06) }")
        heard = [await c.hear() for _ in range(6)]
        for operation_id in ("a", "b"):
            mine = [message for message in heard if message["id"] == operation_id]
            assert mine == [
                result(operation_id, {"count": 0}),
                result(operation_id, {"count": 1}),
                completed(operation_id),
            ]


BAD_FRAMES = [
    "not json",
    "[]",
    '[{"type": "connection_init"}]',
    "1",
    "null",
    '"connection_init"',
    "{}",
    '{"type": "start"}',
    '{"type": 1}',
    '{"type": "connection_init", "payload": []}',
    '{"type": "connection_init", "payload": {"authorization": 1}}',
    '{"type": "ping", "payload": 1}',
    '{"type": "complete"}',
    b"\x00",
]


async def test_bad_messages_close_4400(serve, client):
    served = await serve()
    for frame in BAD_FRAMES:
        async with served.socket() as socket:
            await socket.send(frame)
            assert (frame, await client(socket).close_code()) == (frame, 4400)


BAD_SUBSCRIBES = [
    {},
    {"payload": {"query": "{ hello }"}},
    {"id": "", "payload": {"query": "{ hello }"}},
    {"id": 1, "payload": {"query": "{ hello }"}},
    {"id": "1"},
    {"id": "1", "payload": []},
    {"id": "1", "payload": {}},
    {"id": "1", "payload": {"query": 1}},
    {"id": "1", "payload": {"query": "{ hello }", "variables": []}},
    {"id": "1", "payload": {"query": "{ hello }", "operationName": 1}},
    {"id": "1", "payload": {"query": "{ hello }", "extensions": "x"}},
]


async def test_bad_subscribes_close_4400(serve, client):
    served = await serve()
    for message in BAD_SUBSCRIBES:
        async with served.socket() as socket:
            c = client(socket)
            await c.init()
            await c.say(type="subscribe", **message)
            assert (message, await c.close_code()) == (message, 4400)


async def test_subscribe_before_init_closes_4401(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.subscribe("1", "{ hello }")
        assert await c.close_code() == 4401


async def test_no_init_in_time_closes_4408(serve, client):
    served = await serve(init_timeout_seconds=0.1)
    async with served.socket() as socket:
        assert await client(socket).close_code() == 4408


async def test_a_slow_authentication_counts_as_no_init(serve, client):
    served = await serve(init_timeout_seconds=0.1)

    async def never(authorization):
        await asyncio.Event().wait()

    served.backend.authenticate = never
    async with served.socket() as socket:
        c = client(socket)
        await c.say(type="connection_init")
        assert await c.close_code() == 4408


async def test_a_second_init_closes_4429(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.say(type="connection_init")
        assert await c.close_code() == 4429


async def test_an_id_in_use_closes_4409_and_cancels_the_first(serve, client, ledger):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", "subscription { idle }")
        await c.subscribe("1", "subscription { idle }")
        assert await c.close_code() == 4409
        assert socket.close_reason == "Subscriber for 1 already exists"
    assert ledger["opened"] == ledger["closed"]


async def test_ids_are_free_again_after_the_last_frame_or_complete(serve, client, ledger):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        for _ in range(20):
            await c.subscribe("1", "{ hello }")
            assert [await c.hear(), await c.hear()] == [result("1", {"hello": "hello world"}), completed("1")]
        for _ in range(20):
            await c.subscribe("1", "subscription { idle }")
            await c.say(id="1", type="complete")
        await c.subscribe("1", "{ hello }")
        assert [await c.hear(), await c.hear()] == [result("1", {"hello": "hello world"}), completed("1")]
    assert ledger["opened"] == ledger["closed"]


async def test_a_wrong_token_closes_4403(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.say(type="connection_init", payload={"authorization": "Bearer wrong"})
        assert await c.close_code() == 4403


@pytest.mark.parametrize("name", ["authorization", "Authorization"])
async def test_the_token_of_the_payload_is_used(serve, client, name):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.say(type="connection_init", payload={name: "Bearer ann"})
        assert await c.hear() == ACK
        await c.subscribe("1", "{ me }")
        assert await c.hear() == result("1", {"me": "ann"})


async def test_the_token_of_the_upgrade_is_used_unless_the_payload_has_one(serve, client):
    served = await serve()
    for payload, name in (({}, "ann"), ({"authorization": "Bearer bob"}, "bob")):
        async with served.socket(additional_headers={"authorization": "Bearer ann"}) as socket:
            c = client(socket)
            await c.say(type="connection_init", payload=payload)
            assert await c.hear() == ACK
            await c.subscribe("1", "{ me }")
            assert await c.hear() == result("1", {"me": name})


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "",
        "{ nothing }",
        "subscription { nothing }",
        "subscription { count(to: 1) idle }",
        "query ($n: Int!) { odd }",
    ],
)
async def test_a_refused_document_ends_its_operation_only(serve, client, query):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("other", "subscription { count(to: 2, pause: 0.1) }")
        await c.subscribe("1", query)
        error = await c.hear()
        assert (error["id"], error["type"], type(error["payload"])) == ("1", "error", list)
        assert error["payload"][0]["message"]
        assert [await c.hear() for _ in range(3)] == [
            result("other", {"count": 0}),
            result("other", {"count": 1}),
            completed("other"),
        ]


async def test_a_permission_refuses_one_subscription(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", "subscription { guarded }")
        error = await c.hear()
        assert (error["type"], error["payload"][0]["message"]) == ("error", "Sign in first")


async def test_a_source_that_breaks_ends_with_an_error(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        for how, code in (("domain", "NOT_FOUND"), ("bug", "INTERNAL")):
            await c.subscribe(how, f'subscription {{ breaks(how: "{how}") }}')
            assert await c.hear() == result(how, {"breaks": 1})
            error = await c.hear()
            assert (error["type"], error["payload"][0]["extensions"]["code"]) == ("error", code)
            assert "secret" not in json.dumps(error)


async def test_field_errors_come_with_the_data(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", '{ hello fail(how: "domain") }')
        answer = await c.hear()
        assert answer["type"] == "next"
        assert answer["payload"]["data"] == {"hello": "hello world", "fail": None}
        assert answer["payload"]["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
        assert await c.hear() == completed("1")


async def test_each_event_has_loaders_of_its_own(serve, client):
    """A loader kept for the whole subscription would serve the first event's price for ever."""
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", "subscription { prices(to: 3) { price } }")
        heard = [await c.hear() for _ in range(3)]
        assert [message["payload"]["data"]["prices"]["price"] for message in heard] == [100, 101, 102]


async def test_each_operation_has_a_context_and_loaders_of_its_own(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        for price in (1, 2):
            await c.subscribe("m", f"mutation {{ setPrice(price: {price}) }}")
            assert [(await c.hear())["type"], (await c.hear())["type"]] == ["next", "complete"]
            await c.subscribe("q", "{ items(first: 1) { price } }")
            assert await c.hear() == result("q", {"items": [{"price": price}]})
            await c.hear()
    assert len({id(context.prices) for context in served.backend.contexts}) == 4
    assert len({context.request_id for context in served.backend.contexts}) == 4


async def test_operations_do_not_see_each_others_context_variables(serve, client):
    tenant: ContextVar[str | None] = ContextVar("tenant", default=None)
    seen = []
    served = await serve()
    new_context, authenticate = served.backend.new_context, served.backend.authenticate

    async def marking_context(session, request_id):
        seen.append(tenant.get())
        tenant.set("leaked")
        return await new_context(session, request_id)

    async def marking_authenticate(authorization):
        tenant.set("leaked by init")
        return await authenticate(authorization)

    served.backend.new_context, served.backend.authenticate = marking_context, marking_authenticate
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        for operation_id in ("1", "2"):
            await c.subscribe(operation_id, "{ hello }")
            assert [(await c.hear())["type"], (await c.hear())["type"]] == ["next", "complete"]
    assert seen == [None, None]


async def test_the_cap_on_operations_refuses_one_more_and_keeps_the_rest(serve, client, ledger):
    served = await serve(operations_per_socket=3)
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        for number in range(10):
            await c.subscribe(str(number), "subscription { idle }")
        for number in range(3, 10):
            error = await c.hear()
            assert (error["id"], error["payload"][0]["extensions"]["code"]) == (str(number), "TOO_MANY_OPERATIONS")
        await c.say(id="0", type="complete")
        await c.subscribe("q", "{ hello }")
        assert await c.hear() == result("q", {"hello": "hello world"})
    assert ledger["opened"] == 3


async def test_ten_thousand_subscribes_on_one_socket_run_no_more_than_the_cap(serve, client, ledger):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()

        async def subscribe_all():
            for number in range(10_000):
                await c.subscribe(str(number), "subscription { idle }")

        subscribing = asyncio.create_task(subscribe_all())
        refused = [await c.hear() for _ in range(9_950)]
        await subscribing
        assert {message["payload"][0]["extensions"]["code"] for message in refused} == {"TOO_MANY_OPERATIONS"}
        assert [message["id"] for message in refused] == [str(number) for number in range(50, 10_000)]
        assert (ledger["opened"], ledger["closed"]) == (50, 0)
    async with asyncio.timeout(5):
        while ledger["closed"] < 50:  # noqa: ASYNC110 - a plain counter
            await asyncio.sleep(0.01)


async def test_pings_are_answered_before_and_after_init(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.say(type="ping")
        assert await c.hear() == {"type": "pong"}
        await c.init()
        await c.say(type="ping", payload={"any": "thing"})
        assert await c.hear() == {"type": "pong"}
        await c.say(type="pong")
        await c.say(id="unknown", type="complete")
        await c.subscribe("1", "{ hello }")
        assert (await c.hear())["type"] == "next"


async def test_a_client_that_answers_no_ping_is_cut(serve, client):
    served = await serve(ping_seconds=0.1)
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        assert await c.hear() == {"type": "ping"}
        assert await c.close_code() == 4412


async def test_a_client_that_answers_pings_stays(serve, client):
    served = await serve(ping_seconds=0.05)
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        for _ in range(6):
            assert await c.hear() == {"type": "ping"}
            await c.say(type="pong")


async def test_frames_that_are_too_big_close_1009(serve, client):
    served = await serve(frame_bytes=1_000)
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", "{ hello }" + " " * 1_000)
        assert await c.close_code() == 1009


async def test_a_broken_context_ends_the_operation_and_not_the_socket(serve, client):
    served = await serve()
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        served.backend.broken = RuntimeError("secret")
        await c.subscribe("1", "{ hello }")
        error = await c.hear()
        assert (error["type"], error["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL")
        served.backend.broken = Unauthenticated("withdrawn")
        await c.subscribe("2", "{ hello }")
        assert await c.close_code() == 4403
