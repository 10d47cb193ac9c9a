"""Requests a second of a list of 100 objects (5 fields and one nested object each): ours, strawberry's, bare JSON.

Run: python -m bench.transport  (or python bench/transport.py). Each server is a process of its own on a port of its
own; they are measured in turns, several rounds, so that a noisy neighbour hits all three. Ratios count, not numbers.
"""

import argparse
import asyncio
import multiprocessing
import socket
import statistics
import time
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL

from app.graphql_transport import GraphQLEngine, Session, TransportLimits, graphql_routes, uvicorn_options
from kit.time import SystemClock

QUERY = "query List($first: Int!) { items(first: $first) { id title state spend change campaign { id name } } }"
BODY = orjson.dumps({"query": QUERY, "variables": {"first": 100}})


@strawberry.type
class Campaign:
    """The nested object."""

    id: strawberry.ID
    name: str


@strawberry.type
class Item:
    """One of the hundred."""

    id: strawberry.ID
    title: str
    state: str
    spend: int
    change: float
    campaign: Campaign


ITEMS = [
    Item(
        id=strawberry.ID(str(number)),
        title=f"Recommendation {number}",
        state="OPEN",
        spend=number * 1_000,
        change=number / 7,
        campaign=Campaign(id=strawberry.ID(f"c{number}"), name=f"Campaign {number}"),
    )
    for number in range(100)
]


@strawberry.type
class Query:
    """The list."""

    @strawberry.field
    async def items(self, first: int) -> list[Item]:
        """The first so many."""
        return ITEMS[:first]


@dataclass
class _Anonymous:
    expires_at_utc = None


class _Backend:
    async def authenticate(self, authorization: str | None) -> _Anonymous:
        del authorization
        return _Anonymous()

    async def new_context(self, session: Session, request_id: str) -> dict[str, Any]:
        return {"session": session, "request_id": request_id}

    async def event_context(self, session: Session, request_id: str) -> dict[str, Any]:
        return await self.new_context(session, request_id)

    def audience(self, session: Session) -> None:
        del session

    def payer(self, session: Session) -> None:
        del session

    def event_key(self, context: object, event: object) -> None:
        del context, event


async def _bare(request: Request) -> Response:
    """The same bytes, encoded each time, with no GraphQL at all."""
    orjson.loads(await request.body())
    rows = [vars(item) | {"campaign": vars(item.campaign)} for item in ITEMS]
    return Response(orjson.dumps({"data": {"items": rows}}), media_type="application/json")


def _application(name: str) -> Starlette:
    schema = strawberry.Schema(Query)
    if name == "ours":
        limits = TransportLimits(rate_per_second=0)
        engine = GraphQLEngine(schema, limits, production=False, clock=SystemClock())
        return Starlette(routes=graphql_routes(engine, _Backend()))
    if name == "strawberry":
        application = Starlette()
        application.mount("/graphql", GraphQL(schema))
        return application
    return Starlette(routes=[Route("/graphql", _bare, methods=["POST"])])


def _serve(name: str, listener: socket.socket) -> None:
    config = uvicorn.Config(
        _application(name), log_level="warning", lifespan="off", **uvicorn_options(TransportLimits())
    )
    uvicorn.Server(config).run(sockets=[listener])


async def _measure(port: int, seconds: float, connections: int) -> float:
    """Requests a second over so many connections kept open; the client is raw, so as not to be what is measured."""
    path = b"/graphql/" if await _moved(port) else b"/graphql"
    head = b"POST %s HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    request = head % (path, len(BODY)) + BODY
    stop = time.perf_counter() + seconds
    counts = await asyncio.gather(*(_hammer(port, request, stop) for _ in range(connections)))
    return sum(counts) / seconds


async def _hammer(port: int, request: bytes, stop: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    count = 0
    while time.perf_counter() < stop:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        count += 1
    writer.close()
    return count


async def _moved(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/graphql", content=BODY, headers={"content-type": "application/json"}
        )
        return answer.is_redirect


async def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError(f"no server on port {port}")


async def _rounds(ports: dict[str, int], rounds: int, seconds: float, connections: int) -> dict[str, list[float]]:
    for port in ports.values():
        await _wait_for(port)
        await _measure(port, 0.5, connections)
    found: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(rounds):
        for name, port in ports.items():
            found[name].append(await _measure(port, seconds, connections))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args()
    ports: dict[str, int] = {}
    processes = []
    for name in ("bare", "ours", "strawberry"):
        listener = socket.create_server(("127.0.0.1", 0))
        ports[name] = listener.getsockname()[1]
        processes.append(multiprocessing.get_context("fork").Process(target=_serve, args=(name, listener), daemon=True))
    for process in processes:
        process.start()
    try:
        found = asyncio.run(_rounds(ports, options.rounds, options.seconds, options.connections))
    finally:
        for process in processes:
            process.terminate()
    medians = {name: statistics.median(rates) for name, rates in found.items()}
    for name, rate in medians.items():
        low, high = min(found[name]), max(found[name])
        print(f"{name:<12} {rate:8.0f} requests/s  ({low:.0f}-{high:.0f})   {rate / medians['bare']:.2f} of bare")
    print(f"ours / strawberry: {medians['ours'] / medians['strawberry']:.1f}")


if __name__ == "__main__":
    main()
