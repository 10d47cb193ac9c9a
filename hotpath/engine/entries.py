"""A snapshot's creatives in a row, dearest first: the numbers that the index and the reference matcher share.

Must not match anything.
"""

from collections.abc import Callable, Iterable
from typing import Final, final

from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer, Snapshot
from hotpath.engine.spans import NO_ENTRIES, Span

#: VAST versions in which an advertisement is written, by OpenRTB's number of the protocol, the preferred one first.
WRITTEN_VAST: Final = {7: "4.0", 13: "4.2", 11: "4.1", 3: "3.0", 2: "2.0"}
#: OpenRTB's banner type of the markup that is written for a creative without its own: XHTML.
WRITTEN_BANNER: Final = 2
_CAMPAIGNS_A_PAUSE: Final = 128


@final
class Entry:
    """One creative of one offer of one campaign, with what is asked of them again and again."""

    __slots__ = (
        "bid_cpm_micros",
        "campaign",
        "campaign_id",
        "creative",
        "creative_id",
        "daily_cap",
        "hourly_cap",
        "is_capped",
        "kept",
        "least_score",
        "offer",
        "offer_id",
        "seat",
        "span",
    )

    def __init__(self, campaign: Campaign, offer: Offer, creative: Creative) -> None:
        """Hold these."""
        self.campaign = campaign
        self.offer = offer
        self.creative = creative
        self.campaign_id = campaign.campaign_id
        self.offer_id = offer.offer_id
        self.creative_id = creative.creative_id
        self.seat = campaign.seat
        self.bid_cpm_micros = campaign.bid_cpm_micros
        self.least_score = campaign.least_score
        self.hourly_cap = campaign.hourly_cap
        self.daily_cap = campaign.daily_cap
        self.is_capped = campaign.hourly_cap != 0 or campaign.daily_cap != 0
        #: All entries of its campaign; the index that numbers them says it.
        self.span: Span = NO_ENTRIES
        #: Room for what whoever shows it works out once.
        self.kept: object = None


def entries_of(snapshot: Snapshot, pause: Callable[[], None] = lambda: None) -> tuple[Entry, ...]:
    """All creatives, by falling bid, then by ids, so that the first candidates are the dearest.

    Nothing else can run in the process from one call of `pause` to the next.
    """
    entries: list[Entry] = []
    dearest_first = sorted(snapshot.campaigns, key=lambda campaign: (-campaign.bid_cpm_micros, campaign.campaign_id))
    for at, campaign in enumerate(dearest_first):
        if not at % _CAMPAIGNS_A_PAUSE:
            pause()
        own = [Entry(campaign, offer, creative) for offer in campaign.offers for creative in offer.creatives]
        own.sort(key=lambda entry: (entry.offer_id, entry.creative_id))
        entries += own
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


def with_shorter_tags(language: str) -> Iterable[str]:
    """A language tag and those that it is a kind of: who takes `en` also takes `en-US`."""
    parts = language.lower().split("-")
    for count in range(len(parts), 0, -1):
        yield "-".join(parts[:count])


def spoken_protocols(creative: Creative) -> Iterable[int]:
    """The protocols a spot can be had in; none where it brings its own markup and does not say which."""
    if creative.markup or creative.protocols:
        return creative.protocols
    return WRITTEN_VAST if creative.kind in {CreativeKind.VIDEO, CreativeKind.AUDIO} else ()


def banner_type(creative: Creative) -> int:
    """The banner type of what will be shown, 0 where nobody knows."""
    if creative.kind is not CreativeKind.BANNER:
        return 0
    return creative.banner_type or (0 if creative.markup else WRITTEN_BANNER)
