"""What guardrails would have done, as clients see it. No logic."""

from enum import StrEnum
from typing import Self

import strawberry

from domain.guardrails import Verdict
from domain.recommendations import Recommendation as RecommendationValue
from schema.enums import describe_enum
from schema.guardrails import GuardrailViolation
from schema.recommendations import Recommendation


class GuardrailOutcome(StrEnum):
    """What would have become of a recommendation."""

    AUTO_APPROVED = "AUTO_APPROVED"
    NEEDS_REVIEW = "NEEDS_REVIEW"
    BLOCKED = "BLOCKED"


describe_enum(
    GuardrailOutcome,
    "What would have become of a recommendation with auto-approval on.",
    {
        GuardrailOutcome.AUTO_APPROVED: "Inside both kinds of guardrail.",
        GuardrailOutcome.NEEDS_REVIEW: "Inside the hard limits, outside a threshold.",
        GuardrailOutcome.BLOCKED: "Outside a hard limit.",
    },
)


@strawberry.type(description="One recommendation of the last week and what it would have met.")
class GuardrailPreviewItem:
    """An item."""

    recommendation: Recommendation | None = strawberry.field(description="The recommendation as it is now.")
    outcome: GuardrailOutcome = strawberry.field(description="What would have become of it.")
    violations: list[GuardrailViolation] = strawberry.field(description="What it breaks; at most one of a kind.")

    @classmethod
    def of(cls, value: RecommendationValue, verdict: Verdict) -> Self:
        """The clients' view of a recommendation and its verdict."""
        outcome = GuardrailOutcome.AUTO_APPROVED if verdict.automatic else GuardrailOutcome.NEEDS_REVIEW
        return cls(
            recommendation=Recommendation.of(value),
            outcome=GuardrailOutcome.BLOCKED if verdict.limits else outcome,
            violations=[GuardrailViolation.of(each, value.currency_code) for each in verdict.violations],
        )


@strawberry.type(description="What last week's recommendations would have met. Nothing is changed by asking.")
class GuardrailPreview:
    """A preview."""

    considered: int = strawberry.field(description="Recommendations of the last seven days; at most the newest 500.")
    auto_approved: int = strawberry.field(description="Those inside both kinds of guardrail.")
    needs_review: int = strawberry.field(description="Those inside the hard limits, outside a threshold.")
    blocked: int = strawberry.field(description="Those outside a hard limit.")
    items: list[GuardrailPreviewItem] = strawberry.field(description="The newest of them, at most 100.")
