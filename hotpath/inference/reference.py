"""CoLaNet as it is defined, one neuron and one step at a time: what every backend is held to.

Must not be fast.
"""

from collections.abc import Sequence

import numpy as np

from domain.bid_features import Vector
from domain.bid_layout import FEATURES
from domain.bid_snapshot import SpikingModel


def reference_scores(model: SpikingModel, profile: Vector, offer_ids: Sequence[str]) -> list[float]:
    """Integrate-and-fire neurons, one per offer, that inhibit each other.

    In each step a potential keeps `leak` of itself, gains its current (weights times features, plus bias), and loses
    `inhibition` times the share of the other neurons that fired in the step before. At 1 it fires and falls by 1.

    Returns:
        Per offer, spikes plus what is left of the potential (within 0 to 1), over steps + 1: in [0, 1]. The remainder
        orders neurons that fired equally often.
    """
    rows = [model.offer_ids.index(offer_id) for offer_id in offer_ids]
    weights = np.frombuffer(model.weights, np.int8).reshape(-1, FEATURES)
    currents = [
        model.scales[row] * float(weights[row].astype(np.float64) @ profile.astype(np.float64)) + model.biases[row]
        for row in rows
    ]
    potentials, spikes, fired = [0.0] * len(rows), [0] * len(rows), [False] * len(rows)
    others = max(1, len(rows) - 1)
    for _ in range(model.steps):
        before = list(fired)
        for neuron, current in enumerate(currents):
            rivals = (sum(before) - before[neuron]) / others
            potentials[neuron] = model.leak * potentials[neuron] + current - model.inhibition * rivals
            fired[neuron] = potentials[neuron] >= 1.0
            if fired[neuron]:
                potentials[neuron] -= 1.0
                spikes[neuron] += 1
    return [
        (count + min(1.0, max(0.0, potential))) / (model.steps + 1)
        for count, potential in zip(spikes, potentials, strict=True)
    ]
