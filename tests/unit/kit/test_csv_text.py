"""Cells that no spreadsheet runs, numbers that stay numbers, and lines as RFC 4180 has them."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.csv_text import Cell, cell_text, csv_lines


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "-cmd",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u00a0=1",
        "\uff1d1+1",
        "\uff0b1+1",
        "\uff0d1+1",
        "\uff20x",
        "-",
        "--1",
        "-1e5+1",
    ],
)
def test_what_a_spreadsheet_would_run_is_marked_as_text(text: str) -> None:
    assert cell_text(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-5, "-5"),
        (Decimal("-12.30"), "-12.30"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        ("-12.30", "-12.30"),
        ("+4", "+4"),
        ("a=b", "a=b"),
        ("2-for-1 @ home", "2-for-1 @ home"),
        ("", ""),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (datetime(2026, 3, 10, 12, tzinfo=UTC), "2026-03-10T12:00:00.000000Z"),
    ],
)
def test_numbers_moments_and_plain_text_stay_as_they_are(value: Cell, cell: str) -> None:
    assert cell_text(value) == cell


def test_lines_are_quoted_where_they_must_be() -> None:
    assert csv_lines([["a", 'say "hi"', "x,y"], ["two\r\nlines", -1, None]]) == (
        'a,"say ""hi""","x,y"\r\n"two\r\nlines",-1,\r\n'
    )


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1), min_size=1))
def test_any_text_comes_back_whole_and_harmless(rows: list[list[str]]) -> None:
    found = list(csv.reader(io.StringIO(csv_lines(rows), newline="")))
    blank = [[] if row == [""] else row for row in found]
    wanted = [[cell_text(cell) for cell in row] for row in rows]
    assert [row or [""] for row in blank] == wanted
    for row in found:
        for cell in row:
            assert not cell.startswith(("=", "@", "\t", "\r"))
