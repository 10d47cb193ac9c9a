"""Decisions whose bids on capped campaigns hold a place of all nodes'. Must not know Redis, or who asked."""

from collections.abc import Callable, Sequence
from typing import Final

from domain.bid_people import Profile
from hotpath.caps.redis_store import Place, pair_of
from hotpath.caps.shared import SharedCaps
from hotpath.engine.decisions import Bid, Decisions, Refusal
from hotpath.engine.engine import Engine
from hotpath.engine.facts import NoBid
from hotpath.engine.request_facts import RequestFacts

Decided = Callable[[Decisions | Exception], None]
DecideSoon = Callable[[RequestFacts, Profile, float, Decided], None]
#: How often a request looks for another bid where the others have taken the place of the one it made.
_ROUNDS: Final = 3


class SharedDecisions:
    """Another way of deciding, with what the other nodes have taken left out."""

    def __init__(
        self, engine: Engine, caps: SharedCaps, inner: DecideSoon, *, open_s: float, clock: Callable[[], float]
    ) -> None:
        """Args: the engine, whose ledger `caps` is; what decides; how long a bid is open; seconds since 1970."""
        self._engine = engine
        self._caps = caps
        self._inner = inner
        self._open_s = open_s
        self._clock = clock

    def decide(self, request: RequestFacts, profile: Profile, now_s: float, decided: Decided) -> None:
        """Have a request decided: `decided` is told the decisions once every capped bid has its place."""

        def told(outcome: Decisions | Exception) -> None:
            if isinstance(outcome, Exception):
                decided(outcome)
            else:
                self._hold(request, profile, now_s, outcome, decided, _ROUNDS)

        self._inner(request, profile, now_s, told)

    def _hold(
        self,
        request: RequestFacts,
        profile: Profile,
        now_s: float,
        decisions: Decisions,
        decided: Decided,
        rounds: int,
    ) -> None:
        """Ask for the capped bids' places; who gets none looks for another bid, with one round less."""
        asked = [at for at, one in enumerate(decisions) if isinstance(one, Bid) and one.entry.is_capped]
        if not asked or request.test:
            decided(decisions)
            return
        places = [self._place(request.user_key, decisions[at], now_s) for at in asked]

        def granted(answers: Sequence[bool]) -> None:
            lost = [(at, place) for at, place, free in zip(asked, places, answers, strict=True) if not free]
            if not lost:
                decided(decisions)
                return
            try:
                self._decide_again(request, profile, decisions, lost, decided, rounds)
            except Exception as error:  # noqa: BLE001 - one request's fault must not reach the others of its call
                decided(error)

        self._caps.hold(places, granted)

    def _decide_again(
        self,
        request: RequestFacts,
        profile: Profile,
        decisions: Decisions,
        lost: list[tuple[int, Place]],
        decided: Decided,
        rounds: int,
    ) -> None:
        for _, place in lost:
            self._caps.refuse(place)
            self._engine.budgets.release(place.token)
        if rounds <= 1:
            for at, _ in lost:
                decisions.outcomes[at] = Refusal(decisions[at].imp_id, NoBid.CAP)
            decided(decisions)
            return
        now_s = self._clock()
        again = request.only(tuple([request.impressions[at] for at, _ in lost]))
        fresh = self._engine.decide(again, profile, now_s)

        def merged(outcome: Decisions | Exception) -> None:
            if isinstance(outcome, Exception):
                decided(outcome)
                return
            for (at, _), one in zip(lost, outcome, strict=True):
                decisions.outcomes[at] = one
            # What these were chosen by is part of what is kept of the request.
            decisions.and_scores(outcome)
            decided(decisions)

        self._hold(again, profile, now_s, fresh, merged, rounds - 1)

    def _place(self, user: str, bid: Bid | Refusal, now_s: float) -> Place:
        if isinstance(bid, Refusal):
            raise TypeError("a refusal takes no place")
        entry = bid.entry
        pair = pair_of(user, entry.campaign_id)
        return Place(bid.token, pair, entry.hourly_cap, entry.daily_cap, now_s, now_s + self._open_s)
