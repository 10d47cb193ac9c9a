"""One cell at a time: which spellings of amounts, counts, shares and texts are read, and which are refused and why."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.metric_imports.cells import (
    CellError,
    is_blank,
    parse_amount,
    parse_count,
    parse_micros,
    parse_number,
    parse_share,
    parse_text,
    round_count,
)


@pytest.mark.parametrize(
    ("text", "currency", "mark", "micros"),
    [
        ("12.34", "USD", ".", 12_340_000),
        ("0", "USD", ".", 0),
        ("-0", "USD", ".", 0),
        (".5", "USD", ".", 500_000),
        ("7.", "USD", ".", 7_000_000),
        ("4.2e-05", "USD", ".", 42),
        ("$126", "USD", ".", 126_000_000),
        ("$1,234.50", "USD", ".", 1_234_500_000),
        ("US$1,234.50", "USD", ".", 1_234_500_000),
        ("USD 1,234.50", "USD", ".", 1_234_500_000),
        ("1,234.50 USD", "USD", ".", 1_234_500_000),
        ("$12", "CAD", ".", 12_000_000),
        ("12,34,567.5", "INR", ".", 1_234_567_500_000),
        ("1'234'567.05", "CHF", ".", 1_234_567_050_000),
        ("1.234,50 €", "EUR", ",", 1_234_500_000),
        ("1.234.567 €", "EUR", ",", 1_234_567_000_000),
        ("1\u202f234,5\u00a0€", "EUR", ",", 1_234_500_000),
        ("3,5", "EUR", ",", 3_500_000),
        ("1.429999948", "USD", ".", 1_430_000),
        ("1473.8295988884247", "EUR", ".", 1_473_829_599),
        ("0.0000005", "USD", ".", 1),
        ("0.00000049999", "USD", ".", 0),
        ("0." + "0" * 6 + "4" + "9" * 40, "USD", ".", 0),
    ],
)
def test_amounts_are_read_to_the_micro(text: str, currency: str, mark: str, micros: int) -> None:
    assert parse_micros(text, currency, mark) == micros  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "mark", "reason"),
    [
        ("-5", ".", "negative"),
        ("−5.00", ".", "negative"),
        ("-$5", ".", "negative"),
        ("$-5", ".", "negative"),
        ("($5.00)", ".", "negative"),
        ("5.00-", ".", "negative"),
        ("NaN", ".", "not an amount with decimal '.'"),
        ("inf", ".", "not an amount with decimal '.'"),
        ("-Infinity", ".", "not an amount with decimal '.'"),
        ("", ".", "not an amount with decimal '.'"),
        ("1,23", ".", "not an amount with decimal '.'"),
        ("1.5", ",", "not an amount with decimal ','"),
        ("1,234.50", ",", "not an amount with decimal ','"),
        ("1,234,56.0", ".", "not an amount with decimal '.'"),
        ("1,234'567", ".", "not an amount with decimal '.'"),
        ("1_000", ".", "not an amount with decimal '.'"),
        ("٣", ".", "not an amount with decimal '.'"),
        ("($5.00", ".", "not an amount with decimal '.'"),
        ("€5", ".", "'€' is not a sign of USD"),
        ("5 EUR", ".", "'EUR' is not a sign of USD"),
        ("5 abc", ".", "'abc' is not a sign of USD"),
        ("$5 USD", ".", "more than one sign"),
        ("-$-5", ".", "more than one sign"),
        ("1000000000000", ".", "too large"),
        ("1e999", ".", "too large"),
        ("9" * 65, ".", "longer than 64 characters, not an amount"),
    ],
)
def test_what_is_no_amount_in_dollars_is_refused(text: str, mark: str, reason: str) -> None:
    with pytest.raises(CellError) as caught:
        parse_micros(text, "USD", mark)  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_negative_amounts_keep_their_sign_where_they_are_allowed() -> None:
    assert parse_amount("($1,234.50)", "USD", ".") == Decimal("-1234.50")
    assert parse_amount("+$2", "USD", ".") == Decimal(2)


def test_counts_are_whole_unless_fractions_are_allowed() -> None:
    assert parse_count("1,234", ".", fractions=False) == 1234
    assert parse_count("3.0", ".", fractions=False) == 3
    assert parse_count("13.916138151613369", ".", fractions=True) == Decimal("13.916138151613369")
    assert parse_count("1e3", ".", fractions=False) == 1000
    with pytest.raises(CellError, match="not a whole number"):
        parse_count("2.5", ".", fractions=False)
    with pytest.raises(CellError, match="negative"):
        parse_count("-1", ".", fractions=True)
    with pytest.raises(CellError, match="too large"):
        parse_count("1e15", ".", fractions=False)


def test_fractions_finer_than_eighteen_digits_round_half_up() -> None:
    assert parse_count("0.0000000000000000005", ".", fractions=True) == Decimal("0.000000000000000001")
    assert parse_count("1e-999", ".", fractions=True) == 0
    assert parse_share("0.1234567890123456785", ".") == Decimal("0.123456789012345679")
    assert parse_number("-2,5", ",") == Decimal("-2.5")


@pytest.mark.parametrize(("count", "rounded"), [("2.5", 3), ("2.4999999", 2), ("0", 0), ("3.5", 4)])
def test_counts_round_half_up(count: str, rounded: int) -> None:
    assert round_count(Decimal(count)) == rounded


def test_a_margin_is_a_share_or_a_percentage() -> None:
    assert parse_share("0.4", ".") == Decimal("0.4")
    assert parse_share("40%", ".") == Decimal("0.4")
    assert parse_share("37,5 %", ",") == Decimal("0.375")
    assert parse_share("-0.2", ".") == Decimal("-0.2")
    for text in ("40", "1.01", "-11", "101%"):
        with pytest.raises(CellError, match="not a margin"):
            parse_share(text, ".")


def test_texts_are_trimmed_and_kept_on_one_line() -> None:
    assert parse_text("  Spring\n sale\u00a02024 ") == "Spring sale 2024"
    assert parse_text("👩‍💻") == "👩‍💻"
    for text, reason in (
        (" \n", "blank"),
        ("x" * 201, "longer than 200 characters"),
        ("a\x00b", "contains characters that are not text"),
        ("a\ud800", "contains characters that are not text"),
    ):
        with pytest.raises(CellError) as caught:
            parse_text(text)
        assert caught.value.reason == reason


def test_dashes_mean_no_value() -> None:
    assert [is_blank(text) for text in ("", " ", "-", "--", "—", "0", "n/a")] == [True] * 5 + [False] * 2


@given(st.text(max_size=70), st.sampled_from([".", ","]), st.sampled_from(["USD", "EUR", "JPY"]))
def test_any_text_is_an_amount_within_bounds_or_refused(text: str, mark: str, currency: str) -> None:
    with contextlib.suppress(CellError):
        assert 0 <= parse_micros(text, currency, mark) <= 10**18  # type: ignore[arg-type]


@given(st.integers(0, 10**17), st.sampled_from([".", ","]))
def test_a_dressed_amount_reads_as_the_bare_one(micros: int, mark: str) -> None:
    text = f"{Decimal(micros).scaleb(-6):,.6f}"
    dressed = text.translate(str.maketrans(",.", ".,")) if mark == "," else text
    assert parse_micros(f"{dressed} €", "EUR", mark) == micros  # type: ignore[arg-type]
    assert parse_micros(f"€{dressed}", "EUR", mark) == micros  # type: ignore[arg-type]
