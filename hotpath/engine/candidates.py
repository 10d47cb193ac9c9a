"""The entries that an impression's scores are asked for, in the form in which choosing among them is cheap.

Must not choose.
"""

from collections.abc import Sequence
from typing import final

from domain.bid_snapshot import Campaign
from hotpath.engine.entries import Entry
from hotpath.engine.facts import DealFacts


@final
class Lane:
    """One way to win an impression: the open auction (None) or a deal, its floor, and the entries that fit."""

    __slots__ = ("deal", "floor_micros", "mask")

    def __init__(self, deal: DealFacts | None, floor_micros: int, mask: int) -> None:
        """Hold these."""
        self.deal = deal
        self.floor_micros = floor_micros
        self.mask = mask


@final
class Shelf:
    """Entries, dearest first, with their bids beside them; `offer_ids` names each offer once.

    `places` are where each entry's offer stands in `offer_ids`. `capped` has one entry of each campaign with a cap, and
    the impressions at which the first of its caps may be full.
    """

    __slots__ = ("bids_micros", "capped", "entries", "offer_ids", "places")

    def __init__(
        self,
        entries: tuple[Entry, ...],
        bids_micros: tuple[float, ...],
        offer_ids: tuple[str, ...],
        places: tuple[int, ...],
        capped: tuple[tuple[Entry, int], ...],
    ) -> None:
        """Hold these."""
        self.entries = entries
        self.bids_micros = bids_micros
        self.offer_ids = offer_ids
        self.places = places
        self.capped = capped


@final
class Group:
    """What may be bid in one lane; `places` are where each entry's offer stands among all that are scored."""

    __slots__ = ("lane", "places", "shelf")

    def __init__(self, shelf: Shelf, lane: Lane) -> None:
        """As if this shelf's offers were all that are scored."""
        self.shelf = shelf
        self.lane = lane
        self.places = shelf.places


def shelf_of(entries: Sequence[Entry]) -> Shelf:
    """The entries, laid out."""
    numbers: dict[str, int] = {}
    for entry in entries:
        numbers.setdefault(entry.offer_id, len(numbers))
    campaigns = {entry.campaign_id: entry for entry in entries}
    capped = tuple([(one, least) for one in campaigns.values() if (least := least_cap(one.campaign))])
    return Shelf(
        tuple(entries),
        tuple([float(entry.bid_cpm_micros) for entry in entries]),
        tuple(numbers),
        tuple([numbers[entry.offer_id] for entry in entries]),
        capped,
    )


def least_cap(campaign: Campaign) -> int:
    """The smaller of a campaign's caps, 0 for one without."""
    return min(filter(None, (campaign.hourly_cap, campaign.daily_cap)), default=0)
