"""The range of currents, measured; and the name of the layout, which changes with every number of it."""

import numpy as np
import pytest

from domain.bid_calibration import calibrated
from domain.bid_layout import LAYOUT_HASH
from domain.bid_snapshot import SpikingModel
from domain.errors import InvalidInput

#: One feature of 1 gives offer a a current of 0.1 and b one of 1.27.
_WEIGHTS = bytes([10, *[0] * 255, 127, *[0] * 255])
_MODEL = SpikingModel(
    name="m", offer_ids=("a", "b"), weights=_WEIGHTS, scales=(0.01, 0.01), biases=(0.0, 0.25), inhibition=0.5
)


def vector(first: float) -> np.ndarray:
    made = np.zeros(256, np.float32)
    made[0] = first
    return made


@pytest.mark.parametrize(
    ("seen", "range_end"),
    [
        pytest.param([1.0] * 10, 1.1 * 1.52, id="the largest current and a tenth more"),
        pytest.param([0.1] * 10, 1.0, id="never below where a neuron fires each step"),
        pytest.param([1.0] * 9_999 + [0.0], 1.1 * 1.52, id="a rare one below does not matter"),
        pytest.param([0.5] * 9_999 + [1.0], 1.0, id="nor a rare one above"),
    ],
)
def test_the_range_is_that_of_the_currents_seen(seen: list[float], range_end: float) -> None:
    made = calibrated(_MODEL, [vector(value) for value in seen])
    assert made.calibrated_current == pytest.approx(range_end)
    assert made.weights == _MODEL.weights


def test_beyond_what_a_neuron_tells_apart_nothing_is_kept() -> None:
    strong = SpikingModel(name="m", offer_ids=("a",), weights=_WEIGHTS[256:], scales=(1.0,), biases=(0.0,))
    assert calibrated(strong, [vector(1.0)]).calibrated_current == 2.5


def test_without_vectors_there_is_nothing_to_measure() -> None:
    with pytest.raises(InvalidInput, match="needs feature vectors"):
        calibrated(_MODEL, [])


def test_the_layout_has_a_name() -> None:
    # Whoever changes the layout changes this line, and every model trained before it is refused.
    assert LAYOUT_HASH == "e86bed8238de95d1"
