"""The entries that an impression's scores are asked for, in the form in which choosing among them is cheap.

Must not choose.
"""

from collections.abc import Sequence
from typing import final

from domain.bid_snapshot import Campaign
from hotpath.engine.entries import Entry


@final
class Shelf:
    """Entries, dearest first, with their offers and bids beside them; `offer_ids` names each offer once.

    `capped` are the campaigns with a cap, each once, with the impressions at which the first of their caps may be full.
    """

    __slots__ = ("bids_micros", "capped", "entries", "offer_ids", "offers")

    def __init__(
        self,
        entries: tuple[Entry, ...],
        offers: tuple[str, ...],
        bids_micros: tuple[int, ...],
        offer_ids: tuple[str, ...],
        capped: tuple[tuple[Campaign, int], ...],
    ) -> None:
        """Hold these."""
        self.entries = entries
        self.offers = offers
        self.bids_micros = bids_micros
        self.offer_ids = offer_ids
        self.capped = capped


def shelf_of(entries: Sequence[Entry]) -> Shelf:
    """The entries, laid out."""
    offers = tuple([entry.offer.offer_id for entry in entries])
    bids = tuple([entry.campaign.bid_cpm_micros for entry in entries])
    campaigns = {entry.campaign.campaign_id: entry.campaign for entry in entries}
    capped = tuple([(one, least) for one in campaigns.values() if (least := least_cap(one))])
    return Shelf(tuple(entries), offers, bids, tuple(dict.fromkeys(offers)), capped)


def least_cap(campaign: Campaign) -> int:
    """The smaller of a campaign's caps, 0 for one without."""
    return min(filter(None, (campaign.hourly_cap, campaign.daily_cap)), default=0)
