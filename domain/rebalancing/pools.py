"""The budgets that may move, their fitted curves in reporting money, and what a split of them is worth.

Owns the objective: margin, which is the margin share times revenue. A budget without a known margin takes the mean of
those known in the pool; where none is known every margin counts as 1, so that revenue is compared. Must not decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from domain.rebalancing.allocation import StepAllocation, allocate_in_steps
from domain.rebalancing.curves import Floats, HillCurves
from domain.rebalancing.history import panel
from domain.rebalancing.responses import FittedResponses, fit_responses
from domain.rebalancing.screening import Eligible
from domain.rebalancing.values import RebalanceSettings

#: A budget whose best day of the last week spent less than this share of it does not deliver what it has.
_DELIVERING_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class Pool:
    """n eligible budgets. Arrays have shape (n,), draws (draws, n); money in reporting micros a day.

    Attributes:
        margins: share of revenue that counts for each budget, 0..1.
        assumed_margin: what stands in where no margin is known.
        present: today's budgets.
        revenue, sampled_revenue: fitted revenue curves, and samples of them.
    """

    members: tuple[Eligible, ...]
    fit: FittedResponses
    margins: Floats
    assumed_margin: float
    present: Floats
    revenue: HillCurves
    sampled_revenue: HillCurves

    def split(self, active: Sequence[int]) -> StepAllocation:
        """The best split of the active members' present money over them, on their grids."""
        index = np.array(active, dtype=np.intp)
        curves = self.revenue
        margin_curves = HillCurves(
            curves.reference[index],
            (curves.level * self.margins)[index],
            curves.half_point[index],
            curves.ceiling[index],
        )
        grids = [self.members[position].grid for position in active]
        return allocate_in_steps(margin_curves, self.money(active), grids)

    def money(self, active: Sequence[int]) -> Fraction:
        """The present budgets of the active members together, exact reporting micros."""
        chosen = (self.members[position].candidate for position in active)
        return sum((Fraction(one.rate_to_reporting) * one.daily_budget_micros for one in chosen), Fraction(0))


def build_pool(members: Sequence[Eligible], settings: RebalanceSettings) -> Pool | None:
    """Fit the members (at least one); None when none of them had any settled revenue."""
    candidates = [member.candidate for member in members]
    fit = fit_responses(panel(candidates, settings), [candidate.platform for candidate in candidates])
    if fit is None:
        return None
    rates = np.array([float(candidate.rate_to_reporting) for candidate in candidates])
    present = rates * np.array([candidate.daily_budget_micros for candidate in candidates], dtype=np.float64)
    reference = fit.reference * 1e6 * rates
    ceiling = rates * np.array([_ceiling(member) for member in members])
    margins, assumed = _margins(members)
    noise = np.random.default_rng(settings.seed).standard_normal((2, settings.draws, len(members)))
    sampled_roas = np.exp(fit.log_roas + noise[0] * fit.log_roas_sd)
    sampled_half_point = np.exp(np.clip(fit.log_half_point + noise[1] * fit.log_half_point_sd, -6.0, 6.0))
    return Pool(
        members=tuple(members),
        fit=fit,
        margins=margins,
        assumed_margin=assumed,
        present=present,
        revenue=HillCurves(reference, np.exp(fit.log_roas) * reference, np.exp(fit.log_half_point), ceiling),
        sampled_revenue=HillCurves(reference, sampled_roas * reference, sampled_half_point, ceiling),
    )


def _ceiling(member: Eligible) -> float:
    """Account micros that the budget manages to spend; inf where it spends what it has.

    The best of the last seven days counts, not their mean: a budget raised the day before has six days of lower spend
    behind it and must not be cut back for them.
    """
    peak, budget = member.history.peak_spend_micros, member.candidate.daily_budget_micros
    return float(peak) if 0 < peak < _DELIVERING_SHARE * budget else float("inf")


def _margins(members: Sequence[Eligible]) -> tuple[Floats, float]:
    known = [float(one.candidate.product_margin) for one in members if one.candidate.product_margin is not None]
    assumed = sum(known) / len(known) if known else 1.0
    own = (one.candidate.product_margin for one in members)
    return np.array([assumed if margin is None else float(margin) for margin in own]), assumed
