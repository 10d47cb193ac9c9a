"""A whole file: reads record by record, sums each campaign's day, lists what was rejected. Stores nothing.

A row counts as a whole or not at all, also a wide one. Sums are exact and do not depend on the order of the rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from domain.currencies import Rate, RateTable, RateUnavailable, currency_code
from domain.errors import InvalidInput
from domain.metric_imports.cells import WIDE, CellError, round_count
from domain.metric_imports.days import DayReader
from domain.metric_imports.profiles import ImportProfile
from domain.metric_imports.records import Record, open_table
from domain.metric_imports.reports import ImportedDay, ParsedFile, RejectedRow
from domain.metric_imports.rows import BlockReader, Contribution
from domain.platforms import Platform

#: Rejected rows beyond this are counted but not listed: a report of a million lines helps nobody.
MAX_LISTED_REJECTIONS: Final = 10_000
_MAX_VALUE_CHARACTERS: Final = 200
#: Digits after the point of a margin weighted over several rows.
_MARGIN_STEP: Final = Decimal("0.000001")
_MAX_STORED: Final = 2**63 - 1

_Key = tuple[Platform, str, str, date]


def parse_file(
    lines: Iterable[str], profile: ImportProfile, *, reporting_currency: str, rates: RateTable
) -> ParsedFile:
    """Read a CSV export by a profile.

    Args:
        lines: the text's lines, as an open file gives them (newline=""); read once, never held as a whole.
        profile: which column fills which field.
        reporting_currency: the workspace's; every day carries the rate from its account's currency to this one.
        rates: where those rates come from; a row on a day without a rate is rejected.

    Raises:
        InvalidInput: no header, a column of the profile is not there, or a sum is too large to store.
    """
    reporting = currency_code(reporting_currency)
    table = open_table(lines, profile)
    days = DayReader(
        profile.date_formats,
        year=profile.year,
        time_zone=profile.time_zone,
        source_time_zone=profile.source_time_zone,
    )
    readers = [BlockReader(block, profile, table.positions, days) for block in profile.blocks]
    sums = _Sums(reporting, rates)
    rejected: list[RejectedRow] = []
    rejected_count = rows_read = 0
    for record in table.records:
        rows_read += 1
        problem = record if isinstance(record, RejectedRow) else _take(record, readers, sums)
        if problem is not None:
            rejected_count += 1
            if len(rejected) < MAX_LISTED_REJECTIONS:
                rejected.append(problem)
    return ParsedFile(sums.finish(), tuple(rejected), rejected_count, rows_read)


def _take(record: Record, readers: list[BlockReader], sums: "_Sums") -> RejectedRow | None:
    """Add a record to the sums, all of its blocks or none; the reason where it is rejected."""
    try:
        parts = [part for reader in readers if (part := reader.read(record.cells)) is not None]
        sums.check(parts)
    except CellError as error:
        value = None if error.value is None else error.value[:_MAX_VALUE_CHARACTERS]
        return RejectedRow(record.line, error.column, value, error.reason)
    if not parts:
        return RejectedRow(record.line, None, None, "every block is blank")
    for part in parts:
        sums.add(part)
    return None


@dataclass(slots=True)
class _Sum:
    """One campaign's day while it grows. Margins: micros and revenue of the rows that tell one, and their extremes."""

    name: str
    impressions: Decimal = Decimal(0)
    clicks: Decimal = Decimal(0)
    conversions: Decimal = Decimal(0)
    spend_micros: int = 0
    revenue_micros: int | None = None
    margin_micros: Decimal = Decimal(0)
    margin_revenue_micros: int = 0
    least_share: Decimal | None = None
    greatest_share: Decimal | None = None
    products: set[str] = field(default_factory=set)
    rows: int = 0

    def add(self, part: Contribution) -> None:
        """Add a row. A campaign with two names on one day keeps the first in alphabetical order."""
        self.name = min(self.name, part.campaign_name)
        self.impressions = WIDE.add(self.impressions, part.impressions)
        self.clicks = WIDE.add(self.clicks, part.clicks)
        self.conversions = WIDE.add(self.conversions, part.conversions)
        self.spend_micros += part.spend_micros
        if part.revenue_micros is not None:
            self.revenue_micros = (self.revenue_micros or 0) + part.revenue_micros
        if part.margin_share is not None:
            self.margin_micros = WIDE.add(self.margin_micros, part.margin_micros)
            self.margin_revenue_micros += part.revenue_micros or 0
            share = part.margin_share
            self.least_share = share if self.least_share is None else min(self.least_share, share)
            self.greatest_share = share if self.greatest_share is None else max(self.greatest_share, share)
        self.products.update(part.products)
        self.rows += 1

    def margin(self) -> Decimal | None:
        """The rows' common margin, else weighted by revenue; None if they differ and no revenue can weigh them."""
        if self.least_share is None or self.least_share == self.greatest_share:
            share = self.least_share
        elif self.margin_revenue_micros:
            share = WIDE.divide(self.margin_micros, Decimal(self.margin_revenue_micros))
        else:
            share = None
        return None if share is None else share.quantize(_MARGIN_STEP, ROUND_HALF_UP, WIDE)


class _Sums:
    """All campaign days of a file; one entry per day, however many rows."""

    def __init__(self, reporting_currency: str, rates: RateTable) -> None:
        self._reporting_currency = reporting_currency
        self._table = rates
        self._sums: dict[_Key, _Sum] = {}
        self._currencies: dict[tuple[Platform, str], str] = {}
        self._rates: dict[tuple[date, str], Rate] = {}

    def check(self, parts: list[Contribution]) -> None:
        """Refuse a row in a second currency of its account, or on a day without a rate.

        Raises:
            CellError: with the reason.
        """
        row_currencies: dict[tuple[Platform, str], str] = {}
        for part in parts:
            account = (part.platform, part.account)
            known = self._currencies.get(account) or row_currencies.setdefault(account, part.currency)
            if known != part.currency:
                raise CellError(f"account {part.account} is in {known} in the rows before", part.currency)
            if (part.day, part.currency) not in self._rates:
                try:
                    rate = self._table.lookup(part.day, part.currency, self._reporting_currency)
                except RateUnavailable as error:
                    raise CellError(error.message, part.currency) from error
                self._rates[part.day, part.currency] = rate

    def add(self, part: Contribution) -> None:
        """Add a checked contribution."""
        self._currencies.setdefault((part.platform, part.account), part.currency)
        key = (part.platform, part.account, part.campaign, part.day)
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = _Sum(part.campaign_name)
        found.add(part)

    def finish(self) -> tuple[ImportedDay, ...]:
        """The days in the order of their keys.

        Raises:
            InvalidInput: a sum does not fit into 64 bits.
        """
        return tuple(self._day(key, self._sums[key]) for key in sorted(self._sums))

    def _day(self, key: _Key, total: _Sum) -> ImportedDay:
        platform, account, campaign, day = key
        currency = self._currencies[platform, account]
        imported = ImportedDay(
            platform=platform,
            account_external_id=account,
            campaign_external_id=campaign,
            campaign_name=total.name,
            day=day,
            impressions=round_count(total.impressions),
            clicks=round_count(total.clicks),
            conversions=total.conversions,
            spend_micros=total.spend_micros,
            revenue_micros=total.revenue_micros,
            product_margin=total.margin(),
            currency_code=currency,
            reporting_rate=self._rates[day, currency],
            products=tuple(sorted(total.products)),
            rows=total.rows,
        )
        amounts = (imported.spend_micros, imported.revenue_micros or 0, imported.impressions, imported.clicks)
        if max(amounts) > _MAX_STORED:
            raise InvalidInput(f"the sum of campaign {campaign} on {day} is too large", ("file",))
        return imported
