"""Adjustments as clients see them. No logic."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from domain.adjustments import Adjustment as Value
from domain.adjustments import AdjustmentStatus
from schema.actors import Actor
from schema.base import DateTime, Money, Node, UserError, global_id
from schema.context import Info

if TYPE_CHECKING:
    from schema.campaigns import Campaign
    from schema.recommendations import Recommendation

strawberry.enum(
    AdjustmentStatus,
    name="AdjustmentStatus",
    description="Where a change is on its way; it counts only when read back (CONFIRMED).",
)


@strawberry.type(description="An approved budget change on its way to its platform.")
class Adjustment(Node):
    """An adjustment."""

    version: int
    status: AdjustmentStatus
    budget_before: Money = strawberry.field(description="The daily budget seen before the change.")
    intended_budget: Money = strawberry.field(description="The absolute daily budget to set.")
    auto_approved: bool = strawberry.field(description="Whether guardrails let it pass without a person.")
    attempts: int
    created_at: DateTime
    dispatched_at: DateTime | None
    confirmed_at: DateTime | None = strawberry.field(description="When it was read back as intended.")
    platform_execution_id: str | None = strawberry.field(description="The platform's own id of the request.")
    failure_code: str | None
    failure_reason: str | None = strawberry.field(description="Why it failed or waits, for a person.")
    value: strawberry.Private[Value]

    @strawberry.field(description="Who approved it.")
    def approved_by(self) -> Actor | None:
        """The approver."""
        return Actor.member(self.value.approved_by_id)

    @strawberry.field(description="The recommendation it carries out.")
    async def recommendation(
        self, info: Info
    ) -> Annotated["Recommendation", strawberry.lazy("schema.recommendations")] | None:
        """The recommendation."""
        from schema.recommendations import Recommendation  # noqa: PLC0415 - the two types name each other

        found = await info.context.loaders.recommendation(self.value.recommendation_id)
        return None if found is None else Recommendation.of(found)

    @strawberry.field(description="The campaign whose budget changes.")
    async def campaign(self, info: Info) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None:
        """The campaign."""
        from schema.campaigns import Campaign  # noqa: PLC0415 - the two types name each other

        found = await info.context.loaders.campaign(self.value.campaign_id)
        return None if found is None else Campaign.of(found)

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        dispatched, confirmed = value.dispatched_at_utc, value.confirmed_at_utc
        return cls(
            id=global_id("Adjustment", value.id),
            version=value.version,
            status=value.status,
            budget_before=Money.of(value.before_micros, value.currency_code),
            intended_budget=Money.of(value.intended_micros, value.currency_code),
            auto_approved=value.auto_approved,
            attempts=value.attempts,
            created_at=DateTime(value.created_at_utc),
            dispatched_at=None if dispatched is None else DateTime(dispatched),
            confirmed_at=None if confirmed is None else DateTime(confirmed),
            platform_execution_id=value.platform_execution_id,
            failure_code=value.failure_code,
            failure_reason=value.failure_reason,
            value=value,
        )


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class AdjustmentPayload:
    """The payload of every mutation on one adjustment."""

    adjustment: Adjustment | None
    user_errors: list[UserError]
