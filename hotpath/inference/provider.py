"""What every inference backend is to the engine, and how one is chosen. Must not hold a backend."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.bid_features import Vector
from hotpath.inference.requests import InferenceRequest


class InferenceResult(NamedTuple):
    """One offer's score in [0, 1]."""

    offer_id: str
    score: float


class CoLaNetProvider(Protocol):
    """A backend. Results stand in the order of the offers asked for."""

    @property
    def provider_name(self) -> str:
        """The name by which it is chosen."""
        ...

    @property
    def supports_batching(self) -> bool:
        """Whether a batch is cheaper than its requests one by one."""
        ...

    @property
    def max_batch_size(self) -> int:
        """The most requests of one `predict_batch`."""
        ...

    def warm_up(self) -> None:
        """Load and run once, so that the first auction does not pay for it."""
        ...

    def predict(self, profile: Vector, offer_ids: Sequence[str]) -> list[InferenceResult]:
        """Score offers for one profile. KeyError: an offer that the model does not know."""
        ...

    def predict_batch(self, requests: Sequence[InferenceRequest]) -> list[list[InferenceResult]]:
        """Score several profiles at once, each by itself: no request changes another's scores.

        Raises:
            KeyError: an offer that the model does not know.
            ValueError: more requests than `max_batch_size`.
        """
        ...

    def score_batch(self, requests: Sequence[InferenceRequest]) -> list[list[float]]:
        """What `predict_batch` gives, without the offers' names, which the asker has: a list per request.

        Naming sixteen offers takes longer than scoring them.
        """
        ...


def named(requests: Sequence[InferenceRequest], scores: Sequence[Sequence[float]]) -> list[list[InferenceResult]]:
    """Scores with their offers."""
    return [
        [InferenceResult(offer_id, score) for offer_id, score in zip(request.offer_ids, row, strict=True)]
        for request, row in zip(requests, scores, strict=True)
    ]


class BackendUnavailable(RuntimeError):
    """The chosen backend cannot run on this host; the message says what is missing."""
