"""Our executor gives what strawberry's own gives, for values, nulls, lists, awaitables and errors alike."""

import asyncio
import enum
import gc
import weakref
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import strawberry

from app.graphql_transport import GraphQLEngine, TransportLimits, executor
from app.graphql_transport.requests import GraphQLRequest
from kit.time import SystemClock
from tests.both_ways import built_both_ways
from tests.unit.transport.conftest import ToyContext, ToySession, toy_schema


@strawberry.enum
class Size(enum.Enum):
    SMALL = 1
    LARGE = strawberry.enum_value(2, name="BIG")


@strawberry.interface
class Animal:
    name: str


@strawberry.type
class Cat(Animal):
    lives: int


@strawberry.type
class Dog(Animal):
    tricks: list[str]


@strawberry.type
class Leaf:
    text: str
    maybe: str | None
    count: int
    ratio: float
    flag: bool
    size: Size
    amount: Decimal
    id: strawberry.ID
    words: list[str | None]


def leaf(**changes: Any) -> Leaf:
    values = {
        "text": "t",
        "maybe": None,
        "count": 1,
        "ratio": 0.5,
        "flag": True,
        "size": Size.LARGE,
        "amount": Decimal("1.10"),
        "id": strawberry.ID("7"),
        "words": ["a", None],
    }
    return Leaf(**values | changes)


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


class Moody:
    """An object whose attributes fail, wait, or are missing."""

    def __init__(self) -> None:
        self.maybe = later("waited")
        self.text = later(ValueError("late"))
        self.count = 2**40
        self.ratio = float("nan")
        self.flag = "yes"
        self.id = 9
        self.size = 1

    @property
    def words(self) -> list[Any]:
        return [later("a"), None]

    @property
    def amount(self) -> Decimal:
        raise ValueError("broken property")


@strawberry.type
class Group:
    title: str
    leaf: Leaf | None
    leaves: list[Leaf | None]
    strict: list[Leaf] | None
    animals: list[Animal]
    cat: Cat | None


def group(**changes: Any) -> Group:
    values = {
        "title": "g",
        "leaf": leaf(),
        "leaves": [leaf(), None, leaf(maybe="m")],
        "strict": [leaf(), leaf()],
        "animals": [Cat(name="c", lives=9), Dog(name="d", tricks=["sit"])],
        "cat": Cat(name="k", lives=1),
    }
    return Group(**values | changes)


@strawberry.type
class Query:
    @strawberry.field
    def group(self, how: str = "") -> Group | None:
        return {
            "": group,
            "null in strict": lambda: group(strict=[leaf(), None]),
            "null text": lambda: group(leaf=leaf(text=None)),
            "null text in list": lambda: group(leaves=[leaf(text=None), leaf()], strict=[leaf(), leaf(text=None)]),
            "moody": lambda: group(leaf=Moody()),
            "waiting": lambda: group(
                leaf=leaf(
                    text=later("t"), count=later(3), words=[later("a"), later(None)], maybe=later(ValueError("no"))
                )
            ),
            "exceptions": lambda: group(leaves=[ValueError("x"), leaf()], leaf=ValueError("y"), title=ValueError("z")),
            "awaitables": lambda: group(
                leaf=later(leaf()), leaves=[later(leaf()), leaf(), later(ValueError("no"))], title=later("w")
            ),
            "tuple and generator": lambda: group(leaves=(leaf(), None), strict=(leaf() for _ in range(2))),
            "not a list": lambda: group(strict=5),
            "wrong type": lambda: group(cat=Dog(name="d", tricks=[]), animals=[leaf()]),
            "huge": lambda: group(leaf=leaf(count=2**31, ratio=float("inf"))),
            "edges": lambda: group(leaf=leaf(count=-(2**31), ratio=3, flag=False, text="")),
        }[how]()


LEAF = "{ __typename text maybe count ratio flag size amount id words }"
ALL = "__typename title leaf " + LEAF + " leaves " + LEAF + " strict " + LEAF
ANIMALS = " animals { __typename name ... on Cat { lives } ... on Dog { tricks } } cat { name lives }"


@pytest.fixture(scope="module")
def engine():
    schema = strawberry.Schema(Query, types=[Cat, Dog])
    return GraphQLEngine(schema, TransportLimits(), production=False, clock=SystemClock()), schema


HOWS = [
    "",
    "null in strict",
    "null text",
    "null text in list",
    "moody",
    "waiting",
    "exceptions",
    "awaitables",
    "tuple and generator",
    "not a list",
    "wrong type",
    "huge",
    "edges",
]


@pytest.mark.parametrize("how", HOWS)
async def test_the_same_data_and_the_same_error_places(engine, how):
    ours, schema = engine
    query = f"query ($how: String!, $no: Boolean = false) {{ group(how: $how) {{ {ALL} {ANIMALS} again: title title @include(if: $no) }} }}"
    operation = ours.prepare(GraphQLRequest(query, variables={"how": how}), anonymous=False)
    mine = await ours.execute(operation, {}, "id")
    theirs = await schema.execute(query, {"how": how}, context_value={})
    assert mine["data"] == theirs.data
    places = [sorted(map(str, (error["path"] for error in mine.get("errors", []))))]
    assert places == [sorted(map(str, (error.path for error in theirs.errors or [])))]


@pytest.mark.parametrize("how", HOWS)
async def test_compiled_selections_give_the_same_data_and_the_same_error_places(engine, how, monkeypatch):
    """As above without a directive, so that functions are written: at once, and asked to cover what they cannot."""
    monkeypatch.setattr(executor, "_PAYS_AFTER", 1)
    ours, schema = engine
    query = f"query ($how: String!) {{ group(how: $how) {{ {ALL} {ANIMALS} again: title }} }}"
    theirs = await schema.execute(query, {"how": how}, context_value={})
    for _ in range(2):
        operation = ours.prepare(GraphQLRequest(query, variables={"how": how}), anonymous=False)
        mine = await ours.execute(operation, {}, "id")
        assert mine["data"] == theirs.data
        assert list(mine["data"]["group"] or ()) == list((theirs.data or {})["group"] or ())
        places = [sorted(map(str, (error["path"] for error in mine.get("errors", []))))]
        assert places == [sorted(map(str, (error.path for error in theirs.errors or [])))]
        functions = [each.function for each in operation.executor._selections.values()]
        assert any(functions)


async def test_a_function_that_builds_something_else_is_found(monkeypatch):
    """The check that every test of this suite runs under, on a function that swaps two fields."""
    engine = GraphQLEngine(strawberry.Schema(Query), TransportLimits(), production=False, clock=SystemClock())
    request = GraphQLRequest('{ group(how: "") { leaf { text id } leaves { text id } } }')
    with built_both_ways() as record:
        await engine.execute(engine.prepare(request, anonymous=False), {}, "id")
        assert record.compared > 0
        assert record.differences == []
    right = executor.compiled

    def wrong(*args):
        made = right(*args)
        return made and made._replace(build=lambda source: made.build(source) | {"text": "7"})

    monkeypatch.setattr(executor, "compiled", wrong)
    with built_both_ways() as record:
        await engine.execute(engine.prepare(GraphQLRequest(request.query + " "), anonymous=False), {}, "id")
    assert "Leaf" in record.differences[0]


async def test_selections_that_run_rarely_are_not_compiled(engine, monkeypatch):
    """Writing a function costs as much as fifty objects; a document that comes once must not pay for it."""
    monkeypatch.setattr(executor, "_PAYS_AFTER", 50)
    ours, _ = engine
    operation = ours.prepare(GraphQLRequest("{ group { rarely: leaf { text id } } }"), anonymous=False)
    written = []
    for _ in range(50):
        await ours.execute(operation, {}, "id")
        written.append(any(each.function for each in operation.executor._selections.values()))
    assert written == [False] * 49 + [True]


async def test_values_that_do_not_fit_are_masked(engine):
    ours, _ = engine
    for how in ("huge", "wrong type", "not a list"):
        request = GraphQLRequest(f'{{ group(how: "{how}") {{ leaf {LEAF} strict {LEAF} {ANIMALS} }} }}')
        answer = await ours.execute(ours.prepare(request, anonymous=False), {}, "id")
        assert {error["message"] for error in answer["errors"]} == {"Internal error"}


@strawberry.type
class Events:
    @strawberry.subscription
    async def leaves(self) -> AsyncIterator[Leaf]:
        yield leaf()


EVENTS = strawberry.Schema(Query, subscription=Events)


async def test_a_subscription_plans_its_fields_once_however_many_events_it_has() -> None:
    """graphql-core collects the root's fields for each event; what is known by their identity must not pile up."""
    engine = GraphQLEngine(EVENTS, TransportLimits(), production=False, clock=SystemClock())
    query = "subscription ($more: Boolean!) { leaves { text ... @include(if: $more) { count words } } }"
    for more, expected in ((True, {"text": "t", "count": 3, "words": ["a", None]}), (False, {"text": "t"})):
        operation = engine.prepare(GraphQLRequest(query, variables={"more": more}), anonymous=False)
        sizes = set()
        for number in range(20):
            response = await engine.execute_event(operation, leaf(count=3), object(), str(number))
            assert response == {"data": {"leaves": expected}}
            sizes.add((len(operation.executor._selections), len(operation.executor._relevant_sub_fields)))
        assert sizes == {(2, 1)}


async def test_what_ran_is_freed_without_the_collector(collector_off):
    engine = GraphQLEngine(toy_schema(), TransportLimits(), production=False, clock=SystemClock())
    context = ToyContext(ToySession("ann"), "id")
    gone = []
    for _ in range(2):  # what compares written functions with the general way, in tests, keeps who wrote them
        operation = engine.prepare(GraphQLRequest("{ me items(first: 3) { title price } }"), anonymous=False)
        gone = [weakref.ref(operation.executor)]
        assert "errors" not in await engine.execute(operation, context, "id")
    operation = engine.prepare(GraphQLRequest("subscription { prices(to: 2) { title price } }"), anonymous=False)
    gone.append(weakref.ref(operation.executor))
    async for event in await engine.subscribe(operation, context, "id"):
        assert "errors" not in await engine.execute_event(operation, event, context, "id")
    del operation, event
    await asyncio.sleep(0)  # what ran side by side is let go of in the loop's next turn
    assert [each() for each in gone] == [None, None]


@pytest.fixture
def collector_off():
    gc.disable()
    yield
    gc.enable()
