"""The review page's summaries as clients see them. No logic."""

from decimal import Decimal
from typing import Self

import strawberry

from domain.reviews import PlatformSummary as SummaryValue
from domain.reviews import ReviewProgress as ProgressValue
from schema.base import DateTime, Money
from schema.platforms import Platform


@strawberry.type(description="One platform at a glance: what it spends, what is proposed, and why. Reporting currency.")
class PlatformSummary:
    """A platform."""

    platform: Platform = strawberry.field(description="Which platform.")
    daily_budget: Money | None = strawberry.field(
        description="Daily budgets of enabled campaigns together, now; null where an account's currency has no rate."
    )
    proposed_delta: Money = strawberry.field(description="What the open recommendations would change a day, together.")
    expected_revenue_change: Money = strawberry.field(description="What they are expected to change in revenue a day.")
    open_recommendations: int = strawberry.field(description="How many wait for review.")
    spend: Money = strawberry.field(description="Over the last seven complete days of each account's zone.")
    revenue: Money | None = strawberry.field(description="Over the same days; null if no source gave any.")
    roas: float | None = strawberry.field(description="Revenue per unit spent on the days that have revenue.")
    conversions: Decimal = strawberry.field(description="Over the same days, as the platform's reports attribute them.")
    cac: Money | None = strawberry.field(
        description="Customer acquisition cost: spend per conversion over the same days; null without a conversion."
    )
    rationale: list[str] = strawberry.field(
        description="A line for each open recommendation, the largest move first, at most 100."
    )

    @classmethod
    def of(cls, value: SummaryValue) -> Self:
        """The clients' view of a value."""
        currency = value.currency_code
        return cls(
            platform=value.platform,
            daily_budget=None if value.daily_budget_micros is None else Money.of(value.daily_budget_micros, currency),
            proposed_delta=Money.of(value.delta_micros, currency),
            expected_revenue_change=Money.of(value.expected_revenue_change_micros, currency),
            open_recommendations=value.open_recommendations,
            spend=Money.of(value.spend_micros, currency),
            revenue=None if value.revenue_micros is None else Money.of(value.revenue_micros, currency),
            roas=value.roas,
            conversions=value.conversions,
            cac=None if value.cac_micros is None else Money.of(value.cac_micros, currency),
            rationale=list(value.rationale),
        )


@strawberry.type(description="How the review of the recommendations due by today's deadline goes.")
class ReviewProgress:
    """Progress."""

    deadline: DateTime = strawberry.field(description="Today's deadline in the workspace's zone, ahead or past.")
    total: int = strawberry.field(description="Recommendations due by then: made since the deadline before it.")
    decided_in_time: int = strawberry.field(description="How many a person approved or rejected by the deadline.")
    waiting: int = strawberry.field(description="How many still need review.")
    share_decided_in_time: float | None = strawberry.field(description="0 to 1; null when nothing was due.")

    @classmethod
    def of(cls, value: ProgressValue) -> Self:
        """The clients' view of a value."""
        return cls(
            deadline=DateTime(value.deadline_utc),
            total=value.total,
            decided_in_time=value.decided_in_time,
            waiting=value.waiting,
            share_decided_in_time=value.share_decided_in_time,
        )
