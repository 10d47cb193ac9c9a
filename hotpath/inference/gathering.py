"""Requests as the padded arrays that a compiled graph takes, and its scores as results. Must not score."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.bid_features import Vector
from domain.bid_layout import FEATURES
from domain.bid_snapshot import SpikingModel
from hotpath.inference.provider import InferenceRequest, InferenceResult

#: Sizes for which a graph is compiled: a batch is padded to the next one.
BATCHES: Final = (1, 4, 16)
_NARROWEST: Final = 16


def padded_batch(count: int) -> int:
    """The smallest compiled batch that holds `count` requests, at most 16."""
    return next(size for size in BATCHES if size >= count)


def padded_width(count: int) -> int:
    """The smallest power of two from 16 on that holds `count` offers."""
    return max(_NARROWEST, 1 << (count - 1).bit_length())


def chunks(requests: Sequence[InferenceRequest]) -> Iterator[Sequence[InferenceRequest]]:
    """The requests in runs that fit the largest compiled batch."""
    for start in range(0, len(requests), BATCHES[-1]):
        yield requests[start : start + BATCHES[-1]]


class Gathered(NamedTuple):
    """A batch: features (batch, 256), rows of the model (batch, width), inhibition per rival's spike (batch, 1)."""

    features: Vector
    rows: NDArray[np.int32]
    share: Vector


class Gatherer:
    """One model's offers by their rows."""

    def __init__(self, model: SpikingModel) -> None:
        """The row behind the last offer's is the one that pads."""
        self._rows = {offer_id: row for row, offer_id in enumerate(model.offer_ids)}
        self._inhibition = model.inhibition

    def gather(self, requests: Sequence[InferenceRequest]) -> Gathered:
        """Arrays of a compiled size; places without a request or an offer point at the row behind the last.

        Raises:
            KeyError: an offer that the model does not know.
        """
        batch = padded_batch(len(requests))
        width = padded_width(max(len(request.offer_ids) for request in requests))
        features = np.zeros((batch, FEATURES), np.float32)
        rows = np.full((batch, width), len(self._rows), np.int32)
        share = np.zeros((batch, 1), np.float32)
        find = self._rows.__getitem__
        for at, (profile, offer_ids) in enumerate(requests):
            features[at] = profile
            rows[at, : len(offer_ids)] = list(map(find, offer_ids))
            share[at, 0] = self._inhibition / max(1, len(offer_ids) - 1)
        return Gathered(features, rows, share)


def results(requests: Sequence[InferenceRequest], scores: Vector) -> list[list[InferenceResult]]:
    """Each request's offers with its row of the scores; what pads is left out."""
    make = InferenceResult._make
    return [
        # Not strict: a row of scores is as wide as the batch's widest request.
        list(map(make, zip(request.offer_ids, row, strict=False)))
        for request, row in zip(requests, scores.tolist(), strict=False)
    ]
