"""Money: exact or refused, rounded as people round."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.money import (
    micros_to_minor,
    minor_digits,
    minor_to_micros,
    parse_micros,
    round_to_step,
    step_micros,
    to_decimal,
)

MICROS = st.integers(-(10**18), 10**18)


@given(MICROS)
def test_an_amount_survives_the_way_to_text_and_back(micros: int) -> None:
    assert parse_micros(str(to_decimal(micros))) == micros


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "0.00"), (12_340_000, "12.34"), (-5_000_000, "-5.00"), (1, "0.000001"), (10_500, "0.0105"), (-1, "-0.000001")],
)
def test_amounts_have_at_least_two_digits_after_the_point(micros: int, text: str) -> None:
    assert format(to_decimal(micros), "f") == text


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "-Infinity", "0.0000001", "1e999999", "9000000000001"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|finer"):
        parse_micros(text)


@given(MICROS, st.sampled_from([1, 10_000, 1_000_000]))
def test_rounding_gives_the_nearest_step_symmetrically(micros: int, step: int) -> None:
    rounded = round_to_step(micros, step)
    assert rounded % step == 0
    assert abs(rounded - micros) * 2 <= step
    assert round_to_step(-micros, step) == -rounded


def test_ties_go_away_from_zero() -> None:
    assert [round_to_step(m, 10_000) for m in (5_000, -5_000, 4_999)] == [10_000, -10_000, 0]


@pytest.mark.parametrize(("code", "digits", "step"), [("USD", 2, 10_000), ("JPY", 0, 1_000_000), ("KWD", 3, 1_000)])
def test_minor_units_follow_the_currency(code: str, digits: int, step: int) -> None:
    assert (minor_digits(code), step_micros(code)) == (digits, step)
    assert micros_to_minor(minor_to_micros(7, code), code) == 7
    with pytest.raises(ValueError, match="whole number"):
        micros_to_minor(step + 1, code)


def test_decimals_parse_as_well_as_text() -> None:
    assert parse_micros(Decimal("12.340001")) == 12_340_001
