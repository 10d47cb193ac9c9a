"""Bid events: their form on disk, and what they add up to."""

from datetime import UTC, date, datetime
from uuid import UUID

import msgspec
import numpy as np
import pytest

from domain.bid_events import (
    BidEvent,
    DayKey,
    NoticeEvent,
    Outcome,
    Tally,
    day_of,
    decode_bids,
    decode_notices,
    encode_event,
    moment_utc,
    packed,
    scores_of,
    tally_bids,
    tally_notices,
)
from domain.bid_features import feature_vector, packed_features, unpacked_features
from domain.bid_people import Loyalty, Profile

A, B = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp() * 1_000_000)
DAY_US = 86_400_000_000


def bid(*campaigns: UUID | str, at_us: int = NOON_US, test: bool = False) -> BidEvent:
    outcomes = [Outcome(str(n), "", f"b{n}", str(campaign), "o") for n, campaign in enumerate(campaigns)]
    return BidEvent("r", at_us, "bid", "EUR", "USD", test, outcomes=(*outcomes, Outcome("x", "floor")))


def notice(kind: str, campaign: UUID | str = A, cost_micros: int = 0, *, test: bool = False) -> NoticeEvent:
    return NoticeEvent(kind, "b", str(campaign), "o", NOON_US, 10**10, "USD", cost_micros, 1, 0, test)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 70_000])
def test_encoded_events_one_after_the_other_are_one_array(count: int) -> None:
    events = [BidEvent(f"r{n}", n, "no_bid") for n in range(count)]
    assert decode_bids(packed([encode_event(event) for event in events])) == events


def test_an_event_is_read_as_it_was_written() -> None:
    event = BidEvent(
        "r", 1, "bid", "EUR", "USD", True, "u", b"\x00\x3c", {},
        (Outcome("1", "floor"), Outcome("2", "", "b", "k", "o1", "c", "d", 7, 8, 0.25)), ("o1", "o2"), (0.25, 0.5),
    )  # fmt: skip
    assert decode_bids(packed([encode_event(event)])) == [event]
    assert scores_of(event) == {"o1": 0.25, "o2": 0.5}
    told = notice("billing", cost_micros=1_200)
    assert decode_notices(packed([encode_event(told)])) == [told]


def test_what_an_older_release_wrote_is_read() -> None:
    assert decode_bids(msgspec.msgpack.encode([["r", 1, "no_bid"]])) == [BidEvent("r", 1, "no_bid")]
    named = ["r", 1, "bid", "EUR", "USD", False, "u", b"", {"o1": 0.25}, [["1", "floor"]]]
    (event,) = decode_bids(msgspec.msgpack.encode([named]))
    assert scores_of(event) == {"o1": 0.25}
    older = ["win", "b", "k", "o", 1, 2]
    assert decode_notices(msgspec.msgpack.encode([older])) == [NoticeEvent("win", "b", "k", "o", 1, 2)]


def test_features_keep_eleven_bits_and_those_of_nobody_take_24_bytes() -> None:
    profile = Profile(segments=(3, 70), interests=(0.1, -0.7), loyalty=Loyalty(tier="gold", balance=100.0))
    vector = feature_vector(profile, personal=True, device_type="mobile", position=3)
    data = packed_features(vector, personal=True)
    assert len(data) == 280
    np.testing.assert_allclose(unpacked_features(data), vector, atol=2**-11)
    context = feature_vector(profile, personal=False, device_type="mobile", position=3)
    data = packed_features(context, personal=False)
    assert len(data) == 24
    np.testing.assert_allclose(unpacked_features(data), context, atol=2**-11)
    assert not unpacked_features(b"").any()


def test_days_are_utc_days() -> None:
    assert day_of(NOON_US) == date(2026, 3, 10)
    assert day_of(NOON_US + DAY_US // 2 - 1) == date(2026, 3, 10)
    assert day_of(NOON_US + DAY_US // 2) == date(2026, 3, 11)
    assert moment_utc(NOON_US) == NOON


def test_bids_are_added_up_by_campaign_and_day() -> None:
    events = [bid(A, A, B), bid(A, at_us=NOON_US + DAY_US), bid(A, test=True), bid("demo-catch-all")]
    today = date(2026, 3, 10)
    assert tally_bids(events) == {
        DayKey(A, today, "USD"): Tally(bids=2),
        DayKey(B, today, "USD"): Tally(bids=1),
        DayKey(A, date(2026, 3, 11), "USD"): Tally(bids=1),
    }


def test_notices_are_added_up_with_what_they_cost() -> None:
    notices = [
        notice("win"), notice("billing", cost_micros=1_200), notice("billing", cost_micros=300), notice("loss", B),
        notice("billing", cost_micros=9, test=True), notice("billing", "demo-catch-all", 9),
    ]  # fmt: skip
    today = date(2026, 3, 10)
    assert tally_notices(notices) == {
        DayKey(A, today, "USD"): Tally(wins=1, impressions=2, spend_micros=1_500),
        DayKey(B, today, "USD"): Tally(losses=1),
    }


def test_tallies_add_every_sum() -> None:
    tally = Tally(1, 2, 3, 4, 5)
    tally.add(Tally(10, 20, 30, 40, 50))
    assert tally == Tally(11, 22, 33, 44, 55)
