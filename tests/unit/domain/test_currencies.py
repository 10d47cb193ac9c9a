"""Rates by day and the conversion of micros: which rate is used, when none is, and how a half micro rounds."""

import contextlib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.currencies import (
    IDENTITY_SOURCE,
    Rate,
    RateTable,
    RateUnavailable,
    convert_micros,
    currency_code,
    parse_rates,
)
from domain.errors import InvalidInput

FRIDAY = date(2024, 3, 1)
RATES = (
    Rate(FRIDAY, "EUR", "USD", Decimal("1.0813"), "bank"),
    Rate(date(2024, 3, 4), "EUR", "USD", Decimal("1.0846"), "bank"),
)


@pytest.mark.parametrize(
    ("amount", "rate", "expected"),
    [
        (1_000_000, "1.0813", 1_081_300),
        (1, "0.5", 0),
        (3, "0.5", 2),
        (5, "0.5", 2),
        (-3, "0.5", -2),
        (9_223_372_036_854_775_807, "1.0000000001", 9_223_372_037_777_113_011),
    ],
)
def test_a_tie_goes_to_the_even_micro_and_large_amounts_stay_exact(amount: int, rate: str, expected: int) -> None:
    assert convert_micros(amount, Decimal(rate)) == expected


@given(st.integers(-(2**63), 2**63))
def test_a_rate_of_one_changes_nothing(amount: int) -> None:
    assert convert_micros(amount, Decimal(1)) == amount


def test_lookup_takes_the_latest_rate_on_or_before_the_day() -> None:
    table = RateTable(reversed(RATES), max_age_days=3)
    assert table.lookup(FRIDAY, "EUR", "USD") == RATES[0]
    assert table.lookup(date(2024, 3, 3), "EUR", "USD") == RATES[0]
    assert table.lookup(date(2024, 3, 4), "EUR", "USD") == RATES[1]
    assert table.lookup(date(2024, 3, 7), "EUR", "USD") == RATES[1]


@pytest.mark.parametrize(
    ("day", "pair", "message"),
    [
        (date(2024, 2, 29), ("EUR", "USD"), "no rate EUR to USD on or before 2024-02-29; the first is of 2024-03-01"),
        (
            date(2024, 3, 8),
            ("EUR", "USD"),
            "the latest rate EUR to USD on 2024-03-08 is of 2024-03-04, older than 3 days",
        ),
        (FRIDAY, ("USD", "EUR"), "no rate from USD to EUR (only the reverse; give the rate in this direction)"),
        (FRIDAY, ("GBP", "USD"), "no rate from GBP to USD"),
    ],
)
def test_no_young_enough_rate_is_a_typed_error(day: date, pair: tuple[str, str], message: str) -> None:
    with pytest.raises(RateUnavailable) as caught:
        RateTable(RATES, max_age_days=3).lookup(day, *pair)
    assert caught.value.message == message
    assert caught.value.code == "INVALID_INPUT"


def test_one_currency_needs_no_table() -> None:
    assert RateTable(()).lookup(FRIDAY, "USD", "USD") == Rate(FRIDAY, "USD", "USD", Decimal(1), IDENTITY_SOURCE)


def test_two_rates_for_one_day_are_refused_and_the_same_twice_is_not() -> None:
    with pytest.raises(InvalidInput, match="two rates for EUR to USD on 2024-03-01"):
        RateTable([RATES[0], Rate(FRIDAY, "EUR", "USD", Decimal("1.09"), "other")])
    assert RateTable([RATES[0], RATES[0]]).lookup(FRIDAY, "EUR", "USD") == RATES[0]


def test_a_negative_age_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be negative"):
        RateTable(RATES, max_age_days=-1)


def test_parse_rates_reads_columns_in_any_order() -> None:
    lines = ["\ufeffto,date,rate,from\n", "\n", "usd,2024-03-01,1.0813,EUR\n", "USD,2024-03-04,1.0846,eur\n"]
    assert parse_rates(lines, source="bank") == RATES


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is empty"),
        (["date,from,to\n"], "rates have no column rate; columns are: date, from, to"),
        (["date,from,to,rate\n", "2024-03-01,EUR\n"], "line 2: 2 cells are too few"),
        (["date,from,to,rate\n", "01/03/2024,EUR,USD,1\n"], "line 2: cannot read"),
        (["date,from,to,rate\n", "2024-03-01,EURO,USD,1\n"], "'EURO' is not a currency code"),
        (["date,from,to,rate\n", "2024-03-01,EUR,USD,x\n"], "line 2: cannot read"),
        (["date,from,to,rate\n", "2024-03-01,EUR,USD,0\n"], "line 2: '0' is not a rate above 0"),
        (["date,from,to,rate\n", "2024-03-01,EUR,USD,NaN\n"], "line 2: 'NaN' is not a rate above 0"),
        (["date,from,to,rate\n", '2024-03-01,"EUR\n'], "rates, line 2: unexpected end of data"),
    ],
)
def test_rates_that_cannot_be_read_name_their_line(lines: list[str], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_rates(lines, source="bank")
    assert message in caught.value.message


@given(st.lists(st.text()))
def test_any_text_gives_rates_or_invalid_input(lines: list[str]) -> None:
    with contextlib.suppress(InvalidInput):
        assert all(rate.rate > 0 for rate in parse_rates(["date,from,to,rate\n", *lines], source="any"))


def test_currency_codes_have_one_spelling() -> None:
    assert currency_code(" usd ") == "USD"
    for text in ("US", "US1", "ÄÖÜ", ""):
        with pytest.raises(InvalidInput):
            currency_code(text)


def test_rates_without_a_source_are_refused() -> None:
    with pytest.raises(InvalidInput, match="say who published the rates") as refused:
        parse_rates(["date,from,to,rate\n", "2024-03-01,EUR,USD,1.08\n"], source=" ")
    assert refused.value.path == ("source",)
