"""What an import hands over: summed days, rejected rows, and what the file covers. Must not store or decide policy."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.currencies import Rate
from domain.errors import InvalidInput
from domain.platforms import Platform


@dataclass(frozen=True, slots=True)
class ImportedDay:
    """Everything one file says about one campaign on one account-zone day, its rows summed.

    Attributes:
        impressions: >= 0; 0 where the file has no such column. Likewise clicks and conversions.
        conversions: >= 0, may be fractional, exact to 18 digits after the point.
        spend_micros: >= 0, micros of `currency_code`.
        revenue_micros: >= 0, or None where the file does not tell revenue.
        product_margin: share of revenue (at most 1, may be negative), weighted by revenue; None where not known.
        reporting_rate: the rate from `currency_code` to the workspace's reporting currency on that day.
        products: ids of the advertised products, sorted, each once.
        rows: how many rows (or blocks of wide rows) were summed, >= 1.
    """

    platform: Platform
    account_external_id: str
    campaign_external_id: str
    campaign_name: str
    day: date
    impressions: int
    clicks: int
    conversions: Decimal
    spend_micros: int
    revenue_micros: int | None
    product_margin: Decimal | None
    currency_code: str
    reporting_rate: Rate
    products: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that does not count, and why. `line` is the physical line on which the row begins, from 1."""

    line: int
    column: str | None
    value: str | None
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.column is None else f"line {self.line}, {self.column}"
        return f"{where}: {self.reason}" if self.value is None else f"{where}: {self.reason} ({self.value!r})"


@dataclass(frozen=True, slots=True)
class CoveredAccount:
    """What a file says about one account: days from first to last (both included) and campaigns, sorted."""

    platform: Platform
    account_external_id: str
    currency_code: str
    first_day: date
    last_day: date
    campaign_external_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The outcome of reading one file.

    Attributes:
        days: one per (platform, account, campaign, day), sorted by that key.
        rejected: the first rejected rows in file order, at most `MAX_LISTED_REJECTIONS`.
        rejected_count: how many rows were rejected in all.
        rows_read: data rows, good and rejected; blank lines and the header do not count.
    """

    days: tuple[ImportedDay, ...]
    rejected: tuple[RejectedRow, ...]
    rejected_count: int
    rows_read: int

    @property
    def covers(self) -> tuple[CoveredAccount, ...]:
        """What the good rows cover, by account: a storing service replaces these campaigns' days and no others."""
        accounts: dict[tuple[Platform, str], list[ImportedDay]] = {}
        for day in self.days:
            accounts.setdefault((day.platform, day.account_external_id), []).append(day)
        return tuple(
            CoveredAccount(
                platform,
                account,
                days[0].currency_code,
                min(day.day for day in days),
                max(day.day for day in days),
                tuple(sorted({day.campaign_external_id for day in days})),
            )
            for (platform, account), days in accounts.items()
        )

    def accepted_days(self, *, skip_rejected: bool) -> tuple[ImportedDay, ...]:
        """The days to store: all or nothing, unless rejected rows may be left out.

        Raises:
            InvalidInput: a row was rejected and `skip_rejected` is false.
        """
        if self.rejected_count and not skip_rejected:
            raise InvalidInput(
                f"{self.rejected_count} of {self.rows_read} rows rejected, nothing imported; first: {self.rejected[0]}",
                ("file",),
            )
        return self.days
