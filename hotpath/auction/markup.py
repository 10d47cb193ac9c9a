"""What goes into `adm`: an image for a banner, VAST for video and audio, assets for native.

A creative that brings its own markup is sent as it is. Must not choose a creative or a price.
"""

from functools import lru_cache
from html import escape
from typing import Final

from domain.bid_snapshot import CreativeKind
from hotpath.auction.facts import banner_sizes
from hotpath.auction.vast import spot_protocol, vast
from hotpath.engine.entries import Entry
from hotpath.openrtb.impressions import Imp
from hotpath.openrtb.media import Audio, Video
from hotpath.openrtb.native import (
    Asset,
    AssetValue,
    DataValue,
    ImageValue,
    Link,
    NativeResponse,
    TitleValue,
    read_native,
    write_native,
)
from hotpath.openrtb.responses import MarkupType

MARKUP_TYPES: Final = {
    CreativeKind.BANNER: MarkupType.BANNER,
    CreativeKind.VIDEO: MarkupType.VIDEO,
    CreativeKind.AUDIO: MarkupType.AUDIO,
    CreativeKind.NATIVE: MarkupType.NATIVE,
}


def markup(entry: Entry, imp: Imp, bid_id: str) -> str:
    """The `adm` of a bid on an impression that has the creative's format."""
    creative = entry.creative
    if creative.markup:
        return creative.markup
    if creative.kind is CreativeKind.BANNER:
        return _image(creative.url, _landing(entry), *size(entry, imp))
    if creative.kind is CreativeKind.NATIVE:
        return _native(entry, imp)
    stream = _stream(entry, imp)
    if stream is None:
        raise ValueError(f"impression {imp.id} takes no {creative.kind}")
    return vast(entry, stream, bid_id=bid_id, landing=_landing(entry), size=size(entry, imp))


@lru_cache(maxsize=16_384)
def _image(url: str, landing: str, width: int, height: int) -> str:
    """Kept, since a creative is shown again and again and escaping takes longer than an auction's index."""
    return (
        f'<a href="{escape(landing)}" target="_blank" rel="noopener">'
        f'<img src="{escape(url)}" width="{width}" height="{height}" alt=""></a>'
    )


def size(entry: Entry, imp: Imp) -> tuple[int, int]:
    """What a bid says of its size: the creative's, or, for one that fits any, the first that the impression names."""
    creative = entry.creative
    if creative.width and creative.height:
        return creative.width, creative.height
    if creative.kind is CreativeKind.BANNER and imp.banner is not None:
        return next(iter(banner_sizes(imp.banner)), (0, 0))
    if creative.kind is CreativeKind.VIDEO and imp.video is not None:
        return max(imp.video.w, 0), max(imp.video.h, 0)
    return 0, 0


def _landing(entry: Entry) -> str:
    return f"https://{next(iter(entry.campaign.domains), 'localhost')}/"


def protocol(entry: Entry, imp: Imp) -> int:
    """OpenRTB's number of the protocol that a spot's markup speaks, 0 for what is no spot, or does not say."""
    stream = _stream(entry, imp)
    return spot_protocol(entry, stream) if stream is not None else 0


def _stream(entry: Entry, imp: Imp) -> Video | Audio | None:
    if entry.creative.kind is CreativeKind.VIDEO:
        return imp.video
    return imp.audio if entry.creative.kind is CreativeKind.AUDIO else None


def _native(entry: Entry, imp: Imp) -> str:
    request = read_native(imp.native.request) if imp.native is not None else None
    assets = request.assets if request is not None else ()
    values = tuple(_asset(entry, asset, place) for place, asset in enumerate(assets) if asset.video is None)
    return write_native(NativeResponse(link=Link(url=_landing(entry)), assets=values))


def _asset(entry: Entry, asset: Asset, place: int) -> AssetValue:
    """One asset filled; text is cut to the length that the page has room for."""
    creative, text = entry.creative, entry.offer.offer_id
    title = image = data = None
    if asset.title is not None:
        title = TitleValue(text=text[: asset.title.len] if asset.title.len > 0 else text)
    elif asset.img is not None:
        width, height = asset.img.w or asset.img.wmin, asset.img.h or asset.img.hmin
        image = ImageValue(url=creative.url, type=asset.img.type, w=width, h=height)
    elif asset.data is not None:
        data = DataValue(value=text[: asset.data.len] if asset.data.len > 0 else text, type=asset.data.type)
    number = place if asset.id is None else asset.id
    return AssetValue(id=number, required=asset.required, title=title, img=image, data=data)
