"""Survival rows 17 and 18 as times: some subscribers never read; then every socket is killed, and all come back.

    python -m bench.reconnects [--subscribers 1000] [--paused 100] [--rounds 5] [postgres://user@host:port/database]

Everything is as in bench.fanout: the whole app here, the subscribers in one other process, each a person of their own.
First some changes are told while the paused ones read nothing. Then the server's connections are cut without a word
and one more change is made while nobody is there; each subscriber connects again after 0 to 250 ms, with its newest
cursor. Times are from the cut to the arrival of the change that it missed.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import uvicorn
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.container import Container, open_container
from app.graphql_transport import uvicorn_options
from app.migrations import migrate
from app.settings import Settings
from app.web import create_app
from bench.demo_rows import Rows, store_rows
from domain.access import ALL_SCOPES, Principal, PrincipalKind
from kit.ids import new_id
from schema.base import global_id
from services import recommendations
from services.viewers import look_up

SUBSCRIBE = """subscription ($ws: ID!, $after: Cursor) { recommendationChanges(workspaceId: $ws, after: $after) {
  __typename ... on StreamMessage { sequence cursor }
  ... on RecommendationChanged { kind recommendation { id version status campaignName } } } }"""
JITTER_SECONDS = 0.25


class Subscriber:
    """One who follows through one socket after another; tells of each change when it came, and of its number."""

    def __init__(self, port: int, token: str, workspace_id: str) -> None:
        self._port = port
        self._token = token
        self._workspace_id = workspace_id
        self._cursor: str | None = None
        self._socket: ClientConnection | None = None

    async def open(self) -> None:
        """Connect and subscribe, after what was heard last."""
        self._socket = await connect(
            f"ws://127.0.0.1:{self._port}/graphql",
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]  # a NewType of str
            compression=None,
            ping_interval=None,
            open_timeout=None,
            proxy=None,
        )
        variables = {"ws": self._workspace_id, "after": self._cursor}
        payload = {"query": SUBSCRIBE, "variables": variables}
        credential = {"authorization": f"Bearer {self._token}"}
        await self._socket.send(json.dumps({"type": "connection_init", "payload": credential}))
        await self._socket.recv()
        await self._socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))

    async def follow(self) -> None:
        """Connect for the first time, until the stream is live."""
        await self.open()
        while await self._message() != "Watermark":
            pass

    def pause(self) -> None:
        """Read nothing from now on."""
        if self._socket is not None:
            self._socket.transport.pause_reading()

    async def arrival(self) -> float:
        """When the next change came; watermarks are passed over, and whoever is cut off comes back."""
        while True:
            try:
                if await self._message() == "RecommendationChanged":
                    return time.monotonic()
            except (ConnectionClosed, OSError):
                await self._come_back()

    async def _come_back(self) -> None:
        while True:
            await asyncio.sleep(random.uniform(0, JITTER_SECONDS))  # as clients do, so that not all come at once
            try:
                await self.open()
            except (ConnectionClosed, OSError):
                continue
            return

    async def _message(self) -> str:
        if self._socket is None:
            raise RuntimeError("not open")
        while True:
            message = json.loads(await self._socket.recv())
            if message["type"] == "ping":
                await self._socket.send('{"type":"pong"}')
            elif message["type"] == "next":
                change = message["payload"]["data"]["recommendationChanges"]
                self._cursor = change["cursor"]
                return str(change["__typename"])
            else:
                raise RuntimeError(str(message))


def _elsewhere(port: int, tokens: list[str], paused: int, workspace_id: str, rounds: int, told: Connection) -> None:
    """The other process."""

    async def follow_all() -> None:
        everybody = [Subscriber(port, token, workspace_id) for token in tokens]
        for each in everybody:
            await each.follow()
        for each in everybody[:paused]:
            each.pause()
        told.send("ready")
        for _ in range(rounds + 1):
            told.send(await asyncio.gather(*(each.arrival() for each in everybody[paused:])))

    uvloop.run(follow_all())


async def _approve(container: Container, rows: Rows, number: int) -> None:
    person = Principal(PrincipalKind.USER, rows.tenant_id, rows.reviewer_ids[0], new_id(), ALL_SCOPES, None)
    viewer = await look_up(container.ports, person)
    await recommendations.approve(container.ports, viewer, rows.recommendation_ids[number], 1, new_id().hex)


def _row(what: str, started: float, arrivals: list[float]) -> str:
    times = sorted((at - started) * 1_000 for at in arrivals)
    half, nearly_all = times[len(times) // 2], times[int(len(times) * 0.99)]
    return f"{what}: p50 {half:.0f} ms, p99 {nearly_all:.0f} ms, last {times[-1]:.0f} ms"


async def _measure(settings: Settings, subscribers: int, paused: int, rounds: int) -> None:
    await migrate(settings.database)
    async with open_container(settings) as container:
        rows = await store_rows(container.ports, max(25, rounds + 1), subscribers)
        application, limits = create_app(container)
        options = uvicorn_options(limits)
        server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error", backlog=2_048, **options))
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells in no other way
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        tokens = [
            container.tokens.issue(
                tenant_id=rows.tenant_id, user_id=user_id, session_id=new_id(), roles=(), scopes=ALL_SCOPES
            ).text
            for user_id in rows.reviewer_ids[:subscribers]
        ]
        context = multiprocessing.get_context("spawn")
        told, there = context.Pipe()
        arguments = (port, tokens, paused, global_id("Workspace", rows.workspace_id), rounds, there)
        process = context.Process(target=_elsewhere, args=arguments)
        process.start()
        try:
            await asyncio.to_thread(told.recv)
            print(f"{subscribers} subscribers, {paused} of them never read")
            for number in range(rounds):
                started = time.monotonic()
                await _approve(container, rows, number)
                print(_row("  one change", started, await asyncio.to_thread(told.recv)))
            started = time.monotonic()
            for connection in list(server.server_state.connections):
                connection.transport.abort()  # type: ignore[union-attr]
            await _approve(container, rows, rounds)
            arrivals = await asyncio.to_thread(told.recv)
            print(_row(f"  all cut, {len(arrivals)} back with the change they missed", started, arrivals))
        finally:
            process.kill()
        server.should_exit = True
        await serving


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database_url", nargs="?", default="")
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--paused", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(var_dir=Path(folder), database_url=arguments.database_url, rate_per_second=0)
        uvloop.run(_measure(settings, arguments.subscribers, arguments.paused, arguments.rounds))


if __name__ == "__main__":
    main()
