"""A core on a virtual clock, its event loop, and clients who ask at set moments: what a bid process has, without the time.

Work costs what a test says it does, and now and then a neighbour has the core. The loop goes round as uvloop's does:
timers that are due, what was to be called soon, then all sockets on which bytes lie.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any

from hotpath.server.protocol import Connection


@dataclass
class Core:
    """Its clock, in seconds, and the neighbour's turns to come: when each begins, and how long it is."""

    now_s: float = 0.0
    pauses: deque[tuple[float, float]] = field(default_factory=deque)

    def clock(self) -> float:
        return self.now_s

    def work(self, seconds: float) -> None:
        """Let time go by; a pause that falls into it comes on top."""
        self.now_s += seconds
        while self.pauses and self.pauses[0][0] <= self.now_s:
            self.now_s += self.pauses.popleft()[1]


@dataclass
class Call:
    run: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class CoreLoop:
    """An event loop on a core."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._soon: list[Call] = []
        self._later: list[tuple[float, int, Call]] = []
        self._numbers = count()

    def call_soon(self, callback: Callable[[], object]) -> Call:
        call = Call(callback)
        self._soon.append(call)
        return call

    def call_later(self, delay: float, callback: Callable[[], object]) -> Call:
        call = Call(callback)
        heappush(self._later, (self.core.now_s + delay, next(self._numbers), call))
        return call

    def turn(self, next_s: float) -> None:
        """Everything but the sockets; waits for the first timer, or for `next_s`, where there is nothing to do."""
        if not self._soon:
            due_s = min(next_s, self._later[0][0] if self._later else next_s)
            if due_s > self.core.now_s:
                self.core.work(due_s - self.core.now_s)
        began_s = self.core.now_s
        while self._later and self._later[0][0] <= began_s:
            self._run(heappop(self._later)[2])
        soon, self._soon = self._soon, []
        for call in soon:
            self._run(call)

    @staticmethod
    def _run(call: Call) -> None:
        if not call.cancelled:
            call.run()


@dataclass
class Answered:
    """One request: when it was sent, what it got, and how long that took."""

    sent_s: float
    status: int
    seconds: float


class Client:
    """One connection with one request on its way; a transport to its server."""

    def __init__(self, clients: "Clients") -> None:
        self._clients = clients
        self.sent_s = 0.0

    def write(self, data: bytes) -> None:
        now_s = self._clients.core.now_s
        self._clients.answers.append(Answered(self.sent_s, int(data[9:12]), now_s - self.sent_s))
        self._clients.free.append(self)

    def close(self) -> None:
        raise AssertionError("the server hung up")


class Clients:
    """As many connections as are needed, to one server."""

    def __init__(self, core: Core, connect: Callable[[], Connection]) -> None:
        self.core = core
        self.answers: list[Answered] = []
        self.free: deque[Client] = deque()
        self._connect = connect
        self._connections: dict[Client, Connection] = {}

    def ask(self, loop: CoreLoop, requests: Iterable[tuple[float, bytes]]) -> Sequence[Answered]:
        """Send each request at its moment, and go on until all are answered."""
        waiting = deque(requests)
        sent, timeless = 0, float("inf")
        while waiting or len(self.answers) < sent:
            loop.turn(waiting[0][0] if waiting else timeless)
            seen_s = self.core.now_s
            while waiting and waiting[0][0] <= seen_s:
                sent_s, data = waiting.popleft()
                sent += 1
                client = self.free.popleft() if self.free else self._client()
                client.sent_s = sent_s
                self._connections[client].data_received(data)
        return self.answers

    def _client(self) -> Client:
        client, connection = Client(self), self._connect()
        transport: Any = client
        connection.connection_made(transport)
        self._connections[client] = connection
        return client


def at_a_rate(per_second: float, seconds: float) -> list[float]:
    """The moments of requests that come evenly."""
    return [number / per_second for number in range(round(per_second * seconds))]


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest of the values that at least so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1)]
