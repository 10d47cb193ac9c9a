"""CoLaNet on ONNX Runtime, in float32. Must not choose itself."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import onnxruntime

from domain.bid_features import Vector
from domain.bid_layout import FEATURES
from domain.bid_snapshot import SpikingModel
from hotpath.inference.gathering import BATCHES, Gatherer, chunks, trimmed
from hotpath.inference.onnx_file import onnx_file
from hotpath.inference.provider import InferenceResult, named
from hotpath.inference.requests import InferenceRequest

_MOST: Final = 32


class OnnxProvider:
    """One model's session; any batch and any width run on it."""

    def __init__(self, model: SpikingModel) -> None:
        """Load the model; one thread, since the loop that asks has one core."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        self._session = onnxruntime.InferenceSession(onnx_file(model), options, providers=["CPUExecutionProvider"])
        self._gatherer = Gatherer(model)
        self._offer_ids = model.offer_ids

    @property
    def provider_name(self) -> str:
        """The name by which it is chosen."""
        return "onnx"

    @property
    def supports_batching(self) -> bool:
        """The steps cost nearly the same for one request as for several."""
        return True

    @property
    def max_batch_size(self) -> int:
        """As the document has it for a CPU."""
        return _MOST

    def warm_up(self) -> None:
        """Run once per batch size, so that its memory is laid out."""
        nothing = np.zeros(FEATURES, np.float32)
        for batch in BATCHES:
            self.predict_batch([InferenceRequest(nothing, self._offer_ids[:16])] * batch)

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
        return [scores for chunk in chunks(requests) for scores in self._score(chunk)]

    def _score(self, requests: Sequence[InferenceRequest]) -> list[list[float]]:
        features, rows, share = self._gatherer.gather(requests)
        (scores,) = self._session.run(None, {"features": features, "rows": rows, "share": share})
        return trimmed(requests, scores)
