"""Stretches of days and what a campaign did over them. Pure; days are account-zone days, money is account micros."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from domain.campaigns import CampaignDay
from domain.errors import InvalidInput

MAX_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of days, both ends included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """How many days, at least 1."""
        return (self.until - self.since).days + 1

    def __contains__(self, day: date) -> bool:
        return self.since <= day <= self.until


def period(since: date | None, until: date | None) -> Period:
    """The stretch between two days. Raises InvalidInput unless both are given, in order, and span at most 366 days."""
    if since is None or until is None:
        raise InvalidInput("give both since and until, or neither", path=("since" if since is None else "until",))
    if until < since:
        raise InvalidInput("until lies before since", path=("until",))
    found = Period(since, until)
    if found.days > MAX_DAYS:
        raise InvalidInput(f"ask for at most {MAX_DAYS} days", path=("since",))
    return found


def last_complete_days(today: date, days: int) -> Period:
    """The `days` days before today: today itself still grows."""
    return Period(today - timedelta(days=days), today - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Totals:
    """What a campaign did over a period. Money in account micros.

    Attributes:
        days_with_data: how many of the period's days are stored.
        revenue_micros: over the days whose source gave revenue; None if none did.
        roas: revenue per unit spent over those same days; None without revenue or without spend.
        cac_micros: spend per conversion over all days; None without a conversion.
    """

    period: Period
    days_with_data: int
    impressions: int
    clicks: int
    conversions: Decimal
    spend_micros: int
    revenue_micros: int | None
    roas: float | None
    cac_micros: int | None


def cac_micros(spend_micros: int, conversions: Decimal) -> int | None:
    """What a conversion cost, micros: customer acquisition cost by the platform's own report; None without any."""
    return round(spend_micros / conversions) if conversions > 0 else None


def roas(revenue_micros: int | None, spend_micros: int) -> float | None:
    """Revenue per unit spent; None without revenue or without spend. Both in micros of one currency."""
    return None if revenue_micros is None or spend_micros <= 0 else revenue_micros / spend_micros


def totals(over: Period, days: Iterable[CampaignDay]) -> Totals:
    """The sums over those of the days that lie in the period."""
    inside = [day for day in days if day.day in over]
    earning = [day for day in inside if day.revenue_micros is not None]
    revenue = sum(day.revenue_micros or 0 for day in earning) if earning else None
    spend = sum(day.spend_micros for day in inside)
    conversions = sum((day.conversions for day in inside), Decimal(0))
    return Totals(
        period=over,
        days_with_data=len(inside),
        impressions=sum(day.impressions for day in inside),
        clicks=sum(day.clicks for day in inside),
        conversions=conversions,
        spend_micros=spend,
        revenue_micros=revenue,
        # Days without revenue would only water the ratio down: nobody said that they earned nothing.
        roas=roas(revenue, sum(day.spend_micros for day in earning)),
        cac_micros=cac_micros(spend, conversions),
    )
