"""What to offer for an impression: the true value where the second price is paid, a shaded one where the own is.

Pure functions over CPM micros. Must not know of campaigns or requests.
"""

from functools import lru_cache
from typing import Final

_MICROS: Final = 1_000_000


def second_price_bid(value_micros: int, floor_micros: int) -> int | None:
    """The bid where the winner pays the next one's price: the value itself, which no other bid can beat.

    Source: W. Vickrey, "Counterspeculation, Auctions, and Competitive Sealed Tenders", Journal of Finance 16 (1961).

    Args:
        value_micros: what the impressions are worth to the bidder, CPM micros.
        floor_micros: the least that is accepted, CPM micros.

    Returns:
        CPM micros, or None where the floor is above the value.
    """
    return value_micros if value_micros >= floor_micros else None


@lru_cache(maxsize=16_384)
def first_price_bid(value_micros: int, floor_micros: int, bidders: int) -> int | None:
    """The bid where the winner pays what it said: shaded as in the equilibrium of equal bidders with uniform values.

    With n bidders and a floor r, b(v) = ((n-1) v^n + r^n) / (n v^(n-1)): the value less what a rival leaves on average.
    It is r at v = r, rises with v, and nears v as bidders grow.

    Source: J. Riley, W. Samuelson, "Optimal Auctions", American Economic Review 71 (1981): their equilibrium bid
    v - (integral of F^(n-1) from r to v) / F(v)^(n-1), with F(x) = x, values being uniform.

    Args:
        value_micros: what the impressions are worth to the bidder, CPM micros, above 0.
        floor_micros: the least that is accepted, CPM micros, 0 for none.
        bidders: how many are thought to bid, this one among them, at least 1.

    Returns:
        CPM micros, rounded up so that the floor is never missed; None where the floor is above the value. At least 1,
        since a bid of nothing is none.
    """
    if value_micros < floor_micros:
        return None
    above: int = (bidders - 1) * value_micros**bidders + floor_micros**bidders
    below: int = bidders * value_micros ** (bidders - 1)
    return max(1, -(-above // below))


def to_house_micros(amount_micros: int, rate_micros: int) -> int:
    """An amount of a currency whose unit is worth `rate_micros` of the house's; rounded up, as floors must be."""
    return -(-amount_micros * rate_micros // _MICROS)


def from_house_micros(amount_micros: int, rate_micros: int) -> int:
    """The house's amount in a currency whose unit is worth `rate_micros`; rounded up, so that a floor stays cleared."""
    return -(-amount_micros * _MICROS // rate_micros)


def boosted(score: float, multiplier: float) -> float:
    """A score, in [0, 1], times the multiplier of the user's loyalty tier (1 for none)."""
    return score * multiplier
