"""The rebalancer: proposes moving daily budgets to where the next unit of money earns most. Pure; decides nothing.

    values      what goes in and what comes out
    screening   who may take part, and how far each may move
    history     days as arrays
    responses   fitted saturating curves, shrunk across campaigns
    curves      concave curve families
    allocation  equal marginal return under bounds, exact on the platforms' steps
    pools       the objective: margin in the reporting currency
    proposals   what a split brings; rationale: in words; told_curves: in points
    plans       `propose_plan`

`allocate`, `allocate_in_steps` and the curve families stand alone and know no campaigns.
"""

from domain.rebalancing.allocation import Allocation, Grid, StepAllocation, allocate, allocate_in_steps
from domain.rebalancing.curves import ConcaveCurves, HillCurves, PiecewiseLinearCurves
from domain.rebalancing.plans import propose_plan
from domain.rebalancing.values import (
    BudgetCandidate,
    Interval,
    MoneyInterval,
    Proposal,
    RebalancePlan,
    RebalanceSettings,
    SkippedCandidate,
    SkipReason,
)

__all__ = [
    "Allocation",
    "BudgetCandidate",
    "ConcaveCurves",
    "Grid",
    "HillCurves",
    "Interval",
    "MoneyInterval",
    "PiecewiseLinearCurves",
    "Proposal",
    "RebalancePlan",
    "RebalanceSettings",
    "SkipReason",
    "SkippedCandidate",
    "StepAllocation",
    "allocate",
    "allocate_in_steps",
    "propose_plan",
]
