"""Plans: the proposals made together, and the rule that what is approved of a plan never overspends. Pure.

The deltas of a plan sum to zero, so each increase is paid for by decreases. Approving only the increases would spend
money nobody freed: an increase may be approved only as far as approved decreases of the same plan cover it, and is sent
only as far as *confirmed* decreases cover it, because an approval frees nothing until the platform has obeyed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.adjustments import Adjustment, AdjustmentStatus


@dataclass(frozen=True, slots=True)
class SkippedBudget:
    """Why a budget got no proposal: a stable code and a sentence for a person."""

    campaign_id: UUID
    campaign_name: str
    code: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of a proposer over a workspace. Amounts in micros of `currency_code`, the reporting currency.

    `approved_increase_micros` and `approved_decrease_micros` (both >= 0) count what was approved so far.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    proposer: str
    created_at_utc: datetime
    expires_at_utc: datetime
    currency_code: str
    unallocated_micros: int
    explanation: str
    skipped: tuple[SkippedBudget, ...]
    approved_increase_micros: int
    approved_decrease_micros: int
    version: int


def shortfall_micros(plan: Plan, more_increase: int, more_decrease: int) -> int:
    """How much an approval (micros, both >= 0) would spend beyond what the plan's decreases free; <= 0 is fine."""
    return plan.approved_increase_micros + more_increase - plan.approved_decrease_micros - more_decrease


class Funding(StrEnum):
    """Whether an approved increase may be sent."""

    READY = "READY"
    WAITING = "WAITING"
    LOST = "LOST"


# A reverted change counts as it did: the change that restored it counts the other way.
_FREED = frozenset({AdjustmentStatus.CONFIRMED, AdjustmentStatus.REVERTED})
_TAKEN = frozenset(
    {
        AdjustmentStatus.SENDING,
        AdjustmentStatus.APPLIED,
        AdjustmentStatus.CONFIRMED,
        AdjustmentStatus.UNKNOWN,
        AdjustmentStatus.REVERTED,
    }
)
_HOPE = frozenset({AdjustmentStatus.PENDING, AdjustmentStatus.SENDING, AdjustmentStatus.APPLIED})


def _may_spend(adjustment: Adjustment) -> bool:
    """Whether its money may be spent on the platform; also while it waits to be tried again.

    The answer of the last try may have been lost after it was applied.
    """
    tried = adjustment.status is AdjustmentStatus.PENDING and adjustment.dispatched_at_utc is not None
    return tried or adjustment.status in _TAKEN


def funding(adjustment: Adjustment, siblings: Sequence[Adjustment]) -> Funding:
    """Whether an adjustment may be sent now, given all adjustments of its plan (itself may be among them).

    Decreases are always ready. An increase is ready when confirmed decreases cover it and every increase already on
    its way; it waits while pending decreases could still cover it; otherwise its money is lost and it must fail.
    """
    if uncovered_micros(adjustment, siblings, freed_by=_FREED) <= 0:
        return Funding.READY
    return Funding.WAITING if uncovered_micros(adjustment, siblings) <= 0 else Funding.LOST


def uncovered_micros(
    adjustment: Adjustment, siblings: Sequence[Adjustment], *, freed_by: frozenset[AdjustmentStatus] = _FREED | _HOPE
) -> int:
    """What an adjustment would spend beyond what its plan's decreases free, reporting micros; <= 0 is covered.

    Args:
        adjustment: a decrease is covered, whatever the others do.
        siblings: all adjustments of its plan; itself may be among them.
        freed_by: states in which a decrease counts; left out, also those that may still be confirmed.
    """
    need = adjustment.delta_reporting_micros
    if need <= 0:
        return 0
    others = [sibling for sibling in siblings if sibling.id != adjustment.id]
    freed = -sum(s.delta_reporting_micros for s in others if s.delta_reporting_micros < 0 and s.status in freed_by)
    taken = sum(s.delta_reporting_micros for s in others if s.delta_reporting_micros > 0 and _may_spend(s))
    return need + taken - freed
