"""The engine whole: who is bid for, at what price, and what keeps it from bidding."""

from datetime import UTC, datetime

import msgspec
import pytest

from domain.bid_caps import CapLedger
from domain.bid_people import NOBODY, Loyalty, Privacy, Profile
from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer, Seller, Snapshot, SpikingModel, Targeting
from hotpath.engine.decisions import Bid, Refusal
from hotpath.engine.engine import Engine, EngineSettings
from hotpath.engine.facts import DealFacts, DurationFloor, FormatFacts, NoBid
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.inference.numpy_provider import NumpyProvider

NOON_S = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
BANNER = (FormatFacts(CreativeKind.BANNER, ((300, 250),)),)


def campaign(name: str = "k", **fields: object) -> Campaign:
    creative = Creative(
        creative_id=f"{name}-c", kind=CreativeKind.BANNER, width=300, height=250, url="https://a.test/c"
    )
    defaults: dict[str, object] = {
        "campaign_id": name, "seat": "s1", "bid_cpm_micros": 2_000_000, "daily_budget_micros": 1_000_000_000,
        "offers": (Offer(offer_id=f"{name}-o", creatives=(creative,)),),
    }  # fmt: skip
    return Campaign(**{**defaults, **fields})


def snapshot(*campaigns: Campaign, biases: tuple[float, ...] | None = None, **fields: object) -> Snapshot:
    offers = tuple(offer.offer_id for one in campaigns for offer in one.offers)
    model = SpikingModel(
        name="m", offer_ids=offers, weights=bytes(256 * len(offers)), scales=(0.0,) * len(offers),
        biases=biases or (0.5,) * len(offers),
    )  # fmt: skip
    return Snapshot(
        compiled_at_utc=datetime(2026, 6, 1, tzinfo=UTC), currency="USD", campaigns=campaigns, model=model,
        **{"version": 1, "rates_micros": {"EUR": 1_250_000}, "loyalty_multipliers": {"gold": 1.5}, **fields},
    )  # fmt: skip


def engine(*campaigns: Campaign, biases: tuple[float, ...] | None = None, **settings: object) -> Engine:
    made = snapshot(*campaigns, biases=biases)
    return Engine(
        made, NumpyProvider(made.model), NOON_S, token_prefix="t", caps=CapLedger(), settings=EngineSettings(**settings)
    )


def request(*impressions: ImpressionFacts, **fields: object) -> RequestFacts:
    return RequestFacts(
        **{"request_id": "r", "impressions": impressions or (ImpressionFacts("1", BANNER),), "user_key": "u", **fields}
    )


def decide(made: Engine, asked: RequestFacts, profile: Profile = NOBODY, now_s: float = NOON_S) -> list[Bid | Refusal]:
    return list(made.decide(asked, profile, now_s))


def only_bid(made: Engine, asked: RequestFacts, profile: Profile = NOBODY, now_s: float = NOON_S) -> Bid:
    (decision,) = decide(made, asked, profile, now_s)
    assert isinstance(decision, Bid)
    return decision


def only_reason(made: Engine, asked: RequestFacts, now_s: float = NOON_S) -> NoBid:
    (decision,) = decide(made, asked, NOBODY, now_s)
    assert isinstance(decision, Refusal)
    return decision.reason


def test_a_bid_names_what_it_shows_and_what_it_offers() -> None:
    bid = only_bid(engine(campaign()), request())
    assert (bid.imp_id, bid.price_micros, bid.currency, bid.deal_id, bid.token) == ("1", 2_000_000, "USD", "", "t-1")
    assert (bid.entry.offer.offer_id, bid.entry.creative.url) == ("k-o", "https://a.test/c")
    assert 0 < bid.score <= 1


@pytest.mark.req("FR-RTB-002")
def test_every_impression_gets_its_own_answer() -> None:
    video = ImpressionFacts("2", (FormatFacts(CreativeKind.VIDEO),))
    asked = request(ImpressionFacts("1", BANNER), video, ImpressionFacts("3", BANNER, floor_micros=2_000_001))
    first, second, third = decide(engine(campaign()), asked)
    assert isinstance(first, Bid)
    assert second == Refusal("2", NoBid.FORMAT)
    assert third == Refusal("3", NoBid.FLOOR)


def test_the_price_is_the_value_or_shaded_by_the_auction() -> None:
    made = engine(campaign(), bidders=2)
    assert only_bid(made, request()).price_micros == 2_000_000
    assert only_bid(made, request(first_price=True)).price_micros == 1_000_000
    floor = ImpressionFacts("1", BANNER, floor_micros=1_000_000)
    assert only_bid(made, request(floor, first_price=True)).price_micros == 1_250_000


def test_other_currencies_are_converted_both_ways() -> None:
    made = engine(campaign())
    euro = ImpressionFacts("1", BANNER, floor_micros=1_600_000, floor_currency="EUR")
    assert only_bid(made, request(euro)).price_micros == 2_000_000
    paid = only_bid(made, request(euro, currencies=("JPY", "EUR")))
    assert (paid.price_micros, paid.currency, paid.house_micros) == (1_600_000, "EUR", 2_000_000)
    above = ImpressionFacts("1", BANNER, floor_micros=1_600_001, floor_currency="EUR")
    assert only_reason(made, request(above)) is NoBid.FLOOR
    unknown = ImpressionFacts("1", BANNER, floor_micros=1, floor_currency="JPY")
    assert only_reason(made, request(unknown)) is NoBid.CURRENCY
    assert only_reason(made, request(currencies=("JPY",))) is NoBid.CURRENCY


def test_one_response_has_one_currency() -> None:
    """The house's where it is taken, else the exchange's first that has a rate; USD where the exchange names none."""
    made = engine(campaign())
    impressions = [
        ImpressionFacts(str(place), BANNER, floor_micros=1, floor_currency=code)
        for place, code in enumerate(("EUR", "USD", "EUR"))
    ]
    for taken, used in (((), "USD"), (("EUR",), "EUR"), (("JPY", "EUR", "USD"), "USD"), (("JPY", "EUR"), "EUR")):
        decisions = decide(made, request(*impressions, currencies=taken))
        assert {one.currency for one in decisions if isinstance(one, Bid)} == {used}
        assert len(decisions) == 3
    european = snapshot(campaign(), rates_micros={"USD": 800_000})
    abroad = msgspec.structs.replace(european, currency="EUR")
    made.swap(abroad, NumpyProvider(abroad.model), NOON_S)
    bid = only_bid(made, request())
    assert (bid.currency, bid.price_micros, bid.house_micros) == ("USD", 2_500_000, 2_000_000)
    lonely = msgspec.structs.replace(abroad, rates_micros={})
    made.swap(lonely, NumpyProvider(lonely.model), NOON_S)
    assert only_reason(made, request()) is NoBid.CURRENCY


def test_a_deal_has_its_own_kind_of_auction() -> None:
    made = engine(campaign(targeting=Targeting(any_deal=True)), bidders=2)

    def price(auction: int, floor: int, *, first_price: bool) -> int:
        deal = DealFacts("d", floor_micros=floor, auction=auction)
        one = ImpressionFacts("1", BANNER, deals=(deal,), private_auction=True)
        return only_bid(made, request(one, first_price=first_price)).price_micros

    assert price(0, 0, first_price=True) == price(1, 0, first_price=False) == 1_000_000
    assert price(0, 0, first_price=False) == price(2, 0, first_price=True) == 2_000_000
    assert price(3, 700_000, first_price=True) == price(3, 700_000, first_price=False) == 700_000
    assert price(3, 0, first_price=False) == 2_000_000
    assert price(600, 0, first_price=True) == 1_000_000


def test_a_floor_may_hang_on_the_length_of_the_spot() -> None:
    spots = tuple(
        Creative(creative_id=f"c{seconds}", kind=CreativeKind.VIDEO, duration_s=seconds, url="https://a.test/v")
        for seconds in (15, 30)
    )
    made = engine(
        campaign(offers=(Offer(offer_id="k-o", creatives=spots),), targeting=Targeting(any_deal=True)), bidders=2
    )

    def bid(*floors: DurationFloor, floor: int = 0, currency: str = "USD") -> tuple[str, int] | NoBid:
        video = ImpressionFacts(
            "1", (FormatFacts(CreativeKind.VIDEO),), floor_micros=floor, floor_currency=currency, duration_floors=floors
        )
        (decision,) = decide(made, request(video, first_price=True))
        if isinstance(decision, Refusal):
            return decision.reason
        return decision.entry.creative.creative_id, decision.price_micros

    dear, short = DurationFloor(16, 0, 2_000_001), DurationFloor(0, 15, 1_000_000)
    assert bid(dear) == ("c15", 1_000_000)
    assert bid(dear, short) == ("c15", 1_250_000)
    assert bid(DurationFloor(0, 0, 2_000_001)) is NoBid.FLOOR
    assert bid(DurationFloor(0, 0, 100_000, per_second=True), floor=1) == ("c15", 1_562_500)
    assert bid(DurationFloor(0, 15, 1_600_001), dear, currency="EUR") is NoBid.FLOOR
    assert bid(DurationFloor(0, 0, 1), currency="JPY") is NoBid.FLOOR
    deal = DealFacts("d", duration_floors=(dear, short))
    one = ImpressionFacts("1", (FormatFacts(CreativeKind.VIDEO),), deals=(deal,), private_auction=True)
    assert only_bid(made, request(one)).entry.creative.duration_s == 15


def test_a_showing_that_many_see_costs_as_many_impressions() -> None:
    made = engine(campaign(daily_budget_micros=30_000))
    screen = ImpressionFacts("1", BANNER, multiplier=14.2)
    bid = only_bid(made, request(screen))
    assert (bid.price_micros, bid.house_micros) == (2_000_000, 28_400_000)
    assert made.budgets.standing("k")[:2] == (0, 28_400)
    assert only_reason(made, request(screen)) is NoBid.BUDGET
    made.billed(bid.token, "k", bid.house_micros)
    assert made.budgets.standing("k")[:2] == (28_400, 0)


def test_a_campaign_may_ask_for_a_clean_supply_chain() -> None:
    lines = {"news.example": (Seller("Ssp.example", "1"), Seller("exchange.example", "2"))}
    direct, two = (("ssp.example", "1"),), (("ssp.example", "1"), ("exchange.example", "2"))
    for wanted, allowed in (
        (Targeting(whole_chain=True), {"whole", "listed"}),
        (Targeting(authorised_sellers=True), {"listed"}),
        (Targeting(), {"none", "cut", "whole", "listed"}),
    ):
        made = engine(campaign(targeting=wanted))
        swapped = msgspec.structs.replace(snapshot(campaign(targeting=wanted)), ads_txt=lines)
        made.swap(swapped, NumpyProvider(swapped.model), NOON_S)
        asked = {
            "none": request(whole_chain=True, seller_domain="news.example"),
            "cut": request(sellers=direct, seller_domain="news.example"),
            "whole": request(sellers=(*two, ("else.example", "3")), whole_chain=True, seller_domain="news.example"),
            "listed": request(sellers=two, whole_chain=True, seller_domain="news.example"),
        }
        for name, each in asked.items():
            (decision,) = decide(made, each)
            assert decision == Refusal("1", NoBid.SUPPLY) if name not in allowed else isinstance(decision, Bid)
        unknown = request(sellers=two, whole_chain=True, seller_domain="other.example")
        assert isinstance(decide(made, unknown)[0], Bid) is not wanted.authorised_sellers


def test_a_deals_floor_is_its_own() -> None:
    made = engine(campaign(targeting=Targeting(deals=("d1",))))
    deal = DealFacts("d1", floor_micros=1_500_000)
    impression = ImpressionFacts("1", BANNER, floor_micros=9_000_000, deals=(deal,), private_auction=True)
    assert only_bid(made, request(impression)).deal_id == "d1"
    others = ImpressionFacts("1", BANNER, deals=(DealFacts("d1", seats=("s9",)),), private_auction=True)
    assert only_reason(made, request(others)) is NoBid.PRIVATE_AUCTION
    assert only_reason(made, request()) is NoBid.TARGETING


def test_the_score_chooses_between_equal_bids() -> None:
    made = engine(campaign("a"), campaign("b"), biases=(0.2, 0.9))
    assert only_bid(made, request()).entry.campaign.campaign_id == "b"


@pytest.mark.req("FR-RTB-007")
def test_a_loyal_users_score_is_multiplied_and_only_with_consent() -> None:
    # One neuron at 0.5 a step, with what it keeps: four spikes in eight steps.
    made = engine(campaign(least_score=0.6))
    gold = Profile(loyalty=Loyalty(tier="gold"))
    plain = only_bid(engine(campaign()), request()).score
    assert plain < 0.6 < plain * 1.5
    assert only_bid(made, request(), gold).score == pytest.approx(plain * 1.5)
    assert only_reason(made, request()) is NoBid.SCORE
    assert decide(made, request(privacy=Privacy(gdpr=True)), gold) == [Refusal("1", NoBid.SCORE)]
    assert made.shortlist(request(), gold, NOON_S).multiplier == 1.5
    assert made.shortlist(request(), NOBODY, NOON_S).multiplier == 1.0
    assert made.shortlist(request(privacy=Privacy(gdpr=True)), gold, NOON_S).multiplier == 1.0


@pytest.mark.req("FR-RTB-006")
def test_a_capped_user_is_never_bid_on() -> None:
    made = engine(campaign(hourly_cap=2, daily_cap=3))
    bids = [only_bid(made, request()) for _ in range(2)]
    assert only_reason(made, request()) is NoBid.CAP
    assert isinstance(decide(made, request(user_key="other"))[0], Bid)
    made.lost(bids[0].token)
    again = only_bid(made, request())
    assert only_reason(made, request()) is NoBid.CAP
    for bid in (bids[1], again):
        made.billed(bid.token, "k", bid.house_micros)
    later = NOON_S + 3_600
    only_bid(made, request(), now_s=later)
    # Two shown and one open: the day is full.
    assert only_reason(made, request(), now_s=later) is NoBid.CAP
    # The open one expires without a notice.
    only_bid(made, request(), now_s=later + 300)


@pytest.mark.req("FR-RTB-006")
def test_one_request_with_several_impressions_cannot_pass_a_cap() -> None:
    made = engine(campaign(hourly_cap=2))
    decisions = decide(made, request(*(ImpressionFacts(str(number), BANNER) for number in range(4))))
    assert [type(one) for one in decisions] == [Bid, Bid, Refusal, Refusal]
    assert decisions[3] == Refusal("3", NoBid.CAP)


@pytest.mark.parametrize(
    "fields", [{"user_key": ""}, {"privacy": Privacy(coppa=True)}, {"privacy": Privacy(gdpr=True)}]
)
def test_a_cap_that_cannot_be_kept_is_no_bid(fields: dict[str, object]) -> None:
    assert only_reason(engine(campaign(hourly_cap=1)), request(**fields)) is NoBid.CONSENT
    assert isinstance(decide(engine(campaign()), request(**fields))[0], Bid)


def test_without_consent_nothing_about_the_user_counts() -> None:
    known = Profile(segments=(7,), interests=(1.0,) * 64, recency_score=1.0)
    made = engine(campaign(targeting=Targeting(segments=(7,))))
    assert isinstance(decide(made, request(), known)[0], Bid)
    assert decide(made, request(privacy=Privacy(coppa=True)), known) == [Refusal("1", NoBid.TARGETING)]
    contextual = made.shortlist(request(privacy=Privacy(gdpr=True), device_type=2), known, NOON_S).vector
    assert contextual.nonzero()[0].tolist() == [138]


def test_money_is_set_aside_given_back_and_spent() -> None:
    made = engine(campaign(daily_budget_micros=4_000))
    first, second = only_bid(made, request()), only_bid(made, request())
    assert made.budgets.standing("k")[:2] == (0, 4_000)
    assert only_reason(made, request()) is NoBid.BUDGET
    made.lost(first.token)
    made.lost(first.token)
    assert made.budgets.standing("k")[:2] == (0, 2_000)
    made.billed(second.token, "k", 2_000_000)
    assert made.budgets.standing("k")[:2] == (2_000, 0)
    only_bid(made, request())
    assert only_reason(made, request()) is NoBid.BUDGET
    # Expired, and in the next day: all of it is there again.
    only_bid(made, request(), now_s=NOON_S + 86_400)
    assert made.budgets.standing("k")[:2] == (0, 2_000)


def test_a_test_request_sets_nothing_aside() -> None:
    made = engine(campaign(hourly_cap=1))
    for _ in range(3):
        only_bid(made, request(test=True))
    assert made.budgets.standing("k")[:2] == (0, 0)
    assert len(made.caps) == 0


def test_ahead_of_plan_fewer_chances_are_taken_but_never_none() -> None:
    made = engine(campaign(spent_today_micros=900_000_000))
    for minute in range(1, 8):
        made.budgets.advance(NOON_S + minute * 60)
    assert made.budgets.standing("k")[2] == pytest.approx(0.9**7)
    decisions = [decide(made, request(request_id=f"r{n}"), now_s=NOON_S + 430)[0] for n in range(2_000)]
    assert {one.reason for one in decisions if isinstance(one, Refusal)} == {NoBid.PACING}
    assert sum(isinstance(one, Bid) for one in decisions) / 2_000 == pytest.approx(0.9**7, abs=0.05)


def test_a_swap_keeps_caps_money_and_open_bids() -> None:
    made = engine(campaign(hourly_cap=1), campaign("gone", bid_cpm_micros=1))
    bid = only_bid(made, request())
    half = made.shortlist(request(user_key="v"), NOBODY, NOON_S)
    newer = snapshot(campaign(hourly_cap=1, spent_today_micros=5_000), version=2)
    made.swap(newer, NumpyProvider(newer.model), NOON_S)
    assert made.budgets.standing("k")[:2] == (5_000, 2_000)
    assert only_reason(made, request()) is NoBid.CAP
    # A request that was scored with the old one is still settled.
    assert isinstance(made.settle(half, [0.5] * len(half.offer_ids), NOON_S)[0], Bid)
    made.billed(bid.token, "k", bid.house_micros)
    assert made.budgets.standing("k")[:2] == (7_000, 2_000)


def test_a_campaign_that_the_swap_took_is_not_bid_for() -> None:
    made = engine(campaign())
    half = made.shortlist(request(), NOBODY, NOON_S)
    newer = snapshot(campaign("other"))
    made.swap(newer, NumpyProvider(newer.model), NOON_S)
    assert list(made.settle(half, [1.0], NOON_S)) == [Refusal("1", NoBid.BUDGET)]
    made.billed("t-1", "k", 2_000_000)


def test_only_so_many_are_scored_and_they_are_the_dearest() -> None:
    made = engine(*(campaign(f"k{n}", bid_cpm_micros=n + 1) for n in range(9)), most_candidates=3)
    assert made.shortlist(request(), NOBODY, NOON_S).offer_ids == ("k8-o", "k7-o", "k6-o")


def test_no_campaigns_is_a_reason() -> None:
    assert only_reason(engine(), request()) is NoBid.TARGETING


def test_yesterdays_snapshot_says_nothing_of_todays_spend() -> None:
    old = msgspec.structs.replace(
        snapshot(campaign(spent_today_micros=9)), compiled_at_utc=datetime(2026, 5, 31, 23, tzinfo=UTC)
    )
    made = engine(campaign("x"))
    made.swap(old, NumpyProvider(old.model), NOON_S)
    assert made.budgets.standing("k")[0] == 0
