"""Difference in differences: how much more the treated changed than the untouched did. Pure.

Each unit counts with one number, its change of mean from before to after, so days that hang together do not feign
precision (Bertrand, Duflo and Mullainathan 2004). The spread comes from the untouched units alone, which holds for a
single treated unit too (Conley and Taber 2011); it assumes that units are about equally noisy, so give units of
different size as multiples of their own mean before.
"""

import math

import numpy as np

from domain.lift.student import critical, probability_within
from domain.lift.values import LEVEL, Floats, Lift, LiftMethod, Panel


def difference_in_differences(panel: Panel) -> Lift:
    """The treated units' change less the untouched units' change, with a t interval of 90 %."""
    treated, untouched = unit_changes(panel.treated, panel.before), unit_changes(panel.untouched, panel.before)
    n, m = treated.size, untouched.size
    effect = float(treated.mean() - untouched.mean())
    error = float(untouched.std(ddof=1)) * math.sqrt(1 / n + 1 / m)
    margin = critical(LEVEL, m - 1) * error
    after = panel.treated.shape[1] - panel.before
    return Lift(
        method=LiftMethod.DIFFERENCE_IN_DIFFERENCES,
        effect=effect,
        low=effect - margin,
        high=effect + margin,
        counterfactual=float(panel.treated[:, panel.before :].mean()) - effect,
        total=effect * n * after,
        p_value=p_value(effect, error, m - 1),
        treated_units=n,
        untouched_units=m,
        before_days=panel.before,
        after_days=after,
    )


def p_value(effect: float, error: float, degrees: int) -> float:
    """How likely an effect of this size is by chance alone; 0 or 1 where the untouched units do not vary at all."""
    if error == 0.0:
        return 1.0 if effect == 0.0 else 0.0
    return 1.0 - probability_within(abs(effect) / error, degrees)


def unit_changes(units: Floats, before: int) -> Floats:
    """Each unit's mean after less its mean before; shape (units,)."""
    return np.asarray(units[:, before:].mean(axis=1) - units[:, :before].mean(axis=1))
