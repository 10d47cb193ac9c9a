"""Student's t distribution for whole degrees of freedom, by its closed forms. Knows no lift.

Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
"""

import math
from functools import lru_cache


def probability_within(t: float, degrees: int) -> float:
    """P(|T| <= t) for t >= 0 and `degrees` >= 1 degrees of freedom."""
    angle = math.atan2(t, math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2 == 1
    term = cosine if odd else 1.0
    total = 0.0
    for index in range((degrees - 1) // 2 if odd else degrees // 2):
        total += term
        factor = (2 * index + 2) / (2 * index + 3) if odd else (2 * index + 1) / (2 * index + 2)
        term *= cosine * cosine * factor
    return (angle + sine * total) * 2 / math.pi if odd else sine * total


@lru_cache(maxsize=512)
def critical(level: float, degrees: int) -> float:
    """The t with P(|T| <= t) = `level` (0-1, exclusive), to nine digits."""
    low, high = 0.0, 1.0
    while probability_within(high, degrees) < level:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if probability_within(middle, degrees) < level:
            low = middle
        else:
            high = middle
    return (low + high) / 2
