"""What the bid process leaves behind: each answered request as one event, each counted notice as another.

Owns their form on disk (MessagePack, positional, fields are only ever added at the end) and what days of a campaign
they add up to. Must not read or write files. Moments are microseconds since 1970, UTC; money is micros.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1)
_DAY_US: Final = 86_400_000_000


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """One impression's: a `reason` for no bid, or the bid.

    `price_micros` is CPM in the event's currency, `house_micros` the same in the house's; `score` is what the offer was
    ranked by, loyalty included.
    """

    imp_id: str
    reason: str = ""
    bid_id: str = ""
    campaign_id: str = ""
    offer_id: str = ""
    creative_id: str = ""
    deal_id: str = ""
    price_micros: int = 0
    house_micros: int = 0
    score: float = 0.0


class BidEvent(msgspec.Struct, frozen=True, array_like=True):
    """One answered request.

    `result` is `bid`, `no_bid`, or why no auction was held. `user` is empty where privacy forbids to know it; then, and
    where nothing is known of the user, `features` (`packed_features`) hold the context alone. The model was asked for
    `offer_ids`, and gave `offer_scores`, in their order; before these two fields were, it was `scores` by offer
    (`scores_of` reads both).
    """

    request_id: str
    at_us: int
    result: str
    currency: str = ""
    house_currency: str = ""
    test: bool = False
    user: str = ""
    features: bytes = b""
    scores: dict[str, float] = {}
    outcomes: tuple[Outcome, ...] = ()
    offer_ids: tuple[str, ...] = ()
    offer_scores: tuple[float, ...] = ()


class NoticeEvent(msgspec.Struct, frozen=True, array_like=True):
    """One notice that counted: `kind` is win, billing or loss.

    `cost_micros` is what it adds to the campaign's spend, in the house's currency; 0 for a notice that charges nothing.
    `price_micros` is the clearing price as CPM micros of the house. After `expires_s` it cannot come again.
    """

    kind: str
    bid_id: str
    campaign_id: str
    offer_id: str
    at_us: int
    expires_s: int
    house_currency: str = ""
    cost_micros: int = 0
    price_micros: int = 0
    loss_reason: int = 0
    test: bool = False


_ENCODER: Final = msgspec.msgpack.Encoder()
_BIDS: Final = msgspec.msgpack.Decoder(list[BidEvent])
_NOTICES: Final = msgspec.msgpack.Decoder(list[NoticeEvent])


#: One event's bytes; `packed` makes a chunk of several.
encode_event: Final[Callable[[BidEvent | NoticeEvent], bytes]] = _ENCODER.encode


def packed(events: Sequence[bytes]) -> bytes:
    """Encoded events as one MessagePack array, without decoding any: its head, and they one after the other."""
    return b"\xdd" + len(events).to_bytes(4, "big") + b"".join(events)


def decode_bids(chunk: bytes) -> list[BidEvent]:
    """A chunk's bid events. Raises msgspec.MsgspecError: it is no such chunk."""
    return _BIDS.decode(chunk)


def decode_notices(chunk: bytes) -> list[NoticeEvent]:
    """A chunk's notices. Raises msgspec.MsgspecError: it is no such chunk."""
    return _NOTICES.decode(chunk)


def scores_of(event: BidEvent) -> dict[str, float]:
    """The model's scores, by offer."""
    return event.scores or dict(zip(event.offer_ids, event.offer_scores, strict=True))


def moment_utc(at_us: int) -> datetime:
    """An event's moment."""
    return _EPOCH + timedelta(microseconds=at_us)


def day_of(at_us: int) -> date:
    """The UTC day of an event."""
    return _EPOCH_DAY + timedelta(days=at_us // _DAY_US)


@dataclass(frozen=True, slots=True)
class DayKey:
    """What is added up together: one campaign's UTC day in one currency."""

    campaign_id: UUID
    day: date
    currency: str


@dataclass(slots=True)
class Tally:
    """Sums of a day. Bids made, notices of each kind, and what was spent."""

    bids: int = 0
    wins: int = 0
    impressions: int = 0
    losses: int = 0
    spend_micros: int = 0

    def add(self, other: "Tally") -> None:
        """Add another's."""
        self.bids += other.bids
        self.wins += other.wins
        self.impressions += other.impressions
        self.losses += other.losses
        self.spend_micros += other.spend_micros


@dataclass(frozen=True, slots=True)
class BidDay:
    """A campaign's stored day, UTC: bids, win and billing and loss notices, spend in micros of `currency`."""

    campaign_id: UUID
    day: date
    currency: str
    bids: int
    wins: int
    impressions: int
    losses: int
    spend_micros: int


def tally_bids(events: Iterable[BidEvent]) -> dict[DayKey, Tally]:
    """The bids of each campaign's day. Test requests, and campaigns of no store (the demo's), are left out."""
    tallies: dict[DayKey, Tally] = {}
    for event in events:
        if event.test:
            continue
        for outcome in event.outcomes:
            campaign_id = uuid_of(outcome.campaign_id)
            if campaign_id is not None:
                key = DayKey(campaign_id, day_of(event.at_us), event.house_currency)
                tallies.setdefault(key, Tally()).bids += 1
    return tallies


def tally_notices(notices: Iterable[NoticeEvent]) -> dict[DayKey, Tally]:
    """The notices of each campaign's day, and its spend. Left out as with bids; each notice is in here once."""
    tallies: dict[DayKey, Tally] = {}
    for notice in notices:
        campaign_id = uuid_of(notice.campaign_id)
        if notice.test or campaign_id is None:
            continue
        tally = tallies.setdefault(DayKey(campaign_id, day_of(notice.at_us), notice.house_currency), Tally())
        tally.wins += notice.kind == "win"
        tally.impressions += notice.kind == "billing"
        tally.losses += notice.kind == "loss"
        tally.spend_micros += notice.cost_micros
    return tallies


def uuid_of(text: str) -> UUID | None:
    """A campaign's id of the store; None for one that only the bid process knows."""
    try:
        return UUID(text)
    except ValueError:
        return None
