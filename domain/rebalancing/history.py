"""Candidates' days as arrays: which days count, how much, and what the last weeks were. Must not fit anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.metrics import DailyMetric
from domain.rebalancing.curves import Floats
from domain.rebalancing.values import BudgetCandidate, RebalanceSettings

#: The window quoted in rationales, in mature days back from the first immature one.
RECENT_DAYS = 28
_DELIVERY_DAYS = 7


@dataclass(frozen=True, slots=True)
class HistorySummary:
    """One candidate's days in numbers. Account micros.

    Attributes:
        complete_days: days before today, inside the window, with spend.
        mature_days: those whose revenue has arrived.
        last_day: the youngest complete day with spend, None without any.
        peak_spend_micros: the largest day's spend among the last seven complete days.
        recent_spend_micros, recent_revenue_micros: sums over the last 28 mature days.
    """

    complete_days: int
    mature_days: int
    last_day: date | None
    peak_spend_micros: int
    recent_spend_micros: int
    recent_revenue_micros: int


@dataclass(frozen=True, slots=True)
class HistoryPanel:
    """Mature days of n candidates on one grid of T dates. Money in account units (not micros).

    Attributes:
        spend, revenue: shape (n, T); 0 where a day does not count.
        weight: shape (n, T), how much a day counts, 0..1; 0 where there is none.
        weekday: shape (T,), 0 = Monday.
    """

    spend: Floats
    revenue: Floats
    weight: Floats
    weekday: NDArray[np.intp]


def complete_days(candidate: BudgetCandidate, settings: RebalanceSettings) -> dict[date, tuple[int, int]]:
    """Spend and revenue micros by day, of days before the account's today with spend, inside the window."""
    first = candidate.today - timedelta(days=settings.history_days)
    days: dict[date, tuple[int, int]] = {}
    for row in candidate.metrics:
        if first <= row.day < candidate.today:
            days[row.day] = _plus(days.get(row.day, (0, 0)), row)
    return {day: sums for day, sums in days.items() if sums[0] > 0}


def _plus(sums: tuple[int, int], row: DailyMetric) -> tuple[int, int]:
    return sums[0] + row.spend_micros, sums[1] + row.revenue_micros


def mature_until(candidate: BudgetCandidate, settings: RebalanceSettings) -> date:
    """The youngest day whose revenue is taken as arrived."""
    return candidate.today - timedelta(days=settings.attribution_delay_days + 1)


def summarise(candidate: BudgetCandidate, settings: RebalanceSettings) -> HistorySummary:
    """The candidate's days in numbers."""
    days = complete_days(candidate, settings)
    mature = mature_until(candidate, settings)
    since = mature - timedelta(days=RECENT_DAYS - 1)
    recent = [sums for day, sums in days.items() if since <= day <= mature]
    delivery_since = candidate.today - timedelta(days=_DELIVERY_DAYS)
    return HistorySummary(
        complete_days=len(days),
        mature_days=sum(day <= mature for day in days),
        last_day=max(days, default=None),
        peak_spend_micros=max((spend for day, (spend, _) in days.items() if day >= delivery_since), default=0),
        recent_spend_micros=sum(spend for spend, _ in recent),
        recent_revenue_micros=sum(revenue for _, revenue in recent),
    )


def panel(candidates: Sequence[BudgetCandidate], settings: RebalanceSettings) -> HistoryPanel:
    """The mature days of the candidates (at least one, each with a mature day) on one grid of dates."""
    last = max(mature_until(candidate, settings) for candidate in candidates)
    first = min(candidate.today for candidate in candidates) - timedelta(days=settings.history_days)
    width = (last - first).days + 1
    spend, revenue, weight = (np.zeros((len(candidates), width)) for _ in range(3))
    for row, candidate in enumerate(candidates):
        mature = mature_until(candidate, settings)
        for day, (spent, earned) in complete_days(candidate, settings).items():
            if day <= mature:
                column = (day - first).days
                spend[row, column] = spent / 1e6
                revenue[row, column] = earned / 1e6
                weight[row, column] = 0.5 ** ((mature - day).days / settings.half_life_days)
    weekday = (first.weekday() + np.arange(width)) % 7
    return HistoryPanel(spend, revenue, weight, weekday)
