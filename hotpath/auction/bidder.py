"""One request's way: read, decide, leave its event, answer. Must not know HTTP, and must not wait.

Whatever goes wrong in here ends in a no-bid: an exchange counts an error against a bidder and cuts its traffic.
"""

import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, final

from domain.bid_people import NOBODY, Profile
from hotpath.auction.facts import request_facts
from hotpath.auction.markup import markup, protocol, size
from hotpath.auction.notices import Tickets
from hotpath.auction.records import of_auction, without_auction
from hotpath.auction.settlement import Books, NoticeCounts, Settlement
from hotpath.auction.shown import shown_of
from hotpath.auction.ticket import BidTicket
from hotpath.engine.decisions import Bid, Decisions, Refusal
from hotpath.engine.request_facts import RequestFacts
from hotpath.events.sink import EventSink
from hotpath.openrtb import responses as wire
from hotpath.openrtb.codec import JSON, Codec, MalformedRequest
from hotpath.openrtb.requests import BidRequest
from hotpath.openrtb.responses import BidResponse, NoBidReason, SeatBid

logger = logging.getLogger("campaign_express.bid")

_MICROS: Final = 1_000_000
_MS_PER_S: Final = 1_000


#: Told a request's decisions, or why there are none: once, now or later.
Decided = Callable[[Decisions | Exception], None]
#: Has somebody told the profile of a user, within some seconds; once, now or later.
ProfileSoon = Callable[[str, float, Callable[[Profile], None]], None]
#: Has a request decided, given its facts, its user's profile and the second; now or later.
DecideSoon = Callable[[RequestFacts, Profile, float, Decided], None]


class ProfileSource(Protocol):
    """Where profiles come from."""

    def at_once(self, user_key: str) -> Profile | None:
        """What memory says; None counts as nobody."""
        ...

    def soon(self, user_key: str, wait_s: float, known: Callable[[Profile], None]) -> None:
        """Have `known` told a profile, once, now or within `wait_s` seconds."""
        ...


class Decider(Books, Protocol):
    """The engine, as far as a bidder needs it."""

    def decide(self, request: RequestFacts, profile: Profile, now_s: float) -> Decisions:
        """A bid or a reason per impression, in their order."""
        ...


@dataclass(frozen=True)
class BidderSettings:
    """What an operator may turn.

    `exposure_s` is how long after a bid its impression may be shown (`exp`); `notice_s` how long a notice is believed;
    `network_s` what of an exchange's `tmax` is left to the network; `profile_s` how long a request waits for its user's
    profile; `charged_by_win` are the seats whose exchanges send no billing notice.
    """

    vendor_id: int = 0
    exposure_s: int = 300
    notice_s: int = 3_600
    network_s: float = 0.010
    profile_s: float = 0.003
    charged_by_win: frozenset[str] = frozenset()


@dataclass
class Counts(NoticeCounts):
    """What the metrics read: requests by what they got, impressions without a bid by reason, and notices."""

    answers: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    bids: int = 0


class Bidder:
    """An engine behind the wire's objects."""

    def __init__(
        self,
        engine: Decider,
        tickets: Tickets,
        *,
        profiles: ProfileSource,
        settings: BidderSettings,
        sink: EventSink,
        clock: Callable[[], float] = time.time,
        soon: DecideSoon | None = None,
    ) -> None:
        """`clock` gives seconds since 1970.

        `soon` decides for `begin`, in batches; without it the engine decides each request at once.
        """
        self.counts = Counts()
        self._engine = engine
        self._tickets = tickets
        self._profiles = profiles
        self._vendor_id = settings.vendor_id
        self._exposure_s = settings.exposure_s
        self._notice_s = settings.notice_s
        self._network_s = settings.network_s
        self._profile_s = settings.profile_s
        self._charged_by_win = settings.charged_by_win
        self._clock = clock
        self._last_s = 0.0
        self._soon = soon or self._at_once
        self._sink = sink
        self.settlement = Settlement(engine, tickets, sink, self.counts, self._now_s)

    def answer(self, body: bytes, waited_s: float = 0.0, codec: Codec = JSON) -> bytes:
        """The response to a request, decided by itself; empty where there is nothing to say.

        Args:
            body: the request, unpacked.
            waited_s: since its first byte arrived.
            codec: how the request is written, and the answer is to be.

        Raises:
            MalformedRequest: the body is no bid request.
        """
        answers: list[bytes] = []
        self._begin(body, waited_s, answers.append, self._at_once, self._from_memory, codec)
        return answers[0]

    def begin(self, body: bytes, waited_s: float, done: Callable[[bytes], None], codec: Codec = JSON) -> None:
        """Have a request answered, perhaps together with others: `done` is told what `answer` would return.

        Args:
            body: the request, unpacked.
            waited_s: since its first byte arrived.
            done: called once, now or later, unless this call raises.
            codec: how the request is written, and the answer is to be.

        Raises:
            MalformedRequest: the body is no bid request.
        """
        self._begin(body, waited_s, done, self._soon, self._profiles.soon, codec)

    def _begin(
        self,
        body: bytes,
        waited_s: float,
        done: Callable[[bytes], None],
        decide: DecideSoon,
        profile_soon: ProfileSoon,
        codec: Codec,
    ) -> None:
        try:
            request = codec.decode(body)
        except MalformedRequest:
            self.counts.answers["malformed"] += 1
            raise
        wait_s = self._profile_s
        if request.tmax > 0:
            left_s = request.tmax / _MS_PER_S - waited_s - self._network_s
            if left_s < 0:
                return done(codec.encode(self._no_bid(request, NoBidReason.INSUFFICIENT_TIME)))
            wait_s = min(wait_s, left_s)
        try:
            facts = request_facts(request, self._vendor_id)
        except Exception as error:  # noqa: BLE001 - told, and answered as a failure, by `failed`
            return done(codec.encode(self.failed(request, error)))

        auction = _Auction(self, request, facts, decide, done, codec)
        # Whom the law hides is not even looked up.
        if facts.user_key and facts.personal:
            return profile_soon(facts.user_key, wait_s, auction.known)
        return auction.known(NOBODY)

    def decided_at_s(self) -> float | None:
        """The moment of an auction that begins now; None, and counted, where its event could not be kept."""
        if self._sink.has_room:
            return self._now_s()
        self.counts.answers["no_room"] += 1
        return None

    def _from_memory(self, user_key: str, wait_s: float, known: Callable[[Profile], None]) -> None:  # noqa: ARG002
        known(self._profiles.at_once(user_key) or NOBODY)

    def _at_once(self, facts: RequestFacts, profile: Profile, now_s: float, decided: Decided) -> None:
        try:
            outcome: Decisions | Exception = self._engine.decide(facts, profile, now_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this request's
            outcome = error
        decided(outcome)

    def told(self, request: BidRequest, outcome: Decisions | Exception, now_s: float, codec: Codec) -> bytes:
        """The answer to what was decided, and its event on its way."""
        if isinstance(outcome, Exception):
            return codec.encode(self.failed(request, outcome))
        try:
            response = self._response(request, outcome, now_s)
            answer = codec.encode(response) if response is not None else b""
            # The event is on its way before the answer is.
            self._sink.answered(of_auction(request, outcome, now_s))
        except Exception as error:  # noqa: BLE001 - as above
            return codec.encode(self.failed(request, error))
        self.counts.answers["bid" if answer else "no_bid"] += 1
        return answer

    def failed(self, request: BidRequest, error: Exception) -> BidResponse:
        """The fence before the wire: a fault of ours must not become a 500. It is told, and counted apart."""
        logger.error("request %s could not be decided", request.id, exc_info=error)
        return self._no_bid(request, NoBidReason.TECHNICAL)

    def _response(self, request: BidRequest, decisions: Decisions, now_s: float) -> BidResponse | None:
        seats: dict[str, list[wire.Bid]] = {}
        currency = ""
        for place, decision in enumerate(decisions.outcomes):
            if isinstance(decision, Refusal):
                self.counts.refusals[decision.reason.value] += 1
                continue
            # The engine has one currency for all of a request's bids, as the response has room for one.
            currency = decision.currency
            bid = self._bid(request, place, decision, decisions.house_currency, now_s)
            seat = seats.get(decision.entry.seat)
            if seat is None:
                seats[decision.entry.seat] = [bid]
            else:
                seat.append(bid)
            self.counts.bids += 1
        if not seats:
            return None
        seat_bids = tuple([SeatBid(seat=seat, bid=tuple(bids)) for seat, bids in seats.items()])
        return BidResponse(id=request.id, seatbid=seat_bids, cur=currency)

    def _bid(self, request: BidRequest, place: int, bid: Bid, house_currency: str, now_s: float) -> wire.Bid:
        imp, entry = request.imp[place], bid.entry
        shown = shown_of(entry)
        ticket = BidTicket(
            bid.token,
            entry.campaign_id,
            entry.offer_id,
            bid.house_micros,
            bid.price_micros,
            request.test != 0,
            int(now_s) + self._notice_s,
            house_currency,
            entry.seat in self._charged_by_win,
        )
        addresses, shown_at = self._tickets.addresses(self._tickets.token(ticket)), size(entry, imp)
        return wire.Bid(
            id=bid.token,
            impid=bid.imp_id,
            price=bid.price_micros / _MICROS,
            nurl=addresses.win,
            burl=addresses.billing,
            lurl=addresses.loss,
            adm=markup(entry, imp, bid.token, shown_at),
            adid=entry.offer_id,
            adomain=shown.adomain,
            bundle=shown.bundle,
            iurl=shown.iurl,
            cid=entry.campaign_id,
            crid=entry.creative_id,
            cattax=shown.cattax,
            cat=shown.cat,
            attr=shown.attr,
            apis=shown.apis,
            protocol=protocol(entry, imp),
            language=shown.language,
            langb=shown.langb,
            dealid=bid.deal_id,
            w=shown_at[0],
            h=shown_at[1],
            exp=self._exposure_s,
            dur=shown.dur,
            mtype=shown.mtype,
        )

    def _no_bid(self, request: BidRequest, reason: NoBidReason) -> BidResponse:
        result = reason.name.lower()
        self.counts.answers[result] += 1
        self._sink.answered(without_auction(request, result, self._now_s()))
        return BidResponse(id=request.id, nbr=reason)

    def _now_s(self) -> float:
        """The clock, never back: the engine's ledgers are in order of time."""
        self._last_s = max(self._last_s, self._clock())
        return self._last_s


@final
class _Auction:
    """One request between its facts and its answer; as an object, since closures are dearer when compiled."""

    __slots__ = ("bidder", "codec", "decide", "done", "facts", "is_told", "now_s", "request")

    def __init__(
        self,
        bidder: Bidder,
        request: BidRequest,
        facts: RequestFacts,
        decide: DecideSoon,
        done: Callable[[bytes], None],
        codec: Codec,
    ) -> None:
        """Nobody is told yet."""
        self.bidder = bidder
        self.request = request
        self.facts = facts
        self.decide = decide
        self.done = done
        self.codec = codec
        self.now_s = 0.0
        self.is_told = False

    def known(self, profile: Profile) -> None:
        """Its user's profile has come."""
        now_s = self.bidder.decided_at_s()
        if now_s is None:
            # A bid whose event cannot be kept is not made. Asked now, since a profile may have taken its time.
            self.done(b"")
            return
        self.now_s = now_s
        try:
            self.decide(self.facts, profile, now_s, self.decided)
        except Exception as error:
            if self.is_told:
                # The request has its answer, and who was to send it failed: that asks for no second answer.
                raise
            self.done(self.codec.encode(self.bidder.failed(self.request, error)))

    def decided(self, outcome: Decisions | Exception) -> None:
        """It has its decisions."""
        self.is_told = True
        self.done(self.bidder.told(self.request, outcome, self.now_s, self.codec))


def fresh_prefix() -> str:
    """A prefix for bid ids that no other process has."""
    return secrets.token_hex(6)
