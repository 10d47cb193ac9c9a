"""The batcher on a virtual clock: a tick, sixteen, or 500 us, whichever comes first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np
import pytest

from hotpath.inference.batcher import BatchAnswer, InferenceBatcher
from hotpath.inference.requests import InferenceRequest


@dataclass
class Call:
    run: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class VirtualLoop:
    now_us: int = 0
    soon: list[Call] = field(default_factory=list)
    later: list[tuple[int, int, Call]] = field(default_factory=list)

    def call_soon(self, callback: Callable[[], None]) -> Call:
        self.soon.append(Call(callback))
        return self.soon[-1]

    def call_later(self, delay: float, callback: Callable[[], None]) -> Call:
        call = Call(callback)
        heappush(self.later, (self.now_us + round(delay * 1e6), len(self.later), call))
        return call

    def tick(self) -> None:
        ready, self.soon = self.soon, []
        for call in ready:
            if not call.cancelled:
                call.run()

    def until(self, now_us: int) -> None:
        self.tick()
        while self.later and self.later[0][0] <= now_us:
            self.now_us, _, call = heappop(self.later)
            if not call.cancelled:
                call.run()
        self.now_us = now_us


@dataclass
class Desk:
    """A backend that answers when it is told to, and what came out."""

    loop: VirtualLoop = field(default_factory=VirtualLoop)
    calls: list[tuple[int, list[str], BatchAnswer]] = field(default_factory=list)
    answers: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batcher = InferenceBatcher(self.loop, self.start)

    def start(self, requests: Sequence[InferenceRequest], done: BatchAnswer) -> None:
        self.calls.append((self.loop.now_us, [request.offer_ids[0] for request in requests], done))

    def submit(self, *names: str) -> None:
        for name in names:
            self.batcher.submit(
                InferenceRequest(np.zeros(1, np.float32), [name]),
                lambda outcome, name=name: self.answers.__setitem__(name, outcome),
            )

    def finish(self, number: int) -> None:
        _, names, done = self.calls[number]
        done([[float(ord(name[0]))] for name in names])

    @property
    def batches(self) -> list[tuple[int, list[str]]]:
        return [(at, names) for at, names, _ in self.calls]


def names(count: int, start: int = 0) -> list[str]:
    return [f"r{number}" for number in range(start, start + count)]


@pytest.mark.req("FR-INF-007", "AC-3.2")
def test_an_idle_backend_is_called_at_the_end_of_the_tick() -> None:
    desk = Desk()
    desk.submit("a", "b")
    assert desk.batches == []
    desk.loop.tick()
    assert desk.batches == [(0, ["a", "b"])]
    desk.finish(0)
    assert desk.answers == {"a": [97.0], "b": [98.0]}
    desk.loop.until(10_000)
    assert len(desk.batches) == 1


@pytest.mark.req("FR-INF-007", "AC-3.2")
def test_sixteen_go_at_once_and_never_more() -> None:
    desk = Desk()
    desk.submit(*names(35))
    assert desk.batches == [(0, names(16)), (0, names(16, 16))]
    desk.loop.until(499)
    assert len(desk.batches) == 2
    desk.loop.until(500)
    assert desk.batches[2:] == [(500, names(3, 32))]


@pytest.mark.req("FR-INF-007", "AC-3.2", "NFR-PERF-002")
def test_while_a_call_is_in_flight_none_waits_longer_than_500_us() -> None:
    desk = Desk()
    desk.submit("a")
    desk.loop.until(100)
    desk.submit("b")
    desk.loop.until(400)
    desk.submit("c")
    desk.loop.until(599)
    assert desk.batches == [(0, ["a"])]
    desk.loop.until(601)
    assert desk.batches == [(0, ["a"]), (600, ["b", "c"])]


def test_what_waits_goes_when_the_call_in_flight_returns() -> None:
    desk = Desk()
    desk.submit("a")
    desk.loop.until(100)
    desk.submit("b")
    desk.loop.until(250)
    desk.finish(0)
    assert desk.batches == [(0, ["a"]), (250, ["b"])]
    desk.loop.until(2_000)
    assert len(desk.batches) == 2


def test_a_failed_call_is_its_own_requests_failure_only() -> None:
    desk = Desk()
    desk.submit("a")
    desk.loop.tick()
    desk.submit("b")
    error = RuntimeError("the backend is gone")
    desk.calls[0][2](error)
    desk.finish(1)
    assert desk.answers == {"a": error, "b": [98.0]}


def test_a_backend_that_raises_answers_its_requests() -> None:
    loop, answers = VirtualLoop(), []
    error = ValueError("no")

    def broken(_requests: Sequence[InferenceRequest], _done: BatchAnswer) -> None:
        raise error

    batcher = InferenceBatcher(loop, broken)
    batcher.submit(InferenceRequest(np.zeros(1, np.float32), ["a"]), answers.append)
    loop.tick()
    assert answers == [error]


def test_an_asker_that_fails_leaves_the_others_of_its_batch_their_answers(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.batcher.submit(InferenceRequest(np.zeros(1, np.float32), ["x"]), lambda _: 1 / 0)
    desk.submit("a", "b")
    desk.loop.tick()
    desk.finish(0)
    assert desk.answers == {"a": [97.0], "b": [98.0]}
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("ERROR", "the scores of a request could not be told")
    ]
    desk.submit("c")
    desk.loop.tick()
    assert desk.batches[1][1] == ["c"]
