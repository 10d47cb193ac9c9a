"""The curve families: shape, slope, and demand as the inverse of the slope."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rebalancing import HillCurves, PiecewiseLinearCurves


def _hill(reference: float, level: float, half_point: float, ceiling: float = np.inf) -> HillCurves:
    return HillCurves(*(np.array([value]) for value in (reference, level, half_point, ceiling)))


def test_a_hill_curve_returns_its_level_at_the_reference_and_half_its_limit_at_the_half_point() -> None:
    curve = _hill(100.0, 300.0, 1.5)
    assert curve.value(np.array([0.0]))[0] == 0.0
    assert curve.value(np.array([100.0]))[0] == pytest.approx(300.0)
    limit = 300.0 * 2.5  # level * (k + 1)
    assert curve.value(np.array([150.0]))[0] == pytest.approx(limit / 2)


@given(
    reference=st.floats(1e-2, 1e9),
    level=st.floats(1e-3, 1e9),
    half_point=st.floats(0.05, 20.0),
    ratio=st.floats(0.01, 50.0),
)
def test_demand_is_the_inverse_of_the_marginal_return(
    reference: float, level: float, half_point: float, ratio: float
) -> None:
    curve = _hill(reference, level, half_point)
    amount = np.array([reference * ratio])
    assert curve.demand(float(curve.marginal(amount)[0]))[0] == pytest.approx(amount[0], rel=1e-6)


@given(half_point=st.floats(0.05, 20.0), ratio=st.floats(0.01, 20.0))
def test_the_marginal_return_is_the_slope_and_falls(half_point: float, ratio: float) -> None:
    curve = _hill(1.0, 1.0, half_point)
    step = ratio * 1e-5
    below, above = curve.value(np.array([ratio - step]))[0], curve.value(np.array([ratio + step]))[0]
    assert curve.marginal(np.array([ratio]))[0] == pytest.approx((above - below) / (2 * step), rel=1e-4)
    assert curve.marginal(np.array([ratio * 1.1]))[0] < curve.marginal(np.array([ratio]))[0]


def test_above_its_ceiling_a_curve_returns_nothing_more() -> None:
    curve = _hill(100.0, 300.0, 1.0, ceiling=80.0)
    assert curve.value(np.array([200.0]))[0] == curve.value(np.array([80.0]))[0]
    assert curve.marginal(np.array([80.0]))[0] == 0.0
    assert curve.demand(1e-9)[0] == 80.0


def test_a_dented_curve_is_allocated_on_its_envelope_and_valued_on_its_points() -> None:
    dented = PiecewiseLinearCurves([([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 4.0, 5.0])])
    assert dented.marginal(np.array([0.5]))[0] == 2.0  # from (0, 0) straight to (2, 4)
    assert dented.value(np.array([1.0]))[0] == 1.0
    assert dented.demand(1.5)[0] == 2.0
    assert dented.demand(0.5)[0] == 3.0
    assert dented.marginal(np.array([3.0]))[0] == 0.0


@pytest.mark.parametrize("points", [([0.0], [0.0]), ([0.0, 0.0], [0.0, 1.0]), ([0.0, 1.0], [0.0])])
def test_points_that_make_no_curve_are_refused(points: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match="two or more points"):
        PiecewiseLinearCurves([points])
