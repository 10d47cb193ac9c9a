"""A member's fitted curve as points that can be drawn. Must not decide anything."""

from typing import Final

import numpy as np

from domain.rebalancing.curves import Floats, HillCurves
from domain.rebalancing.history import complete_days, mature_until
from domain.rebalancing.pools import Pool
from domain.rebalancing.values import RebalanceSettings
from domain.response_curves import CurvePoint, ResponseCurve

#: Steps from nothing to half as much again as the larger of both budgets; smooth enough to draw, small to keep.
_STEPS: Final = 12
_REACH: Final = 1.5
_INTERVAL: Final = (0.05, 0.95)


def curve_of(pool: Pool, position: int, proposed_micros: int, settings: RebalanceSettings) -> ResponseCurve:
    """The curve of one member of the pool about its present and its proposed budget, account micros."""
    candidate = pool.members[position].candidate
    present = candidate.daily_budget_micros
    reach = _REACH * max(present, proposed_micros)
    budgets = sorted({present, proposed_micros, *(round(reach * step / _STEPS) for step in range(_STEPS + 1))})
    rate = float(candidate.rate_to_reporting)
    amounts = rate * np.array(budgets, dtype=np.float64)
    expected = _at(pool.revenue, position, amounts)[0] / rate
    low, high = np.quantile(_at(pool.sampled_revenue, position, amounts) / rate, _INTERVAL, axis=0)
    days = complete_days(candidate, settings)
    spent = [spend for day, (spend, _) in days.items() if day <= mature_until(candidate, settings)]
    return ResponseCurve(
        points=tuple(
            CurvePoint(budget, round(float(low[place])), round(float(expected[place])), round(float(high[place])))
            for place, budget in enumerate(budgets)
        ),
        seen_low_micros=min(spent, default=0),
        seen_high_micros=max(spent, default=0),
        evidence=float(pool.fit.evidence[position]),
    )


def _at(curves: HillCurves, position: int, amounts: Floats) -> Floats:
    """One member's curve, or its draws, at several amounts: shape (draws, amounts)."""
    level, half_point = np.atleast_2d(curves.level), np.atleast_2d(curves.half_point)
    member = HillCurves(
        curves.reference[position], level[:, position, None], half_point[:, position, None], curves.ceiling[position]
    )
    return member.value(amounts[None, :])
