"""Daily metrics as clients see them. No logic."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

import strawberry

from domain.campaigns import CampaignDay
from domain.metric_periods import Totals, roas
from schema.base import Money

Since = Annotated[date | None, strawberry.argument(description="First day, in the account's zone; give until too.")]
Until = Annotated[date | None, strawberry.argument(description="Last day, included; at most 366 days in all.")]


@strawberry.type(description="One campaign on one day of its account's time zone.")
class DailyMetric:
    """A day."""

    day: date = strawberry.field(description="In the account's time zone.")
    impressions: int = strawberry.field(description="How often an advert was shown.")
    clicks: int = strawberry.field(description="How often one was clicked.")
    conversions: Decimal = strawberry.field(description="Attributed so far; platforms split them into fractions.")
    spend: Money = strawberry.field(description="In the account's currency.")
    revenue: Money | None = strawberry.field(description="Null where the source gave none; young days still grow.")
    roas: float | None = strawberry.field(description="Revenue per unit spent; null without spend or revenue.")

    @classmethod
    def of(cls, value: CampaignDay, currency_code: str) -> Self:
        """The clients' view of a value in its account's currency."""
        revenue = value.revenue_micros
        return cls(
            day=value.day,
            impressions=value.impressions,
            clicks=value.clicks,
            conversions=value.conversions,
            spend=Money.of(value.spend_micros, currency_code),
            revenue=None if revenue is None else Money.of(revenue, currency_code),
            roas=roas(revenue, value.spend_micros),
        )


@strawberry.type(description="A campaign's sums over a stretch of days.")
class MetricsSummary:
    """Sums."""

    since: date = strawberry.field(description="First day, in the account's time zone.")
    until: date = strawberry.field(description="Last day, included.")
    days_with_data: int = strawberry.field(description="How many of these days are stored.")
    impressions: int = strawberry.field(description="How often an advert was shown.")
    clicks: int = strawberry.field(description="How often one was clicked.")
    conversions: Decimal = strawberry.field(description="Attributed so far.")
    spend: Money = strawberry.field(description="In the account's currency.")
    revenue: Money | None = strawberry.field(description="Over the days whose source gave it; null if none did.")
    roas: float | None = strawberry.field(description="Revenue per unit spent over those days; null without either.")
    cac: Money | None = strawberry.field(description="Spend per conversion; null without a conversion.")

    @classmethod
    def of(cls, value: Totals, currency_code: str) -> Self:
        """The clients' view of a value in its account's currency."""
        revenue = value.revenue_micros
        return cls(
            since=value.period.since,
            until=value.period.until,
            days_with_data=value.days_with_data,
            impressions=value.impressions,
            clicks=value.clicks,
            conversions=value.conversions,
            spend=Money.of(value.spend_micros, currency_code),
            revenue=None if revenue is None else Money.of(revenue, currency_code),
            roas=value.roas,
            cac=None if value.cac_micros is None else Money.of(value.cac_micros, currency_code),
        )
