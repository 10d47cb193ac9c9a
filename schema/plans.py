"""Plans as clients see them. No logic."""

from typing import Self

import strawberry

from domain.plans import Plan as Value
from schema.base import DateTime, Money, Node, global_id


@strawberry.type(description="A budget that got no proposal, and why.")
class SkippedBudget:
    """A skipped budget."""

    campaign_id: strawberry.ID
    campaign_name: str
    code: str = strawberry.field(description="Stable, such as INSUFFICIENT_HISTORY.")
    explanation: str


@strawberry.type(
    description="Proposals made together: their deltas add up to zero but for what is unallocated."
)
class Plan(Node):
    """A plan."""

    proposer: str = strawberry.field(description="Which proposer made it.")
    explanation: str = strawberry.field(description="The plan in words, also when it changes nothing.")
    unallocated: Money = strawberry.field(description="Freed a day and not placed, reporting currency.")
    approved_increase: Money = strawberry.field(description="Increases approved so far, a day, reporting currency.")
    approved_decrease: Money = strawberry.field(description="Decreases approved so far: what increases may use.")
    skipped: list[SkippedBudget]
    created_at: DateTime
    expires_at: DateTime

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("Plan", value.id),
            proposer=value.proposer,
            explanation=value.explanation,
            unallocated=Money.of(value.unallocated_micros, value.currency_code),
            approved_increase=Money.of(value.approved_increase_micros, value.currency_code),
            approved_decrease=Money.of(value.approved_decrease_micros, value.currency_code),
            skipped=[
                SkippedBudget(
                    campaign_id=global_id("Campaign", each.campaign_id),
                    campaign_name=each.campaign_name,
                    code=each.code,
                    explanation=each.explanation,
                )
                for each in value.skipped
            ],
            created_at=DateTime(value.created_at_utc),
            expires_at=DateTime(value.expires_at_utc),
        )
