"""CSV text to records with the physical lines they stand on. Knows delimiters, quotes and headers; knows no fields.

Reads one record at a time: a file of a million rows is never held as a whole.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from domain.errors import InvalidInput
from domain.metric_imports.profiles import ImportProfile
from domain.metric_imports.reports import RejectedRow

_CANDIDATES: Final = (",", ";", "\t", "|")
#: A header may have line breaks in quotes; one that goes on longer than this is a file with a stray quote.
_MAX_HEADER_LINES: Final = 50


@dataclass(frozen=True, slots=True)
class Record:
    """One row's cells, as many as the header has; `line` is where it begins, from 1."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A header's column positions and the records below it, to be read once."""

    positions: Mapping[str, int]
    records: Iterator[Record | RejectedRow]


def open_table(lines: Iterable[str], profile: ImportProfile) -> Table:
    """Read the header and check that every column of the profile is there, once.

    Args:
        lines: the file's lines with or without their ends, as a file opened with newline="" gives them.
        profile: the columns wanted, the delimiter (or None to find it), lines to skip.

    Raises:
        InvalidInput: no header, or a mapped column is missing or there twice; the message lists the columns.
    """
    source = iter(lines)
    before, header_lines = _header_lines(source, profile.skip_lines)
    delimiter, names = _best_header(header_lines, profile)
    positions = _positions(names, profile)
    first_line = before + len(header_lines)
    return Table(positions, _records(source, delimiter, len(names), first_line))


def _header_lines(source: Iterator[str], skip_lines: int) -> tuple[int, list[str]]:
    """How many physical lines stand above the header, and the header's own."""
    before = sum(1 for _ in islice(source, skip_lines))
    for line in source:
        first = line.removeprefix("\ufeff") if before == 0 else line
        if not first.strip():
            before += 1
            continue
        header = [first]
        while "".join(header).count('"') % 2:
            more = next(source, None)
            if more is None or len(header) == _MAX_HEADER_LINES:
                raise InvalidInput("the header has a quote that is never closed", ("file",))
            header.append(more)
        return before, header
    raise InvalidInput("the file has no header line", ("file",))


def _best_header(lines: list[str], profile: ImportProfile) -> tuple[str, list[str]]:
    """The delimiter under which the header has most of the wanted columns, then most columns at all."""
    wanted = {name for block in profile.blocks for names in block.columns.values() for name in names}
    readings = []
    for delimiter in (profile.delimiter,) if profile.delimiter else _CANDIDATES:
        try:
            rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        names = [name.strip() for name in rows[0]]
        readings.append((len(wanted & set(names)), len(names), delimiter, names))
    if not readings:
        raise InvalidInput("the header line is not CSV", ("file",))
    _, _, delimiter, names = max(readings, key=lambda reading: reading[:2])
    return delimiter, names


def _positions(names: list[str], profile: ImportProfile) -> dict[str, int]:
    for block in profile.blocks:
        for field, columns in block.columns.items():
            for column in columns:
                if names.count(column) != 1:
                    problem = "is not in the file" if column not in names else "is in the file more than once"
                    raise InvalidInput(
                        f"column {column!r} for {field} {problem}; its columns are: {', '.join(names)}",
                        (*block.path, "columns", field),
                    )
    return {name: position for position, name in enumerate(names) if name}


def _records(source: Iterator[str], delimiter: str, width: int, lines_above: int) -> Iterator[Record | RejectedRow]:
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        line = lines_above + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield RejectedRow(line, None, None, f"not CSV: {error}{_until(line, lines_above + reader.line_num)}")
            continue
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) < width or any(cell.strip() for cell in cells[width:]):
            yield RejectedRow(line, None, None, _wrong_width(cells, width, line, lines_above + reader.line_num))
        else:
            yield Record(line, cells)


def _wrong_width(cells: list[str], width: int, line: int, last_line: int) -> str:
    total = "; looks like a row of totals" if looks_like_total(cells) else ""
    return f"{len(cells)} cells under {width} columns{total}{_until(line, last_line)}"


def _until(line: int, last_line: int) -> str:
    return f" (the row goes on to line {last_line}: a stray quote?)" if last_line > line else ""


def looks_like_total(cells: Iterable[str]) -> bool:
    """Whether a row's first word is what exports write before their sums."""
    first = next((cell.strip().casefold() for cell in cells if cell.strip()), "")
    return is_total(first) or first.startswith(("total ", "total:", "totals ", "grand total", "gesamt:", "summe:"))


def is_total(text: str) -> bool:
    """Whether a campaign of this name is a sum rather than a campaign."""
    return text.strip().casefold().rstrip(":") in {"total", "totals", "grand total", "gesamt", "summe"}
