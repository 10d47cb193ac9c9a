"""VAST for a spot without markup of its own, in the version that the impression takes. Must not choose a spot."""

from html import escape

from domain.bid_snapshot import CreativeKind
from hotpath.engine.entries import WRITTEN_VAST, Entry
from hotpath.openrtb.media import Audio, Video

_PREFERRED = next(iter(WRITTEN_VAST))
#: Protocols of VAST 4.1 and later, which know audio and ask for an id of the serving.
_SINCE_41 = (11, 13)
_WITHOUT_UNIVERSAL_ID = (2, 3)


def spot_protocol(entry: Entry, stream: Video | Audio) -> int:
    """OpenRTB's number of the protocol in which a spot answers an impression; 0 where its own markup does not say."""
    creative = entry.creative
    if not creative.markup:
        return next((one for one in WRITTEN_VAST if one in stream.protocols), _PREFERRED)
    shared = [one for one in creative.protocols if one in stream.protocols]
    return next(iter(shared or creative.protocols), 0)


def vast(entry: Entry, stream: Video | Audio, *, bid_id: str, landing: str, size: tuple[int, int]) -> str:
    """One linear advertisement, inline.

    Args:
        entry: the spot.
        stream: what it is to be played in.
        bid_id: names the advertisement and its serving.
        landing: where a click leads.
        size: pixels, 0 by 0 for audio.
    """
    creative, protocol = entry.creative, spot_protocol(entry, stream)
    mime = creative.mime or next(iter(stream.mimes), "")
    minutes, seconds = divmod(creative.duration_s, 60)
    hours, minutes = divmod(minutes, 60)
    kind = serving = universal = ""
    if protocol in _SINCE_41:
        kind = ' adType="audio"' if creative.kind is CreativeKind.AUDIO else ""
        serving = f"<AdServingId>{escape(bid_id)}</AdServingId>"
        universal = '<UniversalAdId idRegistry="unknown">unknown</UniversalAdId>'
    elif protocol not in _WITHOUT_UNIVERSAL_ID:
        universal = '<UniversalAdId idRegistry="unknown" idValue="unknown">unknown</UniversalAdId>'
    width, height = size
    return (
        f'<VAST version="{WRITTEN_VAST[protocol]}"><Ad id="{escape(bid_id)}"{kind}><InLine>'
        f"<AdSystem>Campaign Express</AdSystem><AdTitle>{escape(entry.offer.offer_id)}</AdTitle>{serving}"
        f'<Impression></Impression><Creatives><Creative id="{escape(creative.creative_id)}">{universal}<Linear>'
        f"<Duration>{hours:02}:{minutes:02}:{seconds:02}</Duration>"
        f'<MediaFiles><MediaFile delivery="progressive" type="{escape(mime)}" width="{width}" height="{height}">'
        f"{_text(creative.url)}</MediaFile></MediaFiles>"
        f"<VideoClicks><ClickThrough>{_text(landing)}</ClickThrough></VideoClicks>"
        "</Linear></Creative></Creatives></InLine></Ad></VAST>"
    )


def _text(address: str) -> str:
    """An address as character data; one that holds the end of a section is cut into two."""
    return "<![CDATA[" + address.replace("]]>", "]]]]><![CDATA[>") + "]]>"
