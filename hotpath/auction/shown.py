"""What of a bid follows from its creative and campaign alone, worked out once for each. Must not know a request."""

from html import escape
from typing import Final, final

from domain.bid_snapshot import CreativeKind
from hotpath.engine.entries import Entry
from hotpath.openrtb.responses import MarkupType

_MARKUP_TYPES: Final = {
    CreativeKind.BANNER: MarkupType.BANNER,
    CreativeKind.VIDEO: MarkupType.VIDEO,
    CreativeKind.AUDIO: MarkupType.AUDIO,
    CreativeKind.NATIVE: MarkupType.NATIVE,
}


@final
class Shown:
    """The constant part of an entry's bids, each as OpenRTB has it.

    `adm` is its whole markup, empty where that depends on the impression, and so is its size of 0 by 0.
    """

    __slots__ = (
        "adm",
        "adomain",
        "apis",
        "attr",
        "bundle",
        "cat",
        "cattax",
        "dur",
        "height",
        "is_audio",
        "is_banner",
        "is_video",
        "iurl",
        "landing",
        "langb",
        "language",
        "mtype",
        "url",
        "width",
    )

    def __init__(self, entry: Entry) -> None:
        """Work it out."""
        campaign, creative = entry.campaign, entry.creative
        kind = creative.kind
        self.is_banner = kind is CreativeKind.BANNER
        self.is_video = kind is CreativeKind.VIDEO
        self.is_audio = kind is CreativeKind.AUDIO
        sized = creative.width != 0 and creative.height != 0
        self.width, self.height = (creative.width, creative.height) if sized else (0, 0)
        self.url = creative.url
        self.iurl = creative.url if kind in (CreativeKind.BANNER, CreativeKind.NATIVE) else ""
        self.landing = f"https://{next(iter(campaign.domains), 'localhost')}/"
        self.adomain = campaign.domains
        self.bundle = campaign.bundle
        self.cattax = campaign.category_taxonomy
        self.cat = campaign.categories
        self.attr = creative.attributes
        self.apis = creative.apis
        self.language = creative.language if "-" not in creative.language else ""
        self.langb = creative.language if "-" in creative.language else ""
        self.dur = creative.duration_s
        # A plain number: an enumeration's takes the encoder five times as long.
        self.mtype = int(_MARKUP_TYPES[kind])
        self.adm = creative.markup
        if self.is_banner and sized and not self.adm:
            self.adm = image(self, self.width, self.height)


def image(shown: Shown, width: int, height: int) -> str:
    """A banner without markup of its own."""
    return (
        f'<a href="{escape(shown.landing)}" target="_blank" rel="noopener">'
        f'<img src="{escape(shown.url)}" width="{width}" height="{height}" alt=""></a>'
    )


def shown_of(entry: Entry) -> Shown:
    """What follows from an entry alone."""
    kept = entry.kept
    if isinstance(kept, Shown):
        return kept
    made = Shown(entry)
    entry.kept = made
    return made
