"""Concave response curves: money in, value out, and how much money each takes at a price. Must not know campaigns.

A *family* holds one curve per channel and answers for all of them at once, because an allocation asks every channel
the same question at every step. Any family that fills the `ConcaveCurves` protocol can be allocated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class ConcaveCurves(Protocol):
    """n non-decreasing concave curves over money >= 0. Arrays have shape (n,), amounts are in one money unit."""

    def value(self, amounts: Floats) -> Floats:
        """What each channel returns for its amount."""

    def marginal(self, amounts: Floats) -> Floats:
        """What each channel's next unit of money returns, >= 0."""

    def demand(self, price: float) -> Floats:
        """The largest amount of each channel whose last unit still returns at least `price` (> 0); may be inf."""


@dataclass(frozen=True, slots=True)
class HillCurves:
    """Saturating curves `level * u * (k + 1) / (k + u)` with `u = amount / reference`: Hill curves of slope one.

    Slope one keeps every curve concave, so that a small spend is never punished by an S-shape that few days of data
    cannot show. `k / (k + 1)` is the elasticity at the reference: close to 1 nearly linear, close to 0 saturated.

    Attributes (shape (n,), or broadcastable such as (draws, n) for `value` and `marginal`):
        reference: the amount at which the level holds, > 0.
        level: value at the reference, >= 0.
        half_point: k, > 0; the amount at half of saturation is `k * reference`.
        ceiling: amount above which nothing more is spent, hence nothing more returned; inf where there is none.
    """

    reference: Floats
    level: Floats
    half_point: Floats
    ceiling: Floats

    def value(self, amounts: Floats) -> Floats:
        """What each channel returns for its amount."""
        ratio = np.minimum(amounts, self.ceiling) / self.reference
        return self.level * ratio * (self.half_point + 1.0) / (self.half_point + ratio)

    def marginal(self, amounts: Floats) -> Floats:
        """What each channel's next unit of money returns; 0 at and above its ceiling."""
        ratio = amounts / self.reference
        slope = self.level * self.half_point * (self.half_point + 1.0) / (self.half_point + ratio) ** 2 / self.reference
        return np.where(amounts < self.ceiling, slope, 0.0)

    def demand(self, price: float) -> Floats:
        """The amount of each channel at which the marginal return falls to `price`; 0 where it starts below."""
        rise = self.level * self.half_point * (self.half_point + 1.0) / (price * self.reference)
        amounts = (np.sqrt(rise) - self.half_point) * self.reference
        return np.minimum(np.maximum(amounts, 0.0), self.ceiling)


class PiecewiseLinearCurves:
    """Curves given by points, straight between them, as published response tables come.

    Allocation follows each curve's concave envelope; `value` follows the points themselves, so that a result is never
    flattered. Beyond the last point a curve is flat.
    """

    def __init__(self, points: Sequence[tuple[Sequence[float], Sequence[float]]]) -> None:
        """Take one (amounts, values) pair per channel, amounts ascending and distinct, at least two points.

        Raises:
            ValueError: fewer than two points, unequal lengths, or amounts that do not ascend.
        """
        self._points: list[tuple[Floats, Floats]] = []
        self._envelopes: list[tuple[Floats, Floats]] = []
        for amounts, values in points:
            xs, ys = np.asarray(amounts, dtype=np.float64), np.asarray(values, dtype=np.float64)
            if xs.size < 2 or xs.size != ys.size or not np.all(np.diff(xs) > 0):  # noqa: PLR2004 - a line has two ends
                raise ValueError("a curve needs two or more points with ascending amounts")
            corners = _envelope(xs, ys)
            self._points.append((xs, ys))
            self._envelopes.append((xs[corners], np.diff(ys[corners]) / np.diff(xs[corners])))

    def value(self, amounts: Floats) -> Floats:
        """What each channel returns for its amount, on the straight line between its points."""
        return np.array([np.interp(amount, *curve) for amount, curve in zip(amounts, self._points, strict=True)])

    def marginal(self, amounts: Floats) -> Floats:
        """The envelope's slope to the right of each amount."""
        slopes = []
        for amount, (corners, slope) in zip(amounts, self._envelopes, strict=True):
            segment = int(np.searchsorted(corners, amount, side="right")) - 1
            slopes.append(max(0.0, slope[max(segment, 0)]) if segment < slope.size else 0.0)
        return np.array(slopes)

    def demand(self, price: float) -> Floats:
        """The last corner of each envelope before which its slope is at least `price`."""
        return np.array([corners[int(np.sum(slope >= price))] for corners, slope in self._envelopes])


def _envelope(xs: Floats, ys: Floats) -> NDArray[np.intp]:
    """Indices of the points on the smallest concave curve above all points (upper hull, left to right)."""
    hull: list[int] = []
    for index in range(xs.size):
        while len(hull) > 1 and _below(xs, ys, (hull[-2], hull[-1], index)):
            hull.pop()
        hull.append(index)
    return np.array(hull, dtype=np.intp)


def _below(xs: Floats, ys: Floats, three: tuple[int, int, int]) -> bool:
    """Whether the middle one of three points lies on or below the line between the outer ones."""
    left, middle, right = three
    rise = (ys[middle] - ys[left]) * (xs[right] - xs[left])
    return bool(rise <= (ys[right] - ys[left]) * (xs[middle] - xs[left]))
