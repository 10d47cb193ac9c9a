"""A toy schema and backend for the transport, served by a real uvicorn on a port of its own."""

import asyncio
import enum
import functools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, NewType

import httpx
import pytest
import strawberry
import uvicorn
from starlette.applications import Starlette
from strawberry import relay
from strawberry.dataloader import DataLoader
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig
from strawberry.schema_directive import Location
from websockets.asyncio.client import ClientConnection, connect

from app.graphql_transport import GraphQLEngine, TransportLimits, graphql_routes, uvicorn_options
from domain.errors import DomainError, Forbidden, InvalidInput, NotFound, Unauthenticated
from kit.time import SystemClock
from tests.unit.transport.toy_feed import FEED, LEDGER, Feed, followed


@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION], name="sameForAll")
class SameForAll:
    """What the transport looks for."""


@strawberry.enum
class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


Odd = NewType("Odd", int)


def parse_odd(value: Any) -> int:
    if value % 2 == 0:
        raise ValueError("not odd")
    return value


@dataclass
class ToySession:
    name: str | None
    expires_at_utc: datetime | None = None


@dataclass
class ToyContext:
    session: ToySession
    request_id: str
    prices: DataLoader[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.prices = DataLoader(load_fn=load_prices)


@dataclass
class SharedToyContext:
    prices: DataLoader[str, int]

    @property
    def session(self) -> ToySession:
        raise RuntimeError("nobody is here to ask")


async def load_prices(keys: list[str]) -> list[int]:
    LEDGER["loads"] += 1
    return [LEDGER["price"] for _ in keys]


Info = strawberry.Info[ToyContext, None]


class IsNamed(BasePermission):
    message = "Sign in first"

    async def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return info.context.session.name is not None


@strawberry.type
class Maker:
    name: str


@strawberry.type
class Item(relay.Node):
    id: relay.NodeID[str]
    title: str
    colour: Colour
    weight: Decimal
    count: int
    maker: Maker
    note: str | None = None

    @strawberry.field
    async def price(self, info: Info) -> int:
        return await info.context.prices.load(self.id)

    @strawberry.field
    async def siblings(self, first: int) -> list["Item"]:
        return [make_item(n) for n in range(first)]

    @classmethod
    async def resolve_nodes(cls, *, info: Any, node_ids: Any, required: bool = False) -> list["Item"]:
        return [make_item(int(node_id)) for node_id in node_ids]


def make_item(number: int) -> Item:
    return Item(
        id=str(number),
        title=f"item {number}",
        colour=Colour.BLUE,
        weight=Decimal("1.50"),
        count=number,
        maker=Maker(name="Ada"),
    )


@strawberry.input
class Filter:
    colour: Colour
    least: int = 1


@strawberry.type
class Query:
    node: relay.Node = relay.node()
    odd: Odd = 3
    plain_null: str = strawberry.field(default=None)

    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field
    async def items(self, first: int, where: Filter | None = None) -> list[Item]:
        return [make_item(n) for n in range(first)]

    @strawberry.field(permission_classes=[IsNamed])
    async def me(self, info: Info) -> str | None:
        return info.context.session.name

    @strawberry.field
    def fail(self, how: str) -> str | None:
        raise {
            "domain": NotFound("No such campaign."),
            "input": InvalidInput("Too small.", path=("input", "amount")),
            "bug": RuntimeError("secret connection string"),
        }[how]

    @strawberry.field
    def wrong_int(self) -> int | None:
        return "secret value"  # type: ignore[return-value]

    @strawberry.field
    def extensions(self, info: Info) -> str:
        return json.dumps(info.input_extensions)

    @strawberry.field
    def odd_plus(self, odd: Odd) -> int:
        return odd + 1

    @strawberry.field
    def request_id(self, info: Info) -> str:
        assert type(info.schema).__name__ == "Schema"
        return info.context.request_id


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def set_price(self, price: int) -> int:
        LEDGER["price"] = price
        return price


@strawberry.type
class Tick:
    number: int
    shared: strawberry.Private[bool]

    @strawberry.field
    async def price(self, info: Info, plus: int = 0) -> int:
        return await info.context.prices.load("tick") + plus

    @strawberry.field
    async def slow(self, info: Info) -> str | None:
        """Whose context this was executed with; takes a moment."""
        LEDGER["slow"] += 1
        await asyncio.sleep(0.1)
        return info.context.request_id


@strawberry.interface
class Numbered:
    number: int


@strawberry.type
class News(Numbered):
    """An event that says nothing of its viewer, but for one field; and one that wrongly says it does not."""

    @strawberry.field(directives=[SameForAll()])
    async def price(self, info: Info) -> int:
        return await info.context.prices.load("news")

    @strawberry.field
    def mine(self, info: Info) -> str | None:
        return info.context.session.name

    @strawberry.field(directives=[SameForAll()])
    def leaks(self, info: Info) -> str | None:
        return info.context.session.name


@strawberry.type
class Other(Numbered):
    """A field of the interface that depends on the viewer here, since it says nothing."""

    @strawberry.field
    def number(self, info: Info) -> int:
        return len(info.context.session.name or "")


Message = Annotated[News | Other, strawberry.union("Message")]


@strawberry.type
class Subscription:
    @strawberry.subscription(directives=[SameForAll()])
    async def news(self) -> AsyncIterator[Message]:
        async for number in followed():
            yield News(number=number)

    @strawberry.subscription
    async def ticks(self, shared: bool = True) -> AsyncIterator[Tick]:
        async for number in followed():
            yield Tick(number=number, shared=shared)

    @strawberry.subscription
    async def count(self, to: int, pause: float = 0.0) -> AsyncIterator[int]:
        LEDGER["opened"] += 1
        try:
            for number in range(to):
                await asyncio.sleep(pause)
                yield number
        finally:
            LEDGER["closed"] += 1

    @strawberry.subscription
    async def idle(self) -> AsyncIterator[int]:
        LEDGER["opened"] += 1
        try:
            await asyncio.Event().wait()
            yield 0
        finally:
            LEDGER["closed"] += 1

    @strawberry.subscription
    async def prices(self, to: int) -> AsyncIterator[Item]:
        for number in range(to):
            LEDGER["price"] = 100 + number
            yield make_item(7)
            await asyncio.sleep(0)

    @strawberry.subscription
    async def flood(self, size: int) -> AsyncIterator[str]:
        while True:
            yield "x" * size
            await asyncio.sleep(0)

    @strawberry.subscription
    async def breaks(self, how: str) -> AsyncIterator[int]:
        yield 1
        raise {"domain": NotFound("Gone."), "bug": RuntimeError("secret")}[how]

    @strawberry.subscription(permission_classes=[IsNamed])
    async def guarded(self) -> AsyncIterator[int]:
        yield 1


@functools.cache
def toy_schema() -> strawberry.Schema:
    """One for all tests: strawberry's node field can be built into a schema only once."""
    odd = strawberry.scalar(name="Odd", serialize=int, parse_value=parse_odd)
    return strawberry.Schema(Query, Mutation, Subscription, config=StrawberryConfig(scalar_map={Odd: odd}))


class ToyBackend:
    """Tokens: "Bearer ann" is known for ever, "Bearer brief" for 0.3 seconds, all others are wrong."""

    def __init__(self) -> None:
        self.revoked: set[str | None] = set()
        self.contexts: list[ToyContext] = []
        self.broken: Exception | None = None
        self.documents: dict[tuple[str | None, str], str] = {}
        self.only_known = False

    async def authenticate(self, authorization: str | None) -> ToySession:
        if authorization is None:
            return ToySession(None)
        if authorization == "Bearer brief":
            return ToySession("brief", datetime.now(UTC) + timedelta(seconds=0.3))
        if authorization in {"Bearer ann", "Bearer bob"}:
            return ToySession(authorization.removeprefix("Bearer "))
        raise Unauthenticated("The token is not valid.")

    async def new_context(self, session: ToySession, request_id: str) -> ToyContext:
        if self.broken is not None:
            raise self.broken
        if session.name in self.revoked:
            raise Forbidden("You are no longer a member.")
        context = ToyContext(session, request_id)
        self.contexts.append(context)
        return context

    async def event_context(self, session: ToySession, request_id: str) -> ToyContext:
        return await self.new_context(session, request_id)

    async def document(self, session: ToySession, sha256: str) -> str | None:
        return self.documents.get((session.name, sha256))

    async def may_run(self, session: ToySession, text: str) -> bool:
        return not self.only_known or text in self.documents.values()

    def audience(self, session: ToySession, *, same_for_all: bool) -> str | None:
        return "all" if same_for_all and session.name is not None else session.name

    def payer(self, session: ToySession) -> str | None:
        return session.name

    def event_key(self, context: ToyContext, event: Any, *, same_for_all: bool) -> int | None:
        shared = event.shared if isinstance(event, Tick) else isinstance(event, News)
        return event.number if shared else None

    def shared_context(self, context: ToyContext) -> "SharedToyContext":
        return SharedToyContext(context.prices)


@dataclass
class Served:
    """A running server."""

    port: int
    backend: ToyBackend
    engine: GraphQLEngine
    server: uvicorn.Server
    http: httpx.AsyncClient

    def socket(self, **options: Any) -> connect:
        options.setdefault("subprotocols", ["graphql-transport-ws"])
        return connect(f"ws://127.0.0.1:{self.port}/graphql", compression=None, ping_interval=None, **options)

    async def post(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=named)


@pytest.fixture(autouse=True)
def _fresh_ledger() -> None:
    LEDGER.update(price=100, opened=0, closed=0, loads=0, slow=0)
    FEED.begin()


@pytest.fixture
def ledger() -> dict[str, int]:
    return LEDGER


@pytest.fixture
def feed() -> Feed:
    return FEED


@pytest.fixture
def schema() -> strawberry.Schema:
    return toy_schema()


@pytest.fixture
async def serve() -> AsyncIterator[Any]:
    """A function that starts servers, with limits as keywords."""
    running: list[tuple[Served, asyncio.Task[None]]] = []

    async def start(*, production: bool = False, **limits: Any) -> Served:
        engine = GraphQLEngine(toy_schema(), TransportLimits(**limits), production=production, clock=SystemClock())
        backend = ToyBackend()
        app = Starlette(routes=graphql_routes(engine, backend))
        options = uvicorn_options(engine.limits) | {"loop": "asyncio"}
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off", **options))
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells in no other way
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        served = Served(port, backend, engine, server, http)
        running.append((served, task))
        return served

    yield start
    for served, task in running:
        await served.http.aclose()
        served.server.should_exit = True
        await task


class Client:
    """What a test says over a socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next message, without what it says of costs, which has tests of its own."""
        async with asyncio.timeout(30):
            message = json.loads(await self.socket.recv())
        if message["type"] == "next":
            message["payload"].pop("extensions", None)
        return message

    async def init(self, token: str | None = None) -> None:
        payload = {"authorization": f"Bearer {token}"} if token else {}
        await self.say(type="connection_init", payload=payload)
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, operation_id: str, query: str, **payload: Any) -> None:
        await self.say(id=operation_id, type="subscribe", payload={"query": query, **payload})

    async def close_code(self) -> int:
        """The close code, after whatever else arrives."""
        async with asyncio.timeout(5):
            await self.socket.wait_closed()
        return self.socket.close_code


@pytest.fixture
def plain() -> Callable[[httpx.Response], Any]:
    """A response's JSON, without what it says of costs, which has tests of its own."""

    def read(answer: httpx.Response) -> Any:
        found = answer.json()
        found.pop("extensions", None)
        return found

    return read


@pytest.fixture
def client() -> type[Client]:
    return Client


@pytest.fixture
def domain_error() -> type[DomainError]:
    return DomainError
