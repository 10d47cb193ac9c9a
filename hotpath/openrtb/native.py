"""Native Ads 1.2: the request inside `native.request`, and the response that goes into `adm`. Must not choose assets.

Version 1.1's `layout` and `adunit` are read too.

OpenRTB takes the request for a text; one that breaks Native 1.2 makes the impression unanswerable in that format, never
the bid request malformed.
"""

from typing import Any, Final

import msgspec

from hotpath.openrtb.base import Extension, Wire


class Title(Wire):
    """4.3: a title of at most `len` characters."""

    len: int


class Image(Wire):
    """4.4."""

    type: int = 0
    w: int = 0
    wmin: int = 0
    h: int = 0
    hmin: int = 0
    mimes: tuple[str, ...] = ()


class NativeVideo(Wire):
    """4.5. All but `ext` are required."""

    mimes: tuple[str, ...]
    minduration: int
    maxduration: int
    protocols: tuple[int, ...]


class DataAsset(Wire):
    """4.6."""

    type: int
    len: int = 0


class Asset(Wire):
    """4.2: one of the four. `id` is required, yet often left out: then it is the place in the list."""

    id: int | None = None
    required: int = 0
    title: Title | None = None
    img: Image | None = None
    video: NativeVideo | None = None
    data: DataAsset | None = None
    ext: Extension | None = None


class EventTracker(Wire):
    """4.7."""

    event: int
    methods: tuple[int, ...]


class NativeRequest(Wire):
    """4.1."""

    assets: tuple[Asset, ...]
    ver: str = "1.2"
    context: int = 0
    contextsubtype: int = 0
    layout: int = 0
    adunit: int = 0
    plcmttype: int = 0
    plcmtcnt: int = 1
    seq: int = 0
    aurlsupport: int = 0
    durlsupport: int = 0
    eventtrackers: tuple[EventTracker, ...] = ()
    privacy: int = 0


class TitleValue(Wire):
    """5.3."""

    text: str
    len: int = 0


class ImageValue(Wire):
    """5.4."""

    url: str
    type: int = 0
    w: int = 0
    h: int = 0


class DataValue(Wire):
    """5.5. `label` is version 1.1's."""

    value: str
    type: int = 0
    len: int = 0
    label: str = ""


class VideoValue(Wire):
    """5.6."""

    vasttag: str


class Link(Wire):
    """5.7."""

    url: str
    clicktrackers: tuple[str, ...] = ()
    fallback: str = ""


class TrackerValue(Wire):
    """5.8. `customdata` is whatever was agreed on."""

    event: int
    method: int
    url: str = ""
    customdata: Any = None


class AssetValue(Wire):
    """5.2."""

    id: int | None = None
    required: int = 0
    title: TitleValue | None = None
    img: ImageValue | None = None
    video: VideoValue | None = None
    data: DataValue | None = None
    link: Link | None = None


class NativeResponse(Wire):
    """5.1."""

    link: Link
    assets: tuple[AssetValue, ...] = ()
    ver: str = "1.2"
    assetsurl: str = ""
    dcourl: str = ""
    imptrackers: tuple[str, ...] = ()
    jstracker: str = ""
    eventtrackers: tuple[TrackerValue, ...] = ()
    privacy: str = ""


class _Wrapped(Wire):
    """Version 1.0 put the request one object deeper; many still do."""

    native: NativeRequest


_DECODER: Final = msgspec.json.Decoder(NativeRequest, strict=False)
_WRAPPED: Final = msgspec.json.Decoder(_Wrapped, strict=False)
_ENCODER: Final = msgspec.json.Encoder()
#: Context subtypes stand in decades by their context: 10 to 15 content, 20 to 22 social, 30 to 32 product.
_DECADE: Final = 10
_EXCHANGE_OWN: Final = 500
_EVENTS: Final = 4
_METHODS: Final = 2


def read_native(text: str) -> NativeRequest | None:
    """The native request in a text, or None where it is none or breaks Native 1.2."""
    try:
        request = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        try:
            request = _WRAPPED.decode(text).native
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return None
    return request if _is_sound(request) else None


def write_native(response: NativeResponse) -> str:
    """The response as the text for `adm`."""
    return _ENCODER.encode(response).decode()


def _is_sound(request: NativeRequest) -> bool:
    subtype = request.contextsubtype
    if subtype < 0 or (
        0 < subtype < _EXCHANGE_OWN and request.context and subtype // _DECADE != request.context % _EXCHANGE_OWN
    ):
        return False
    for tracker in request.eventtrackers:
        if not _listed(tracker.event, _EVENTS) or not all(_listed(method, _METHODS) for method in tracker.methods):
            return False
    return bool(request.assets) and all(map(_sound_asset, request.assets))


def _listed(value: int, last: int) -> bool:
    return 1 <= value <= last or value >= _EXCHANGE_OWN


def _sound_asset(asset: Asset) -> bool:
    kinds = (asset.title, asset.img, asset.video, asset.data)
    if sum(kind is not None for kind in kinds) != 1:
        return False
    image = asset.img
    return image is None or min(image.w, image.h, image.wmin, image.hmin) >= 0
