"""Synthetic control: untouched units mixed so that they move as the treated ones did before the change. Pure.

Every unit is measured from its own mean before (fixed effects); the weights are at least zero and sum to one, so that
nothing is extrapolated (Abadie, Diamond and Hainmueller 2010; the intercept as in Doudchenko and Imbens 2016). Several
treated units count as their mean. The interval and the p-value come from placebos: the same is done to untouched units,
which nobody changed, and what comes out for them is how wrong the method is here.
"""

import math
from itertools import combinations

import numpy as np

from domain.lift.student import critical
from domain.lift.values import LEVEL, Floats, Lift, LiftMethod, Panel

#: Placebo groups at most: all that there are where fewer, else a seeded draw.
_MAX_PLACEBOS = 200
#: Weights below this are none; the distances they weigh are of order one.
_NOTHING = 1e-12


def simplex_weights(target: Floats, units: Floats) -> Floats:
    """Weights of the units, >= 0 with sum 1, whose mix lies nearest to the target (least squares).

    Wolfe's algorithm (1976) for the point of a polytope nearest to the origin: exact after finitely many steps, so
    there is no step size and no stopping rule to tune.

    Args:
        target: shape (days,).
        units: shape (m, days), m >= 1.

    Returns:
        shape (m,).
    """
    away = units - target
    scale = math.sqrt(float((away * away).sum(axis=1).mean())) or 1.0
    gram = (away / scale) @ (away / scale).T
    chosen = [int(np.argmin(np.diag(gram)))]
    weights = np.array([1.0])
    for _ in range(10 * len(gram) + 100):
        slopes = gram[:, chosen] @ weights
        entering = int(np.argmin(slopes))
        if entering in chosen or slopes[entering] >= float(weights @ slopes[chosen]) - _NOTHING:
            break
        chosen, weights = _enlarged(gram, [*chosen, entering], np.append(weights, 0.0))
    found = np.zeros(len(gram))
    found[chosen] = weights
    return found


def _enlarged(gram: Floats, chosen: list[int], weights: Floats) -> tuple[list[int], Floats]:
    """The best mix of the chosen points, leaving out those that would get less than nothing."""
    while True:
        best = _affine_minimum(gram[np.ix_(chosen, chosen)])
        if bool((best > _NOTHING).all()):
            return chosen, best
        falling = best <= _NOTHING
        reach = weights[falling] / np.maximum(weights[falling] - best[falling], _NOTHING)
        weights = weights + min(1.0, float(reach.min())) * (best - weights)
        kept = weights > _NOTHING
        chosen = [index for index, stays in zip(chosen, kept, strict=True) if stays]
        weights = weights[kept] / weights[kept].sum()


def _affine_minimum(gram: Floats) -> Floats:
    """Weights with sum 1, of any sign, of the point nearest to the origin."""
    size = len(gram)
    system = np.ones((size + 1, size + 1))
    system[:size, :size], system[size, size] = gram, 0.0
    right = np.zeros(size + 1)
    right[size] = 1.0
    return np.asarray(np.linalg.lstsq(system, right, rcond=None)[0][:size])


def synthetic_control(panel: Panel) -> Lift:
    """The treated units against their synthetic control, with placebo interval (90 %) and p-value."""
    centred = panel.untouched - panel.untouched[:, : panel.before].mean(axis=1, keepdims=True)
    treated = panel.treated.mean(axis=0)
    effect = _effect(treated - treated[: panel.before].mean(), centred, panel.before)
    n, m = panel.treated.shape[0], panel.untouched.shape[0]
    placebos = _placebos(centred, panel.before, n)
    margin = critical(LEVEL, m - 1) * math.sqrt(float((placebos * placebos).mean()))
    after = treated.size - panel.before
    return Lift(
        method=LiftMethod.SYNTHETIC_CONTROL,
        effect=effect,
        low=effect - margin,
        high=effect + margin,
        counterfactual=float(treated[panel.before :].mean()) - effect,
        total=effect * n * after,
        # The real group counts among those that could have been drawn: never 0.
        p_value=(1 + int((np.abs(placebos) >= abs(effect)).sum())) / (1 + placebos.size),
        treated_units=n,
        untouched_units=m,
        before_days=panel.before,
        after_days=after,
    )


def _effect(treated: Floats, centred: Floats, before: int) -> float:
    weights = simplex_weights(treated[:before], centred[:, :before])
    return float((treated - weights @ centred)[before:].mean())


def _placebos(centred: Floats, before: int, size: int) -> Floats:
    """The effects on groups of untouched units, each against the untouched ones outside its group."""
    m = len(centred)
    size = min(size, m - 1)
    if math.comb(m, size) <= _MAX_PLACEBOS:
        groups = list(combinations(range(m), size))
    else:
        rng = np.random.default_rng(0)
        groups = [tuple(rng.choice(m, size, replace=False).tolist()) for _ in range(_MAX_PLACEBOS)]
    effects = []
    for group in groups:
        others = np.ones(m, dtype=bool)
        others[list(group)] = False
        effects.append(_effect(centred[list(group)].mean(axis=0), centred[others], before))
    return np.array(effects)
