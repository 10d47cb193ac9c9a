"""Response curves as clients see them. No logic."""

from typing import Self

import strawberry

from domain.response_curves import ResponseCurve as Value
from schema.base import Money


@strawberry.type(description="What one daily budget is expected to bring, in the account's currency.")
class ResponseCurvePoint:
    """A point."""

    budget: Money = strawberry.field(description="The daily budget.")
    revenue_low: Money = strawberry.field(description="Lower end of the 90 % interval of the expected revenue a day.")
    revenue: Money = strawberry.field(description="Expected revenue a day, by the curve the plan was made from.")
    revenue_high: Money = strawberry.field(description="Upper end of that interval.")


@strawberry.type(description="How a campaign's revenue answers to its budget, as fitted when this was proposed.")
class ResponseCurve:
    """A curve."""

    points: list[ResponseCurvePoint] = strawberry.field(
        description="Budgets ascending from 0, the present and the suggested one among them; at most 15."
    )
    seen_low: Money = strawberry.field(description="The least spent on a day it was fitted on.")
    seen_high: Money = strawberry.field(description="The most; beyond it the shape speaks, not this campaign's days.")
    evidence_share: float = strawberry.field(
        description="Share, 0 to 1, of the shape that comes from this campaign's own days; the rest from the others."
    )

    @classmethod
    def of(cls, value: Value, currency_code: str) -> Self:
        """The clients' view of a value."""
        return cls(
            points=[
                ResponseCurvePoint(
                    budget=Money.of(each.budget_micros, currency_code),
                    revenue_low=Money.of(each.low_micros, currency_code),
                    revenue=Money.of(each.expected_micros, currency_code),
                    revenue_high=Money.of(each.high_micros, currency_code),
                )
                for each in value.points
            ],
            seen_low=Money.of(value.seen_low_micros, currency_code),
            seen_high=Money.of(value.seen_high_micros, currency_code),
            evidence_share=value.evidence,
        )
