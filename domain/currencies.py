"""Exchange rates of the days they were published, and the conversion of micros with one of them.

Rates are data with a source name: a table is parsed from text that somebody else fetched. Must not fetch anything, must
not turn a rate round or chain two of them: what is not in the table is not known.
"""

import csv
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final

from domain.errors import InvalidInput

#: Wide enough for an amount of 64 bits times a rate of 28 digits, so that only the last step rounds.
_WIDE: Final = Context(prec=60)
_MAX_RATE: Final = Decimal(10) ** 9
_RATE_COLUMNS: Final = ("date", "from", "to", "rate")
IDENTITY_SOURCE: Final = "same currency"


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `from_currency` was worth `rate` (> 0) units of `to_currency` on `day`, says `source`."""

    day: date
    from_currency: str
    to_currency: str
    rate: Decimal
    source: str


@dataclass(eq=False)
class RateUnavailable(InvalidInput):
    """The table has no rate for this pair that is young enough on this day."""


def currency_code(text: str) -> str:
    """An ISO 4217 code in its one spelling: three capital letters.

    Raises:
        InvalidInput: not three Latin letters.
    """
    code = text.strip().upper()
    if len(code) != 3 or not (code.isascii() and code.isalpha()):  # noqa: PLR2004 - ISO 4217 codes have three letters
        raise InvalidInput(f"{text!r} is not a currency code of three letters, such as USD", ("currency",))
    return code


def convert_micros(amount_micros: int, rate: Decimal) -> int:
    """An amount times a rate, in micros of the other currency; a tie goes to the even micro, so sums do not drift."""
    product = _WIDE.multiply(Decimal(amount_micros), rate)
    return int(product.to_integral_value(rounding=ROUND_HALF_EVEN, context=_WIDE))


class RateTable:
    """Rates by pair and day. The rate of a day is the latest published on or before it, if not older than the limit."""

    def __init__(self, rates: Iterable[Rate], *, max_age_days: int = 7) -> None:
        """Index the rates.

        Args:
            rates: in any order; the same pair and day twice only with the same rate.
            max_age_days: how old a rate may be on the day it is used, >= 0; a week bridges every bank holiday.

        Raises:
            InvalidInput: one pair has two different rates on one day, or the limit is negative.
        """
        if max_age_days < 0:
            raise InvalidInput("the greatest age of a rate cannot be negative", ("max_age_days",))
        self.max_age_days = max_age_days
        by_pair: dict[tuple[str, str], dict[date, Rate]] = {}
        for rate in rates:
            days = by_pair.setdefault((rate.from_currency, rate.to_currency), {})
            if days.setdefault(rate.day, rate).rate != rate.rate:
                raise InvalidInput(
                    f"two rates for {rate.from_currency} to {rate.to_currency} on {rate.day}: "
                    f"{days[rate.day].rate} and {rate.rate}",
                    ("rates",),
                )
        self._pairs = {pair: [days[day] for day in sorted(days)] for pair, days in by_pair.items()}

    def lookup(self, day: date, from_currency: str, to_currency: str) -> Rate:
        """The rate to use on a day; 1 within one currency.

        Raises:
            RateUnavailable: no rate of this pair on or before the day, or only older ones than allowed.
        """
        if from_currency == to_currency:
            return Rate(day, from_currency, to_currency, Decimal(1), IDENTITY_SOURCE)
        rates = self._pairs.get((from_currency, to_currency))
        if rates is None:
            raise RateUnavailable(self._unknown_pair(from_currency, to_currency), ("rates",))
        at = bisect_right(rates, day, key=lambda rate: rate.day)
        pair = f"{from_currency} to {to_currency}"
        if at == 0:
            raise RateUnavailable(f"no rate {pair} on or before {day}; the first is of {rates[0].day}", ("rates",))
        latest = rates[at - 1]
        if day - latest.day > timedelta(days=self.max_age_days):
            raise RateUnavailable(
                f"the latest rate {pair} on {day} is of {latest.day}, older than {self.max_age_days} days", ("rates",)
            )
        return latest

    def _unknown_pair(self, from_currency: str, to_currency: str) -> str:
        reverse = (to_currency, from_currency) in self._pairs
        hint = " (only the reverse; give the rate in this direction)" if reverse else ""
        return f"no rate from {from_currency} to {to_currency}{hint}"


def parse_rates(lines: Iterable[str], *, source: str) -> tuple[Rate, ...]:
    """Rates from a CSV text with the columns `date,from,to,rate` (ISO day, codes, decimal point), in any order.

    Args:
        lines: the text's lines; blank lines are passed over.
        source: who published them; stored with every amount that they convert.

    Raises:
        InvalidInput: a column is missing or a line cannot be read; the message names the line. Or `source` is blank.
    """
    if not source.strip():
        raise InvalidInput("say who published the rates", ("source",))
    reader = csv.reader(lines, strict=True)
    rates: list[Rate] = []
    positions: list[int] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if positions is None:
                positions = _rate_positions(cells)
            else:
                rates.append(_parse_rate(cells, positions, source, reader.line_num))
    except csv.Error as error:
        raise InvalidInput(f"rates, line {reader.line_num}: {error}", ("rates",)) from error
    if positions is None:
        raise InvalidInput("the file of rates is empty; it needs the columns date,from,to,rate", ("rates",))
    return tuple(rates)


def _rate_positions(header: list[str]) -> list[int]:
    names = [name.strip().lstrip("\ufeff").lower() for name in header]
    missing = [name for name in _RATE_COLUMNS if name not in names]
    if missing:
        raise InvalidInput(f"rates have no column {', '.join(missing)}; columns are: {', '.join(names)}", ("rates",))
    return [names.index(name) for name in _RATE_COLUMNS]


def _parse_rate(cells: list[str], positions: list[int], source: str, line: int) -> Rate:
    if len(cells) <= max(positions):
        raise InvalidInput(f"rates, line {line}: {len(cells)} cells are too few", ("rates",))
    day, from_currency, to_currency, rate = (cells[position].strip() for position in positions)
    try:
        value = Decimal(rate)
        parsed = Rate(date.fromisoformat(day), currency_code(from_currency), currency_code(to_currency), value, source)
    except (ValueError, InvalidOperation, InvalidInput) as error:
        raise InvalidInput(f"rates, line {line}: cannot read {','.join(cells)!r}: {error}", ("rates",)) from error
    if not (value.is_finite() and 0 < value < _MAX_RATE):
        raise InvalidInput(f"rates, line {line}: {rate!r} is not a rate above 0 and below {_MAX_RATE}", ("rates",))
    return parsed
