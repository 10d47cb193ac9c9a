"""The dashboard of some days: what was proposed, what became of it, money moved, what campaigns brought. Pure.

What was proposed counts on the day it was proposed, budgets as pauses; money moved counts on the day it was read back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from statistics import median


class ProposedAction(StrEnum):
    """What would be done to a campaign or its budget."""

    INCREASE = "INCREASE"
    DECREASE = "DECREASE"
    PAUSE = "PAUSE"
    RESUME = "RESUME"


class Outcome(StrEnum):
    """What became of a proposal so far."""

    EXECUTED = "EXECUTED"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    NOT_DONE = "NOT_DONE"


@dataclass(frozen=True, slots=True)
class ProposalCount:
    """So many proposals of one proposer that would do one thing, with one outcome. `proposer`: None for a person's."""

    action: ProposedAction
    outcome: Outcome
    count: int
    proposer: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutedMove:
    """A budget change that was read back, of a proposer's. `attempts`: how often it was taken up to be sent."""

    proposer: str
    delta_reporting_micros: int
    attempts: int
    created_at_utc: datetime
    confirmed_at_utc: datetime


@dataclass(frozen=True, slots=True)
class TrackedSums:
    """Days' sums that share one rate to the reporting currency, account micros.

    `spend_with_revenue_micros` is the spend of the days whose revenue some source gives.
    """

    rate_to_reporting: Decimal
    spend_micros: int
    revenue_micros: int
    spend_with_revenue_micros: int


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """How many proposals, and what became of them; `pending` wait for a decision or are on their way."""

    total: int
    executed: int
    pending: int
    rejected: int
    not_done: int

    @property
    def execution_share(self) -> float | None:
        """Executed of all, 0 to 1; None without any."""
        return self.executed / self.total if self.total else None

    @classmethod
    def of(cls, counts: Iterable[ProposalCount]) -> "OutcomeCounts":
        """The sums."""
        sums = dict.fromkeys(Outcome, 0)
        for each in counts:
            sums[each.outcome] += each.count
        return cls(
            sum(sums.values()),
            sums[Outcome.EXECUTED],
            sums[Outcome.PENDING],
            sums[Outcome.REJECTED],
            sums[Outcome.NOT_DONE],
        )


@dataclass(frozen=True, slots=True)
class BudgetImpact:
    """Daily budget that executed changes moved, reporting micros; both >= 0."""

    increase_micros: int
    decrease_micros: int

    @property
    def net_micros(self) -> int:
        """Added less taken away."""
        return self.increase_micros - self.decrease_micros

    @classmethod
    def of(cls, moves: Iterable[ExecutedMove]) -> "BudgetImpact":
        """The sums."""
        deltas = [each.delta_reporting_micros for each in moves]
        return cls(sum(each for each in deltas if each > 0), -sum(each for each in deltas if each < 0))


@dataclass(frozen=True, slots=True)
class ProposerOverview:
    """One proposer's part: what it proposed, what its executed changes moved, how often they were sent and how fast."""

    proposer: str
    counts: OutcomeCounts
    impact: BudgetImpact
    attempts: int
    median_seconds_to_confirm: int | None


@dataclass(frozen=True, slots=True)
class Overview:
    """A dashboard's figures; money in reporting micros.

    `average_roas` is revenue per unit spent over the days whose revenue is known; None without such spend.
    """

    counts: OutcomeCounts
    by_action: Sequence[tuple[ProposedAction, OutcomeCounts]]
    by_proposer: Sequence[ProposerOverview]
    impact: BudgetImpact
    spend_micros: int
    revenue_micros: int
    average_roas: float | None


def overview(
    proposals: Sequence[ProposalCount], moves: Sequence[ExecutedMove], tracked: Sequence[TrackedSums]
) -> Overview:
    """The figures of a stretch of days."""
    proposers = {each.proposer for each in proposals if each.proposer is not None} | {each.proposer for each in moves}
    spent, revenue, known = (
        sum(int((micros * each.rate_to_reporting).to_integral_value()) for micros, each in column)
        for column in (
            [(each.spend_micros, each) for each in tracked],
            [(each.revenue_micros, each) for each in tracked],
            [(each.spend_with_revenue_micros, each) for each in tracked],
        )
    )
    return Overview(
        counts=OutcomeCounts.of(proposals),
        by_action=[
            (action, OutcomeCounts.of(each for each in proposals if each.action is action)) for action in ProposedAction
        ],
        by_proposer=[_of_proposer(name, proposals, moves) for name in sorted(proposers)],
        impact=BudgetImpact.of(moves),
        spend_micros=spent,
        revenue_micros=revenue,
        average_roas=revenue / known if known else None,
    )


def _of_proposer(name: str, proposals: Sequence[ProposalCount], moves: Sequence[ExecutedMove]) -> ProposerOverview:
    mine = [each for each in moves if each.proposer == name]
    seconds = [(each.confirmed_at_utc - each.created_at_utc).total_seconds() for each in mine]
    return ProposerOverview(
        proposer=name,
        counts=OutcomeCounts.of(each for each in proposals if each.proposer == name),
        impact=BudgetImpact.of(mine),
        attempts=sum(each.attempts for each in mine),
        median_seconds_to_confirm=round(median(seconds)) if seconds else None,
    )
