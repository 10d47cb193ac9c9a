"""Requests between reading and answering: in order, in parts, and never more than may wait."""

from collections.abc import Callable

import pytest

from hotpath.server.intake import Intake
from hotpath.server.messages import HttpAnswer, HttpRequest


class Desk:
    """An intake whose loop a test turns."""

    def __init__(self) -> None:
        self.planned: list[Callable[[], None]] = []
        self.asked: list[int] = []
        self.fails: set[int] = set()
        self.intake = Intake(self.answer, self.planned.append)

    def answer(self, request: HttpRequest, _reply: object) -> None:
        number = int(request.body)
        self.asked.append(number)
        if number in self.fails:
            raise RuntimeError("broken")

    def bring(self, *numbers: int) -> None:
        for number in numbers:
            self.intake(HttpRequest(b"POST", b"/", {}, b"%d" % number, 0.0), lambda _: None)

    def turn(self) -> None:
        planned, self.planned[:] = list(self.planned), []
        for call in planned:
            call()


def test_what_was_read_is_answered_in_parts_in_the_order_in_which_it_came() -> None:
    desk = Desk()
    desk.bring(*range(20))
    assert (desk.asked, len(desk.planned)) == ([], 1)
    desk.turn()
    assert desk.asked == list(range(16))
    desk.bring(20)
    desk.turn()
    assert desk.asked == list(range(21))
    assert desk.planned == []
    desk.bring(21)
    desk.turn()
    assert desk.asked[-1] == 21


def test_one_that_fails_keeps_no_other_from_its_answer() -> None:
    desk = Desk()
    desk.fails = {1}
    desk.bring(0, 1, 2)
    with pytest.raises(RuntimeError):
        desk.turn()
    desk.turn()
    assert desk.asked == [0, 1, 2]
    assert desk.planned == []


def test_a_client_that_sends_faster_than_it_is_served_has_to_wait_itself() -> None:
    desk = Desk()
    desk.bring(*range(1_500))
    # The oldest were answered while the newest were read.
    assert desk.asked == list(range(1_500 - 1_024))
    while desk.planned:
        desk.turn()
    assert desk.asked == list(range(1_500))


def test_the_answer_goes_to_who_asked() -> None:
    told: list[tuple[str, bytes]] = []
    planned: list[Callable[[], None]] = []
    intake = Intake(lambda request, reply: reply(HttpAnswer(200, request.body)), planned.append)
    for name in "ab":
        intake(
            HttpRequest(b"POST", b"/", {}, name.encode(), 0.0),
            lambda answer, name=name: told.append((name, answer.body)),
        )
    planned.pop()()
    assert told == [("a", b"a"), ("b", b"b")]
