"""A bidder's decisions as the event that is kept of them. Must not decide, and must not know where events go."""

from typing import Final

from domain.bid_events import BidEvent, Outcome
from hotpath.engine.decisions import Decisions, Refusal
from hotpath.openrtb.requests import BidRequest

_US: Final = 1_000_000
#: Scores stand beside their offers: to name each in a table takes longer than to choose among them.
_NO_NAMES: Final[dict[str, float]] = {}


def without_auction(request: BidRequest, result: str, now_s: float) -> BidEvent:
    """The event of a request for which none was held: `result` says why."""
    return BidEvent(request_id=request.id, at_us=int(now_s * _US), result=result, test=request.test != 0)


def of_auction(request: BidRequest, decisions: Decisions, now_s: float) -> BidEvent:
    """The event of a request's decisions: what was bid, why not, and what a model can learn from."""
    shortlist, outcomes, result = decisions.shortlist, [], "no_bid"
    for each in decisions.outcomes:
        if isinstance(each, Refusal):
            outcomes.append(Outcome(each.imp_id, each.reason.value))
            continue
        result, entry = "bid", each.entry
        outcomes.append(
            Outcome(
                each.imp_id,
                "",
                each.token,
                entry.campaign_id,
                entry.offer_id,
                entry.creative_id,
                each.deal_id,
                each.price_micros,
                each.house_micros,
                each.score,
            )
        )
    return BidEvent(
        request.id,
        int(now_s * _US),
        result,
        shortlist.currency,
        decisions.house_currency,
        request.test != 0,
        shortlist.user,
        shortlist.features,
        _NO_NAMES,
        tuple(outcomes),
        decisions.offer_ids,
        tuple(decisions.scores),
    )
