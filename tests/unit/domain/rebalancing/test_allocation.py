"""Equal marginal return under bounds: known optima, exactness, scale, and the published references."""

import csv
import os
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import ceil, floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rebalancing import Grid, HillCurves, PiecewiseLinearCurves, allocate, allocate_in_steps
from domain.rebalancing.curves import Floats


class _LogisticCurves:
    """beta * (1 - exp(-lambda x)) / (1 + exp(-lambda x)): a family that the product does not know."""

    def __init__(self, rate: Floats, size: Floats) -> None:
        self.rate, self.size = rate, size

    def value(self, amounts: Floats) -> Floats:
        return self.size * np.tanh(self.rate * amounts / 2)

    def marginal(self, amounts: Floats) -> Floats:
        return self.size * self.rate / 2 / np.cosh(self.rate * amounts / 2) ** 2

    def demand(self, price: float) -> Floats:
        return 2 / self.rate * np.arccosh(np.maximum(1.0, np.sqrt(self.size * self.rate / (2 * price))))


def test_the_synthetic_truth_of_a_published_media_mix_example_is_split_as_computed_elsewhere() -> None:
    curves = _LogisticCurves(np.array([4.0, 3.0]), np.array([3.0, 2.0]))
    split = allocate(curves, 1.0, np.zeros(2), np.ones(2)).amounts
    assert split.tolist() == pytest.approx([0.5689, 0.4311], abs=5e-5)
    assert float(curves.value(split).sum()) == pytest.approx(3.57984, abs=5e-6)
    assert float(curves.value(np.full(2, 0.5)).sum()) == pytest.approx(3.55508, abs=5e-6)


@pytest.mark.external_data
@pytest.mark.parametrize(
    ("bounds", "at_least"),
    [
        (None, 265_203_128),  # the table's own multipliers, against the published optimum
        ((Decimal("0.7"), Decimal("1.3")), 265_208_782),  # plain 30 %, against a greedy pass over the segments
    ],
)
def test_published_piecewise_linear_curves_reach_at_least_the_published_optimum(
    bounds: tuple[Decimal, Decimal] | None, at_least: int
) -> None:
    folder = os.environ.get("EXTERNAL_DATA")
    if not folder:
        pytest.skip("EXTERNAL_DATA names no folder")
    table = Path(folder) / "ads" / "meridian_published_curves_scenario_220M.csv"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    points, grids, baseline = [], [], 0.0
    for channel in sorted({row["channel"] for row in rows}):
        own = [row for row in rows if row["channel"] == channel]
        (now,) = (row for row in own if row["spend_level"] == "Non-optimized spend")
        curve = sorted((float(row["spend"]), float(row["mean"])) for row in own if not row["spend_level"])
        points.append(([spend for spend, _ in curve], [mean for _, mean in curve]))
        lower, upper = bounds or (Decimal(now["lower_bound"]), Decimal(now["upper_bound"]))
        spend = Decimal(now["spend"])
        grids.append(Grid(ceil(spend * lower), floor(spend * upper), 1, Decimal(1)))
        baseline += float(now["mean"])
    assert baseline == pytest.approx(258_493_024, abs=32)  # published in single precision
    curves = PiecewiseLinearCurves(points)
    split = allocate_in_steps(curves, Fraction(219_500_000), grids)
    assert sum(split.amounts_micros) == 219_500_000
    assert split.unallocated == 0
    for amount, grid in zip(split.amounts_micros, grids, strict=True):
        assert grid.lower_micros <= amount <= grid.upper_micros
    assert float(curves.value(np.array(split.amounts_micros, dtype=np.float64)).sum()) >= at_least


def _hills(levels: list[float], half_points: list[float], reference: float) -> HillCurves:
    count = len(levels)
    return HillCurves(
        np.full(count, reference), np.array(levels) * reference, np.array(half_points), np.full(count, np.inf)
    )


_CHANNELS = st.lists(st.tuples(st.floats(0.1, 10.0), st.floats(0.1, 10.0)), min_size=2, max_size=8)


@given(channels=_CHANNELS, magnitude=st.floats(-3.0, 13.0), share=st.floats(0.05, 0.95))
def test_every_inner_channel_has_the_same_marginal_return_at_any_magnitude(
    channels: list[tuple[float, float]], magnitude: float, share: float
) -> None:
    unit = 10.0**magnitude
    curves = _hills([level for level, _ in channels], [k for _, k in channels], unit)
    lower, upper = np.full(len(channels), 0.2 * unit), np.full(len(channels), 3.0 * unit)
    budget = float(lower.sum() + share * (upper - lower).sum())
    split = allocate(curves, budget, lower, upper)
    amounts, slopes = split.amounts, curves.marginal(split.amounts)
    assert split.unallocated == 0.0
    assert float(amounts.sum()) == pytest.approx(budget, rel=1e-12)
    assert np.all((amounts >= lower) & (amounts <= upper))
    for taker, giver in product(range(len(channels)), repeat=2):
        if amounts[taker] < upper[taker] * (1 - 1e-9) and amounts[giver] > lower[giver] * (1 + 1e-9):
            assert slopes[taker] <= slopes[giver] * (1 + 1e-6)


@given(channels=_CHANNELS, seed=st.integers(0, 1_000))
def test_the_order_of_channels_does_not_matter(channels: list[tuple[float, float]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(channels))
    curves = _hills([level for level, _ in channels], [k for _, k in channels], 1.0)
    shuffled = _hills([channels[one][0] for one in order], [channels[one][1] for one in order], 1.0)
    lower, upper = np.zeros(len(channels)), np.full(len(channels), 2.0)
    straight = allocate(curves, float(len(channels)), lower, upper).amounts
    assert allocate(shuffled, float(len(channels)), lower, upper).amounts == pytest.approx(straight[order], rel=1e-9)


def test_what_the_upper_bounds_leave_no_room_for_is_named() -> None:
    split = allocate(_hills([1.0, 2.0], [1.0, 1.0], 1.0), 5.0, np.zeros(2), np.array([1.0, 2.0]))
    assert split.amounts.tolist() == [1.0, 2.0]
    assert split.unallocated == 2.0


def test_curves_that_return_nothing_still_get_the_whole_budget() -> None:
    split = allocate(_hills([0.0, 0.0], [1.0, 1.0], 1.0), 1.0, np.zeros(2), np.ones(2))
    assert float(split.amounts.sum()) == 1.0


def test_impossible_bounds_are_refused() -> None:
    curves = _hills([1.0, 1.0], [1.0, 1.0], 1.0)
    with pytest.raises(ValueError, match="above its upper bound"):
        allocate(curves, 1.0, np.array([2.0, 0.0]), np.ones(2))
    with pytest.raises(ValueError, match="smaller than the sum"):
        allocate(curves, 1.0, np.ones(2), np.full(2, 2.0))
    with pytest.raises(ValueError, match="no allowed amount"):
        allocate_in_steps(curves, Fraction(10), [Grid(3, 4, 5, Decimal(1)), Grid(0, 10, 5, Decimal(1))])
    with pytest.raises(ValueError, match="lowest allowed"):
        allocate_in_steps(curves, Fraction(10), [Grid(10, 20, 5, Decimal(1)), Grid(5, 10, 5, Decimal(1))])


@given(
    channels=st.lists(st.tuples(st.floats(0.2, 5.0), st.floats(0.2, 5.0)), min_size=3, max_size=3),
    total=st.integers(3, 24),
)
def test_no_split_on_the_grid_is_better_than_the_one_found(channels: list[tuple[float, float]], total: int) -> None:
    curves = _hills([level for level, _ in channels], [k for _, k in channels], 5.0)
    found = allocate_in_steps(curves, Fraction(total), [Grid(1, 12, 1, Decimal(1))] * 3).amounts_micros
    splits = [split for split in product(range(1, 13), repeat=3) if sum(split) == total]
    best = max(float(curves.value(np.array(split, dtype=np.float64)).sum()) for split in splits)
    reached = float(curves.value(np.array(found, dtype=np.float64)).sum())
    assert sum(found) == total
    assert reached >= best * (1 - 1e-5)


_MIXED = st.lists(
    st.tuples(
        st.integers(1, 10**9),
        st.sampled_from([10_000, 1_000_000, 1_000]),
        st.decimals("0.0001", "300", places=6),
        st.floats(0.2, 5.0),
    ),
    min_size=2,
    max_size=8,
)


@given(channels=_MIXED)
def test_mixed_currencies_and_steps_never_overspend_and_name_the_rest(
    channels: list[tuple[int, int, Decimal, float]],
) -> None:
    grids = [Grid(int(steps * 0.7) * step, steps * 2 * step, step, rate) for steps, step, rate, _ in channels]
    curves = _hills([level for *_, level in channels], [1.0] * len(channels), 1e9)
    budget = sum((Fraction(rate) * steps * step for steps, step, rate, _ in channels), Fraction(0))
    split = allocate_in_steps(curves, budget, grids)
    spent = sum(
        (Fraction(grid.rate) * amount for grid, amount in zip(grids, split.amounts_micros, strict=True)), Fraction(0)
    )
    assert split.unallocated == budget - spent >= 0
    for amount, grid in zip(split.amounts_micros, grids, strict=True):
        assert amount % grid.step_micros == 0
        assert grid.lower_micros <= amount <= grid.upper_micros
        if amount < grid.highest * grid.step_micros:
            assert split.unallocated < Fraction(grid.rate) * grid.step_micros
