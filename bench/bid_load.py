"""A load on a bid process: N keep-alive connections, in a closed loop or at a constant rate of requests.

At a constant rate every request has a moment at which it is due, and its latency counts from that moment, also where
it had to wait for a free connection: a server that stalls is not spared the requests it made wait.

What the generator does, the server has to do without: cores share caches, and waking a process costs the one that wakes
it. It therefore has no event loop, only sockets, and sleeps a moment where a look at them finds nothing to do, so that
no answer has to wake it; and like the pools of most HTTP clients it asks again on the connection that was free last.
Some 0.15 ms before a request leaves, and as much before its answer is seen, can be its own, and are counted as the
server's. Not a bench by itself.
"""

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from bench.bid_world import Body

#: How long it sleeps between two looks, besides the 0.05 ms that the kernel adds. Longer, and it is the generator that
#: makes requests wait and come in bunches: with 0.5 ms p50 is 1.1 ms where it is 0.4.
_TICK_S = 0.0001
_BID = b'"impid":'
_MOST_BYTES = 1 << 16


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


class Client:
    """One connection with at most one request on its way."""

    def __init__(self, port: int, tally: Tally) -> None:
        """Connect."""
        self._port = port
        self._tally = tally
        self._held = b""
        self._asked = False
        self._began_s = 0.0
        self._impressions = 0
        self.connect()

    def connect(self) -> None:
        """A new connection."""
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_closed = False

    def close(self) -> None:
        """Leave."""
        self.socket.close()

    def send(self, request: bytes, impressions: int, began_s: float) -> None:
        """Ask; the latency counts from `began_s`."""
        self._asked, self._began_s, self._impressions = True, began_s, impressions
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Read what has come, which must be something, and count it once it is a whole answer; gives whether it is.

        A connection that the server ends while it is not asked, as it may one that nobody used for long, is closed.

        Raises:
            ConnectionError: it was asked.
        """
        data = self.socket.recv(_MOST_BYTES)
        if not data:
            if self._asked:
                raise ConnectionError("the server hung up")
            self.is_closed = True
            return False
        if self._held:
            data = self._held + data
        head = data.find(b"\r\n\r\n")
        if head < 0:
            self._held = data
            return False
        status = data[9:12]
        if status != b"204":
            # Only this name ends so; servers write its capitals as they like.
            at = data.find(b"ength: ") + 7
            if len(data) < head + 4 + int(data[at : data.find(b"\r", at)]):
                self._held = data
                return False
        self._held, self._asked = b"", False
        tally = self._tally
        tally.latencies.append(time.perf_counter() - self._began_s)
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        tally.impressions += self._impressions
        tally.bids += data.count(_BID, head)
        return True


def posted(body: Body) -> bytes:
    """The body as a request."""
    head = f"POST /v1/bid HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {len(body.data)}"
    return head.encode() + b"\r\nx-openrtb-version: 2.6\r\n\r\n" + body.data


def closed_loop(port: int, bodies: Sequence[Body], *, connections: int, seconds: float) -> Tally:
    """Each connection asks again as soon as it is answered."""
    requests = [(posted(body), body.impressions) for body in bodies]

    def drive(answered: Callable[[], list[Client]], clients: list[Client]) -> None:
        place, until, free = 0, time.perf_counter() + seconds, clients
        while (now := time.perf_counter()) < until:
            for client in free:
                place += 1
                client.send(*requests[place % len(requests)], now)
            while not (free := answered()) and time.perf_counter() < until:
                time.sleep(_TICK_S)

    return _run(port, connections, drive)


def constant_rate(port: int, bodies: Sequence[Body], *, connections: int, seconds: float, per_second: float) -> Tally:
    """So many requests a second, whether or not the answers keep up."""
    requests = [(posted(body), body.impressions) for body in bodies]
    total = int(per_second * seconds)

    def drive(answered: Callable[[], list[Client]], clients: list[Client]) -> None:
        free, sent, began = list(clients), 0, time.perf_counter()
        while sent < total or len(free) < connections:
            since = time.perf_counter() - began
            if since > 2 * seconds + 5:
                break
            free += answered()
            due = min(total, int(since * per_second) + 1)
            while sent < due and free:
                free.pop().send(*requests[sent % len(requests)], began + sent / per_second)
                sent += 1
            time.sleep(_TICK_S)

    return _run(port, connections, drive)


def _run(port: int, connections: int, drive: Callable[[Callable[[], list[Client]], list[Client]], None]) -> Tally:
    tally = Tally()
    with ExitStack() as stack:
        clients = [Client(port, tally) for _ in range(connections)]
        by_file: dict[int, Client] = {}
        polled = stack.enter_context(select.epoll())

        def watch(client: Client) -> None:
            by_file[client.socket.fileno()] = client
            polled.register(client.socket, select.EPOLLIN)

        for client in clients:
            stack.callback(client.close)
            watch(client)

        def answered() -> list[Client]:
            found = []
            for number, _ in polled.poll(0.0, connections):
                client = by_file[number]
                if client.receive():
                    found.append(client)
                elif client.is_closed:
                    client.close()
                    client.connect()
                    watch(client)
            return found

        began, cpu = time.perf_counter(), time.process_time()
        drive(answered, clients)
        tally.seconds, tally.own_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return tally
