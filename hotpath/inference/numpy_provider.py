"""The CPU backend: a batch in one array. Must not differ from the reference but in rounding."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.bid_features import Vector
from domain.bid_layout import FEATURES
from domain.bid_snapshot import SpikingModel
from hotpath.inference.provider import InferenceResult, named
from hotpath.inference.requests import InferenceRequest

#: The document's most for its CPU backend.
_MOST: Final = 32
#: The current of a place in the batch's array that holds no neuron: far below any threshold.
_SILENT: Final = -1e30


class NumpyProvider:
    """CoLaNet in float32 over int8 weights."""

    def __init__(self, model: SpikingModel) -> None:
        """Unpack the weights once: 1 KiB per offer."""
        scales = np.asarray(model.scales, np.float32).reshape(-1, 1)
        self._weights = np.frombuffer(model.weights, np.int8).reshape(-1, FEATURES).astype(np.float32) * scales
        self._biases = np.asarray(model.biases, np.float32)
        self._rows = {offer_id: row for row, offer_id in enumerate(model.offer_ids)}
        self._model = model

    @property
    def provider_name(self) -> str:
        """The name by which it is chosen."""
        return "numpy"

    @property
    def supports_batching(self) -> bool:
        """The steps cost the same for one request as for several."""
        return True

    @property
    def max_batch_size(self) -> int:
        """As the document has it."""
        return _MOST

    def warm_up(self) -> None:
        """Touch every weight."""
        offers = list(self._rows)[:_MOST]
        self.predict_batch([InferenceRequest(np.zeros(FEATURES, np.float32), offers)])
        self._weights.sum()

    def predict(self, profile: Vector, offer_ids: Sequence[str]) -> list[InferenceResult]:
        """Score offers for one profile."""
        return self.predict_batch([InferenceRequest(profile, offer_ids)])[0]

    def predict_batch(self, requests: Sequence[InferenceRequest]) -> list[list[InferenceResult]]:
        """Score several profiles at once."""
        return named(requests, self.score_batch(requests))

    def score_batch(self, requests: Sequence[InferenceRequest]) -> list[list[float]]:
        """The bare scores of several profiles."""
        if len(requests) > _MOST:
            raise ValueError(f"{len(requests)} requests are more than a batch of {_MOST}")
        if not requests:
            return []
        widest = max(len(request.offer_ids) for request in requests)
        currents = np.full((len(requests), widest), _SILENT, np.float32)
        for at, request in enumerate(requests):
            profile, offer_ids = request.profile, request.offer_ids
            rows = [self._rows[offer_id] for offer_id in offer_ids]
            currents[at, : len(rows)] = self._weights[rows] @ profile + self._biases[rows]
        scores = self._fire(currents, np.array([[len(request.offer_ids)] for request in requests], np.float32)).tolist()
        return [row[: len(request.offer_ids)] for request, row in zip(requests, scores, strict=True)]

    def _fire(self, currents: Vector, counts: Vector) -> Vector:
        model = self._model
        share = np.float32(model.inhibition) / np.maximum(counts - 1, 1)
        leak = np.float32(model.leak)
        potentials = np.zeros_like(currents)
        fired = np.zeros_like(currents)
        spikes = np.zeros_like(currents)
        for _ in range(model.steps):
            potentials *= leak
            potentials += currents
            # In place, as inhibition of the others' spikes: what fired is written anew below.
            fired -= np.add.reduce(fired, axis=1, keepdims=True)
            fired *= share
            potentials += fired
            np.greater_equal(potentials, 1.0, out=fired)
            potentials -= fired
            spikes += fired
        # Not np.clip: its Python wrapper costs as much as a step.
        rest = np.minimum(np.maximum(potentials, 0.0), 1.0)
        scores: Vector = (spikes + rest) / np.float32(model.steps + 1)
        return scores
