"""A snapshot's creatives in a row, dearest first: the numbers that the index and the reference matcher share.

Must not match anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.bid_snapshot import Campaign, Creative, Offer, Snapshot


@dataclass(frozen=True, slots=True)
class Entry:
    """One creative of one offer of one campaign."""

    campaign: Campaign
    offer: Offer
    creative: Creative


def entries_of(snapshot: Snapshot) -> tuple[Entry, ...]:
    """All creatives, by falling bid, then by ids, so that the first candidates are the dearest."""
    entries = [
        Entry(campaign, offer, creative)
        for campaign in snapshot.campaigns
        for offer in campaign.offers
        for creative in offer.creatives
    ]
    entries.sort(
        key=lambda entry: (
            -entry.campaign.bid_cpm_micros,
            entry.campaign.campaign_id,
            entry.offer.offer_id,
            entry.creative.creative_id,
        )
    )
    return tuple(entries)


def with_parents(domain: str) -> Iterable[str]:
    """A domain and those above it but the last: who blocks nike.com also blocks ads.nike.com."""
    labels = domain.lower().rstrip(".").split(".")
    yield ".".join(labels)
    for at in range(1, len(labels) - 1):
        yield ".".join(labels[at:])


def with_ancestors(category: str) -> Iterable[str]:
    """A category and the one it stands under: who blocks IAB1 also blocks IAB1-2."""
    yield category
    if "-" in category:
        yield category.split("-", 1)[0]
