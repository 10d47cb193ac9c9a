"""Which candidates may take part in a plan, and in which range each may move. Must not look at returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from domain.rebalancing.allocation import Grid
from domain.rebalancing.history import HistorySummary, summarise
from domain.rebalancing.rationale import money
from domain.rebalancing.values import BudgetCandidate, RebalanceSettings, SkippedCandidate, SkipReason

#: A newest complete day older than this means that syncing stopped or the campaign did.
_STALE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Eligible:
    """A candidate that may move, its days in numbers, and its grid."""

    candidate: BudgetCandidate
    history: HistorySummary
    grid: Grid


def skip(candidate: BudgetCandidate, reason: SkipReason, sentence: str) -> SkippedCandidate:
    """A candidate left as it is."""
    return SkippedCandidate(candidate.budget_id, candidate.campaign_id, reason, sentence)


def screen(
    candidates: Sequence[BudgetCandidate], settings: RebalanceSettings
) -> tuple[list[Eligible], list[SkippedCandidate]]:
    """Split candidates into those that may move and those that may not, in the order given."""
    eligible: list[Eligible] = []
    skipped: list[SkippedCandidate] = []
    for candidate in candidates:
        history = summarise(candidate, settings)
        grid = movable_range(candidate, settings)
        refusal = _refuse(candidate, history, grid, settings)
        if refusal is None:
            eligible.append(Eligible(candidate, history, grid))
        else:
            skipped.append(refusal)
    return eligible, skipped


def movable_range(candidate: BudgetCandidate, settings: RebalanceSettings) -> Grid:
    """From where to where the budget may go in one plan: change per day, floor, cap and rejected direction together."""
    now = candidate.daily_budget_micros
    most = int((now * Decimal(str(settings.max_change_share))).to_integral_value(ROUND_FLOOR))
    lower, upper = max(candidate.min_daily_micros, now - most), now + most
    if candidate.max_daily_micros is not None:
        upper = min(candidate.max_daily_micros, upper)
    if candidate.blocked_direction == "UP":
        upper = min(upper, now)
    if candidate.blocked_direction == "DOWN":
        lower = max(lower, now)
    return Grid(max(lower, candidate.step_micros), upper, candidate.step_micros, candidate.rate_to_reporting)


def _refuse(
    candidate: BudgetCandidate, history: HistorySummary, grid: Grid, settings: RebalanceSettings
) -> SkippedCandidate | None:
    """The first reason for which a candidate may not move, the ones a person can act on first."""
    if candidate.frozen:
        reason = candidate.frozen_reason or "it is locked at the moment"
        return skip(candidate, SkipReason.FROZEN, f"{candidate.name} stays as it is: {reason.rstrip('.')}.")
    too_young = _refuse_history(candidate, history, settings)
    if too_young is not None:
        return too_young
    now = candidate.daily_budget_micros
    cap = candidate.max_daily_micros
    if now < candidate.min_daily_micros or (cap is not None and now > cap):
        amount = money(now, candidate.currency_code)
        sentence = f"{candidate.name} is set to {amount} a day, outside its limits; a person has to correct that first."
        return skip(candidate, SkipReason.OUTSIDE_LIMITS, sentence)
    if grid.lowest > grid.highest or grid.lowest * grid.step_micros > now or _only_present(grid, now):
        sentence = f"{candidate.name} cannot move: its limits leave no other amount within today's largest change."
        if candidate.blocked_direction is not None:
            sentence += " One direction was rejected by a reviewer in this period."
        return skip(candidate, SkipReason.NO_ROOM, sentence)
    return None


def _only_present(grid: Grid, now: int) -> bool:
    return grid.lowest == grid.highest and grid.lowest * grid.step_micros == now


def _refuse_history(
    candidate: BudgetCandidate, history: HistorySummary, settings: RebalanceSettings
) -> SkippedCandidate | None:
    """Too few days, or none that are recent."""
    need = settings.min_history_days
    if history.last_day is None or history.complete_days < need:
        sentence = (
            f"{candidate.name} has {history.complete_days} complete days with spend; suggestions start at {need}. "
            "Until then its budget stays as it is and out of the plan."
        )
        return skip(candidate, SkipReason.INSUFFICIENT_HISTORY, sentence)
    if candidate.today - history.last_day > timedelta(days=_STALE_DAYS):
        sentence = (
            f"{candidate.name} has no spend after {history.last_day.isoformat()}; its old numbers say too little "
            "about today. Check whether it is running and its data arrive."
        )
        return skip(candidate, SkipReason.STALE_DATA, sentence)
    if history.mature_days < max(1, need - settings.attribution_delay_days):
        sentence = (
            f"{candidate.name} has only {history.mature_days} days whose revenue has settled; a few more are needed "
            "before a suggestion."
        )
        return skip(candidate, SkipReason.INSUFFICIENT_HISTORY, sentence)
    return None
