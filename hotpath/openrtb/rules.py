"""What OpenRTB 2.6 requires beyond types: lists that may not be empty, ids that may not repeat, pairs that exclude.

An attribute outside its evident domain (a negative size, gdpr 7) is no such thing: it is ignored where it is used. Must
not look into extensions or native requests.
"""

from math import isfinite

from hotpath.openrtb.impressions import Imp, Pmp
from hotpath.openrtb.media import Audio, Video
from hotpath.openrtb.requests import BidRequest


def broken_rule(request: BidRequest) -> str:
    """The first rule that a request breaks, with the section; empty for a request that breaks none."""
    broken = _broken_outside_impressions(request)
    if broken:
        return broken
    for imp in request.imp:
        broken = _broken_impression(imp)
        if broken:
            return broken
    return ""


def _broken_outside_impressions(request: BidRequest) -> str:
    broken = ""
    if not request.id:
        broken = "3.2.1: id is required"
    elif not request.imp:
        broken = "3.2.1: imp is required"
    elif (request.site is not None) + (request.app is not None) + (request.dooh is not None) > 1:
        broken = "3.2.1: at most one of site, app and dooh"
    elif request.wseat and request.bseat:
        broken = "3.2.1: wseat and bseat exclude each other"
    elif request.acat and request.bcat:
        broken = "3.2.1: acat and bcat exclude each other"
    elif request.wlang and request.wlangb:
        broken = "3.2.1: wlang and wlangb exclude each other"
    elif len(request.imp) > 1 and len({imp.id for imp in request.imp}) < len(request.imp):
        broken = "3.2.4: imp.id is unique within the request"
    return broken


def _broken_impression(imp: Imp) -> str:
    if not imp.id:
        return "3.2.4: imp.id is required"
    if imp.banner is None and imp.video is None and imp.audio is None and imp.native is None:
        return "3.2.4: an impression has at least one of banner, video, audio and native"
    if not isfinite(imp.bidfloor):
        return "3.2.4: bidfloor is a number"
    broken = _broken_stream(imp.video, "3.2.7: video") if imp.video is not None else ""
    if imp.audio is not None:
        broken = broken or _broken_stream(imp.audio, "3.2.8: audio")
    if imp.pmp is not None:
        broken = broken or _broken_deals(imp.pmp)
    return broken


def _broken_stream(stream: Video | Audio, name: str) -> str:
    if not any(stream.mimes):
        return f"{name}.mimes is required"
    if stream.rqddurs and (stream.minduration or stream.maxduration):
        return f"{name}.rqddurs excludes minduration and maxduration"
    return ""


def _broken_deals(pmp: Pmp) -> str:
    for deal in pmp.deals:
        if not deal.id:
            return "3.2.12: deal.id is required"
        if not isfinite(deal.bidfloor):
            return "3.2.12: bidfloor is a number"
    return ""
