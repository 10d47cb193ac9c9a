"""A bidder's decisions as the event that is kept of them. Must not decide, and must not know where events go."""

from typing import Final

from domain.bid_events import BidEvent, Outcome, packed_features
from hotpath.engine.engine import Decisions, Refusal
from hotpath.openrtb.requests import BidRequest

_US: Final = 1_000_000


def without_auction(request: BidRequest, result: str, now_s: float) -> BidEvent:
    """The event of a request for which none was held: `result` says why."""
    return BidEvent(request_id=request.id, at_us=int(now_s * _US), result=result, test=request.test != 0)


def of_auction(request: BidRequest, decisions: Decisions, now_s: float) -> BidEvent:
    """The event of a request's decisions: what was bid, why not, and what a model can learn from."""
    shortlist = decisions.shortlist
    outcomes = tuple(
        [
            Outcome(each.imp_id, each.reason.value)
            if isinstance(each, Refusal)
            else Outcome(
                each.imp_id,
                "",
                each.token,
                each.entry.campaign.campaign_id,
                each.entry.offer.offer_id,
                each.entry.creative.creative_id,
                each.deal_id,
                each.price_micros,
                each.house_micros,
                each.score,
            )
            for each in decisions
        ]
    )
    return BidEvent(
        request.id,
        int(now_s * _US),
        "bid" if any(not each.reason for each in outcomes) else "no_bid",
        shortlist.currency,
        decisions.house_currency,
        request.test != 0,
        shortlist.user,
        packed_features(shortlist.vector, personal=bool(shortlist.user)),
        dict(decisions.scores),
        outcomes,
    )
