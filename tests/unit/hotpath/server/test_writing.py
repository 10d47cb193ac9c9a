"""When answers leave: behind each other in a row, in their requests' order, and none of them much later than it came."""

import re
from collections.abc import Callable

from hotpath.server.messages import HttpAnswer, HttpRequest
from hotpath.server.protocol import Connection, Limits, Reply, Shared

ASK = b"GET /%d HTTP/1.1\r\n\r\n"


class Wire:
    """One client's end, which notes in what order all clients' bytes came."""

    def __init__(self, came: list[tuple[int, bytes]], number: int) -> None:
        self.came, self.number = came, number

    def write(self, data: bytes) -> None:
        self.came += [(self.number, body) for body in re.findall(rb"\r\n\r\n(\d+)", data)]

    def close(self) -> None:
        self.came.append((self.number, b"closed"))


class Desk:
    """Requests of several clients that are answered when a test says so."""

    def __init__(self, clients: int) -> None:
        self.came: list[tuple[int, bytes]] = []
        self.planned: list[Callable[[], None]] = []
        self.waiting: list[Reply] = []
        self.shared = Shared(self.ask, Limits(), soon=self.planned.append)
        self.clients = [Connection(self.shared) for _ in range(clients)]
        for number, client in enumerate(self.clients):
            client.connection_made(Wire(self.came, number))  # type: ignore[arg-type]

    def ask(self, _: HttpRequest, reply: Reply) -> None:
        self.waiting.append(reply)

    def answer(self, *numbers: int) -> None:
        for number in numbers:
            self.waiting[number](HttpAnswer(200, b"%d" % number))

    def end_turn(self) -> None:
        planned, self.planned[:] = list(self.planned), []
        for call in planned:
            call()


def test_the_answers_of_a_batch_leave_in_a_row_at_the_end_of_the_turn() -> None:
    desk = Desk(3)
    for client in desk.clients:
        client.data_received(ASK % 1)
    desk.answer(2, 0)
    assert (desk.came, len(desk.planned)) == ([], 1)
    desk.end_turn()
    assert desk.came == [(2, b"2"), (0, b"0")]
    desk.answer(1)
    desk.end_turn()
    assert desk.came[2:] == [(1, b"1")]


def test_eight_do_not_wait_for_the_end_of_the_turn() -> None:
    desk = Desk(10)
    for client in desk.clients:
        client.data_received(ASK % 1)
    desk.answer(*range(10))
    assert desk.came == [(number, b"%d" % number) for number in range(8)]
    assert len(desk.planned) == 1
    desk.end_turn()
    assert desk.came[8:] == [(8, b"8"), (9, b"9")]


def test_answers_of_one_client_keep_their_requests_order_and_a_client_that_left_harms_nobody() -> None:
    desk = Desk(2)
    desk.clients[0].data_received(ASK % 1 + ASK % 2 + ASK % 3)
    desk.clients[1].data_received(ASK % 1)
    desk.answer(1, 3)
    desk.clients[1].connection_lost(None)
    desk.end_turn()
    assert desk.came == []
    desk.answer(2, 0)
    desk.end_turn()
    assert desk.came == [(0, b"0"), (0, b"1"), (0, b"2")]
