"""The dashboard's figures from counts and sums that were worked out by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain.overviews import (
    BudgetImpact,
    ExecutedMove,
    Outcome,
    OutcomeCounts,
    ProposalCount,
    ProposedAction,
    TrackedSums,
    overview,
)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def move(delta: int, seconds: int = 60, proposer: str = "rebalancer", attempts: int = 1) -> ExecutedMove:
    return ExecutedMove(proposer, delta, attempts, NOON, NOON + timedelta(seconds=seconds))


def count(action: ProposedAction, outcome: Outcome, n: int, proposer: str | None = "rebalancer") -> ProposalCount:
    return ProposalCount(action, outcome, n, proposer)


@pytest.mark.req("AS-09")
def test_the_totals_and_the_share_executed_of_the_source_documents_example() -> None:
    """127 actions, 98 executed, 15 pending, 14 rejected: 77.2 %."""
    found = overview(
        [
            count(ProposedAction.INCREASE, Outcome.EXECUTED, 60),
            count(ProposedAction.DECREASE, Outcome.EXECUTED, 30),
            count(ProposedAction.PAUSE, Outcome.EXECUTED, 8, None),
            count(ProposedAction.INCREASE, Outcome.PENDING, 15),
            count(ProposedAction.DECREASE, Outcome.REJECTED, 14),
        ],
        [],
        [],
    )
    assert found.counts == OutcomeCounts(127, 98, 15, 14, 0)
    assert round((found.counts.execution_share or 0) * 100, 1) == 77.2
    assert [(action, each.total) for action, each in found.by_action] == [
        (ProposedAction.INCREASE, 75),
        (ProposedAction.DECREASE, 44),
        (ProposedAction.PAUSE, 8),
        (ProposedAction.RESUME, 0),
    ]
    # The pauses are nobody's proposal.
    assert [(each.proposer, each.counts.total) for each in found.by_proposer] == [("rebalancer", 119)]


@pytest.mark.req("AS-09")
def test_increases_and_decreases_do_not_cancel_but_their_net_does() -> None:
    found = overview([], [move(12_450), move(-3_000), move(-280)], [])
    assert found.impact == BudgetImpact(12_450, 3_280)
    assert found.impact.net_micros == 9_170


@pytest.mark.req("RO-14")
def test_each_proposer_has_its_own_figures() -> None:
    """How often it proposes, what is executed of it, what that moves, how often it is sent and how fast it is confirmed."""
    found = overview(
        [count(ProposedAction.INCREASE, Outcome.NOT_DONE, 2, "rules")],
        [move(5, 10, attempts=2), move(-5, 30), move(7, 50, "shift")],
        [],
    )
    rebalancer, rules, shift = found.by_proposer
    assert (rebalancer.proposer, rebalancer.attempts, rebalancer.median_seconds_to_confirm) == ("rebalancer", 3, 20.0)
    assert (rules.counts, rules.median_seconds_to_confirm) == (OutcomeCounts(2, 0, 0, 0, 2), None)
    assert (shift.impact, shift.counts.total) == (BudgetImpact(7, 0), 0)


@pytest.mark.req("AS-09")
def test_revenue_is_summed_at_each_days_rate_and_the_ratio_leaves_out_days_without_revenue() -> None:
    found = overview([], [], [TrackedSums(Decimal(1), 100, 300, 50), TrackedSums(Decimal("1.1"), 100, 330, 100)])
    assert (found.spend_micros, found.revenue_micros) == (210, 663)
    assert found.average_roas == 663 / 160


def test_nothing_gives_nothing_and_no_division() -> None:
    found = overview([], [], [])
    assert (found.counts.execution_share, found.average_roas, found.by_proposer) == (None, None, [])
