"""What the engine decides, and the shortlist that it decides from. Holds data alone.

Never compiled: a list of a kind of its own cannot be.
"""

from collections.abc import Mapping

import msgspec

from domain.bid_features import Vector
from hotpath.engine.eligibility import Group
from hotpath.engine.entries import Entry
from hotpath.engine.facts import ImpressionFacts, NoBid, RequestFacts
from hotpath.engine.targeting import TargetingIndex


class Bid(msgspec.Struct, frozen=True, gc=False):
    """A bid: CPM micros of `currency`, which is one for all bids of a request; `token` is unique.

    `house_micros` is the same in the house's currency, times what one showing counts for. `score` is the model's, times
    the loyalty multiplier.
    """

    imp_id: str
    entry: Entry
    price_micros: int
    currency: str
    house_micros: int
    deal_id: str
    token: str
    score: float


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """An impression without a bid."""

    imp_id: str
    reason: NoBid


class Shortlist(msgspec.Struct, frozen=True, gc=False):
    """Who may bid on what, before anything was scored. `offer_ids` is empty when nobody may."""

    request: RequestFacts
    vector: Vector
    offer_ids: tuple[str, ...]
    candidates: tuple[tuple[ImpressionFacts, list[Group] | NoBid], ...]
    user: str
    multiplier: float
    currency: str
    rate_micros: int
    #: For `Engine.holds`: the entries that were looked at, and how things stood then.
    reach: int
    index: TargetingIndex
    broke: int
    bids_before: int


class Decisions(list[Bid | Refusal]):
    """A bid or a reason per impression, in their order, and what they rest on: the shortlist and its offers' scores."""

    __slots__ = ("house_currency", "scores", "shortlist")

    def __init__(self, shortlist: Shortlist, scores: Mapping[str, float], house_currency: str) -> None:
        """None yet."""
        super().__init__()
        self.shortlist = shortlist
        self.scores = scores
        self.house_currency = house_currency
