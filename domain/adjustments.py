"""Adjustments: approved budget changes on their way to a platform. Pure.

    PENDING -> SENDING -> APPLIED -> CONFIRMED
                  |           |
                  +-> FAILED  +-> UNKNOWN (somebody else changed the budget, or the answer was lost)

An adjustment says the absolute amount, never a difference: sending it twice changes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.errors import InvalidTransition, PlatformError
from domain.platforms import BudgetType, PlatformBudget


class AdjustmentStatus(StrEnum):
    """Where an adjustment is; a change counts only when it was read back (CONFIRMED)."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    APPLIED = "APPLIED"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


#: States from which nothing moves by itself.
SETTLED: Final = frozenset({AdjustmentStatus.CONFIRMED, AdjustmentStatus.FAILED, AdjustmentStatus.UNKNOWN})

ALLOWED: Final[dict[AdjustmentStatus, frozenset[AdjustmentStatus]]] = {
    AdjustmentStatus.PENDING: frozenset({AdjustmentStatus.SENDING, AdjustmentStatus.FAILED}),
    AdjustmentStatus.SENDING: frozenset(
        {
            AdjustmentStatus.PENDING,
            AdjustmentStatus.APPLIED,
            AdjustmentStatus.CONFIRMED,
            AdjustmentStatus.FAILED,
            AdjustmentStatus.UNKNOWN,
        }
    ),
    # A worker that takes over from a dead one starts at SENDING again: it reads the budget before anything else.
    AdjustmentStatus.APPLIED: frozenset(
        {AdjustmentStatus.SENDING, AdjustmentStatus.CONFIRMED, AdjustmentStatus.UNKNOWN}
    ),
    AdjustmentStatus.CONFIRMED: frozenset(),
    AdjustmentStatus.FAILED: frozenset({AdjustmentStatus.PENDING}),
    AdjustmentStatus.UNKNOWN: frozenset({AdjustmentStatus.PENDING}),
}

#: A worker's claim; sending stops well before it ends.
LEASE: Final = timedelta(seconds=60)
MAX_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An approved change. Amounts in account micros, `delta_reporting_micros` in the plan's reporting currency.

    `approved_by_id` is the deciding user's id; `auto_approved` marks what guardrails let pass alone.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    recommendation_id: UUID
    plan_id: UUID
    account_id: UUID
    budget_id: UUID
    campaign_id: UUID
    status: AdjustmentStatus
    version: int
    before_micros: int
    intended_micros: int
    delta_reporting_micros: int
    currency_code: str
    approved_by_id: str
    auto_approved: bool
    created_at_utc: datetime
    attempts: int
    not_before_utc: datetime
    lease_token: UUID | None
    lease_until_utc: datetime | None
    dispatched_at_utc: datetime | None
    confirmed_at_utc: datetime | None
    platform_execution_id: str | None
    failure_code: str | None
    failure_reason: str | None


def backoff(attempts: int, jitter: float, retry_after_seconds: float | None = None) -> timedelta:
    """How long to wait before the next attempt: exponential with full jitter, never under what the platform asked.

    Args:
        attempts: attempts made so far, >= 1.
        jitter: uniform in [0, 1).
        retry_after_seconds: the platform's own wish, if it told one.
    """
    ceiling = min(300.0, 2.0 ** min(attempts, 10))
    return timedelta(seconds=max(ceiling * jitter, retry_after_seconds or 0.0))


class Finding(StrEnum):
    """What a look at the platform's budget says about an adjustment that is about to be sent, or was."""

    SEND = "SEND"
    ALREADY_APPLIED = "ALREADY_APPLIED"
    CHANGED_ELSEWHERE = "CHANGED_ELSEWHERE"
    NOT_DAILY = "NOT_DAILY"


def finding(adjustment: Adjustment, observed: PlatformBudget) -> Finding:
    """Compare the budget as it stands with what was seen when proposed and with what is intended.

    Somebody else's edit is never overwritten; a budget that is no longer a daily one is not touched.
    """
    if observed.budget_type is not BudgetType.DAILY:
        return Finding.NOT_DAILY
    if observed.daily_budget_micros == adjustment.intended_micros:
        return Finding.ALREADY_APPLIED
    if observed.daily_budget_micros == adjustment.before_micros:
        return Finding.SEND
    return Finding.CHANGED_ELSEWHERE


def moved(adjustment: Adjustment, status: AdjustmentStatus, **changes: Any) -> Adjustment:
    """The adjustment in its next state. Raises InvalidTransition if there is no such step.

    A state that no worker needs to hold gives the lease back.
    """
    allowed = ALLOWED[adjustment.status]
    if status not in allowed:
        raise InvalidTransition(
            f"an adjustment cannot go from {adjustment.status.value} to {status.value}",
            state=adjustment.status.value,
            allowed=tuple(sorted(each.value for each in allowed)),
        )
    if status in SETTLED or status is AdjustmentStatus.PENDING:
        changes |= {"lease_token": None, "lease_until_utc": None}
    return replace(adjustment, status=status, version=adjustment.version + 1, **changes)


#: States from which a person may send an adjustment again.
RETRYABLE: Final = frozenset({AdjustmentStatus.FAILED, AdjustmentStatus.UNKNOWN})


def retried(adjustment: Adjustment, now_utc: datetime) -> Adjustment:
    """The adjustment queued again from the start, as a person asked. Raises InvalidTransition unless it is RETRYABLE.

    A worker may also give a SENDING one back to the queue; a person must not, because it may be on the wire.
    """
    if adjustment.status not in RETRYABLE:
        raise InvalidTransition(
            f"this adjustment is {adjustment.status.value}; only one that failed or is unknown can be sent again",
            state=adjustment.status.value,
        )
    return moved(
        adjustment,
        AdjustmentStatus.PENDING,
        attempts=0,
        not_before_utc=now_utc,
        failure_code=None,
        failure_reason=None,
    )


def after_failure(adjustment: Adjustment, error: PlatformError, jitter: float, now_utc: datetime) -> Adjustment:
    """Where a refused or failed attempt leaves an adjustment: queued again with backoff, failed, or unknown.

    Args:
        adjustment: in SENDING.
        error: what the platform did.
        jitter: uniform in [0, 1), for the backoff.
        now_utc: the moment.
    """
    facts: dict[str, Any] = {"failure_code": error.platform_code or error.code, "failure_reason": error.message}
    if error.retryable and adjustment.attempts < MAX_ATTEMPTS:
        wait = backoff(adjustment.attempts, jitter, error.retry_after_seconds)
        return moved(adjustment, AdjustmentStatus.PENDING, not_before_utc=now_utc + wait, **facts)
    status = AdjustmentStatus.FAILED if error.outcome_known else AdjustmentStatus.UNKNOWN
    return moved(adjustment, status, **facts)
