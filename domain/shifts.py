"""Shifts: budget that leaves one campaign and reaches another, or neither moves (GO-05). Pure.

    OPEN -> DONE             both legs are confirmed
         -> RESTORING        the second leg failed: what left the first campaign is put back
         -> NOT_MOVED        nothing moved, or all was put back
         -> FLAGGED          nobody knows, or it takes too long: a person looks, while the work goes on

A shift's two legs are a plan of their own: the increase waits until the decrease is confirmed and fails without it
(domain/plans.py). So money can only hang between the legs, never be spent twice. A flag is no end: what happens to the
legs later still settles the shift.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.errors import InvalidInput
from domain.platforms import PlatformLimits
from domain.recommendations import reporting_delta_micros

#: The name under which plans of shifts stand beside those of proposers.
PROPOSER: Final = "shift"
#: How long money may hang between the legs before people are told; with the job's pace it is under a minute.
FLAG_AFTER: Final = timedelta(seconds=45)

_DONE: Final = frozenset({AdjustmentStatus.CONFIRMED, AdjustmentStatus.REVERTED})


class ShiftStatus(StrEnum):
    """Where a shift is."""

    OPEN = "OPEN"
    RESTORING = "RESTORING"
    DONE = "DONE"
    NOT_MOVED = "NOT_MOVED"
    FLAGGED = "FLAGGED"


#: States that nothing changes any more.
ENDED: Final = frozenset({ShiftStatus.DONE, ShiftStatus.NOT_MOVED})


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift of budget between two campaigns, with its reason for attribution (GO-07).

    Attributes:
        plan_id: the plan that holds its two legs.
        amount_reporting_micros: what leaves the first campaign a day, in the reporting currency.
        reason: 1 to 500 characters.
        flagged_at_utc, flag_reason: the newest flag; they stay when it settles later.
        ended_at_utc: when it was DONE or NOT_MOVED.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    version: int
    status: ShiftStatus
    plan_id: UUID
    from_campaign_id: UUID
    to_campaign_id: UUID
    from_adjustment_id: UUID
    to_adjustment_id: UUID
    amount_reporting_micros: int
    reporting_currency_code: str
    reason: str
    requested_by_id: str
    requested_at_utc: datetime
    flagged_at_utc: datetime | None = None
    flag_reason: str | None = None
    ended_at_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class Legs:
    """A shift's changes as they stand; `back` restores the first one, if that was begun."""

    source: Adjustment
    target: Adjustment
    back: Adjustment | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a shift comes to now. `restore`: the first leg is to be put back. `why`: of a flag, for a person."""

    status: ShiftStatus
    restore: bool = False
    why: str | None = None


def finding(legs: Legs, now_utc: datetime) -> Finding:
    """What the legs' states mean for their shift."""
    source, target = legs.source.status, legs.target.status
    if source is AdjustmentStatus.UNKNOWN:
        return _flag("what became of the decrease is not known")
    if target is AdjustmentStatus.UNKNOWN:
        return _flag("the decrease is made; what became of the increase is not known")
    match source:
        case AdjustmentStatus.FAILED | AdjustmentStatus.REVERTED:
            return _without_decrease(target)
        case AdjustmentStatus.CONFIRMED:
            return _after_decrease(legs, now_utc)
        case _:
            return _in_between(legs, now_utc)


def _without_decrease(target: AdjustmentStatus) -> Finding:
    """The decrease failed, or was put back, whoever did it. An increase that waits then fails at its next turn."""
    if target in {AdjustmentStatus.FAILED, AdjustmentStatus.REVERTED}:
        return Finding(ShiftStatus.NOT_MOVED)
    if target is AdjustmentStatus.CONFIRMED:
        return _flag("the increase stands without the decrease that paid for it")
    return Finding(ShiftStatus.OPEN)


def _after_decrease(legs: Legs, now_utc: datetime) -> Finding:
    back = legs.back
    if legs.target.status is AdjustmentStatus.CONFIRMED and (back is None or back.status is AdjustmentStatus.FAILED):
        return Finding(ShiftStatus.DONE)
    if legs.target.status not in {AdjustmentStatus.FAILED, AdjustmentStatus.REVERTED}:
        return _in_between(legs, now_utc)
    if back is None:
        return Finding(ShiftStatus.RESTORING, restore=True)
    if back.status in {AdjustmentStatus.FAILED, AdjustmentStatus.UNKNOWN}:
        return _flag(f"the decrease could not be put back: {back.failure_reason or back.status.value}")
    return _in_between(legs, now_utc, ShiftStatus.RESTORING)


def _in_between(legs: Legs, now_utc: datetime, status: ShiftStatus = ShiftStatus.OPEN) -> Finding:
    """Something is on its way; money that hangs between the legs for too long is told."""
    since = _hanging_since(legs)
    if since is not None and now_utc - since >= FLAG_AFTER:
        return _flag("the budget has left one campaign and neither reached the other nor come back yet")
    return Finding(status)


def _hanging_since(legs: Legs) -> datetime | None:
    """Since when money may have left one campaign without an end in sight; None while nothing was sent.

    One clock for all that follows: what begins later, a confirmation or the way back, starts none anew.
    """
    last = legs.back or legs.target
    return None if last.status in _DONE else legs.source.sent_at_utc or legs.source.confirmed_at_utc


def _flag(why: str) -> Finding:
    return Finding(ShiftStatus.FLAGGED, why=why)


def settled(shift: Shift, found: Finding, now_utc: datetime) -> Shift | None:
    """The shift after a finding; None where that changes nothing."""
    if shift.status in ENDED or (found.status is shift.status and found.why in {None, shift.flag_reason}):
        return None
    if found.status is ShiftStatus.FLAGGED:
        return replace(
            shift, status=found.status, version=shift.version + 1, flagged_at_utc=now_utc, flag_reason=found.why
        )
    if shift.status is ShiftStatus.FLAGGED and found.status not in ENDED:
        # It stays flagged until it ends: a flag that came and went would say that all is well.
        return None
    ended = now_utc if found.status in ENDED else None
    return replace(shift, status=found.status, version=shift.version + 1, ended_at_utc=ended)


@dataclass(frozen=True, slots=True)
class Amounts:
    """The two new daily budgets, account micros, and what leaves and arrives, reporting micros (leaving <= 0)."""

    source_micros: int
    target_micros: int
    leaving_reporting_micros: int
    arriving_reporting_micros: int


def amounts(
    source: tuple[int, Decimal, PlatformLimits], target: tuple[int, Decimal, PlatformLimits], amount_micros: int
) -> Amounts:
    """How a shift changes both budgets: what arrives is never more than what leaves.

    Args:
        source: current daily budget (account micros), rate to the reporting currency, the platform's limits.
        target: likewise.
        amount_micros: what is to leave, in the source account's micros, > 0.

    Raises:
        InvalidInput: nothing would move, or a budget would fall under its platform's minimum.
    """
    (before, rate, limits), (to_before, to_rate, to_limits) = source, target
    leaving = amount_micros // limits.step_micros * limits.step_micros
    if leaving <= 0:
        raise InvalidInput("shift at least one step of the platform's currency", path=("amount",))
    if before - leaving < limits.min_daily_micros:
        raise InvalidInput(
            f"this would leave {(before - leaving) / 1_000_000:.2f} a day; the platform accepts no daily budget under "
            f"{limits.min_daily_micros / 1_000_000:g}",
            path=("amount",),
        )
    wanted = (leaving * rate / to_rate).to_integral_value(ROUND_FLOOR)
    arriving = int(wanted) // to_limits.step_micros * to_limits.step_micros
    freed = -reporting_delta_micros(-leaving, rate)
    if reporting_delta_micros(arriving, to_rate) > freed:
        # Both are rounded against spending, so that the last micro may be missing.
        arriving -= to_limits.step_micros
    if arriving <= 0 or reporting_delta_micros(arriving, to_rate) > freed:
        raise InvalidInput("so little would not arrive: shift more", path=("amount",))
    return Amounts(
        source_micros=before - leaving,
        target_micros=to_before + arriving,
        leaving_reporting_micros=-freed,
        arriving_reporting_micros=reporting_delta_micros(arriving, to_rate),
    )
