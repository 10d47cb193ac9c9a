"""Lateness and shedding on a clock that tests turn."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from hotpath.server.shedding import Lateness, Shedder, SheddingSettings

LIMITS = SheddingSettings(late_s=0.008, early_s=0.004, calm_s=1.0)


def ms(milliseconds: float) -> float:
    return milliseconds / 1_000


def test_nothing_is_refused_until_somebody_waited_too_long() -> None:
    shedder = Shedder(LIMITS)
    assert [shedder.sheds(ms(delay), 0.0) for delay in (0, 3, 7.9, 8)] == [False] * 4
    assert not shedder.is_shedding
    assert shedder.sheds(ms(8.1), 0.0)
    assert shedder.is_shedding


def test_once_late_the_lower_limit_holds_until_nobody_was_late_for_a_while() -> None:
    shedder = Shedder(LIMITS)
    assert shedder.sheds(ms(9), 10.0)
    # Those in front are answered all the same: refusing is for those who would be late.
    assert not shedder.sheds(ms(3.9), 10.1)
    assert shedder.sheds(ms(4.1), 10.2)
    assert not shedder.sheds(ms(1), 11.1)
    assert shedder.is_shedding
    assert shedder.sheds(ms(4.1), 11.15)
    assert not shedder.sheds(ms(1), 12.16)
    assert not shedder.is_shedding
    assert not shedder.sheds(ms(7), 12.17)


@pytest.mark.req("NFR-PERF-001", "NFR-PERF-003")
@pytest.mark.parametrize("load", [0.5, 0.99, 2.0, 10.0])
def test_no_answer_is_later_than_the_limit_whatever_the_load(load: float) -> None:
    """A queue in virtual time: work takes 100 us, refusing 5 us; arrivals come `load` times as fast as work is done."""
    work_s, refuse_s, shedder = 0.0001, 0.000005, Shedder(LIMITS)
    now_s = worst_s = 0.0
    answered = 0
    for number in range(100_000):
        came_s = number * work_s / load
        now_s = max(now_s, came_s)
        if shedder.sheds(now_s - came_s, now_s):
            now_s += refuse_s
        else:
            now_s += work_s
            answered += 1
            worst_s = max(worst_s, now_s - came_s)
    assert worst_s <= LIMITS.late_s + work_s + 1e-9
    # And what can be done in time is done: the refusals take little of it.
    fair = min(1.0, (1 - (load - 1) * refuse_s / work_s) / load)
    assert answered >= 0.95 * fair * 100_000


@dataclass
class TurnedLoop:
    """A loop and its clock; a test says what happens when."""

    now_s: float = 0.0
    soon: list[Callable[[], object]] = field(default_factory=list)
    later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.soon.append(callback)

    def call_later(self, delay: float, callback: Callable[[], object]) -> "TurnedLoop":
        self.later.append((self.now_s + delay, callback))
        return self

    def cancel(self) -> None:
        self.later.clear()

    def turn(self) -> None:
        """What uvloop does before it looks at its sockets: due timers, then what was to be called soon."""
        due = [each for each in self.later if each[0] <= self.now_s]
        self.later = [each for each in self.later if each[0] > self.now_s]
        for _, callback in due:
            callback()
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


def started() -> tuple[TurnedLoop, Lateness]:
    loop = TurnedLoop()
    lateness = Lateness(loop, loop.clock)
    lateness.start()
    return loop, lateness


def test_a_request_is_as_late_as_those_before_it_in_the_turn_took() -> None:
    loop, lateness = started()
    assert lateness.came_s() == 0.0
    loop.now_s = 0.003
    assert lateness.came_s() == 0.0
    loop.turn()
    # Who comes first in the next one may have come as soon as this one had begun.
    assert lateness.came_s() == 0.0


def test_what_comes_in_a_turn_that_began_late_has_waited_for_it() -> None:
    loop, lateness = started()
    # Something held the loop for 200 ms: the beat, due at 5 ms, comes at 205. When it began is known to a beat.
    loop.now_s = 0.205
    loop.turn()
    assert loop.now_s - lateness.came_s() == pytest.approx(0.205)
    loop.now_s = 0.207
    assert (loop.now_s - lateness.came_s()) == pytest.approx(0.207)
    # The next turn is in time; what it brings has waited for this one, as long as that took.
    loop.turn()
    assert loop.now_s - lateness.came_s() == pytest.approx(0.002)
    for _ in range(3):
        loop.turn()
    assert loop.now_s - lateness.came_s() == 0.0
    assert lateness.take_worst_lag_s() == pytest.approx(0.2)
    assert lateness.take_worst_lag_s() == 0.0


def busy(turns: int = 200) -> tuple[TurnedLoop, Lateness]:
    """A loop that gets two requests in each turn, of 0.2 ms, and never rests."""
    loop, lateness = started()
    for _ in range(turns):
        lateness.came_s()
        lateness.came_s()
        loop.now_s += 0.0002
        loop.turn()
    return loop, lateness


def test_the_later_in_line_the_shorter_somebody_has_waited() -> None:
    loop, lateness = busy()
    # Held up in the middle of its work, behind its timers: no beat has seen it.
    loop.now_s += 0.0148
    delays = [loop.now_s - lateness.came_s() for _ in range(150)]
    # They come 0.1 ms apart, and it was 15 ms.
    assert delays[0] == pytest.approx(0.0149, abs=1e-4)
    assert delays[49] == pytest.approx(0.0100, abs=1e-4)
    assert delays[99] == pytest.approx(0.0050, abs=1e-4)
    # The last of them may still have waited a little: whose socket was read in the last turn is read first.
    assert delays[-1] == pytest.approx(0.003)
    # And what is done meanwhile is waited for by all.
    loop.now_s += 0.002
    assert (loop.now_s - lateness.came_s()) == pytest.approx(0.005)


def test_a_busy_loop_s_next_turn_was_waited_for_as_long_as_the_last_one_took() -> None:
    loop, lateness = busy()
    assert loop.now_s - lateness.came_s() == pytest.approx(0.0002)
    loop.now_s += 0.0025
    loop.turn()
    assert loop.now_s - lateness.came_s() == pytest.approx(0.0025)


@pytest.mark.parametrize("rest_s", [0.001, 0.004, 0.012, 3.0])
def test_nobody_waited_for_a_loop_that_had_nothing_to_do(rest_s: float) -> None:
    loop, lateness = busy()
    loop.turn()
    for _ in range(round(rest_s / 0.001)):
        loop.now_s += 0.001
        loop.turn()
    assert loop.now_s - lateness.came_s() == 0.0


def test_whoever_comes_while_an_idle_loop_is_held_up_waited_since_its_last_beat_at_most() -> None:
    loop, lateness = busy()
    for _ in range(30):
        loop.turn()
        loop.now_s += 0.001
    due_s = lateness.beat_s + 0.005
    loop.now_s = due_s + 0.008
    loop.turn()
    assert loop.now_s - lateness.came_s() == pytest.approx(0.013, abs=2e-4)


def test_the_beat_says_that_the_loop_turns() -> None:
    loop, lateness = started()
    for _ in range(10):
        loop.now_s += 0.005
        loop.turn()
    assert lateness.beat_s == pytest.approx(0.05)
    lateness.stop()
    assert loop.later == []
