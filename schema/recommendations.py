"""Recommendations as clients see them: the type, its inputs, payloads and typed errors. No logic."""

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from domain.guardrails import Violation
from domain.recommendations import Choice, RecommendationStatus
from domain.recommendations import Recommendation as Value
from schema.actors import Actor
from schema.audiences import SAME_FOR_ALL
from schema.base import DateTime, Money, Node, UserError, global_id
from schema.conflicts import VersionConflict
from schema.context import Info
from schema.enums import describe_enum
from schema.guardrails import GuardrailViolation
from schema.lazy import computed, lazily, over, same
from schema.nodes import shows, view
from schema.platforms import Platform
from schema.presences import Presence
from schema.response_curves import ResponseCurve

if TYPE_CHECKING:
    from schema.adjustments import Adjustment
    from schema.campaigns import Campaign
    from schema.plans import Plan

describe_enum(
    RecommendationStatus,
    "Where a recommendation is. Only what NEEDS_REVIEW can be decided.",
    {
        RecommendationStatus.NEEDS_REVIEW: "Waits for a person.",
        RecommendationStatus.APPROVED: "A person, or automation inside its guardrails, said yes; it is on the way.",
        RecommendationStatus.REJECTED: "A person said no, with a reason.",
        RecommendationStatus.EXPIRED: "Nobody decided in time.",
        RecommendationStatus.SUPERSEDED: "A newer plan took its place.",
        RecommendationStatus.STALE: "Its budget was changed elsewhere, or its ad account was disconnected; "
        "decisionReason says which.",
    },
)
describe_enum(
    Choice,
    "What to do with one item of many.",
    {Choice.APPROVE: "Approve it.", Choice.REJECT: "Reject it; this needs a reason."},
    name="RecommendationChoice",
)


RecommendationStatuses = Annotated[
    list[RecommendationStatus] | None, strawberry.argument(description="Only these; all when left out.")
]
OnlyPlatform = Annotated[Platform | None, strawberry.argument(description="Only this one; all when left out.")]


def _delta(proposed_micros: int, current_micros: int, currency: str) -> Money:
    return Money.of(proposed_micros - current_micros, currency)


def _violations(found: tuple[Violation, ...], currency: str) -> list[GuardrailViolation]:
    return [GuardrailViolation.of(each, currency) for each in found]


@shows(Value)
@lazily(
    {
        "id": computed(partial(global_id, "Recommendation"), "id"),
        "version": same("version"),
        "status": same("status"),
        "platform": same("platform"),
        "campaign_name": same("campaign_name"),
        "current_budget": computed(Money.of, "current_micros", "currency_code"),
        "suggested_budget": computed(Money.of, "suggested_micros", "currency_code"),
        "proposed_budget": computed(Money.of, "proposed_micros", "currency_code"),
        "delta": computed(_delta, "proposed_micros", "current_micros", "currency_code"),
        "roas_now": same("roas_now"),
        "roas_expected": same("roas_expected"),
        "roas_change_low": same("roas_change_low"),
        "roas_change_high": same("roas_change_high"),
        "expected_revenue_change": computed(Money.of, "revenue_change_reporting_micros", "reporting_currency_code"),
        "confidence": same("confidence"),
        "rationale": same("rationale"),
        "created_at": same("created_at_utc"),
        "expires_at": same("expires_at_utc"),
        "decided_at": same("decided_at_utc"),
        "decision_reason": same("decision_reason"),
        "auto_approved": same("auto_approved"),
        "needs_review_because": computed(_violations, "needs_review_because", "currency_code"),
    },
    {
        "decided_by": ("decided_by_id",),
        "campaign": ("campaign_id",),
        "plan": ("plan_id",),
        "adjustment": ("adjustment_id",),
        "presences": ("id",),
    },
)
@strawberry.type(description="A proposed change of one daily budget, waiting for or past its review.")
class Recommendation(Node):
    """A recommendation."""

    version: int = strawberry.field(description="Goes up with every change; send it back as expectedVersion.")
    status: RecommendationStatus = strawberry.field(description="Where it is.")
    platform: Platform = strawberry.field(description="Whose budget would change.")
    campaign_name: str = strawberry.field(description="The campaign's name when this was proposed.")
    current_budget: Money = strawberry.field(description="The daily budget when this was proposed.")
    suggested_budget: Money = strawberry.field(description="What the proposer said; never changes.")
    proposed_budget: Money = strawberry.field(description="What an approval will send, edited or not.")
    delta: Money = strawberry.field(description="Proposed less current; negative frees money.")
    roas_now: float = strawberry.field(description="Revenue per unit spent at the current budget.")
    roas_expected: float = strawberry.field(description="The same at the suggested budget.")
    roas_change_low: float = strawberry.field(description="Lower end of the 90 % interval of the ROAS change.")
    roas_change_high: float = strawberry.field(description="Upper end of the 90 % interval of the ROAS change.")
    expected_revenue_change: Money = strawberry.field(description="A day, in the reporting currency.")
    confidence: float = strawberry.field(description="Probability, 0 to 1, that the change helps.")
    rationale: str = strawberry.field(description="Why, in sentences for a marketing lead.")
    created_at: DateTime = strawberry.field(description="When it was proposed.")
    expires_at: DateTime = strawberry.field(description="Until when it can be decided.")
    decided_at: DateTime | None = strawberry.field(description="When it was decided or lapsed.")
    decision_reason: str | None = strawberry.field(
        description="What a rejection gave as its reason, or why it is stale."
    )
    auto_approved: bool = strawberry.field(description="Approved without a person, inside both kinds of guardrail.")
    needs_review_because: list[GuardrailViolation] = strawberry.field(
        description="Which guardrails keep automation from it, as judged last; at most one of a kind. Empty where "
        "automation could approve it."
    )
    value: strawberry.Private[Value]

    @strawberry.field(description="Who decided; null while open or when it lapsed.", directives=[SAME_FOR_ALL])
    def decided_by(self) -> Actor | None:
        """The decider."""
        return Actor.member(self.value.decided_by_id)

    @strawberry.field(description="The campaign whose budget would change.", directives=[SAME_FOR_ALL])
    async def campaign(self, info: Info) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None:
        """The campaign."""
        found: Campaign | None = view(await info.context.loaders.campaign(self.value.campaign_id))
        return found

    @strawberry.field(description="The plan it is part of: its deltas add up to zero.", directives=[SAME_FOR_ALL])
    async def plan(self, info: Info) -> Annotated["Plan", strawberry.lazy("schema.plans")] | None:
        """The plan."""
        found: Plan | None = view(await info.context.loaders.plan(self.value.plan_id))
        return found

    @strawberry.field(description="The change an approval queued.", directives=[SAME_FOR_ALL])
    async def adjustment(self, info: Info) -> Annotated["Adjustment", strawberry.lazy("schema.adjustments")] | None:
        """The adjustment."""
        if self.value.adjustment_id is None:
            return None
        found: Adjustment | None = view(await info.context.loaders.adjustment(self.value.adjustment_id))
        return found

    @strawberry.field(
        description="The fitted curve it rests on; null where its proposer fits none, and for older ones.",
        directives=[SAME_FOR_ALL],
    )
    async def response_curve(self, info: Info) -> ResponseCurve | None:
        """The curve."""
        found = await info.context.loaders.response_curve(self.value.id)
        return None if found is None else ResponseCurve.of(found, self.value.currency_code)

    @strawberry.field(
        description="Who is looking at or editing it right now; at most one entry a member.", directives=[SAME_FOR_ALL]
    )
    async def presences(self, info: Info) -> list[Presence]:
        """Presences."""
        return [Presence.of(value) for value in await info.context.loaders.presences_at(self.value.id)]

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return over(cls, value)


@strawberry.input(one_of=True, description="The wanted budget: a percentage or an absolute amount, exactly one.")
class BudgetChangeInput:
    """RB-F2's edit."""

    percent: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="Of the current budget, above -100 and up to 1000; 15 is 15 % more."
    )
    daily_budget: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="The daily budget itself, in the account's currency."
    )


@strawberry.input(description="One item of a batch of decisions.")
class RecommendationDecisionInput:
    """An item."""

    id: strawberry.ID = strawberry.field(description="Global id of the recommendation.")
    expected_version: int = strawberry.field(description="The version you saw; another one is a conflict.")
    choice: Choice = strawberry.field(description="Approve or reject.")
    reason: str | None = strawberry.field(default=None, description="Needed for a rejection, 1 to 500 characters.")
    idempotency_key: str = strawberry.field(description="Of your choosing, 1 to 128 characters, for this item.")


@strawberry.type(description="Somebody else changed the recommendation first.")
class RecommendationVersionConflict(VersionConflict):
    """The loser's answer."""

    current: Recommendation | None = strawberry.field(description="The recommendation as it is now.")


@strawberry.type(description="The decision would rest on a budget that somebody changed on its platform.")
class BudgetChangedElsewhere(UserError):
    """Refused: the budget is another one now."""

    daily_budget: Money = strawberry.field(description="What stands on the platform now, a day.")


@strawberry.type(description="The approved decreases of the plan do not pay for this increase.")
class PlanUnfunded(UserError):
    """An unpaid increase."""

    shortfall: Money = strawberry.field(description="What is missing a day, in the reporting currency.")


@strawberry.type(description="What a decision left; on a refusal userErrors says why and nothing changed.")
class RecommendationPayload:
    """The payload of every mutation on one recommendation."""

    recommendation: Recommendation | None = strawberry.field(description="As it is afterwards; null on a refusal.")
    adjustment: Annotated["Adjustment", strawberry.lazy("schema.adjustments")] | None = strawberry.field(
        description="The change an approval queued."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="A result for each item of a batch, in the order sent.")
class RecommendationsDecidePayload:
    """The payload of a batch."""

    results: list[RecommendationPayload] = strawberry.field(description="At most 100, in the order sent.")
    user_errors: list[UserError] = strawberry.field(description="Why the batch as a whole was refused.")
