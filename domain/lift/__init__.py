"""Lift: what a change did, measured against what was not changed. Pure numpy; must not fetch or decide anything.

    values       what is measured and what comes out
    student      Student's t, for intervals
    differences  difference in differences
    synthetic    unit-demeaned simplex synthetic control, with placebos
    windows      which days count: mature, equal weekdays, not overlapping another change
    changes      budget changes among many budgets, one by one and pooled

A comparison of before and after alone is not lift: demand, season and prices move too. It is computed
(`windows.before_and_after`), and nothing here calls it lift.
"""

from domain.lift.changes import Change, ChangeResult, DayTable, ResultState, measure, pooled
from domain.lift.differences import difference_in_differences
from domain.lift.synthetic import simplex_weights, synthetic_control
from domain.lift.values import Lift, LiftMethod, Panel
from domain.lift.windows import MATURITY_DAYS, Windows, last_mature_day

__all__ = [
    "MATURITY_DAYS",
    "Change",
    "ChangeResult",
    "DayTable",
    "Lift",
    "LiftMethod",
    "Panel",
    "ResultState",
    "Windows",
    "difference_in_differences",
    "last_mature_day",
    "measure",
    "pooled",
    "simplex_weights",
    "synthetic_control",
]
