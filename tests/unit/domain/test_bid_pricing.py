"""Prices: exact where the formula is, and never below a floor or above the value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bid_pricing import boosted, first_price_bid, from_house_micros, second_price_bid, to_house_micros


def test_the_second_price_is_met_with_the_true_value() -> None:
    assert second_price_bid(2_000_000, 1_000_000) == 2_000_000
    assert second_price_bid(2_000_000, 2_000_000) == 2_000_000
    assert second_price_bid(2_000_000, 2_000_001) is None


@pytest.mark.parametrize(
    ("value", "floor", "bidders", "bid"),
    [
        (2_000_000, 0, 2, 1_000_000),
        (2_000_000, 0, 4, 1_500_000),
        (2_000_000, 1_000_000, 2, 1_250_000),
        (2_000_000, 2_000_000, 5, 2_000_000),
        (2_000_000, 2_000_001, 5, None),
        (2_000_000, 500_000, 1, 500_000),
        (1, 0, 1, 1),
    ],
)
def test_the_first_price_is_met_with_the_equilibrium(value: int, floor: int, bidders: int, bid: int | None) -> None:
    assert first_price_bid(value, floor, bidders) == bid


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.integers(1, 8))
def test_a_shaded_bid_lies_between_floor_and_value(value: int, floor: int, bidders: int) -> None:
    bid = first_price_bid(value, floor, bidders)
    assert (bid is None) == (floor > value)
    assert bid is None or floor <= bid <= value


@given(st.integers(0, 10**12), st.integers(1, 10**9))
def test_a_floor_stays_cleared_there_and_back(floor: int, rate: int) -> None:
    assert from_house_micros(to_house_micros(floor, rate), rate) >= floor


def test_amounts_of_other_currencies() -> None:
    assert to_house_micros(1_000_000, 1_100_000) == 1_100_000
    assert to_house_micros(1, 1_100_000) == 2
    assert from_house_micros(1_100_000, 1_100_000) == 1_000_000


def test_a_tier_multiplies_the_score() -> None:
    assert boosted(0.5, 1.5) == 0.75
