"""How to split a budget over concave curves: equal marginal return inside bounds. Must not know campaigns.

`allocate` finds the split by bisection on the price of money (the marginal return at which every channel that is not at
a bound stops), on a logarithmic scale, so that it is as right for a budget of 1 as for 10,000,000 and for any size of
the returns. `allocate_in_steps` puts the same split on the platforms' grids and balances it in whole numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm

import numpy as np

from domain.rebalancing.curves import ConcaveCurves, Floats

#: Prices below this share of the best channel's are as good as nothing.
_WORTHLESS = 1e-12
_BISECTIONS = 200
#: Gains nearer to each other than this share are equal: differences of large values carry rounding noise.
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Allocation:
    """A split of money. `amounts` has shape (n,); `unallocated` is what found no room under the upper bounds, >= 0."""

    amounts: Floats
    unallocated: float


@dataclass(frozen=True, slots=True)
class StepAllocation:
    """A split on the platforms' grids: `amounts_micros` in each channel's own currency.

    `unallocated` >= 0 is what no further step fits into, in the budget's unit, exactly.
    """

    amounts_micros: tuple[int, ...]
    unallocated: Fraction


@dataclass(frozen=True, slots=True)
class Grid:
    """What one channel's amount may be: multiples of `step_micros` from `lower_micros` to `upper_micros`, own currency.

    `rate` turns the channel's currency into the budget's.
    """

    lower_micros: int
    upper_micros: int
    step_micros: int
    rate: Decimal

    @property
    def lowest(self) -> int:
        """The smallest allowed number of steps."""
        return -(-self.lower_micros // self.step_micros)

    @property
    def highest(self) -> int:
        """The largest allowed number of steps; below `lowest` if no multiple lies inside."""
        return self.upper_micros // self.step_micros


def allocate(curves: ConcaveCurves, budget: float, lower: Floats, upper: Floats) -> Allocation:
    """The split of `budget` with the greatest total value, each amount inside [lower, upper] (shape (n,), one unit).

    Raises:
        ValueError: a lower bound above its upper bound, or a budget below the sum of the lower bounds.
    """
    if np.any(lower > upper):
        raise ValueError("a lower bound lies above its upper bound")
    if budget < lower.sum() and not np.isclose(budget, lower.sum(), rtol=1e-12, atol=0.0):
        raise ValueError("the budget is smaller than the sum of the lower bounds")
    if budget >= upper.sum():
        return Allocation(upper.copy(), float(budget - upper.sum()))
    best = float(np.max(curves.marginal(lower)))
    cheap, dear = lower, upper
    if best > 0.0:
        cheap, dear = _bracket(curves, budget, (lower, upper), best)
    # Between the two brackets every unit is worth the same, so that any way of filling the gap is optimal.
    room = float((dear - cheap).sum())
    share = min(1.0, max(0.0, (budget - float(cheap.sum())) / room)) if room > 0.0 else 0.0
    return Allocation(np.clip(cheap + (dear - cheap) * share, lower, upper), 0.0)


def _bracket(curves: ConcaveCurves, budget: float, bounds: tuple[Floats, Floats], best: float) -> tuple[Floats, Floats]:
    """The splits just under and just over the budget, at prices next to each other."""
    lower, upper = bounds

    def at(price: float) -> Floats:
        return np.clip(curves.demand(price), lower, upper)

    low, high = best * _WORTHLESS, best * 2.0
    under, over = at(high), at(low)
    if over.sum() < budget:
        return over, upper
    for _ in range(_BISECTIONS):
        middle = float(np.sqrt(low) * np.sqrt(high))
        if not low < middle < high:
            break
        split = at(middle)
        if split.sum() < budget:
            high, under = middle, split
        else:
            low, over = middle, split
    return under, over


def allocate_in_steps(curves: ConcaveCurves, budget: Fraction, grids: Sequence[Grid]) -> StepAllocation:
    """The split of `budget` on the grids, never above it; the curves' amounts are micros in the budget's currency.

    With one currency and one step size the whole budget is placed, to the micro, as far as the upper bounds allow, and
    no split on the grid is worth more. Otherwise steps are only exchanged between channels whose steps cost the same.

    Raises:
        ValueError: a grid without a point, or a budget that does not reach the lowest points.
    """
    if any(grid.lowest > grid.highest for grid in grids):
        raise ValueError("a grid holds no allowed amount")
    rates = [Fraction(grid.rate) for grid in grids]
    scale = lcm(budget.denominator, *(rate.denominator for rate in rates))
    costs = [int(rate * scale) * grid.step_micros for rate, grid in zip(rates, grids, strict=True)]
    left = int(budget * scale) - sum(cost * grid.lowest for cost, grid in zip(costs, grids, strict=True))
    if left < 0:
        raise ValueError("the budget is smaller than the sum of the lowest allowed amounts")
    unit = np.array([float(rate) * grid.step_micros for rate, grid in zip(rates, grids, strict=True)])
    lower = np.array([grid.lowest for grid in grids]) * unit
    upper = np.array([grid.highest for grid in grids]) * unit
    ideal = allocate(curves, max(float(budget), float(lower.sum())), lower, upper).amounts
    # Rounding down first leaves less than a step per channel, which then goes where the next step returns most.
    counts = [
        min(grid.highest, max(grid.lowest, int(amount / size)))
        for amount, size, grid in zip(ideal, unit, grids, strict=True)
    ]
    left = int(budget * scale) - sum(cost * count for cost, count in zip(costs, counts, strict=True))
    order = np.argsort(-curves.marginal(np.array(counts) * unit), kind="stable")
    left = _settle(counts, costs, grids, [int(index) for index in order], left)
    _exchange(curves, counts, costs, (grids, unit))
    amounts = tuple(count * grid.step_micros for count, grid in zip(counts, grids, strict=True))
    return StepAllocation(amounts, Fraction(left, scale))


def _settle(counts: list[int], costs: list[int], grids: Sequence[Grid], order: list[int], left: int) -> int:
    """Take or give steps, best channels first, until the money left is not negative and no step fits. Returns it."""
    for index in reversed(order):
        if left < 0:  # only rounding in the division above can overspend, and then by a few steps
            taken = min(counts[index] - grids[index].lowest, -(left // costs[index]))
            counts[index] -= taken
            left += taken * costs[index]
    for most in (1, None):
        for index in order:
            room = min(grids[index].highest - counts[index], left // costs[index])
            given = room if most is None else min(room, most)
            counts[index] += given
            left -= given * costs[index]
    return left


def _exchange(curves: ConcaveCurves, counts: list[int], costs: list[int], grid: tuple[Sequence[Grid], Floats]) -> None:
    """Swap single steps of equal cost while that gains; on concave curves no single swap left means the best split.

    Rounding down and filling up is right for fine steps; on coarse ones curvature inside a step can prefer a neighbour.
    """
    grids, unit = grid
    lowest, highest = (
        np.array([getattr(one, name) for one in grids], dtype=np.float64) for name in ("lowest", "highest")
    )
    for cost in sorted(set(costs)):
        same = np.array([one == cost for one in costs])
        for _ in range(4 * len(counts)):  # each swap gains, so this only bounds a pathological family
            held = np.array(counts, dtype=np.float64)
            value = curves.value(held * unit)
            gain = np.where(same & (held < highest), curves.value((held + 1.0) * unit) - value, -np.inf)
            loss = np.where(same & (held > lowest), value - curves.value(np.maximum(held - 1.0, 0.0) * unit), np.inf)
            taker, giver = int(np.argmax(gain)), int(np.argmin(loss))
            if not gain[taker] > loss[giver] * (1.0 + _SAME):
                break
            counts[taker] += 1
            counts[giver] -= 1
