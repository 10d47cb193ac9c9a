"""What the engine decides, and the shortlist that it decides from. Holds data alone.

Plain classes: compiled, they are C structs.
"""

from collections.abc import Iterator, Sequence
from typing import final

from domain.bid_features import Vector
from hotpath.engine.candidates import Group
from hotpath.engine.entries import Entry
from hotpath.engine.facts import NoBid
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.engine.targeting import TargetingIndex


@final
class Bid:
    """A bid: CPM micros of `currency`, which is one for all bids of a request; `token` is unique.

    `house_micros` is the same in the house's currency, times what one showing counts for. `score` is the model's, times
    the loyalty multiplier.
    """

    __slots__ = ("currency", "deal_id", "entry", "house_micros", "imp_id", "price_micros", "score", "token")

    def __init__(
        self,
        imp_id: str,
        entry: Entry,
        *,
        price_micros: int,
        currency: str,
        house_micros: int,
        deal_id: str,
        token: str,
        score: float,
    ) -> None:
        """Hold these."""
        self.imp_id = imp_id
        self.entry = entry
        self.price_micros = price_micros
        self.currency = currency
        self.house_micros = house_micros
        self.deal_id = deal_id
        self.token = token
        self.score = score

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bid) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self.token)

    def _told(self) -> tuple[object, ...]:
        return (
            self.imp_id, self.entry.creative, self.price_micros, self.currency, self.house_micros, self.deal_id,
            self.token, self.score,
        )  # fmt: skip


@final
class Refusal:
    """An impression without a bid."""

    __slots__ = ("imp_id", "reason")

    def __init__(self, imp_id: str, reason: NoBid) -> None:
        """Hold these."""
        self.imp_id = imp_id
        self.reason = reason

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refusal) and (self.imp_id, self.reason) == (other.imp_id, other.reason)

    def __hash__(self) -> int:
        return hash((self.imp_id, self.reason))


@final
class Choice:
    """An impression and who may bid on it; where nobody may, `groups` is empty and `reason` says why."""

    __slots__ = ("groups", "impression", "reason")

    def __init__(self, impression: ImpressionFacts, groups: list[Group], reason: NoBid) -> None:
        """Hold these."""
        self.impression = impression
        self.groups = groups
        self.reason = reason


@final
class Shortlist:
    """Who may bid on what, before anything was scored. `offer_ids` is empty when nobody may."""

    __slots__ = (
        "bids_before",
        "broke",
        "choices",
        "currency",
        "features",
        "index",
        "multiplier",
        "offer_ids",
        "rate_micros",
        "reach",
        "request",
        "user",
        "vector",
    )

    def __init__(
        self,
        request: RequestFacts,
        vector: Vector,
        offer_ids: tuple[str, ...],
        choices: list[Choice],
        *,
        features: bytes,
        user: str,
        multiplier: float,
        currency: str,
        rate_micros: int,
        reach: int,
        index: TargetingIndex,
        broke: int,
        bids_before: int,
    ) -> None:
        """Hold these; `features` are the vector as an event keeps it.

        For `Engine.holds`: `reach` are the entries that were looked at, the last three say how all stood.
        """
        self.request = request
        self.vector = vector
        self.offer_ids = offer_ids
        self.choices = choices
        self.features = features
        self.user = user
        self.multiplier = multiplier
        self.currency = currency
        self.rate_micros = rate_micros
        self.reach = reach
        self.index = index
        self.broke = broke
        self.bids_before = bids_before


@final
class Decisions:
    """A bid or a reason per impression, in their order, and what they rest on: the shortlist and its offers' scores."""

    __slots__ = ("house_currency", "offer_ids", "outcomes", "scores", "shortlist")

    def __init__(self, shortlist: Shortlist, scores: Sequence[float], house_currency: str) -> None:
        """None yet. `scores` are those of the shortlist's offers, in their order."""
        self.outcomes: list[Bid | Refusal] = []
        self.shortlist = shortlist
        self.offer_ids = shortlist.offer_ids
        self.scores = scores
        self.house_currency = house_currency

    def __iter__(self) -> Iterator[Bid | Refusal]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __getitem__(self, place: int) -> Bid | Refusal:
        return self.outcomes[place]

    def and_scores(self, other: "Decisions") -> None:
        """Rest on another's scores as well."""
        known = dict(zip(self.offer_ids, self.scores, strict=True))
        known.update(zip(other.offer_ids, other.scores, strict=True))
        self.offer_ids, self.scores = tuple(known), list(known.values())
