"""Requests as the padded arrays that a compiled graph takes, and its scores as results. Must not score."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.bid_features import Vector
from domain.bid_layout import FEATURES
from domain.bid_snapshot import SpikingModel
from hotpath.inference.requests import InferenceRequest

#: Sizes for which a graph is compiled: a batch is padded to the next one.
BATCHES: Final = (1, 4, 8, 16)
_NARROWEST: Final = 16
#: Lists of offers whose rows are kept; beyond, all are dropped.
_MOST_KEPT: Final = 4_096


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
    """One model's offers by their rows. Rows of the lists that come again and again are kept."""

    def __init__(self, model: SpikingModel) -> None:
        """The row behind the last offer's is the one that pads."""
        self._rows = {offer_id: row for row, offer_id in enumerate(model.offer_ids)}
        self._inhibition = model.inhibition
        self._kept: dict[tuple[tuple[str, ...], int], NDArray[np.int32]] = {}
        self._nothing: Vector = np.zeros(FEATURES, np.float32)

    def gather(self, requests: Sequence[InferenceRequest]) -> Gathered:
        """Arrays of a compiled size; places without a request or an offer point at the row behind the last.

        Raises:
            KeyError: an offer that the model does not know.
        """
        batch = padded_batch(len(requests))
        width = padded_width(max([len(request.offer_ids) for request in requests]))
        vectors: list[Vector] = []
        rows: list[NDArray[np.int32]] = []
        shares: list[float] = []
        for request in requests:
            offer_ids = request.offer_ids
            vectors.append(request.profile)
            rows.append(self._rows_of(tuple(offer_ids), width))
            shares.append(self._inhibition / max(1, len(offer_ids) - 1))
        empty = batch - len(requests)
        if empty:
            vectors += [self._nothing] * empty
            rows += [self._rows_of((), width)] * empty
            shares += [0.0] * empty
        # One call each: writing row by row into an array takes four times as long.
        return Gathered(
            np.concatenate(vectors).reshape(batch, FEATURES),
            np.concatenate(rows).reshape(batch, width),
            np.array(shares, np.float32).reshape(batch, 1),
        )

    def _padding(self, width: int) -> NDArray[np.int32]:
        return np.full(width, len(self._rows), np.int32)

    def _rows_of(self, offer_ids: tuple[str, ...], width: int) -> NDArray[np.int32]:
        kept = self._kept.get((offer_ids, width))
        if kept is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            kept = self._padding(width)
            kept[: len(offer_ids)] = [self._rows[offer_id] for offer_id in offer_ids]
            self._kept[offer_ids, width] = kept
        return kept


def trimmed(requests: Sequence[InferenceRequest], scores: Vector) -> list[list[float]]:
    """Each request's row of the scores, without what pads: a row is as wide as the batch's widest request."""
    return [row[: len(request.offer_ids)] for request, row in zip(requests, scores.tolist(), strict=False)]
