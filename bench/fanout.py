"""One approval told to a thousand subscribers: how long until half, nearly all and the last of them have it.

    python -m bench.fanout [--subscribers 1000] [--people 1000] [--rounds 5] [postgres://user@host:port/database]

The API serves here, the whole app over a real database (SQLite in a temporary folder unless one is given; it is
migrated first and may be thrown away); the subscribers are sockets in one other process, each a person of their own
unless there are fewer people: then each person has one token, and so many sockets share what is executed for it.
Times are from before the approval's transaction to the frame's arrival; CPU is this process's, per delivery.
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import uvicorn
import uvloop
from websockets.asyncio.client import ClientConnection, connect

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

SUBSCRIBE = """subscription ($ws: ID!) { recommendationChanges(workspaceId: $ws) {
  __typename ... on StreamMessage { sequence cursor }
  ... on RecommendationChanged {
    kind actor { name } recommendation { id version status campaignName proposedBudget { amount } } } } }"""


def _subscribers(port: int, tokens: list[str], workspace_id: str, rounds: int, told: Connection) -> None:
    """The other process: opens all sockets, then sends the arrival times (monotonic seconds) of each round."""
    uvloop.run(_subscribe_all(port, tokens, workspace_id, rounds, told))


async def _subscribe_all(port: int, tokens: list[str], workspace_id: str, rounds: int, told: Connection) -> None:
    sockets = [await _open(port, token, workspace_id) for token in tokens]
    told.send("ready")
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        told.send(await asyncio.gather(*(_arrival(socket) for socket in sockets)))
    for socket in sockets:
        await socket.close()


async def _open(port: int, token: str, workspace_id: str) -> ClientConnection:
    socket = await connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]  # a NewType of str
        compression=None,
        ping_interval=None,
        proxy=None,
    )
    payload = {"query": SUBSCRIBE, "variables": {"ws": workspace_id}}
    await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    if "connection_ack" not in (text := str(await socket.recv())):
        raise RuntimeError(text)
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    while "Watermark" not in (text := str(await socket.recv())):
        if "error" in text:
            raise RuntimeError(text)
    return socket


async def _arrival(socket: ClientConnection) -> float:
    """When the next change arrived; pings and watermarks are passed over."""
    while True:
        text = await socket.recv()
        at = time.monotonic()
        if "RecommendationChanged" in str(text):
            return at
        if "ping" in str(text):
            await socket.send('{"type":"pong"}')


def _tokens(container: Container, rows: Rows, subscribers: int) -> list[str]:
    """Each subscriber's token: the people's in turn."""
    texts = [
        container.tokens.issue(
            tenant_id=rows.tenant_id, user_id=user_id, session_id=new_id(), roles=(), scopes=ALL_SCOPES
        ).text
        for user_id in rows.reviewer_ids
    ]
    return [texts[number % len(texts)] for number in range(subscribers)]


@contextmanager
def subscribers_elsewhere(port: int, tokens: list[str], workspace_id: str, rounds: int) -> Iterator[Connection]:
    """A process with one socket for each token; it says "ready", then the arrival times of each round."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_subscribers, args=(port, tokens, workspace_id, rounds, there))
    process.start()
    try:
        yield here
        process.join(30)
    finally:
        process.kill()


async def _round(container: Container, rows: Rows, number: int, told: Connection) -> tuple[list[float], float]:
    """Milliseconds until each subscriber had it, and CPU microseconds a delivery."""
    person = Principal(PrincipalKind.USER, rows.tenant_id, rows.reviewer_ids[0], new_id(), ALL_SCOPES, None)
    viewer = await look_up(container.ports, person)
    started, cpu = time.monotonic(), time.process_time()
    await recommendations.approve(container.ports, viewer, rows.recommendation_ids[number], 1, new_id().hex)
    arrivals = await asyncio.to_thread(told.recv)
    used = time.process_time() - cpu
    return sorted((at - started) * 1_000 for at in arrivals), used * 1_000_000 / len(arrivals)


async def _measure(settings: Settings, subscribers: int, people: int, rounds: int) -> None:
    await migrate(settings.database)
    async with open_container(settings) as container:
        rows = await store_rows(container.ports, max(25, rounds), people)
        application, limits = create_app(container)
        config = uvicorn.Config(application, port=0, log_level="warning", **uvicorn_options(limits))
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells in no other way
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        workspace_id = global_id("Workspace", rows.workspace_id)
        with subscribers_elsewhere(port, _tokens(container, rows, subscribers), workspace_id, rounds) as told:
            await asyncio.to_thread(told.recv)
            print(f"{subscribers} subscribers, {people} people")
            print("ms until 50 % / 99 % / all have one change; CPU us a delivery")
            results = []
            for number in range(rounds):
                times, used = await _round(container, rows, number, told)
                results.append((times[len(times) // 2], times[int(len(times) * 0.99)], times[-1], used))
                print("  {:8.0f} {:8.0f} {:8.0f} {:8.0f}".format(*results[-1]))
            medians = [statistics.median(column) for column in zip(*results, strict=True)]
            print("median of rounds: p50 {:.0f} ms, p99 {:.0f} ms, last {:.0f} ms, CPU {:.0f} us".format(*medians))
        server.should_exit = True
        await serving


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database_url", nargs="?", default="")
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--people", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(var_dir=Path(folder), database_url=arguments.database_url, rate_per_second=0)
        people = arguments.people or arguments.subscribers
        uvloop.run(_measure(settings, arguments.subscribers, people, arguments.rounds))


if __name__ == "__main__":
    main()
