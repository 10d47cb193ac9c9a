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


@dataclass(frozen=True, slots=True)
class PlanShare:
    """What an adjustment of a plan moves, or several together that stand alike and go the same way, reporting micros.

    `tried`: it was sent before, or was about to be.
    """

    status: AdjustmentStatus
    tried: bool
    delta_reporting_micros: int

    @property
    def may_be_spent(self) -> bool:
        """Whether its money may be spent on the platform; also while it waits to be tried again.

        The answer of the last try may have been lost after it was applied.
        """
        return (self.tried and self.status is AdjustmentStatus.PENDING) or self.status in _TAKEN


def _shares(siblings: Sequence[Adjustment], except_id: UUID) -> list[PlanShare]:
    return [
        PlanShare(each.status, each.dispatched_at_utc is not None, each.delta_reporting_micros)
        for each in siblings
        if each.id != except_id
    ]


def funding(adjustment: Adjustment, siblings: Sequence[Adjustment]) -> Funding:
    """As `funding_beside`, given all adjustments of its plan (itself may be among them)."""
    return funding_beside(adjustment, _shares(siblings, adjustment.id))


def funding_beside(adjustment: Adjustment, others: Sequence[PlanShare]) -> Funding:
    """Whether an adjustment may be sent now, given what the others of its plan move.

    Decreases are always ready. An increase is ready when confirmed decreases cover it and every increase already on
    its way; it waits while pending decreases could still cover it; otherwise its money is lost and it must fail.
    """
    if _uncovered_micros(adjustment, others, _FREED) <= 0:
        return Funding.READY
    return Funding.WAITING if _uncovered_micros(adjustment, others, _FREED | _HOPE) <= 0 else Funding.LOST


def uncovered_micros(adjustment: Adjustment, siblings: Sequence[Adjustment]) -> int:
    """What an adjustment would spend beyond what its plan's decreases free, reporting micros; <= 0 is covered.

    A decrease that may still be confirmed counts as one that is.

    Args:
        adjustment: a decrease is covered, whatever the others do.
        siblings: all adjustments of its plan; itself may be among them.
    """
    return _uncovered_micros(adjustment, _shares(siblings, adjustment.id), _FREED | _HOPE)


def _uncovered_micros(
    adjustment: Adjustment, others: Sequence[PlanShare], freed_by: frozenset[AdjustmentStatus]
) -> int:
    """As `uncovered_micros`; a decrease counts in the states `freed_by`."""
    need = adjustment.delta_reporting_micros
    if need <= 0:
        return 0
    freed = -sum(s.delta_reporting_micros for s in others if s.delta_reporting_micros < 0 and s.status in freed_by)
    taken = sum(s.delta_reporting_micros for s in others if s.delta_reporting_micros > 0 and s.may_be_spent)
    return need + taken - freed
