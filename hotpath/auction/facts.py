"""A bid request as the facts that the engine decides on. Must not decide, and must not fail on a checked request.

Values outside their domain are left out: a size below one, a floor below zero. A flag that is not 0 counts as set: a
`gdpr` of 7 is a law that may hold.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import isfinite
from typing import Final
from urllib.parse import urlsplit

from domain.bid_snapshot import CreativeKind
from hotpath.auction.privacy import privacy_of
from hotpath.engine.entries import with_ancestors
from hotpath.engine.facts import DealFacts, DurationFloor, FormatFacts
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.openrtb.codec import decode_chain
from hotpath.openrtb.impressions import Deal, Imp
from hotpath.openrtb.inventory import App, Dooh, Site
from hotpath.openrtb.media import Audio, Banner, DurFloors, Native, Video
from hotpath.openrtb.native import read_native
from hotpath.openrtb.requests import BidRequest, SupplyChain

_MICROS: Final = 1_000_000
_SECOND_PRICE: Final = 2
_UNLIMITED: Final = -1
_MOST_MULTIPLIER: Final = 1e6
#: What a phone gives whose owner wants no advertising identifier: everybody's is the same.
_NO_IFA: Final = "00000000-0000-0000-0000-000000000000"
#: By its own name, as an enumeration finds it in 600 instructions.
_BANNER: Final = CreativeKind.BANNER


def request_facts(request: BidRequest, vendor_id: int) -> RequestFacts:
    """The facts of a checked request.

    Args:
        request: what `decode_request` gave.
        vendor_id: this bidder's number on the global vendor list, 0 for none.
    """
    place, device = request.site or request.app or request.dooh, request.device
    geo = device.geo if device is not None else None
    chain = _chain(request)
    page = place if isinstance(place, (Site, App)) else None
    domain = _page_domain(place)
    return RequestFacts(
        request_id=request.id,
        impressions=tuple(map(_impression, request.imp)),
        # An exchange's own kind of auction may well take what was bid.
        first_price=request.at != _SECOND_PRICE,
        test=request.test != 0,
        currencies=tuple([code.upper() for code in request.cur]) if request.cur else (),
        seats=request.wseat,
        blocked_seats=request.bseat,
        allowed_categories=request.acat,
        blocked_categories=request.bcat,
        category_taxonomy=request.cattax,
        blocked_domains=request.badv,
        blocked_bundles=request.bapp,
        country=geo.country.upper() if geo is not None else "",
        device_type=device.devicetype if device is not None else 0,
        languages=request.wlangb or request.wlang,
        page_categories=_page_categories(page),
        page_taxonomy=page.cattax if page is not None else 1,
        page_domain=domain,
        sellers=tuple([(node.asi.lower(), node.sid) for node in chain.nodes]) if chain is not None else (),
        whole_chain=chain is not None and chain.complete == 1,
        seller_domain=(page.inventorypartnerdomain.lower() if page is not None else "") or domain.removeprefix("www."),
        user_key=_user_key(request),
        privacy=privacy_of(request.regs, request.user, vendor_id),
    )


def _chain(request: BidRequest) -> SupplyChain | None:
    """The supply chain, where 2.6 has it or, as in 2.5, in the extension."""
    source = request.source
    if source is None or source.schain is not None or source.ext is None:
        return source.schain if source is not None else None
    return decode_chain(source.ext.schain)


def _page_domain(place: Site | App | Dooh | None) -> str:
    """Whose page, app or screen it is; of a site that names no domain, its page's host."""
    if place is None:
        return ""
    domain = place.domain
    if not domain and isinstance(place, Site):
        try:
            domain = urlsplit(place.page).hostname or ""
        except ValueError:
            domain = ""
    return domain.lower().rstrip(".")


def _page_categories(page: Site | App | None) -> tuple[str, ...]:
    """What the page is about; a category also counts as the one it stands under."""
    if page is None:
        return ()
    named = (*page.cat, *page.sectioncat, *page.pagecat)
    return _with_ancestors(named) if named else ()


@lru_cache(maxsize=4_096)
def _with_ancestors(named: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for category in named for name in with_ancestors(category)))


def _user_key(request: BidRequest) -> str:
    """By what a user is known again; nothing where the device asks not to be followed."""
    user, device = request.user, request.device
    if device is not None and (device.dnt != 0 or device.lmt != 0):
        return ""
    if user is not None and (user.buyeruid or user.id):
        return user.buyeruid or user.id
    return device.ifa if device is not None and device.ifa != _NO_IFA else ""


def _impression(imp: Imp) -> ImpressionFacts:
    formats: list[FormatFacts] = []
    floors: list[DurationFloor] = []
    shown = imp.banner or imp.video
    if imp.banner is not None:
        formats.append(_banner(imp.banner))
    if imp.video is not None:
        formats += _stream(imp.video, CreativeKind.VIDEO)
        floors += _duration_floors(imp.video)
    if imp.audio is not None:
        formats += _stream(imp.audio, CreativeKind.AUDIO)
        floors += _duration_floors(imp.audio)
    if imp.native is not None:
        formats += _native(imp.native)
    return ImpressionFacts(
        imp_id=imp.id,
        formats=tuple(formats),
        floor_micros=floor_micros(imp.bidfloor),
        floor_currency=_currency(imp.bidfloorcur),
        deals=tuple(map(_deal, imp.pmp.deals)) if imp.pmp is not None else (),
        private_auction=imp.pmp is not None and imp.pmp.private_auction != 0,
        secure=imp.secure != 0,
        position=shown.pos if shown is not None else 0,
        duration_floors=tuple(floors),
        multiplier=_multiplier(imp),
    )


def _deal(deal: Deal) -> DealFacts:
    return DealFacts(
        deal.id,
        floor_micros(deal.bidfloor),
        _currency(deal.bidfloorcur),
        deal.wseat,
        deal.wadomain,
        deal.at,
        tuple(_duration_floors(deal)),
    )


def _currency(code: str) -> str:
    return code.upper() or "USD"


def _multiplier(imp: Imp) -> float:
    """For how many impressions one showing counts; 1 where nothing sensible is said."""
    if imp.qty is None:
        return 1.0
    told = imp.qty.multiplier
    return min(told, _MOST_MULTIPLIER) if isfinite(told) and told > 0 else 1.0


def floor_micros(floor: float) -> int:
    """A floor as CPM micros, at least 0; rounded up, since a bid a millionth below it would be refused."""
    if not floor or not isfinite(floor):
        return 0
    micros = round(floor * _MICROS)
    return max(0, micros + (micros < floor * _MICROS - 1e-3))


def _duration_floors(named: Video | Audio | Deal) -> list[DurationFloor]:
    """Floors that hang on a spot's length: by ranges of seconds, and by the second."""
    floors = [_range_floor(one) for one in named.durfloors] if named.durfloors else []
    by_second = floor_micros(named.mincpmpersec)
    if by_second:
        floors.append(DurationFloor(0, 0, by_second, per_second=True))
    return floors


def _range_floor(one: DurFloors) -> DurationFloor:
    return DurationFloor(max(0, one.mindur), max(0, one.maxdur), floor_micros(one.bidfloor))


def banner_sizes(banner: Banner) -> tuple[tuple[int, int], ...]:
    """The sizes that a banner takes, formats first; none where any is fine, or a ratio is asked for."""
    sizes = [(one.w, one.h) for one in banner.format if one.w > 0 and one.h > 0] if banner.format else ()
    if sizes:
        return tuple(sizes)
    return ((banner.w, banner.h),) if banner.w > 0 and banner.h > 0 else ()


def _banner(banner: Banner) -> FormatFacts:
    flexible = [one for one in banner.format if one.wratio > 0 and one.hratio > 0] if banner.format else ()
    return FormatFacts(
        _BANNER,
        banner_sizes(banner),
        banner.mimes,
        banner.battr,
        ratios=tuple([(one.wratio, one.hratio, max(0, one.wmin)) for one in flexible]) if flexible else (),
        apis=banner.api,
        blocked_types=banner.btype,
    )


def _stream(stream: Video | Audio, kind: CreativeKind) -> Sequence[FormatFacts]:
    """One format, or one per duration where only exact ones are taken. Streams scale, so sizes do not matter."""
    spans = [(exact, exact) for exact in stream.rqddurs if exact > 0]
    spans = spans or [(max(0, stream.minduration), _longest(stream))]
    linearity = stream.linearity if isinstance(stream, Video) else 0
    return [
        FormatFacts(
            kind, (), stream.mimes, stream.battr, least, most,
            protocols=stream.protocols, apis=stream.api, linearity=linearity,
        )
        for least, most in spans
    ]  # fmt: skip


def _longest(stream: Video | Audio) -> int:
    """The longest spot that fits, with the extension the player grants, and never longer than the whole pod; 0: any."""
    longest = max(0, stream.maxduration)
    if stream.maxextended == _UNLIMITED:
        longest = 0
    elif longest:
        longest += max(0, stream.maxextended)
    pod = max(0, stream.poddur)
    return min(longest, pod) if longest and pod else longest or pod


def _native(native: Native) -> Sequence[FormatFacts]:
    """None where the native request cannot be read, or must have a video: the impression's other formats stay."""
    request = read_native(native.request)
    if request is None or any(asset.required and asset.video is not None for asset in request.assets):
        return ()
    return [FormatFacts(CreativeKind.NATIVE, (), (), native.battr, apis=native.api)]
