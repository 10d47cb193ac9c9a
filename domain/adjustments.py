"""Adjustments: approved budget changes on their way to a platform. Pure.

    PENDING -> SENDING -> APPLIED -> CONFIRMED -> REVERTED (when the change that restores it is CONFIRMED)
                  |           |
                  +-> FAILED  +-> UNKNOWN (somebody else changed the budget, or the answer was lost)

An adjustment says the absolute amount, never a difference: sending it twice changes nothing.

Before a worker calls the platform it stores its *intent*: what it saw just now, the send's own key, and when. While an
intent has no known outcome (`sent_at_utc` set, not settled) the platform is read first, and not before it has settled:
the intended amount means that the call went through, the amount before means send again, anything else is somebody's
edit, which is left alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.errors import InvalidTransition, PlatformError
from domain.platforms import BudgetType, PlatformBudget
from domain.retries import after_call


class AdjustmentStatus(StrEnum):
    """Where an adjustment is; a change counts only when it was read back (CONFIRMED)."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    APPLIED = "APPLIED"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    REVERTED = "REVERTED"


#: States from which nothing moves by itself.
SETTLED: Final = frozenset(
    {AdjustmentStatus.CONFIRMED, AdjustmentStatus.FAILED, AdjustmentStatus.UNKNOWN, AdjustmentStatus.REVERTED}
)

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
    # A worker that takes over from a dead one starts at SENDING again: it reads the budget before anything else. What
    # cannot be read back yet waits for the platform to settle.
    AdjustmentStatus.APPLIED: frozenset(
        {AdjustmentStatus.SENDING, AdjustmentStatus.PENDING, AdjustmentStatus.CONFIRMED, AdjustmentStatus.UNKNOWN}
    ),
    # A stray late write of a stale worker undid it: it is sent again.
    AdjustmentStatus.CONFIRMED: frozenset({AdjustmentStatus.PENDING, AdjustmentStatus.REVERTED}),
    AdjustmentStatus.REVERTED: frozenset(),
    AdjustmentStatus.FAILED: frozenset({AdjustmentStatus.PENDING}),
    AdjustmentStatus.UNKNOWN: frozenset({AdjustmentStatus.PENDING}),
}

#: Why a confirmed change waits again.
STRAYED_CODE: Final = "STRAY_WRITE"

#: How long after it was sent a change of ours may still come straying in. No platform tells; none queues for longer.
STRAYS_WITHIN: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An approved change. Amounts in account micros, `delta_reporting_micros` in the plan's reporting currency.

    `approved_by_id` is the deciding user's id; `auto_approved` marks what guardrails let pass alone.

    The intent of the newest send: `observed_micros` (what the platform showed just before), `send_key` (one per send),
    `sent_at_utc`. `recheck_at_utc`: when a confirmed change is to be read once more. A restoring change names the one
    it undoes in `restores_id` and why in `reason`; that one names it in `restored_by_id`.
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
    observed_micros: int | None = None
    send_key: UUID | None = None
    sent_at_utc: datetime | None = None
    recheck_at_utc: datetime | None = None
    restores_id: UUID | None = None
    restored_by_id: UUID | None = None
    reason: str | None = None


def is_due(adjustment: Adjustment, now_utc: datetime) -> bool:
    """Whether a worker may take it up by its own state alone: it waits and its time has come, or its lease ran out."""
    if adjustment.not_before_utc > now_utc:
        return False
    if adjustment.status is AdjustmentStatus.PENDING:
        return True
    held = adjustment.lease_until_utc is None or adjustment.lease_until_utc >= now_utc
    return adjustment.status in {AdjustmentStatus.SENDING, AdjustmentStatus.APPLIED} and not held


#: What `replace` clears when a send is known to have changed nothing.
NO_INTENT: Final[dict[str, Any]] = {"observed_micros": None, "send_key": None, "sent_at_utc": None}


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
        not_before_utc=max(now_utc, adjustment.not_before_utc),
        failure_code=None,
        failure_reason=None,
    )


def after_failure(
    adjustment: Adjustment, error: PlatformError, jitter: float, now_utc: datetime, settle: timedelta
) -> Adjustment:
    """Where a refused or failed call leaves an adjustment: queued again, failed, or unknown.

    An outcome that is not known is never final at once: the platform is given its settle time, then it is read.

    Args:
        adjustment: in SENDING.
        error: what the platform did; without a known outcome only if it was asked to change something.
        jitter: uniform in [0, 1), for the backoff.
        now_utc: the moment.
        settle: the platform's settle time.
    """
    left = after_call(error, adjustment.attempts, jitter, now_utc, settle, was_sent=adjustment.sent_at_utc is not None)
    facts: dict[str, Any] = {"failure_code": left.code, "failure_reason": left.reason}
    if left.not_before_utc is not None:
        facts["not_before_utc"] = left.not_before_utc
    return moved(adjustment, AdjustmentStatus(left.ending), **facts)


def strayed(confirmed: Adjustment, observed: PlatformBudget, others: Iterable[Adjustment]) -> bool:
    """Whether a confirmed change was undone by a late write of our own rather than by a person.

    Only an older change of the same budget, sent recently, can have done that: it set exactly what stood there before.

    Args:
        confirmed: the newest change of its budget.
        observed: the budget as it stands.
        others: other changes of the same budget.
    """
    if observed.budget_type is not BudgetType.DAILY or observed.daily_budget_micros != confirmed.before_micros:
        return False
    return any(
        each.intended_micros == observed.daily_budget_micros
        and each.sent_at_utc is not None
        and confirmed.sent_at_utc is not None
        and each.sent_at_utc >= confirmed.sent_at_utc - STRAYS_WITHIN
        for each in others
    )


def restoring(
    original: Adjustment,
    new_id: UUID,
    actor_id: str,
    reason: str,
    now_utc: datetime,
    older: Sequence[Adjustment] = (),
) -> Adjustment:
    """The change that puts back what `original` changed, queued. Raises InvalidTransition unless it is CONFIRMED.

    Args:
        original: the newest change of its budget.
        new_id: the restoring change's.
        actor_id: who wants it back.
        reason: why.
        now_utc: the moment.
        older: changes of the same budget below it to undo with the same stroke, the newest first; each must have left
            what the next one found. A restoring change counts in the plan of `original` with that plan's changes only.
    """
    if original.status is not AdjustmentStatus.CONFIRMED:
        raise InvalidTransition(
            f"this adjustment is {original.status.value}; only one that is CONFIRMED can be reverted",
            state=original.status.value,
            allowed=(AdjustmentStatus.CONFIRMED.value,),
        )
    its_plans = [each for each in (original, *older) if each.plan_id == original.plan_id]
    return replace(
        original,
        id=new_id,
        status=AdjustmentStatus.PENDING,
        version=1,
        before_micros=original.intended_micros,
        intended_micros=(original, *older)[-1].before_micros,
        delta_reporting_micros=-sum(each.delta_reporting_micros for each in its_plans),
        approved_by_id=actor_id,
        auto_approved=False,
        created_at_utc=now_utc,
        attempts=0,
        not_before_utc=now_utc,
        dispatched_at_utc=None,
        confirmed_at_utc=None,
        platform_execution_id=None,
        recheck_at_utc=None,
        restores_id=original.id,
        restored_by_id=None,
        reason=reason,
        **NO_INTENT,
    )
