"""Requests of real exchanges and of the specification: each gets the answer that its class asks for."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hotpath.openrtb.codec import MalformedRequest
from tests.integration.bid_server import demo_bidder

DATA = Path(os.environ.get("EXTERNAL_DATA", "/nowhere")) / "openrtb"
MANIFEST = DATA / "manifest.json"
#: Requests of old dialects that are no requests: what they lack, or have as another type, cannot be guessed.
REFUSED_DIALECTS = {
    "rtb4free--appnexus.json", "rtb4free--bad-cappture.json", "rtb4free--badimage.json",
    "rtb4free--fyberMobileInApp.json", "rtb4free--nexageNativeAppWall.json",
    "rtb4free--nexageNativeContentStreamWithVideo.json",
    "rtbkit--bid_request--testing--openrtb1_req.json",
    "bsm--breq.native.json",
}  # fmt: skip
#: Of Prebid's own flows: one leaves the impression to a stored request, one is broken JSON.
REFUSED_PREBID = {"invalid-stored--bad_stored_req.json", "invalid-stored--bad_incoming_imp.json"}


def rows() -> list[dict[str, Any]]:
    if not MANIFEST.is_file():
        return []
    found: list[dict[str, Any]] = json.loads(MANIFEST.read_bytes())
    return [row for row in found if "bid-response" not in row["file"] and "/native1/" not in row["file"]]


def body_of(row: dict[str, Any]) -> bytes:
    """What is to be posted: the file, or what Prebid's test file holds as the request."""
    data = (DATA / row["file"]).read_bytes()
    if not row["file"].startswith(("prebid-server/", "prebid-only/")):
        return data
    try:
        held = json.loads(data)
    except ValueError:
        return data
    return json.dumps(held.get("mockBidRequest", held.get("requestPayload"))).encode()


def is_refused(row: dict[str, Any]) -> bool | None:
    """Whether the class asks for a 400."""
    name = row["file"].rsplit("/", 1)[-1]
    match row["klass"]:
        case "ortb-required" | "malformed-json":
            return True
        case "dialect":
            return name in REFUSED_DIALECTS
        case "prebid-only":
            # Prebid's video endpoint has a request of its own: no OpenRTB, so it lacks `id` and `imp`.
            return name in REFUSED_PREBID or name.startswith("video--")
        case _:
            return False


#: Impressions that even a campaign that takes anything is not bid for, and why: an agency's private deals, bids in pesos
#: without a rate, native requests that cannot be read or filled, a seat or a category list that leaves it out, video of
#: two seconds or in VAST 1.0, and a slot that blocks the kind of banner that is written.
NOT_BID = {
    "private_auction": {
        "6-2-5-pmp-with-direct-deal.json", "pmp-with-direct-deal.json", "rtb4free--c1xnew.json",
        "rtb4free--nexagePrivateAuction1.json", "rtb4free--nexagePrivateAuction2.json",
        "rtb4free--nexagePrivateAuction4.json", "rtb4free--nexagePrivateAuction5.json", "rtb4free--rotating.json",
    },
    "currency": {
        "currency-conversion--custom-rates--errors--conversion-disabled.json",
        "currency-conversion--custom-rates--errors--custom-rates-currency-missing-usepbs-false.json",
        "currency-conversion--custom-rates--errors--custom-rates-empty-usepbs-false.json",
        "currency-conversion--custom-rates--errors--custom-rates-invalid-usepbs-false.json",
        "currency-conversion--custom-rates--valid--custom-rate-not-found-usepbsrates-default.json",
        "currency-conversion--custom-rates--valid--custom-rates-override-usepbsrates-true.json",
        "currency-conversion--custom-rates--valid--server-rates-usepbsrates-true.json",
        "currency-conversion--server-rates--errors--no-conversion-found.json",
    },
    "format": {
        "native-ad.json", "test-minutemedia-bid-request.json", "test-genericAlias-bid-request-1.json",
        "rtb4free--smaatoRichMedia.json",
    },
    "seat": {
        "rtb4free--Bidswitch--AppNoDomain.json", "rtbkit--bid_request--testing--openrtb_wseat_req.json",
        "rtbkit--exchange--testing--BidSwitchAdX.json",
    },
    "blocked": {"valid-whole--exemplary--ortb-2.6-to-2.5-downconvert.json"},
}  # fmt: skip


def why_not(row: dict[str, Any]) -> dict[str, int]:
    """Impressions without a bid, by reason; each of those files has one."""
    name = row["file"].rsplit("/", 1)[-1]
    if row["klass"] == "native-1.2":
        return {"format": 1}
    return {reason: 1 for reason, names in NOT_BID.items() if name in names}


@pytest.mark.external_data
@pytest.mark.skipif(not MANIFEST.is_file(), reason="EXTERNAL_DATA names no folder with openrtb/")
@pytest.mark.parametrize("row", rows(), ids=lambda row: row["file"])
def test_a_request_gets_what_its_class_asks_for(row: dict[str, Any]) -> None:
    bidder = demo_bidder()
    if is_refused(row):
        with pytest.raises(MalformedRequest):
            bidder.answer(body_of(row))
        return
    answer = bidder.answer(body_of(row))
    assert bidder.counts.answers["technical"] == 0
    request = json.loads(body_of(row))
    bids = [bid for seat in json.loads(answer or b"{}").get("seatbid", ()) for bid in seat["bid"]]
    if bidder.counts.answers["insufficient_time"]:
        assert json.loads(answer) == {"id": request["id"], "nbr": 15}
    else:
        # Each impression has its bid or its reason, never neither.
        assert len(bids) + bidder.counts.refusals.total() == len(request["imp"])
        assert bidder.counts.refusals == why_not(row)
