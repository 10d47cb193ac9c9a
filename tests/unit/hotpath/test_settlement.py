"""Notices: each counted once, for as long as its token is believed, whatever fails in between."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

import pytest

from domain.bid_events import NoticeEvent
from hotpath.auction.notices import NoticeKind, Tickets
from hotpath.auction.settlement import NoticeCounts, NoticeResult, Settlement
from hotpath.auction.ticket import BidTicket
from hotpath.events.settled import SettledNotices
from tests.integration.bid_server import ListSink

TICKETS = Tickets(b"k" * 32, "http://bid.example")
NOW_S = 1_000_000.0


@dataclass
class RecordedBooks:
    """An engine's books that only remember, and fail when told."""

    moves: list[tuple[object, ...]] = field(default_factory=list)
    fails: bool = False

    def billed(self, token: str, campaign_id: str, house_micros: int) -> None:
        if self.fails:
            raise RuntimeError("the books are closed")
        self.moves.append(("billed", token, campaign_id, house_micros))

    def lost(self, token: str) -> None:
        self.moves.append(("lost", token))

    def recall(self, campaign_id: str, at_s: float, cost_micros: int) -> None:
        self.moves.append(("recall", campaign_id, at_s, cost_micros))


@dataclass
class Desk:
    """A settlement with everything around it."""

    books: RecordedBooks = field(default_factory=RecordedBooks)
    sink: ListSink = field(default_factory=ListSink)
    counts: NoticeCounts = field(default_factory=NoticeCounts)
    now_s: float = NOW_S

    def __post_init__(self) -> None:
        self.settlement = Settlement(self.books, TICKETS, self.sink, self.counts, lambda: self.now_s)

    def send(self, kind: NoticeKind, token: str, price: str = "", loss: str = "") -> NoticeResult:
        return self.settlement.count(kind, token, price, loss)


def token(**fields: object) -> str:
    ticket: dict[str, object] = {
        "bid_id": "b", "campaign_id": "k", "offer_id": "o", "house_micros": 2_000_000, "price_micros": 4_000_000,
        "test": False, "expires_s": int(NOW_S) + 60, "house_currency": "USD",
    }  # fmt: skip
    return TICKETS.token(BidTicket(**{**ticket, **fields}))


WIN, BILLING, LOSS = NoticeKind.WIN, NoticeKind.BILLING, NoticeKind.LOSS


def test_a_billing_charges_the_clearing_price_once() -> None:
    desk = Desk()
    assert [desk.send(BILLING, token(), "1.0") for _ in range(3)] == [
        NoticeResult.COUNTED, NoticeResult.REPEATED, NoticeResult.REPEATED,
    ]  # fmt: skip
    assert desk.books.moves == [("billed", "b", "k", 500_000)]
    assert desk.counts.spend_micros == {"USD": 500}
    (event,) = desk.sink.notices
    assert event == NoticeEvent(
        "billing", "b", "k", "o", int(NOW_S * 1e6), int(NOW_S) + 60, "USD", cost_micros=500, price_micros=500_000
    )


def test_each_kind_counts_for_itself_and_a_win_charges_nothing_where_a_billing_comes() -> None:
    desk = Desk()
    assert [desk.send(kind, token()) for kind in (WIN, BILLING, LOSS)] == [NoticeResult.COUNTED] * 3
    assert desk.books.moves == [("billed", "b", "k", 2_000_000), ("lost", "b")]
    assert [event.cost_micros for event in desk.sink.notices] == [0, 2_000, 0]


def test_where_no_billing_comes_the_win_charges_and_a_billing_that_comes_all_the_same_does_not() -> None:
    desk = Desk()
    assert [desk.send(kind, token(charged_by_win=True)) for kind in (WIN, WIN, BILLING)] == [
        NoticeResult.COUNTED, NoticeResult.REPEATED, NoticeResult.COUNTED,
    ]  # fmt: skip
    assert desk.books.moves == [("billed", "b", "k", 2_000_000)]
    assert desk.counts.spend_micros == {"USD": 2_000}


def test_a_call_that_fails_leaves_the_notice_to_come_again() -> None:
    desk = Desk()
    desk.books.fails = True
    assert desk.send(BILLING, token()) is NoticeResult.POSTPONED
    assert desk.counts.spend_micros == {}
    desk.books.fails = False
    assert desk.send(BILLING, token()) is NoticeResult.COUNTED
    assert desk.send(BILLING, token()) is NoticeResult.REPEATED
    assert desk.books.moves == [("billed", "b", "k", 2_000_000)]


def test_without_room_for_its_event_a_notice_is_not_counted() -> None:
    desk = Desk()
    desk.sink.has_room = False
    assert desk.send(BILLING, token()) is NoticeResult.POSTPONED
    assert desk.books.moves == []
    desk.sink.has_room = True
    assert desk.send(BILLING, token()) is NoticeResult.COUNTED


def test_an_old_token_and_a_forged_one_are_told_apart_and_count_nothing() -> None:
    desk = Desk()
    good = token()
    desk.now_s = NOW_S + 61
    assert desk.send(BILLING, good) is NoticeResult.EXPIRED
    assert desk.send(BILLING, "A" + good[1:]) is NoticeResult.REFUSED
    assert desk.send(BILLING, "") is NoticeResult.REFUSED
    assert (desk.books.moves, desk.sink.notices) == ([], [])
    assert desk.counts.notices == {("billing", "expired"): 1, ("billing", "refused"): 2}


def test_a_test_bid_is_counted_and_never_charged() -> None:
    desk = Desk()
    assert desk.send(BILLING, token(test=True)) is NoticeResult.COUNTED
    assert desk.books.moves == []
    assert [(event.test, event.cost_micros) for event in desk.sink.notices] == [(True, 0)]


@pytest.mark.parametrize(("told", "stored"), [("102", 102), ("", 0), ("x", 0), ("-1", 0), ("9" * 30, 0), ("²", 0)])
def test_a_loss_keeps_its_reason_if_it_is_one(told: str, stored: int) -> None:
    desk = Desk()
    assert desk.send(LOSS, token(), loss=told) is NoticeResult.COUNTED
    assert [event.loss_reason for event in desk.sink.notices] == [stored]


def test_what_a_process_before_counted_is_not_counted_again() -> None:
    before = Desk()
    before.send(BILLING, token(), "1.0")
    before.send(WIN, token())
    after = Desk()
    twice = [*before.sink.notices, *before.sink.notices]
    assert after.settlement.recall(twice) == 2
    assert after.books.moves == [("recall", "k", NOW_S, 500)]
    assert after.send(BILLING, token()) is NoticeResult.REPEATED
    assert after.send(WIN, token()) is NoticeResult.REPEATED
    assert after.send(LOSS, token()) is NoticeResult.COUNTED


def test_a_ticket_of_an_older_release_is_read() -> None:
    body = TICKETS._encoder.encode(["b", "k", "o", 1, 2, False, 3])
    data = TICKETS._mac(body) + body
    made = TICKETS.token(BidTicket("b", "k", "o", 1, 2, False, 3))
    assert TICKETS.read(urlsafe_b64encode(data).rstrip(b"=").decode()) == TICKETS.read(made)


def test_no_number_of_notices_makes_one_forgotten_before_its_token_ends() -> None:
    settled = SettledNotices()
    settled.add("win", "first", 1_000, 0.0)
    for number in range(100_000):
        settled.add("win", str(number), 700 + number % 300, 600.0)
    assert settled.has("win", "first", 1_000)
    assert not settled.has("billing", "first", 1_000)


def test_what_cannot_come_any_more_is_forgotten() -> None:
    settled = SettledNotices()
    for second in range(3_600):
        settled.add("win", str(second), second + 300, float(second))
    # At most the tokens of the last 300 seconds, and the minutes at both ends.
    assert len(settled) <= 300 + 2 * 60
    assert not settled.has("win", "0", 300)
    assert settled.has("win", "3599", 3_899)
