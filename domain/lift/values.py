"""What lift is measured on and what comes out. Values only; must not measure."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Of the intervals, everywhere: as the rebalancer's.
LEVEL = 0.90


class LiftMethod(StrEnum):
    """How lift was measured."""

    DIFFERENCE_IN_DIFFERENCES = "DIFFERENCE_IN_DIFFERENCES"
    SYNTHETIC_CONTROL = "SYNTHETIC_CONTROL"


@dataclass(frozen=True, slots=True)
class Panel:
    """Treated and untouched units over the same days, in any one unit of account.

    Attributes:
        treated: shape (n, days), n >= 1; all changed at the same time.
        untouched: shape (m, days), m >= 2; what was never changed in these days.
        before: how many of the days, from the first on, lie before the change; at least 1 and fewer than all.
    """

    treated: Floats
    untouched: Floats
    before: int

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        days = self.treated.shape[1]
        if self.treated.shape[0] < 1 or self.untouched.shape[0] < 2:  # noqa: PLR2004 - a spread takes two
            raise ValueError("lift needs a treated unit and two untouched ones")
        if self.untouched.shape[1] != days or not 1 <= self.before < days:
            raise ValueError("lift needs the same days of all units, before and after the change")
        if not (np.isfinite(self.treated).all() and np.isfinite(self.untouched).all()):
            raise ValueError("lift needs a value of every unit on every day")


@dataclass(frozen=True, slots=True)
class Lift:
    """An effect per treated unit and day, in the panel's unit of account.

    Attributes:
        effect: the average effect on the treated (ATT); `low` and `high` its 90 % interval.
        counterfactual: what a treated unit would have shown a day, by the method; `effect` is on top of it.
        total: the effect summed over treated units and days after.
        p_value: how often untouched units show as much by themselves, 0-1.
        treated_units, untouched_units: how many were compared.
        before_days, after_days: the days on each side.
    """

    method: LiftMethod
    effect: float
    low: float
    high: float
    counterfactual: float
    total: float
    p_value: float
    treated_units: int
    untouched_units: int
    before_days: int
    after_days: int

    @property
    def share(self) -> float | None:
        """The effect as a share of the counterfactual; None where that is not above zero."""
        return self.effect / self.counterfactual if self.counterfactual > 0 else None
