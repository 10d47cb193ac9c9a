"""Which account-zone day a cell means. A spelling that could mean two days is refused, not guessed.

Without a format only spellings with the year first are read (2024-01-31, 2024/01/31, 20240131, ISO timestamps). A time
with an offset is moved into the account's zone; a time without one is already the account's own unless the profile
says in which zone it was written; a bare day never moves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Final

from domain.metric_imports.cells import CellError
from kit.time import zone

_PROBE: Final = datetime(2023, 11, 29, 13, 47, 58, tzinfo=UTC)
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2})|/([0-9]{1,2})/([0-9]{1,2})|([0-9]{2})([0-9]{2}))")
_ISO_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_EITHER_FIRST: Final = re.compile(r"[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2,4}")
_FIRST_YEAR: Final = 1990
_LAST_YEAR: Final = 2200
_CACHED_DAYS: Final = 4096


def check_format(text: str) -> None:
    """Whether a strptime format tells year, month and day on every machine alike.

    Raises:
        ValueError: it does not; the message says why.
    """
    if re.search(r"%[Zcxs]", text.replace("%%", "")):
        raise ValueError(f"{text!r}: %Z, %c, %x and %s mean something else on another machine")
    try:
        read = datetime.strptime(_PROBE.strftime(text), text)  # noqa: DTZ007 - only the calendar day is compared
    except (ValueError, re.error) as error:
        raise ValueError(
            f"{text!r} is not a date format: {error} (%d also reads days without a leading zero)"
        ) from error
    if read.date() != _PROBE.date():
        raise ValueError(f"{text!r} does not tell year, month and day")


@dataclass(frozen=True, slots=True)
class _Format:
    text: str
    has_time: bool


class DayReader:
    """Reads day cells by one profile's rules; remembers what it read, because exports repeat their days."""

    def __init__(
        self, formats: Sequence[str], *, year: int | None, time_zone: str | None, source_time_zone: str | None
    ) -> None:
        """Take formats that `check_format` passed and IANA names; `year` is appended to each cell after a space."""
        self._formats = tuple(_Format(text, _tells_time(text)) for text in formats)
        self._year = year
        self._zone: tzinfo | None = zone(time_zone) if time_zone else None
        self._source: tzinfo | None = zone(source_time_zone) if source_time_zone else None
        self._cache: dict[str, date] = {}

    def read(self, text: str) -> date:
        """The day that a cell means.

        Raises:
            CellError: no day, two possible days, or an offset without a zone to move it to.
        """
        known = self._cache.get(text)
        if known is not None:
            return known
        bare = " ".join(text.split())
        if not bare:
            raise CellError("no day", text)
        full = bare if self._year is None else f"{bare} {self._year}"
        try:
            day = self._by_formats(full, text) if self._formats else self._by_default(full, text)
        except OverflowError as error:
            raise CellError("not a day", text) from error
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise CellError(f"not a day between {_FIRST_YEAR} and {_LAST_YEAR}", text)
        if len(self._cache) < _CACHED_DAYS:
            self._cache[text] = day
        return day

    def _by_formats(self, full: str, text: str) -> date:
        days = set()
        for form in self._formats:
            try:
                at = datetime.strptime(full, form.text)  # noqa: DTZ007 - _local gives the zone where there is a time
            except ValueError:
                continue
            days.add(self._local(at, text) if form.has_time else at.date())
        if not days:
            raise CellError(f"not a day written as {' or '.join(form.text for form in self._formats)}", text)
        if len(days) > 1:
            raise CellError(f"could be {' or '.join(str(day) for day in sorted(days))}: the formats contradict", text)
        return days.pop()

    def _by_default(self, full: str, text: str) -> date:
        found = _YEAR_FIRST.fullmatch(full)
        try:
            if found:
                year, month, day = (int(part) for part in found.groups() if part is not None)
                return date(year, month, day)
            if _ISO_TIME.fullmatch(full):
                return self._local(datetime.fromisoformat(full), text)
        except ValueError as error:
            raise CellError(f"not a day: {error}", text) from error
        if _EITHER_FIRST.fullmatch(full):
            raise CellError("day or month first? give date_format, such as %d/%m/%Y", text)
        raise CellError("not a day (ISO is read by itself, other spellings need date_format)", text)

    def _local(self, at: datetime, text: str) -> date:
        if at.tzinfo is None:
            if self._source is None:
                return at.date()
            at = at.replace(tzinfo=self._source)
        if self._zone is None:
            raise CellError("the time has an offset: time_zone must name the account's zone", text)
        return at.astimezone(self._zone).date()


def _tells_time(text: str) -> bool:
    read = datetime.strptime(_PROBE.strftime(text), text)  # noqa: DTZ007 - only whether a time came back matters
    return read.tzinfo is not None or read.time() != read.min.time()
