"""Any inference backend with its calls timed. Must not change an answer."""

import time
from collections.abc import Sequence

from domain.bid_features import Vector
from hotpath.inference.provider import CoLaNetProvider, InferenceResult
from hotpath.inference.requests import InferenceRequest
from hotpath.metrics.histogram import Histogram


class TimedProvider:
    """Implements CoLaNetProvider around another."""

    def __init__(self, provider: CoLaNetProvider, histogram: Histogram) -> None:
        """`histogram` gets the seconds of each call."""
        self._provider = provider
        self._histogram = histogram

    @property
    def provider_name(self) -> str:
        """The backend's."""
        return self._provider.provider_name

    @property
    def supports_batching(self) -> bool:
        """The backend's."""
        return self._provider.supports_batching

    @property
    def max_batch_size(self) -> int:
        """The backend's."""
        return self._provider.max_batch_size

    def warm_up(self) -> None:
        """The backend's; not timed."""
        self._provider.warm_up()

    def predict(self, profile: Vector, offer_ids: Sequence[str]) -> list[InferenceResult]:
        """The backend's."""
        began = time.perf_counter()
        results = self._provider.predict(profile, offer_ids)
        self._histogram.observe(time.perf_counter() - began)
        return results

    def predict_batch(self, requests: Sequence[InferenceRequest]) -> list[list[InferenceResult]]:
        """The backend's: one observation for the batch."""
        began = time.perf_counter()
        results = self._provider.predict_batch(requests)
        self._histogram.observe(time.perf_counter() - began)
        return results

    def score_batch(self, requests: Sequence[InferenceRequest]) -> list[list[float]]:
        """The backend's: one observation for the batch."""
        began = time.perf_counter()
        scores = self._provider.score_batch(requests)
        self._histogram.observe(time.perf_counter() - began)
        return scores
