"""A bidder's fence: whatever fails in an auction is one no-bid with a line in the log, and no request has two answers."""

import json
from collections.abc import Callable

import pytest

from domain.bid_people import Profile
from hotpath.auction.bidder import Bidder, BidderSettings, Decided
from hotpath.auction.notices import Tickets
from hotpath.engine.request_facts import RequestFacts
from hotpath.process import fresh_profiles
from tests.integration.bid_server import ListSink, demo_bidder

BODY = b'{"id":"r1","imp":[{"id":"1","banner":{"w":300,"h":250}}]}'


def bidder(decide: Callable[[RequestFacts, Profile, float, Decided], None]) -> Bidder:
    engine = demo_bidder()._engine
    return Bidder(
        engine, Tickets(b"k" * 32, "http://bid.example"), profiles=fresh_profiles(), settings=BidderSettings(),
        sink=ListSink(), soon=decide,
    )  # fmt: skip


def fails(_facts: RequestFacts, _profile: Profile, _now_s: float, _decided: Decided) -> None:
    raise LookupError("no such thing")


def tells_of_a_failure(_facts: RequestFacts, _profile: Profile, _now_s: float, decided: Decided) -> None:
    decided(LookupError("no such thing"))


@pytest.mark.parametrize("decide", [fails, tells_of_a_failure])
def test_a_fault_in_deciding_is_one_no_bid_and_one_line(
    decide: Callable[[RequestFacts, Profile, float, Decided], None], caplog: pytest.LogCaptureFixture
) -> None:
    made, answers = bidder(decide), []
    made.begin(BODY, 0.0, answers.append)
    assert [json.loads(answer) for answer in answers] == [{"id": "r1", "nbr": 1}]
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("ERROR", "request r1 could not be decided")
    ]
    assert made.counts.answers == {"technical": 1}


def test_an_answer_that_cannot_be_sent_is_not_answered_again() -> None:
    made, answers = demo_bidder(), []

    def done(answer: bytes) -> None:
        answers.append(answer)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        made.begin(BODY, 0.0, done)
    assert [json.loads(answer)["seatbid"][0]["bid"][0]["impid"] for answer in answers] == ["1"]
    assert made.counts.answers == {"bid": 1}
