"""Adjustments as clients see them. No logic."""

from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from domain.adjustments import Adjustment as Value
from domain.adjustments import AdjustmentStatus
from schema.actors import Actor
from schema.audiences import SAME_FOR_ALL
from schema.base import DateTime, Money, Node, UserError, global_id
from schema.conflicts import VersionConflict
from schema.context import Info
from schema.enums import describe_enum
from schema.nodes import shows, view

if TYPE_CHECKING:
    from schema.campaigns import Campaign
    from schema.recommendations import Recommendation

describe_enum(
    AdjustmentStatus,
    "Where a change is on its way; it counts only when read back (CONFIRMED).",
    {
        AdjustmentStatus.PENDING: "Waits for its turn, its funding, the next try, or to learn what the last one did.",
        AdjustmentStatus.SENDING: "A worker is at it.",
        AdjustmentStatus.APPLIED: "The platform accepted it; it is not read back yet.",
        AdjustmentStatus.CONFIRMED: "Read back from the platform as intended.",
        AdjustmentStatus.FAILED: "Not applied; the reason says why. A person may send it again.",
        AdjustmentStatus.UNKNOWN: "The platform shows neither the old nor the new amount, or did not answer.",
        AdjustmentStatus.REVERTED: "The change that restores what it changed is confirmed.",
    },
)


AdjustmentStatuses = Annotated[
    list[AdjustmentStatus] | None, strawberry.argument(description="Only these; all when left out.")
]


@shows(Value)
@strawberry.type(description="An approved budget change on its way to its platform.")
class Adjustment(Node):
    """An adjustment."""

    version: int = strawberry.field(description="Goes up with every change; send it back as expectedVersion.")
    status: AdjustmentStatus = strawberry.field(description="Where it is on its way.")
    budget_before: Money = strawberry.field(description="The daily budget seen before the change.")
    intended_budget: Money = strawberry.field(description="The absolute daily budget to set.")
    auto_approved: bool = strawberry.field(description="Whether guardrails let it pass without a person.")
    attempts: int = strawberry.field(description="How often a worker has tried to send it.")
    created_at: DateTime = strawberry.field(description="When it was approved.")
    dispatched_at: DateTime | None = strawberry.field(description="When a worker last took it up.")
    confirmed_at: DateTime | None = strawberry.field(description="When it was read back as intended.")
    platform_execution_id: str | None = strawberry.field(description="The platform's own id of the request.")
    failure_code: str | None = strawberry.field(description="Why it failed or waits, for a program.")
    failure_reason: str | None = strawberry.field(description="Why it failed or waits, for a person.")
    reason: str | None = strawberry.field(description="Why it restores another change; null for one that does not.")
    value: strawberry.Private[Value]

    @strawberry.field(description="The change that it undoes, if it is a restoring one.", directives=[SAME_FOR_ALL])
    async def restores(self, info: Info) -> Annotated["Adjustment", strawberry.lazy("schema.adjustments")] | None:
        """The original."""
        found: Adjustment | None = view(await _named(info, self.value.restores_id))
        return found

    @strawberry.field(
        description="The newest change that undoes it, on its way, done or failed.", directives=[SAME_FOR_ALL]
    )
    async def restored_by(self, info: Info) -> Annotated["Adjustment", strawberry.lazy("schema.adjustments")] | None:
        """The restoring change."""
        found: Adjustment | None = view(await _named(info, self.value.restored_by_id))
        return found

    @strawberry.field(description="Who approved it.", directives=[SAME_FOR_ALL])
    def approved_by(self) -> Actor | None:
        """The approver."""
        return Actor.member(self.value.approved_by_id)

    @strawberry.field(description="The recommendation it carries out.", directives=[SAME_FOR_ALL])
    async def recommendation(
        self, info: Info
    ) -> Annotated["Recommendation", strawberry.lazy("schema.recommendations")] | None:
        """The recommendation."""
        found: Recommendation | None = view(await info.context.loaders.recommendation(self.value.recommendation_id))
        return found

    @strawberry.field(description="The campaign whose budget changes.", directives=[SAME_FOR_ALL])
    async def campaign(self, info: Info) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None:
        """The campaign."""
        found: Campaign | None = view(await info.context.loaders.campaign(self.value.campaign_id))
        return found

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
            reason=value.reason,
            value=value,
        )


async def _named(info: Info, id_: UUID | None) -> Value | None:
    return None if id_ is None else await info.context.loaders.adjustment(id_)


@strawberry.type(description="The adjustment changed meanwhile.")
class AdjustmentVersionConflict(VersionConflict):
    """The loser's answer."""

    current: Adjustment | None = strawberry.field(description="The adjustment as it is now.")


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class AdjustmentPayload:
    """The payload of every mutation on one adjustment."""

    adjustment: Adjustment | None = strawberry.field(description="The adjustment afterwards; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="What a reversal left; on a refusal userErrors says why and nothing changed.")
class AdjustmentRevertPayload:
    """The payload of adjustmentRevert."""

    adjustment: Adjustment | None = strawberry.field(
        description="The change to be undone, REVERTED when that is confirmed; null on a refusal."
    )
    restoring: Adjustment | None = strawberry.field(description="The change that undoes it; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was queued.")
