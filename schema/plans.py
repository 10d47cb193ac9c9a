"""Plans as clients see them. No logic."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from domain.plans import Plan as Value
from domain.plans import SkippedBudget as SkippedValue
from schema.base import DateTime, Money, Node, global_id
from schema.context import Info
from schema.nodes import shows, view

if TYPE_CHECKING:
    from schema.campaigns import Campaign


@strawberry.type(description="A budget that got no proposal, and why.")
class SkippedBudget:
    """A skipped budget."""

    campaign_name: str = strawberry.field(description="The campaign's name when the plan was made.")
    code: str = strawberry.field(description="Stable, such as INSUFFICIENT_HISTORY.")
    explanation: str = strawberry.field(description="Why, in a sentence for a marketing lead.")
    value: strawberry.Private[SkippedValue]

    @strawberry.field(description="The campaign it pays for; the first, where it pays for several.")
    async def campaign(self, info: Info) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None:
        """The campaign."""
        found: Campaign | None = view(await info.context.loaders.campaign(self.value.campaign_id))
        return found

    @classmethod
    def of(cls, value: SkippedValue) -> Self:
        """The clients' view of a value."""
        return cls(
            campaign_name=value.campaign_name,
            code=value.code,
            explanation=value.explanation,
            value=value,
        )


@shows(Value)
@strawberry.type(description="Proposals made together: their deltas add up to zero but for what is unallocated.")
class Plan(Node):
    """A plan."""

    proposer: str = strawberry.field(description="Which proposer made it.")
    explanation: str = strawberry.field(description="The plan in words, also when it changes nothing.")
    unallocated: Money = strawberry.field(description="Freed a day and not placed, reporting currency.")
    approved_increase: Money = strawberry.field(description="Increases approved so far, a day, reporting currency.")
    approved_decrease: Money = strawberry.field(description="Decreases approved so far: what increases may use.")
    skipped: list[SkippedBudget] = strawberry.field(
        description="Every budget without a proposal; never more than the workspace has budgets."
    )
    created_at: DateTime = strawberry.field(description="When it was made.")
    expires_at: DateTime = strawberry.field(description="Until when its recommendations can be decided.")

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
            skipped=[SkippedBudget.of(each) for each in value.skipped],
            created_at=DateTime(value.created_at_utc),
            expires_at=DateTime(value.expires_at_utc),
        )
