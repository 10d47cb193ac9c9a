"""What an operation costs and what a viewer may spend: counted, bounded, told in `extensions`, on every transport."""

import asyncio
import json

import pytest
import strawberry
from strawberry.schema_directive import Location

from app.graphql_transport import GraphQLEngine, TransportLimits
from app.graphql_transport.errors import RequestRefusedError
from app.graphql_transport.rates import RateLimitedError, Rates
from app.graphql_transport.requests import GraphQLRequest
from kit.time import SystemClock


@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION], name="cost")
class Cost:
    weight: int


@strawberry.type
class Leaf:
    name: str
    heavy: str = strawberry.field(directives=[Cost(weight=7)])
    free: "Leaf | None" = strawberry.field(directives=[Cost(weight=0)])


@strawberry.type
class Page:
    nodes: list[Leaf]
    page_info: Leaf = strawberry.field(directives=[Cost(weight=0)])


@strawberry.type
class Query:
    one: Leaf
    name: str

    @strawberry.field
    def page(self, first: int | None = None, last: int | None = None) -> Page:
        raise NotImplementedError

    @strawberry.field
    def some(self, ids: list[strawberry.ID]) -> list[Leaf]:
        raise NotImplementedError


@strawberry.type
class Mutation:
    change: Leaf
    swap: Leaf = strawberry.field(directives=[Cost(weight=50)])


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def changes(self) -> Leaf:
        raise NotImplementedError


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)


def cost(query, variables=None, **limits):
    engine = GraphQLEngine(SCHEMA, TransportLimits(**limits), production=False, clock=SystemClock())
    return engine.prepare(GraphQLRequest(query, variables=variables), anonymous=True).cost


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ name }", 1),
        ("{ one { name } }", 1),
        ("{ a: one { name } b: one { name } }", 2),
        ("{ one { heavy } }", 8),
        ("{ one { free { free { name } } } }", 1),
        ("{ page(first: 100) { nodes { name } } }", 101),
        ("{ page(first: 100) { nodes { name heavy } pageInfo { name } } }", 801),
        ("{ page(last: 3) { nodes { name } } }", 4),
        ("{ page { nodes { name } } }", 101),
        ("{ some(ids: [1, 2, 3]) { name } }", 3),
        ("{ ...a } fragment a on Query { page(first: 2) { ...b } } fragment b on Page { nodes { heavy } }", 17),
        ("{ ... on Query { one { name } } }", 1),
        ("mutation { change { name } }", 10),
        ("mutation { swap { heavy } }", 57),
        ("subscription { changes { name } }", 10),
        ("{ __schema { types { fields { name } } } }", 3),
    ],
)
def test_an_operation_costs_about_what_it_may_return(query, points):
    assert cost(query) == points


def test_page_sizes_come_from_variables_and_their_defaults():
    query = "query ($n: Int = 5, $ids: [ID!]!) { page(first: $n) { nodes { name } } some(ids: $ids) { name } }"
    assert cost(query, {"ids": ["1", "2"]}) == 1 + 5 + 2
    assert cost(query, {"n": 50, "ids": []}) == 1 + 50


def test_what_costs_more_than_the_limit_is_refused():
    query = "{ page(first: 100) { nodes { heavy } } }"
    assert cost(query, cost=801) == 801
    with pytest.raises(RequestRefusedError) as refused:
        cost(query, cost=800)
    assert refused.value.errors == [
        {
            "message": "The operation's cost of 801 points is over the limit of 800.",
            "extensions": {"code": "QUERY_LIMIT_EXCEEDED"},
        }
    ]


async def test_a_bucket_empties_and_fills(monkeypatch):
    now = 100.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    rates = Rates(100, 10.0)
    assert [rates.spend("ann", 40), rates.spend("ann", 40), rates.spend("bob", 1)] == [60, 20, 99]
    with pytest.raises(RateLimitedError) as refused:
        rates.spend("ann", 50)
    assert refused.value.retry_seconds == 4
    # A refusal costs nothing, and what comes back comes back steadily, up to a full bucket.
    assert rates.spend("ann", 20) == 0
    now += 3.0
    assert rates.spend("ann", 30) == 0
    now += 1_000.0
    assert rates.spend("ann", 0) == 100


async def test_no_limit_is_no_bucket():
    rates = Rates(1, 0)
    assert [rates.spend("ann", 1_000) for _ in range(3)] == [None] * 3
    assert len(rates._buckets) == 0


async def test_buckets_are_bounded_in_number():
    rates = Rates(10, 0.001)
    for number in range(20_005):
        rates.spend(number, 1)
    assert len(rates._buckets) == 20_000
    assert rates.spend(20_004, 1) == 8


async def test_an_answer_says_what_it_cost_and_what_is_left(serve):
    served = await serve(rate_burst=1_000, rate_per_second=0.001, cost=500)
    told = (await served.post("{ items(first: 100) { maker { name } } }", authorization="Bearer ann")).json()
    assert told["extensions"] == {"cost": {"requested": 200, "limit": 500, "left": 800}}
    assert list(told) == ["data", "extensions"]
    failed = (await served.post('{ fail(how: "domain") }', authorization="Bearer ann")).json()
    assert failed["extensions"]["cost"]["left"] == 799
    off = await serve(rate_per_second=0)
    assert (await off.post("{ hello }")).json()["extensions"] == {"cost": {"requested": 1, "limit": 5_000}}


async def test_who_spent_its_share_is_429_with_a_time_and_others_are_served(serve, ledger):
    served = await serve(rate_burst=25, rate_per_second=0.5)
    headers = {"authorization": "Bearer ann"}
    for price in (1, 2):
        assert (await served.post(f"mutation {{ setPrice(price: {price}) }}", **headers)).status_code == 200
    for accept in ("application/json", "application/graphql-response+json", "text/event-stream"):
        refused = await served.post("mutation { setPrice(price: 3) }", accept=accept, **headers)
        assert refused.status_code == 429
        error = refused.json()["errors"][0]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert 1 <= error["extensions"]["retryAfterSeconds"] <= 11
        assert refused.headers["retry-after"] == str(error["extensions"]["retryAfterSeconds"])
    assert ledger["price"] == 2
    assert (await served.post("mutation { setPrice(price: 4) }", authorization="Bearer bob")).status_code == 200


async def test_refused_documents_are_paid_for_too_by_strangers_with_their_address(serve):
    served = await serve(rate_burst=35, rate_per_second=0.001)
    assert [(await served.post("{ nothing }")).status_code for _ in range(5)] == [200, 200, 200, 429, 429]


async def test_sockets_and_streams_spend_from_the_same_share(serve, client):
    served = await serve(rate_burst=25, rate_per_second=0.001)
    async with served.socket() as socket:
        c = client(socket)
        await c.init("ann")
        for operation_id in "12":
            await c.subscribe(operation_id, "mutation { setPrice(price: 1) }")
            async with asyncio.timeout(30):
                told = json.loads(await socket.recv())
            assert told["payload"]["extensions"]["cost"]["left"] == 25 - 10 * int(operation_id)
            assert (await c.hear())["type"] == "complete"
        await c.subscribe("3", "subscription { idle }")
        error = await c.hear()
        assert (error["type"], error["id"]) == ("error", "3")
        assert error["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        # The socket stays, and its sessions share with HTTP.
        refused = await served.post("subscription { idle }", accept="text/event-stream", authorization="Bearer ann")
        assert refused.status_code == 429
        await c.subscribe("4", "{ hello }")
        assert (await c.hear())["payload"] == {"data": {"hello": "hello world"}}
