"""The entries that an impression's scores are asked for, in the form in which choosing among them is cheap.

Must not choose.
"""

from collections.abc import Sequence

import msgspec

from hotpath.engine.entries import Entry


class Shelf(msgspec.Struct, frozen=True, gc=False):
    """Entries, dearest first, with their offers and bids beside them; `offer_ids` names each offer once."""

    entries: tuple[Entry, ...]
    offers: tuple[str, ...]
    bids_micros: tuple[int, ...]
    offer_ids: tuple[str, ...]


def shelf_of(entries: Sequence[Entry]) -> Shelf:
    """The entries, laid out."""
    offers = tuple([entry.offer.offer_id for entry in entries])
    bids = tuple([entry.campaign.bid_cpm_micros for entry in entries])
    return Shelf(tuple(entries), offers, bids, tuple(dict.fromkeys(offers)))
