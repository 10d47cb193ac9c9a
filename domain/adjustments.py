"""Adjustments: approved budget changes on their way to a platform. Pure.

    PENDING -> SENDING -> APPLIED -> CONFIRMED
                  |           |
                  +-> FAILED  +-> UNKNOWN (somebody else changed the budget, or the answer was lost)

An adjustment says the absolute amount, never a difference: sending it twice changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID


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
    AdjustmentStatus.APPLIED: frozenset({AdjustmentStatus.CONFIRMED, AdjustmentStatus.UNKNOWN}),
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
