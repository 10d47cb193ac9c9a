"""One response for all who would get the same: who shares, who must not, and what is kept of it."""

import asyncio
from contextlib import AsyncExitStack

import pytest

import app.graphql_transport.sharing
from app.graphql_transport.requests import GraphQLRequest
from app.graphql_transport.sharing import SharedResponses, audience_of

TICKS = "subscription ($plus: Int! = 0) { ticks { number price(plus: $plus) } }"


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the conditions are plain counters
            await asyncio.sleep(0.01)


async def all_data(clients):
    return [(await c.hear())["payload"] for c in clients]


async def subscribed(stack, served, client, ledger, tokens, query=TICKS, **payload):
    """A client for each token, each with one subscription of an id of its own."""
    clients = []
    for number, token in enumerate(tokens):
        clients.append(client(await stack.enter_async_context(served.socket())))
        await clients[-1].init(token)
        await clients[-1].subscribe(f"{token}-{number}", query, **payload)
    await until(lambda: ledger["opened"] == len(tokens))
    return clients


async def test_one_viewers_subscribers_get_one_execution_under_their_own_ids(serve, client, ledger, feed):
    served = await serve()
    async with AsyncExitStack() as stack:
        clients = await subscribed(stack, served, client, ledger, ["ann", "ann", "ann", "bob"])
        for number in (7, 8):
            ledger["price"] = number
            feed.tell(number)
            expected = {"data": {"ticks": {"number": number, "price": number}}}
            heard = [await c.hear() for c in clients]
            assert heard == [
                {"id": id_, "type": "next", "payload": expected} for id_ in ("ann-0", "ann-1", "ann-2", "bob-3")
            ]
        # Once for ann, once for bob, for each of two events; but each subscriber's right was asked each time.
        assert ledger["loads"] == 4
        assert len(served.backend.contexts) == 4 + 4 * 2


async def test_nobody_shares_across_viewers_documents_variables_or_without_a_name(serve, client, ledger, feed):
    served = await serve()
    async with AsyncExitStack() as stack:
        tokens = ["ann", "bob", None, None]
        clients = await subscribed(stack, served, client, ledger, tokens)
        for query, variables in ((TICKS, {"plus": 1}), (TICKS.replace("number", "n: number"), {})):
            (more,) = await subscribed_one(stack, served, client, query, variables)
            clients.append(more)
        await until(lambda: ledger["opened"] == 6)
        feed.tell(1)
        same = {"data": {"ticks": {"number": 1, "price": 100}}}
        assert await all_data(clients) == [
            same, same, same, same,
            {"data": {"ticks": {"number": 1, "price": 101}}},
            {"data": {"ticks": {"n": 1, "price": 100}}},
        ]  # fmt: skip
        assert ledger["loads"] == 6


async def subscribed_one(stack, served, client, query, variables):
    c = client(await stack.enter_async_context(served.socket()))
    await c.init("ann")
    await c.subscribe("1", query, variables=variables)
    return [c]


async def test_an_event_without_a_key_is_executed_for_each(serve, client, ledger, feed):
    served = await serve()
    async with AsyncExitStack() as stack:
        query = "subscription { ticks(shared: false) { price } }"
        clients = await subscribed(stack, served, client, ledger, ["ann", "ann"], query)
        feed.tell(1)
        assert await all_data(clients) == [{"data": {"ticks": {"price": 100}}}] * 2
        assert ledger["loads"] == 2


async def test_who_shares_is_not_held_back_when_the_one_who_executes_leaves(serve, client, ledger, feed):
    served = await serve()
    async with AsyncExitStack() as stack:
        query = "subscription { ticks { slow } }"
        clients = await subscribed(stack, served, client, ledger, ["ann"] * 3, query)
        feed.tell(1)
        await until(lambda: ledger["slow"] == 1)
        clients[0].socket.transport.abort()
        (first,), (second,) = [list((await c.hear())["payload"]["data"]["ticks"].values()) for c in clients[1:]]
        assert first == second
        assert ledger["slow"] == 2


async def test_a_shared_response_does_not_outlive_a_right(serve, client, ledger, feed):
    served = await serve(recheck_seconds=60)
    async with AsyncExitStack() as stack:
        clients = await subscribed(stack, served, client, ledger, ["ann", "ann"])
        feed.tell(1)
        await all_data(clients)
        served.backend.revoked.add("ann")
        feed.tell(2)
        assert [await c.close_code() for c in clients] == [4403, 4403]


NEWS = "subscription { news { ... on News { number price } } }"


async def test_what_is_the_same_for_all_is_executed_once_for_all_who_signed_in(serve, client, ledger, feed):
    served = await serve()
    async with AsyncExitStack() as stack:
        clients = await subscribed(stack, served, client, ledger, ["ann", "bob", "ann", None], NEWS)
        for number in (7, 8):
            ledger["price"] = number
            feed.tell(number)
            assert await all_data(clients) == [{"data": {"news": {"number": number, "price": number}}}] * 4
        # Once for all who signed in, once for the stranger, for each of two events; each one's right was asked.
        assert ledger["loads"] == 4
        assert len(served.backend.contexts) == 4 + 4 * 2


async def test_one_field_that_may_depend_on_its_viewer_parts_the_audience(serve, client, ledger, feed):
    served = await serve()
    async with AsyncExitStack() as stack:
        query = "subscription { news { ...parts } } fragment parts on News { price mine }"
        clients = await subscribed(stack, served, client, ledger, ["ann", "bob"], query)
        feed.tell(1)
        assert [each["data"]["news"]["mine"] for each in await all_data(clients)] == ["ann", "bob"]
        assert ledger["loads"] == 2


async def test_a_field_that_wrongly_says_it_is_the_same_for_all_finds_nobody_to_ask(serve, client, ledger, feed):
    served = await serve()
    async with AsyncExitStack() as stack:
        query = "subscription { news { ... on News { leaks } } }"
        clients = await subscribed(stack, served, client, ledger, ["ann", "bob"], query)
        feed.tell(1)
        for told in await all_data(clients):
            assert told["data"] == {"news": {"leaks": None}}
            assert told["errors"][0]["extensions"]["code"] == "INTERNAL"


async def test_a_right_ends_for_one_while_the_others_go_on_sharing(serve, client, ledger, feed):
    served = await serve(recheck_seconds=60)
    async with AsyncExitStack() as stack:
        clients = await subscribed(stack, served, client, ledger, ["ann", "bob", "ann"], NEWS)
        served.backend.revoked.add("bob")
        feed.tell(3)
        assert await clients[1].close_code() == 4403
        told = {"data": {"news": {"number": 3, "price": 100}}}
        assert await all_data([clients[0], clients[2]]) == [told, told]


@pytest.mark.parametrize(
    ("query", "same"),
    [
        (NEWS, True),
        ("subscription { news { __typename ... on News { n: number } } }", True),
        ("subscription { ...all } fragment all on Subscription { news { ...it } } fragment it on News { price }", True),
        ("subscription { news { ... on News @include(if: true) { ... { price } } } }", True),
        ("subscription { news { ... on News { number mine } } }", False),
        # Of the interface's two types one has its own way to a number, and does not say that it asks nobody.
        ("subscription { news { ... on Numbered { number } } }", False),
        ("subscription { news { ... on Other { number } } }", False),
        # Events of a stream that says nothing may be each viewer's own.
        ("subscription { ticks { number } }", False),
        ("{ hello }", False),
    ],
)
async def test_an_answer_is_the_same_for_all_if_every_field_is(query, same, serve):
    served = await serve()
    assert served.engine.prepare(GraphQLRequest(query), anonymous=False).same_for_all is same


async def test_errors_are_shared_with_the_data(serve, client, ledger, feed):
    served = await serve()
    async with AsyncExitStack() as stack:
        query = "subscription ($plus: Int!) { ticks { price(plus: $plus) } }"
        clients = await subscribed(stack, served, client, ledger, ["ann", "ann"], query, variables={"plus": 2**31 - 1})
        feed.tell(1)
        first, second = await all_data(clients)
        assert first == second
        assert (first["data"], first["errors"][0]["extensions"]["code"]) == (None, "INTERNAL")


def request(query="{ a }", **parts):
    return GraphQLRequest(query, **parts)


def test_an_audience_is_viewers_and_all_that_was_asked():
    asked = audience_of("ann", request(variables={"a": 1, "b": 2}))
    assert asked == audience_of("ann", request(variables={"b": 2, "a": 1}))
    others = [
        audience_of("bob", request(variables={"a": 1, "b": 2})),
        audience_of("ann", request(variables={"a": 1, "b": 3})),
        audience_of("ann", request("{ b }", variables={"a": 1, "b": 2})),
        audience_of("ann", request(operation_name="x", variables={"a": 1, "b": 2})),
        audience_of("ann", request(variables={"a": 1, "b": 2}, extensions={"x": 1})),
        audience_of(None, request(variables={"a": 1, "b": 2})),
    ]
    assert len({asked, *others}) == 7
    assert others[-1] is None


def test_company_is_more_than_one():
    shared, audience = SharedResponses(100), audience_of("ann", request())
    seen = []
    for change in (shared.enter, shared.enter, shared.leave, shared.leave):
        change(audience)
        seen.append(shared.has_company(audience))
    assert seen == [False, True, False, False]
    shared.enter(None)
    shared.enter(None)
    assert not shared.has_company(None)
    assert not shared._members


async def test_responses_are_kept_a_second_and_so_many_bytes(monkeypatch: pytest.MonkeyPatch):
    shared, audience = SharedResponses(10), audience_of("ann", request())
    executed = []

    async def get(event, size=4):
        async def execute():
            executed.append(event)
            return f"{event}" * size

        return await shared.get(audience, event, execute)

    assert [await get(1), await get(1), await get(2), await get(1)] == ["1111", "1111", "2222", "1111"]
    assert executed == [1, 2]
    await get(3)  # twelve bytes: the first one goes
    assert [await get(2), await get(3), await get(1)] == ["2222", "3333", "1111"]
    assert executed == [1, 2, 3, 1]
    await get(4, size=11)  # alone over the bound: given out, and nothing is kept
    assert (shared._kept, shared._kept_bytes) == ({}, 0)
    await get(5)
    monkeypatch.setattr(app.graphql_transport.sharing, "_KEPT_SECONDS", 0.0)
    await get(5)
    assert executed == [1, 2, 3, 1, 4, 5, 5]
    assert shared._kept_bytes == 4
