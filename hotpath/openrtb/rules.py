"""What OpenRTB 2.6 requires beyond types: lists that may not be empty, ids that may not repeat, pairs that exclude.

An attribute outside its evident domain (a negative size, gdpr 7) is no such thing: it is ignored where it is used. Must
not look into extensions or native requests.
"""

from collections.abc import Iterator
from math import isfinite

from hotpath.openrtb.impressions import Imp
from hotpath.openrtb.media import Audio, Video
from hotpath.openrtb.requests import BidRequest


def broken_rule(request: BidRequest) -> str:
    """The first rule that a request breaks, with the section; empty for a request that breaks none."""
    return next(_broken(request), "")


def _broken(request: BidRequest) -> Iterator[str]:
    if not request.id:
        yield "3.2.1: id is required"
    if not request.imp:
        yield "3.2.1: imp is required"
    if (request.site is not None) + (request.app is not None) + (request.dooh is not None) > 1:
        yield "3.2.1: at most one of site, app and dooh"
    if request.wseat and request.bseat:
        yield "3.2.1: wseat and bseat exclude each other"
    if request.acat and request.bcat:
        yield "3.2.1: acat and bcat exclude each other"
    if request.wlang and request.wlangb:
        yield "3.2.1: wlang and wlangb exclude each other"
    if len(request.imp) > 1 and len({imp.id for imp in request.imp}) < len(request.imp):
        yield "3.2.4: imp.id is unique within the request"
    for imp in request.imp:
        yield from _broken_impression(imp)


def _broken_impression(imp: Imp) -> Iterator[str]:
    if not imp.id:
        yield "3.2.4: imp.id is required"
    if imp.banner is None and imp.video is None and imp.audio is None and imp.native is None:
        yield "3.2.4: an impression has at least one of banner, video, audio and native"
    if not isfinite(imp.bidfloor):
        yield "3.2.4: bidfloor is a number"
    if imp.video is not None:
        yield from _broken_stream(imp.video, "3.2.7: video")
    if imp.audio is not None:
        yield from _broken_stream(imp.audio, "3.2.8: audio")
    if imp.pmp is not None:
        for deal in imp.pmp.deals:
            if not deal.id:
                yield "3.2.12: deal.id is required"
            if not isfinite(deal.bidfloor):
                yield "3.2.12: bidfloor is a number"


def _broken_stream(stream: Video | Audio, name: str) -> Iterator[str]:
    if not any(stream.mimes):
        yield f"{name}.mimes is required"
    if stream.rqddurs and (stream.minduration or stream.maxduration):
        yield f"{name}.rqddurs excludes minduration and maxduration"
