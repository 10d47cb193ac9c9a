"""An API process served on a port of its own, and a client that speaks graphql-transport-ws to it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from app.backend import GraphQLBackend
from app.container import Container
from app.graphql import build_schema
from app.graphql_transport import GraphQLEngine, TransportLimits, graphql_routes, uvicorn_options
from app.settings import Settings
from domain.access import ALL_SCOPES
from realtime.hints import Hints
from realtime.relay import Relay
from services.ports import Ports


class Client:
    """One socket of one person."""

    def __init__(self, connection: ClientConnection) -> None:
        self.socket = connection

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self, seconds: float = 10) -> dict[str, Any]:
        """The next message but pings."""
        async with asyncio.timeout(seconds):
            while (message := json.loads(await self.socket.recv()))["type"] == "ping":
                await self.say(type="pong")
        return message

    async def subscribe(self, operation_id: str, query: str, **variables: Any) -> None:
        await self.say(id=operation_id, type="subscribe", payload={"query": query, "variables": variables})

    async def data(self, operation_id: str, seconds: float = 10) -> dict[str, Any]:
        """The one root field of the next message of an operation, which must be the next of the socket."""
        message = await self.hear(seconds)
        assert (message["type"], message["id"]) == ("next", operation_id), message
        assert "errors" not in message["payload"], message
        (value,) = message["payload"]["data"].values()
        return value

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer to a query or mutation; nothing else may run on this socket."""
        operation_id = uuid4().hex
        await self.subscribe(operation_id, query, **variables)
        value = await self.data(operation_id)
        assert (await self.hear())["type"] == "complete"
        return value

    async def rest(self) -> list[dict[str, Any]]:
        """Everything until the socket is closed by the server."""
        heard: list[dict[str, Any]] = []
        with suppress(ConnectionClosed):
            while True:
                heard.append(await self.hear())
        return heard

    def break_off(self) -> None:
        """End without a word, as a network does."""
        self.socket.transport.abort()


class Api:
    """A served process and how to reach it."""

    def __init__(self, server: uvicorn.Server, relay: Relay, ports: Ports, tokens: AccessTokens) -> None:
        self.server = server
        self.port: int = server.servers[0].sockets[0].getsockname()[1]
        self.relay = relay
        self.ports = ports
        self._tokens = tokens

    @asynccontextmanager
    async def client(self, tenant_id: UUID, user_id: UUID, **options: Any) -> AsyncIterator[Client]:
        """A socket of a person who has just signed in. `options` go to `websockets.connect`."""
        token = self._tokens.issue(
            tenant_id=tenant_id, user_id=user_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
        )
        async with connect(
            f"ws://127.0.0.1:{self.port}/graphql",
            subprotocols=["graphql-transport-ws"],
            compression=None,
            ping_interval=None,
            proxy=None,
            **options,
        ) as connection:
            client = Client(connection)
            await client.say(type="connection_init", payload={"authorization": f"Bearer {token.text}"})
            assert await client.hear() == {"type": "connection_ack"}
            yield client


@asynccontextmanager
async def serve(
    ports: Ports,
    hints: Hints,
    tokens: AccessTokens,
    passwords: Passwords,
    listener: socket.socket | None = None,
    /,
    **limits: Any,
) -> AsyncIterator[Api]:
    """An API process over ports whose hints are these, at a free port or a listener; it shares the test's event loop."""
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        container = Container(Settings(), ports, relay, hints, tokens, passwords)
        engine = GraphQLEngine(build_schema(), TransportLimits(**limits), production=True, clock=ports.clock)
        routes = graphql_routes(engine, GraphQLBackend(container))
        options = uvicorn_options(engine.limits) | {"loop": "asyncio"}
        config = uvicorn.Config(
            Starlette(routes=routes), port=0, log_level="warning", lifespan="off", backlog=2_048, **options
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(None if listener is None else [listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn tells in no other way
            await asyncio.sleep(0.01)
        try:
            yield Api(server, relay, ports, tokens)
        finally:
            server.should_exit = True
            await task
