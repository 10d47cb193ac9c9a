"""What goes into `adm`: an image for a banner, VAST for video and audio, assets for native.

A creative that brings its own markup is sent as it is. Must not choose a creative or a price.
"""

from functools import lru_cache

from hotpath.auction.facts import banner_sizes
from hotpath.auction.shown import Shown, image, shown_of
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

#: A width and a height, in pixels; 0 by 0 for what has none.
Size = tuple[int, int]


def markup(entry: Entry, imp: Imp, bid_id: str, shown_at: Size) -> str:
    """The `adm` of a bid on an impression that has the creative's format; `shown_at` is what `size` says."""
    shown = shown_of(entry)
    if shown.adm:
        return shown.adm
    if shown.is_banner:
        return _image(shown, shown_at[0], shown_at[1])
    if not (shown.is_video or shown.is_audio):
        return _native(entry, imp)
    stream = _stream(shown, imp)
    if stream is None:
        raise ValueError(f"impression {imp.id} takes no {entry.creative.kind}")
    return vast(entry, stream, bid_id=bid_id, landing=shown.landing, size=shown_at)


@lru_cache(maxsize=16_384)
def _image(shown: Shown, width: int, height: int) -> str:
    """Kept, since a creative is shown again and again and escaping takes longer than an auction's index."""
    return image(shown, width, height)


def size(entry: Entry, imp: Imp) -> Size:
    """What a bid says of its size: the creative's, or, for one that fits any, the first that the impression names."""
    shown = shown_of(entry)
    if shown.width:
        return shown.width, shown.height
    if shown.is_banner and imp.banner is not None:
        return next(iter(banner_sizes(imp.banner)), (0, 0))
    if shown.is_video and imp.video is not None:
        return max(imp.video.w, 0), max(imp.video.h, 0)
    return 0, 0


def protocol(entry: Entry, imp: Imp) -> int:
    """OpenRTB's number of the protocol that a spot's markup speaks, 0 for what is no spot, or does not say."""
    stream = _stream(shown_of(entry), imp)
    return spot_protocol(entry, stream) if stream is not None else 0


def _stream(shown: Shown, imp: Imp) -> Video | Audio | None:
    if shown.is_video:
        return imp.video
    return imp.audio if shown.is_audio else None


def _native(entry: Entry, imp: Imp) -> str:
    request = read_native(imp.native.request) if imp.native is not None else None
    assets = request.assets if request is not None else ()
    values = tuple(_asset(entry, asset, place) for place, asset in enumerate(assets) if asset.video is None)
    return write_native(NativeResponse(link=Link(url=shown_of(entry).landing), assets=values))


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
