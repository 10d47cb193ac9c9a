"""A load on a bid process: N keep-alive connections, in a closed loop or at a constant rate of requests.

At a constant rate every request has a moment at which it is due, and its latency counts from that moment, also where
it had to wait for a free connection: a server that stalls is not spared the requests it made wait. The generator wakes
each millisecond, so up to one millisecond of a latency is its own. Not a bench by itself.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.bid_world import Body

_TICK_S = 0.001
_BID = b'"impid":'


@dataclass
class Tally:
    """What a run saw: latencies in seconds, and counts."""

    latencies: list[float] = field(default_factory=list)
    statuses: dict[bytes, int] = field(default_factory=dict)
    bids: int = 0
    impressions: int = 0
    seconds: float = 0.0
    own_cpu_s: float = 0.0

    @property
    def requests(self) -> int:
        """Answers that came."""
        return len(self.latencies)

    def quantiles_ms(self) -> tuple[float, float, float, float]:
        """p50, p99, p99.9 and the largest, in milliseconds."""
        return tuple((np.quantile(self.latencies, (0.5, 0.99, 0.999, 1.0)) * 1e3).tolist())


class Client(asyncio.Protocol):
    """One connection with at most one request on its way."""

    def __init__(self, tally: Tally, free: Callable[["Client"], None]) -> None:
        """`free` is told whenever the connection can take a request."""
        self._tally = tally
        self._free = free
        self._held = b""
        self._began_s = 0.0
        self._impressions = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        self._transport = transport

    def send(self, request: bytes, impressions: int, began_s: float) -> None:
        """Ask; the latency counts from `began_s`."""
        self._began_s, self._impressions = began_s, impressions
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Count an answer once it is whole."""
        if self._held:
            data = self._held + data
        head = data.find(b"\r\n\r\n")
        if head < 0:
            self._held = data
            return
        status = data[9:12]
        if status != b"204":
            # Only this name ends so; servers write its capitals as they like.
            at = data.find(b"ength: ") + 7
            if len(data) < head + 4 + int(data[at : data.find(b"\r", at)]):
                self._held = data
                return
        self._held = b""
        tally = self._tally
        tally.latencies.append(time.perf_counter() - self._began_s)
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        tally.impressions += self._impressions
        tally.bids += data.count(_BID, head)
        self._free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server must not hang up."""
        if exc is not None:
            raise exc

    def close(self) -> None:
        """Leave."""
        self._transport.close()


def posted(body: Body) -> bytes:
    """The body as a request."""
    head = f"POST /v1/bid HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {len(body.data)}"
    return head.encode() + b"\r\nx-openrtb-version: 2.6\r\n\r\n" + body.data


async def closed_loop(port: int, bodies: Sequence[Body], *, connections: int, seconds: float) -> Tally:
    """Each connection asks again as soon as it is answered."""
    tally, requests = Tally(), [(posted(body), body.impressions) for body in bodies]
    until = time.perf_counter() + seconds
    place, idle = 0, asyncio.Event()

    def free(client: Client) -> None:
        nonlocal place
        now = time.perf_counter()
        if now >= until:
            idle.set()
            return
        place += 1
        client.send(*requests[place % len(requests)], now)

    return await _run(port, tally, free, connections, idle.wait)


async def constant_rate(
    port: int, bodies: Sequence[Body], *, connections: int, seconds: float, per_second: float
) -> Tally:
    """So many requests a second, whether or not the answers keep up."""
    tally, requests = Tally(), [(posted(body), body.impressions) for body in bodies]
    waiting: deque[Client] = deque()
    began = time.perf_counter() + 0.05
    total = int(per_second * seconds)
    sent = 0

    def pump() -> None:
        nonlocal sent
        due = min(total, int((time.perf_counter() - began) * per_second) + 1)
        while sent < due and waiting:
            waiting.popleft().send(*requests[sent % len(requests)], began + sent / per_second)
            sent += 1

    def free(client: Client) -> None:
        waiting.append(client)
        if sent < int((time.perf_counter() - began) * per_second):
            pump()

    async def drive() -> None:
        while sent < total or len(waiting) < connections:
            pump()
            await asyncio.sleep(_TICK_S)
            if time.perf_counter() - began > 2 * seconds + 5:
                break

    return await _run(port, tally, free, connections, drive)


async def _run(
    port: int, tally: Tally, free: Callable[[Client], None], connections: int, drive: Callable[[], object]
) -> Tally:
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: Client(tally, free), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    began, cpu = time.perf_counter(), time.process_time()
    for client in clients:
        free(client)
    await drive()  # type: ignore[misc]
    tally.seconds, tally.own_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    for client in clients:
        client.close()
    await asyncio.sleep(0.05)
    return tally
