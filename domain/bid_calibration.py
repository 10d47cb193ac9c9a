"""The range of currents that a model really has: what its quantised form spends its levels on. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from domain.bid_features import Vector
from domain.bid_layout import FEATURES
from domain.bid_snapshot import SpikingModel
from domain.errors import InvalidInput

#: One current in a thousand may lie above the range: it is then told as the range's end.
_COVERED: Final = 0.999
_MARGIN: Final = 1.1


def calibrated(model: SpikingModel, vectors: Sequence[Vector]) -> SpikingModel:
    """The model with the range of its currents over real feature vectors, and a tenth more.

    Never above 2 plus the inhibition, where a neuron's score is 1 whatever the rest does, and never below 1, where it
    begins to fire in each step.

    Args:
        model: its weights stay as they are.
        vectors: of real requests, 256 values each; a few hundred are enough.

    Raises:
        InvalidInput: there is no vector.
    """
    if not len(vectors):
        raise InvalidInput("a calibration needs feature vectors", ("vectors",))
    weights = np.frombuffer(model.weights, np.int8).reshape(-1, FEATURES).astype(np.float32)
    currents = np.asarray(vectors, np.float32) @ weights.T * np.asarray(model.scales, np.float32)
    currents += np.asarray(model.biases, np.float32)
    seen = float(np.quantile(currents, _COVERED)) if currents.size else 0.0
    return msgspec.structs.replace(model, calibrated_current=min(max(seen * _MARGIN, 1.0), 2.0 + model.inhibition))
