"""Recommendations: proposed budget changes and what people may do with them. Pure: values in, decisions out."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.errors import InvalidInput, InvalidTransition
from domain.guardrails import Violation
from domain.platforms import Platform, PlatformLimits
from kit.money import round_to_step
from kit.time import local_day


class RecommendationStatus(StrEnum):
    """Where a recommendation is. Only NEEDS_REVIEW can be decided."""

    NEEDS_REVIEW = "NEEDS_REVIEW"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A proposed change of one daily budget.

    Amounts in account micros unless named `_reporting_`. ROAS figures are revenue per unit spent; `confidence` is
    P(the change helps) in 0-1. `suggested_micros` is what the proposer said and never changes; `proposed_micros` is
    what an approval will send, edited or not. `rate_to_reporting` was fixed when the plan was made. `changed_*` says
    who touched it last, in any way: what the loser of a race is told. `auto_approved`: inside both kinds of guardrail,
    it was approved by the system; `needs_review_because` says which ones kept it from that.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    plan_id: UUID
    account_id: UUID
    budget_id: UUID
    campaign_id: UUID
    platform: Platform
    campaign_name: str
    currency_code: str
    reporting_currency_code: str
    rate_to_reporting: Decimal
    status: RecommendationStatus
    version: int
    current_micros: int
    suggested_micros: int
    proposed_micros: int
    delta_reporting_micros: int
    roas_now: float
    roas_expected: float
    roas_change_low: float
    roas_change_high: float
    revenue_change_reporting_micros: int
    confidence: float
    rationale: str
    created_at_utc: datetime
    expires_at_utc: datetime
    changed_by_id: str | None
    changed_at_utc: datetime | None
    decided_by_id: str | None
    decided_at_utc: datetime | None
    decision_reason: str | None
    adjustment_id: UUID | None
    auto_approved: bool = False
    needs_review_because: tuple[Violation, ...] = ()

    @property
    def delta_micros(self) -> int:
        """What would change, account micros; negative frees money."""
        return self.proposed_micros - self.current_micros


class Choice(StrEnum):
    """What to do with one item of many."""

    APPROVE = "APPROVE"
    REJECT = "REJECT"


MAX_REASON_CHARACTERS: Final = 500
#: A billion units a day: beyond any real budget, and far inside what both databases can count.
MAX_DAILY_MICROS: Final = 10**15


def reporting_delta_micros(delta_micros: int, rate: Decimal) -> int:
    """A delta in reporting micros, rounded up: a sum of rounded deltas then never understates what is spent."""
    return int((delta_micros * rate).to_integral_value(rounding="ROUND_CEILING"))


def _require_open(recommendation: Recommendation, now_utc: datetime) -> None:
    if recommendation.status is not RecommendationStatus.NEEDS_REVIEW:
        raise InvalidTransition(
            f"this recommendation is {recommendation.status.value}; only one that needs review can be decided",
            state=recommendation.status.value,
        )
    if now_utc >= recommendation.expires_at_utc:
        raise InvalidTransition("this recommendation has expired", state=RecommendationStatus.EXPIRED.value)


def approve(recommendation: Recommendation, actor_id: str, adjustment_id: UUID, now_utc: datetime) -> Recommendation:
    """The recommendation as approved. Raises InvalidTransition when it is closed or expired."""
    _require_open(recommendation, now_utc)
    return replace(
        recommendation,
        status=RecommendationStatus.APPROVED,
        version=recommendation.version + 1,
        changed_by_id=actor_id,
        changed_at_utc=now_utc,
        decided_by_id=actor_id,
        decided_at_utc=now_utc,
        adjustment_id=adjustment_id,
    )


def reject(recommendation: Recommendation, actor_id: str, reason: str, now_utc: datetime) -> Recommendation:
    """The recommendation as rejected, archived with a reason of 1-500 characters."""
    _require_open(recommendation, now_utc)
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(f"a reason has 1 to {MAX_REASON_CHARACTERS} characters", path=("reason",))
    return replace(
        recommendation,
        status=RecommendationStatus.REJECTED,
        version=recommendation.version + 1,
        changed_by_id=actor_id,
        changed_at_utc=now_utc,
        decided_by_id=actor_id,
        decided_at_utc=now_utc,
        decision_reason=reason,
    )


def edit(
    recommendation: Recommendation, actor_id: str, wanted_micros: int, limits: PlatformLimits, now_utc: datetime
) -> Recommendation:
    """The recommendation with another amount (account micros), rounded to the platform's step; still needs review.

    Raises:
        InvalidTransition: closed or expired.
        InvalidInput: below the platform's minimum, above a billion, or no change at all.
    """
    _require_open(recommendation, now_utc)
    if wanted_micros > MAX_DAILY_MICROS:
        raise InvalidInput("a daily budget is at most a billion", path=("change",))
    amount = round_to_step(wanted_micros, limits.step_micros)
    if amount < limits.min_daily_micros:
        raise InvalidInput(
            f"{recommendation.platform.value} accepts no daily budget under "
            f"{limits.min_daily_micros / 1_000_000:g} {recommendation.currency_code}",
            path=("change",),
        )
    if amount == recommendation.current_micros:
        raise InvalidInput("this would change nothing; reject the recommendation instead", path=("change",))
    return replace(
        recommendation,
        proposed_micros=amount,
        delta_reporting_micros=reporting_delta_micros(
            amount - recommendation.current_micros, recommendation.rate_to_reporting
        ),
        version=recommendation.version + 1,
        changed_by_id=actor_id,
        changed_at_utc=now_utc,
    )


def percent_of_current(recommendation: Recommendation, percent: Decimal) -> int:
    """The amount that a change of `percent` (-100 exclusive to 1000) of the current budget means, account micros."""
    if not percent.is_finite() or not Decimal(-100) < percent <= Decimal(1000):
        raise InvalidInput("a percentage lies above -100 and up to 1000", path=("change", "percent"))
    return int(recommendation.current_micros * (100 + percent) / 100)


def close(
    recommendation: Recommendation, status: RecommendationStatus, now_utc: datetime, reason: str | None = None
) -> Recommendation:
    """The recommendation closed by the system.

    EXPIRED when its time ran out, SUPERSEDED by a newer plan, STALE when its budget was changed elsewhere or its ad
    account was disconnected; `reason` says which.
    """
    if recommendation.status is not RecommendationStatus.NEEDS_REVIEW:
        raise InvalidTransition("only an open recommendation can be closed", state=recommendation.status.value)
    return replace(
        recommendation,
        status=status,
        version=recommendation.version + 1,
        changed_by_id=None,
        changed_at_utc=now_utc,
        decided_at_utc=now_utc,
        decision_reason=reason,
    )


#: Closed without anybody having had the chance to decide it: no review counts it.
UNCOUNTED: Final = frozenset({RecommendationStatus.SUPERSEDED, RecommendationStatus.STALE})


class Direction(StrEnum):
    """Which way a budget would move."""

    UP = "UP"
    DOWN = "DOWN"


def direction(recommendation: Recommendation) -> Direction:
    """Which way the proposer wanted the budget to move; an edit does not change what was rejected."""
    return Direction.UP if recommendation.suggested_micros > recommendation.current_micros else Direction.DOWN


def held_directions(
    rejected: Iterable[Recommendation], account_time_zone: str, hold_days: int, now_utc: datetime
) -> frozenset[Direction]:
    """Directions of one budget that may not be proposed again yet (RB-1.3).

    A rejected idea stays away for the rest of its account-zone day, plus `hold_days` further days.
    """
    today: date = local_day(now_utc, account_time_zone)
    return frozenset(
        direction(r)
        for r in rejected
        if r.decided_at_utc is not None
        and local_day(r.decided_at_utc, account_time_zone) + timedelta(days=hold_days) >= today
    )
