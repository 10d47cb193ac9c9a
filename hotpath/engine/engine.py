"""One request's way from facts to bids: candidates, scores, prices, and what is set aside for the bids made.

In two halves, so that the scores may come from a batch: `shortlist`, then `settle`. Must not parse, wait or log.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Final

from domain.bid_caps import Caps
from domain.bid_features import both_features
from domain.bid_people import NOBODY, Profile
from domain.bid_pricing import boosted, first_price_bid, from_house_micros, second_price_bid, to_house_micros
from domain.bid_snapshot import Snapshot
from hotpath.engine.budgets import Budgets
from hotpath.engine.candidates import Lane
from hotpath.engine.decisions import Bid, Choice, Decisions, Refusal, Shortlist
from hotpath.engine.eligibility import Asker, Eligibility, candidate, dearest, offers_of
from hotpath.engine.entries import Entry
from hotpath.engine.facts import DEVICE_CLASSES, DealFacts, DurationFloor, NoBid
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.engine.spans import Span, bits_of
from hotpath.engine.targeting import TargetingIndex
from hotpath.inference.provider import CoLaNetProvider
from hotpath.inference.requests import InferenceRequest

_MICROS: Final = 1_000_000
_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600
#: How many of the last bids are remembered for `holds`.
_JOURNAL: Final = 512
#: What an exchange means that names no currency.
_UNNAMED: Final = ("USD",)
_SEEN_NOTHING: Final[dict[str, tuple[float, ...]]] = {}
_FIRST_PRICE: Final = 1
_SECOND_PRICE: Final = 2
_FIXED_PRICE: Final = 3
#: By its own name, as an enumeration finds it in 600 instructions.
_BUDGET: Final = NoBid.BUDGET


@dataclass(frozen=True)
class EngineSettings:
    """What an operator may turn.

    `bidders` is how many are thought to bid in a first-price auction; `most_candidates` how many offers an impression
    has scored, dearest first; `open_s` how long a bid without a notice holds its place and its money.
    """

    bidders: int = 4
    most_candidates: int = 16
    open_s: float = 300.0


@dataclass(frozen=True)
class Prepared:
    """A snapshot as the engine uses it: indexed, with its model in a backend. Made off the loop, it takes a while."""

    snapshot: Snapshot
    provider: CoLaNetProvider
    index: TargetingIndex


def prepared(snapshot: Snapshot, provider: CoLaNetProvider, pause: Callable[[], None] = lambda: None) -> Prepared:
    """Index a checked snapshot beside a provider that holds its model; `pause` is called again and again meanwhile."""
    return Prepared(snapshot, provider, TargetingIndex(snapshot, pause))


class Engine:
    """All rules over one snapshot at a time; caps, budgets and open bids outlive a swap."""

    def __init__(
        self,
        snapshot: Snapshot,
        provider: CoLaNetProvider,
        now_s: float,
        *,
        token_prefix: str,
        caps: Caps,
        settings: EngineSettings,
    ) -> None:
        """Start with a checked snapshot and a provider that holds its model.

        Args:
            snapshot: what to bid with.
            provider: with the snapshot's model loaded.
            now_s: seconds since 1970.
            token_prefix: no other process, before or beside, has it: it makes tokens unique.
            caps: the ledger of who saw what.
            settings: see there.
        """
        self.caps = caps
        self.budgets = Budgets()
        self._settings = settings
        self._prefix = token_prefix
        self._bids = 0
        self._taken = 0
        self._journal: deque[tuple[str, Span]] = deque(maxlen=_JOURNAL)
        self.swap(snapshot, provider, now_s)

    @property
    def provider(self) -> CoLaNetProvider:
        """The backend that knows the offers of the snapshot in use."""
        return self._provider

    def swap(self, snapshot: Snapshot, provider: CoLaNetProvider, now_s: float) -> None:
        """Use another snapshot from the next request on; `use` for one that was prepared elsewhere."""
        self.use(prepared(snapshot, provider), now_s)

    def use(self, ready: Prepared, now_s: float) -> None:
        """Use another snapshot from the next request on; caps, money and open bids stay."""
        snapshot = ready.snapshot
        self.budgets.load(snapshot.campaigns, snapshot.compiled_at_utc.timestamp(), now_s)
        self.budgets.mark(ready.index.of_campaign)
        self._index, self._provider, self._snapshot = ready.index, ready.provider, snapshot
        self._eligibility = Eligibility(ready.index, self.budgets, self.caps, self._settings.most_candidates)
        self._house_currency = snapshot.currency
        self._rates = {**snapshot.rates_micros, snapshot.currency: _MICROS}

    def decide(self, request: RequestFacts, profile: Profile, now_s: float) -> Decisions:
        """A bid or a reason per impression, in their order; scores by the engine's own provider.

        Args:
            request: the facts.
            profile: of the request's user; not looked at where the request's privacy forbids it.
            now_s: seconds since 1970; never before an earlier call's.
        """
        shortlist = self.shortlist(request, profile, now_s)
        scores: Sequence[float] = ()
        if shortlist.offer_ids:
            [scores] = self._provider.score_batch([InferenceRequest(shortlist.vector, shortlist.offer_ids)])
        return self.settle(shortlist, scores, now_s)

    def shortlist(self, request: RequestFacts, profile: Profile, now_s: float) -> Shortlist:
        """Everything before the scores: who may bid on what. Sets nothing aside."""
        self.budgets.advance(now_s)
        personal = request.personal
        user = request.user_key if personal else ""
        hour = int(now_s % _DAY_S) // _HOUR_S
        segments = profile.segments if personal else ()
        mask, reason = self._index.for_request(request, hour_utc=hour, segments=segments)
        currency = self._currency(request)
        reach = 0
        if not currency or not mask:
            why = reason if currency else NoBid.CURRENCY
            choices = [Choice(impression, [], why) for impression in request.impressions]
        else:
            choices = []
            asker = Asker(request.request_id, user, now_s, self.caps.history(user) if user else _SEEN_NOTHING)
            for impression in request.impressions:
                lanes, why = self._lanes(mask, impression)
                groups = self._eligibility.eligible(lanes, asker) if lanes else []
                if lanes and not groups:
                    why = self._eligibility.nearest(lanes, asker)
                choices.append(Choice(impression, groups, why))
                for lane in lanes:
                    reach |= lane.mask
        vector, features = both_features(
            profile,
            personal=personal,
            device_type=DEVICE_CLASSES.get(request.device_type, ""),
            position=request.impressions[0].position if request.impressions else 0,
        )
        multiplier = 1.0
        if personal and profile is not NOBODY and profile.loyalty is not None:
            multiplier = self._snapshot.loyalty_multipliers.get(profile.loyalty.tier, 1.0)
        return Shortlist(
            request,
            vector,
            offers_of(choices),
            choices,
            features=features,
            user=user,
            multiplier=multiplier,
            currency=currency,
            rate_micros=self._rates[currency] if currency else _MICROS,
            reach=reach,
            index=self._index,
            broke=self.budgets.broke,
            bids_before=self._taken,
        )

    def holds(self, shortlist: Shortlist) -> bool:
        """Whether a shortlist would come out the same now: no bid made since took a place or money that it counted on.

        What notices gave back since does not count: it would only have added to the list.
        """
        since = self._taken - shortlist.bids_before
        if not since and shortlist.index is self._index:
            return True
        if shortlist.index is not self._index or since > len(self._journal):
            return False
        reach, user, journal = shortlist.reach, shortlist.user, self._journal
        if self.budgets.broke & ~shortlist.broke & reach:
            return False
        if not user:
            return True
        return not any(journal[-at][0] == user and bits_of(journal[-at][1]) & reach for at in range(1, since + 1))

    def settle(self, shortlist: Shortlist, scores: Sequence[float], now_s: float) -> Decisions:
        """Choose and price, and set aside what each bid may cost and show.

        Args:
            shortlist: of the snapshot in use, or of the one before it.
            scores: in [0, 1], of all its offers, in their order.
            now_s: seconds since 1970.
        """
        decisions = Decisions(shortlist, scores, self._house_currency)
        outcomes = decisions.outcomes
        for choice in shortlist.choices:
            if choice.groups:
                outcomes.append(self._bid(shortlist, choice, scores, now_s))
            else:
                outcomes.append(Refusal(choice.impression.imp_id, choice.reason))
        return decisions

    def lost(self, token: str) -> None:
        """A loss notice: the bid's place and money are free. The caller counts each notice once."""
        self.caps.release(token)
        self.budgets.release(token)

    def billed(self, token: str, campaign_id: str, house_micros: int) -> None:
        """A billing notice: the impression was shown, at this price in house CPM micros."""
        self.caps.confirm(token)
        self.budgets.charge(token, campaign_id, house_micros)

    def recall(self, campaign_id: str, at_s: float, cost_micros: int) -> None:
        """What a process before this one was charged, for the snapshots that do not know of it yet."""
        self.budgets.recall(campaign_id, at_s, cost_micros)

    def _currency(self, request: RequestFacts) -> str:
        """The house's currency where it is taken, else the first that has a rate, else nothing.

        One for the whole response, which can say only one.
        """
        taken = request.currencies or _UNNAMED
        if self._house_currency in taken:
            return self._house_currency
        return next((code for code in taken if code in self._rates), "")

    def _lanes(self, mask: int, impression: ImpressionFacts) -> tuple[list[Lane], NoBid]:
        """The ways to win an impression, and the reason to give if there are none."""
        floor = self._house(impression.floor_micros, impression.floor_currency)
        deals = impression.deals
        under_deals = [self._house(deal.floor_micros, deal.floor_currency) for deal in deals] if deals else []
        lanes, why = self._index.for_impression(mask, impression, floor, under_deals)
        if lanes and (deals or impression.duration_floors):
            return self._raised(lanes, impression), NoBid.FLOOR
        return lanes, why

    def _house(self, amount_micros: int, currency: str) -> int | None:
        if not amount_micros:
            return 0
        rate = self._rates.get(currency)
        return None if rate is None else to_house_micros(amount_micros, rate)

    def _raised(self, lanes: list[Lane], impression: ImpressionFacts) -> list[Lane]:
        """The lanes with the floors that hang on a spot's seconds, where the exchange names such."""
        raised: list[Lane] = []
        for lane in lanes:
            named: ImpressionFacts | DealFacts = lane.deal or impression
            if not named.duration_floors:
                raised.append(lane)
                continue
            floor_of = partial(self._floor_at, named.duration_floors, named.floor_currency)
            raised += self._index.by_duration(lane, floor_of)
        return raised

    def _floor_at(self, floors: tuple[DurationFloor, ...], currency: str, duration_s: int) -> int | None:
        """What a spot of so many seconds must bid at least: the highest of those that hold; None without a rate."""
        amounts = [
            floor.floor_micros * (duration_s if floor.per_second else 1)
            for floor in floors
            if duration_s and floor.least_s <= duration_s and (not floor.most_s or duration_s <= floor.most_s)
        ]
        return self._house(max(amounts, default=0), currency)

    def _bid(self, shortlist: Shortlist, choice: Choice, scores: Sequence[float], now_s: float) -> Bid | Refusal:
        nearest, impression = _BUDGET, choice.impression
        tried: set[int] = set()
        while (number := dearest(choice.groups, scores, tried)) >= 0:
            tried.add(number)
            entry, lane, place = candidate(choice.groups, number)
            score = boosted(scores[place], shortlist.multiplier)
            if score < entry.least_score:
                nearest = NoBid.SCORE
                continue
            # Asked again: an earlier impression of this request, or another request since, may have taken the place.
            if entry.is_capped and not self._eligibility.is_uncapped(entry, shortlist.user, now_s):
                nearest = NoBid.CAP
                continue
            price = self._price(entry.bid_cpm_micros, lane, first_price=shortlist.request.first_price)
            if price is None:
                continue
            cost = price if impression.multiplier == 1 else ceil(price * impression.multiplier)
            if not self.budgets.affords(entry.campaign_id, cost):
                continue
            return self._commit(shortlist, impression.imp_id, (entry, lane), (price, cost), score, now_s)
        return Refusal(impression.imp_id, nearest)

    def _price(self, value_micros: int, lane: Lane, *, first_price: bool) -> int | None:
        floor_micros, auction = lane.floor_micros, lane.deal.auction if lane.deal else 0
        if auction == _FIXED_PRICE and floor_micros:
            # What was agreed is what is paid.
            return floor_micros if floor_micros <= value_micros else None
        if auction == _FIRST_PRICE or (first_price and auction != _SECOND_PRICE):
            return first_price_bid(value_micros, floor_micros, self._settings.bidders)
        return second_price_bid(value_micros, floor_micros)

    def _commit(
        self,
        shortlist: Shortlist,
        imp_id: str,
        chosen: tuple[Entry, Lane],
        price_and_cost: tuple[int, int],
        score: float,
        now_s: float,
    ) -> Bid:
        (entry, lane), (house_micros, cost_micros) = chosen, price_and_cost
        self._bids += 1
        token = f"{self._prefix}-{self._bids:x}"
        if not shortlist.request.test:
            self._taken += 1
            # Of a shortlist that a swap has overtaken, the entries count by their numbers now.
            span = entry.span if shortlist.index is self._index else self._index.of_campaign[entry.campaign_id]
            self._journal.append((shortlist.user if entry.is_capped else "", span))
            # At a full second, so that those of one second end together.
            expires_s = ceil(now_s + self._settings.open_s)
            self.budgets.reserve(token, entry.campaign_id, cost_micros, expires_s=expires_s)
            if entry.is_capped:
                self.caps.reserve(token, shortlist.user, entry.campaign_id, now_s, expires_s=expires_s)
        return Bid(
            imp_id,
            entry,
            price_micros=from_house_micros(house_micros, shortlist.rate_micros),
            currency=shortlist.currency,
            house_micros=cost_micros,
            deal_id=lane.deal.deal_id if lane.deal is not None else "",
            token=token,
            score=score,
        )
