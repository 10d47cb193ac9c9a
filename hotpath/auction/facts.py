"""A bid request as the facts that the engine decides on. Must not decide, and must not fail on a checked request.

Values outside their domain are left out: a size below one, a floor below zero; a `gdpr` that is neither 0 nor 1 counts
as 1, because a law that cannot be read may hold.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from domain.bid_features import Privacy
from domain.bid_snapshot import CreativeKind
from hotpath.auction.consents import consents
from hotpath.engine.facts import DealFacts, FormatFacts, ImpressionFacts, RequestFacts
from hotpath.openrtb.impressions import Imp
from hotpath.openrtb.media import Audio, Banner, Native, Video
from hotpath.openrtb.native import read_native
from hotpath.openrtb.people import User
from hotpath.openrtb.requests import BidRequest, Regs

_MICROS: Final = 1_000_000
_FIRST_PRICE: Final = 1


def request_facts(request: BidRequest, vendor_id: int) -> RequestFacts:
    """The facts of a checked request.

    Args:
        request: what `decode_request` gave.
        vendor_id: this bidder's number on the global vendor list, 0 for none.
    """
    place, device = request.site or request.app, request.device
    geo = device.geo if device is not None else None
    return RequestFacts(
        request_id=request.id,
        impressions=tuple([_impression(imp) for imp in request.imp]),
        first_price=request.at == _FIRST_PRICE,
        test=request.test == 1,
        currencies=request.cur,
        seats=request.wseat,
        blocked_seats=request.bseat,
        blocked_categories=request.bcat,
        category_taxonomy=request.cattax,
        blocked_domains=request.badv,
        blocked_bundles=request.bapp,
        country=geo.country.upper() if geo is not None else "",
        device_type=device.devicetype if device is not None else 0,
        page_categories=(*place.cat, *place.sectioncat, *place.pagecat) if place is not None else (),
        page_domain=place.domain if place is not None else "",
        user_key=_user_key(request),
        privacy=_privacy(request.regs, request.user, vendor_id),
    )


def _user_key(request: BidRequest) -> str:
    """By what a user is known again; nothing where the device asks not to be followed."""
    user, device = request.user, request.device
    if device is not None and (device.dnt == 1 or device.lmt == 1):
        return ""
    if user is not None and (user.buyeruid or user.id):
        return user.buyeruid or user.id
    return device.ifa if device is not None else ""


def _privacy(regs: Regs | None, user: User | None, vendor_id: int) -> Privacy:
    if regs is None:
        return Privacy()
    gdpr: object = regs.gdpr
    us_privacy: object = regs.us_privacy
    sections: object = regs.gpp_sid
    if regs.ext is not None:
        gdpr = _from_ext(regs.ext.gdpr) if gdpr is None else gdpr
        us_privacy = us_privacy or _from_ext(regs.ext.us_privacy)
        sections = sections or _from_ext(regs.ext.gpp_sid)
    return Privacy(
        coppa=regs.coppa != 0,
        gdpr=not (gdpr is None or gdpr in (0, "0")),
        consent_given=consents(_consent(user), vendor_id),
        us_privacy=us_privacy if isinstance(us_privacy, str) else "",
        gpp_sections=tuple(one for one in sections if isinstance(one, int))
        if isinstance(sections, list | tuple)
        else (),
    )


def _consent(user: User | None) -> str:
    if user is None:
        return ""
    older = _from_ext(user.ext.consent) if not user.consent and user.ext is not None else ""
    return user.consent or (older if isinstance(older, str) else "")


def _from_ext(raw: msgspec.Raw | msgspec.UnsetType) -> object:
    """What version 2.5 kept in an extension; None where there is nothing."""
    return None if raw is msgspec.UNSET else msgspec.json.decode(raw)


def _impression(imp: Imp) -> ImpressionFacts:
    formats: list[FormatFacts] = []
    if imp.banner is not None:
        formats.append(_banner(imp.banner))
    if imp.video is not None:
        formats += _stream(imp.video, CreativeKind.VIDEO)
    if imp.audio is not None:
        formats += _stream(imp.audio, CreativeKind.AUDIO)
    if imp.native is not None:
        formats += _native(imp.native)
    deals = imp.pmp.deals if imp.pmp is not None else ()
    return ImpressionFacts(
        imp_id=imp.id,
        formats=tuple(formats),
        floor_micros=floor_micros(imp.bidfloor),
        floor_currency=imp.bidfloorcur or "USD",
        deals=tuple(
            [
                DealFacts(deal.id, floor_micros(deal.bidfloor), deal.bidfloorcur or "USD", deal.wseat, deal.wadomain)
                for deal in deals
            ]
        ),
        private_auction=imp.pmp is not None and imp.pmp.private_auction == 1,
        secure=imp.secure == 1,
        position=next((one.pos for one in (imp.banner, imp.video) if one is not None), 0),
    )


def floor_micros(floor: float) -> int:
    """A floor as CPM micros, at least 0; rounded up, since a bid a millionth below it would be refused."""
    micros = round(floor * _MICROS)
    return max(0, micros + (micros < floor * _MICROS - 1e-3))


def banner_sizes(banner: Banner) -> tuple[tuple[int, int], ...]:
    """The sizes that a banner takes, formats first; none where any is fine."""
    sizes = [(one.w, one.h) for one in banner.format if one.w > 0 and one.h > 0]
    if sizes:
        return tuple(sizes)
    return ((banner.w, banner.h),) if banner.w > 0 and banner.h > 0 else ()


def _banner(banner: Banner) -> FormatFacts:
    return FormatFacts(CreativeKind.BANNER, banner_sizes(banner), banner.mimes, banner.battr)


def _stream(stream: Video | Audio, kind: CreativeKind) -> Sequence[FormatFacts]:
    """One format, or one per duration where only exact ones are taken. Streams scale, so sizes do not matter."""
    spans = [(exact, exact) for exact in stream.rqddurs if exact > 0]
    spans = spans or [(max(0, stream.minduration), max(0, stream.maxduration))]
    return [FormatFacts(kind, (), stream.mimes, stream.battr, least, most) for least, most in spans]


def _native(native: Native) -> Sequence[FormatFacts]:
    """None where the native request cannot be read, or must have a video: the impression's other formats stay."""
    request = read_native(native.request)
    if request is None or any(asset.required and asset.video is not None for asset in request.assets):
        return ()
    return [FormatFacts(CreativeKind.NATIVE, (), (), native.battr)]
