"""CSV as other programs open it: RFC 4180, and no cell that a spreadsheet would run as a formula. Knows no domain."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from kit.time import iso_utc

Cell = str | int | Decimal | bool | datetime | None

#: What makes a spreadsheet take a cell for a formula (source: OWASP, CSV injection), full-width forms included, which
#: some programs fold. Blanks before it do not help: programs trim them.
_FORMULA: Final = re.compile(r"[ \u00a0\u3000]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?")


def cell_text(value: Cell) -> str:
    """A value as a cell: numbers plain, moments in UTC, text harmless.

    Text that would be a formula gets an apostrophe before it, the spreadsheets' own mark for text. Numbers are not
    text, and text that is nothing but a number computes nothing: negative amounts stay numbers.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return iso_utc(value)
        case Decimal():
            return f"{value:f}"
        case int():
            return str(value)
        case _:
            return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value


def csv_lines(rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as lines, each ended by CRLF; quoted where a comma, a quote or a line end asks for it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([cell_text(value) for value in row] for row in rows)
    return text.getvalue()
