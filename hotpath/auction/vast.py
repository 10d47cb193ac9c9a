"""VAST for a spot without markup of its own, in the version that the impression takes. Must not choose a spot."""

from functools import lru_cache
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
    is_audio = creative.kind is CreativeKind.AUDIO
    spot = (creative.creative_id, creative.duration_s, mime, creative.url, landing)
    before, between, after = _written(protocol, entry.offer.offer_id, spot, size, is_audio=is_audio)
    name = escape(bid_id)
    return f"{before}{name}{between}{name}{after}" if protocol in _SINCE_41 else f"{before}{name}{between}{after}"


@lru_cache(maxsize=4_096)
def _written(
    protocol: int, title: str, spot: tuple[str, int, str, str, str], size: tuple[int, int], *, is_audio: bool
) -> tuple[str, str, str]:
    """What stands before, between and behind the two places for the bid's id; the second is there since 4.1.

    Kept, since a spot is sent again and again. `spot` is its id, seconds, type, address and landing page.
    """
    creative_id, duration_s, mime, url, landing = spot
    minutes, seconds = divmod(duration_s, 60)
    hours, minutes = divmod(minutes, 60)
    kind = serving = served = universal = ""
    if protocol in _SINCE_41:
        kind = ' adType="audio"' if is_audio else ""
        serving, served = "<AdServingId>", "</AdServingId>"
        universal = '<UniversalAdId idRegistry="unknown">unknown</UniversalAdId>'
    elif protocol not in _WITHOUT_UNIVERSAL_ID:
        universal = '<UniversalAdId idRegistry="unknown" idValue="unknown">unknown</UniversalAdId>'
    width, height = size
    return (
        f'<VAST version="{WRITTEN_VAST[protocol]}"><Ad id="',
        f'"{kind}><InLine><AdSystem>Campaign Express</AdSystem><AdTitle>{escape(title)}</AdTitle>{serving}',
        (
            f'{served}<Impression></Impression><Creatives><Creative id="{escape(creative_id)}">{universal}<Linear>'
            f"<Duration>{hours:02}:{minutes:02}:{seconds:02}</Duration>"
            f'<MediaFiles><MediaFile delivery="progressive" type="{escape(mime)}" width="{width}" height="{height}">'
            f"{_text(url)}</MediaFile></MediaFiles>"
            f"<VideoClicks><ClickThrough>{_text(landing)}</ClickThrough></VideoClicks>"
            "</Linear></Creative></Creatives></InLine></Ad></VAST>"
        ),
    )


def _text(address: str) -> str:
    """An address as character data; one that holds the end of a section is cut into two."""
    return "<![CDATA[" + address.replace("]]>", "]]]]><![CDATA[>") + "]]>"
