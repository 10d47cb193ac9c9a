"""A bid server on a real socket inside the test's loop, and raw HTTP to it."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from domain.bid_events import BidEvent, NoticeEvent
from hotpath.auction.bidder import Bidder, BidderSettings
from hotpath.demo import demo_snapshot
from hotpath.events.sink import EventSink
from hotpath.inference.batcher import Scheduler
from hotpath.process import build_bidder
from hotpath.server.intake import Intake
from hotpath.server.protocol import Limits
from hotpath.server.routes import Routes
from hotpath.server.serving import serve

LIMITS = Limits(head_bytes=2_000, body_bytes=10_000, request_s=0.5, idle_s=30.0)
REQUEST = {"id": "r1", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}}]}


def demo_bidder(
    loop: Scheduler | None = None,
    sink: EventSink | None = None,
    settings: BidderSettings | None = None,
) -> Bidder:
    return build_bidder(
        demo_snapshot(), key=b"k" * 32, base_url="http://bid.example", settings=settings or BidderSettings(),
        environment={}, sink=sink or ListSink(), loop=loop,
    )  # fmt: skip


def http(body: bytes | dict[str, Any] = b"", *headers: str, target: str = "/v1/bid", method: str = "POST") -> bytes:
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    head = [f"{method} {target} HTTP/1.1", "host: b", f"content-length: {len(data)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + data


@dataclass
class ListSink:
    """Events in lists; `room` is what it says of itself."""

    bids: list[BidEvent] = field(default_factory=list)
    notices: list[NoticeEvent] = field(default_factory=list)
    has_room: bool = True

    def answered(self, event: BidEvent) -> None:
        self.bids.append(event)

    def noticed(self, event: NoticeEvent) -> bool:
        if self.has_room:
            self.notices.append(event)
        return self.has_room


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> Answer:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        first, *lines = head.decode().strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(first.split()[1]), headers, body)

    async def send(self, data: bytes) -> Answer:
        self.writer.write(data)
        return await self.read()

    async def is_closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 5) == b""


@dataclass
class Served:
    port: int
    bidder: Bidder
    sink: ListSink
    stop: asyncio.Event
    task: asyncio.Task[None]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()


@asynccontextmanager
async def bid_server(
    limits: Limits = LIMITS,
    *,
    settings: BidderSettings | None = None,
    late: Callable[[float], bool] = lambda _: False,
    turn: Callable[[], float] | None = None,
    observe: Callable[[float], None] | None = None,
) -> AsyncIterator[Served]:
    listener = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    stop, sink = asyncio.Event(), ListSink()
    bidder = demo_bidder(loop, sink, settings)
    routes = Routes(
        bidder, most_body_bytes=limits.body_bytes, now=time.monotonic, ready=lambda: not stop.is_set(), late=late
    )
    task = asyncio.create_task(
        serve(
            listener,
            Intake(routes, loop.call_soon),
            stop,
            limits=limits,
            turn=turn,
            observe=observe,
            quiet_s=0.2,
            drain_s=2.0,
        )
    )
    try:
        yield Served(listener.getsockname()[1], bidder, sink, stop, task)
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)
