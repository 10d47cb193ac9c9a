"""Who may bid now, by sets: the same as asking every campaign by itself, in order, until enough may."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bid_caps import CapLedger
from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer, Snapshot, SpikingModel
from hotpath.engine.budgets import PACE_EVERY_S, Budgets
from hotpath.engine.candidates import Lane
from hotpath.engine.decisions import Choice
from hotpath.engine.eligibility import Asker, Eligibility, candidate, dearest, offers_of
from hotpath.engine.facts import NoBid
from hotpath.engine.request_facts import ImpressionFacts
from hotpath.engine.targeting import TargetingIndex, bits

NOON_S = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
_ORDER = list(NoBid)


def campaign(number: int, bid_micros: int, budget: int, hourly: int, daily: int, spent: int) -> Campaign:
    creatives = tuple(Creative(creative_id=f"c{number}-{n}", kind=CreativeKind.BANNER) for n in range(1 + number % 2))
    return Campaign(
        campaign_id=f"k{number}", seat="s", offers=(Offer(offer_id=f"o{number}", creatives=creatives),),
        bid_cpm_micros=bid_micros * 1_000, daily_budget_micros=budget, hourly_cap=hourly, daily_cap=daily,
        spent_today_micros=spent,
    )  # fmt: skip


def snapshot(campaigns: list[Campaign]) -> Snapshot:
    model = SpikingModel(name="m", offer_ids=(), weights=b"", scales=(), biases=())
    return Snapshot(
        version=1, compiled_at_utc=datetime(2026, 6, 1, tzinfo=UTC), currency="USD", campaigns=tuple(campaigns),
        model=model,
    )  # fmt: skip


def verdict(one: Campaign, asker: Asker, budgets: Budgets, caps: CapLedger) -> NoBid | None:
    if one.hourly_cap or one.daily_cap:
        if not asker.user:
            return NoBid.CONSENT
        if not caps.allows(
            asker.user, one.campaign_id, asker.now_s, hourly_cap=one.hourly_cap, daily_cap=one.daily_cap
        ):
            return NoBid.CAP
    if not budgets.takes_part(one.campaign_id, asker.request_id):
        return NoBid.PACING
    return None if budgets.affords(one.campaign_id, one.bid_cpm_micros) else NoBid.BUDGET


def one_by_one(
    index: TargetingIndex, lanes: list[Lane], asker: Asker, budgets: Budgets, caps: CapLedger, most: int
) -> list[tuple[str, int]] | NoBid:
    chosen: list[tuple[str, int]] = []
    nearest = NoBid.TARGETING
    for lane in lanes:
        for number in bits(lane.mask):
            entry = index.entries[number]
            told = verdict(entry.campaign, asker, budgets, caps)
            if told is None:
                chosen.append((entry.creative.creative_id, lane.floor_micros))
                if len(chosen) == most:
                    return chosen
            else:
                nearest = max(nearest, told, key=_ORDER.index)
    return chosen or nearest


CAMPAIGNS = st.lists(
    st.tuples(
        st.integers(1, 4), st.sampled_from([3, 40, 10**6]), st.integers(0, 2), st.integers(0, 3), st.integers(0, 20)
    ),
    min_size=1,
    max_size=8,
)
SEEN = st.lists(st.tuples(st.sampled_from(["u1", "u2"]), st.integers(0, 7), st.integers(0, 7_200)), max_size=25)


@settings(max_examples=400, deadline=None)
@given(
    CAMPAIGNS, SEEN, st.sampled_from(["", "u1"]), st.lists(st.integers(0, 2**16), min_size=1, max_size=3),
    st.integers(0, 12), st.sampled_from([2, 10**6]),
)  # fmt: skip
def test_sets_agree_with_asking_one_by_one(
    found: list[tuple[int, int, int, int, int]],
    seen: list[tuple[str, int, int]],
    user: str,
    masks: list[int],
    minutes: int,
    most_keys: int,
) -> None:
    made = snapshot([campaign(number, *rest) for number, rest in enumerate(found)])
    index, budgets, caps = TargetingIndex(made), Budgets(), CapLedger(most_keys=most_keys)
    began_s = NOON_S - 7_200 - 60 * PACE_EVERY_S
    budgets.load(made.campaigns, began_s, began_s)
    budgets.mark(index.of_campaign)
    for minute in range(minutes):
        budgets.advance(began_s + minute * PACE_EVERY_S)
    for number, (who, which, ago_s) in enumerate(sorted(seen, key=lambda one: -one[2])):
        name = f"k{which % len(found)}"
        caps.reserve(f"t{number}", who, name, NOON_S - ago_s, expires_s=NOON_S + 300)
        budgets.reserve(f"t{number}", name, 2_000, expires_s=NOON_S + 300)
        if number % 4 == 0:
            budgets.charge(f"t{number}", name, 1_000)
    whole = (1 << len(index.entries)) - 1
    lanes = [Lane(None, place, mask & whole) for place, mask in enumerate(masks)]
    asker = Asker("r1", user, NOON_S, caps.history(user) if user else {})
    eligibility = Eligibility(index, budgets, caps, 3)
    got = eligibility.eligible(lanes, asker)
    wanted = one_by_one(index, lanes, asker, budgets, caps, 3)
    if not got:
        assert eligibility.nearest(lanes, asker) == wanted
        return
    pairs = [(entry, group.lane) for group in got for entry in group.shelf.entries]
    assert [(entry.creative.creative_id, lane.floor_micros) for entry, lane in pairs] == wanted
    offers = offers_of([Choice(ImpressionFacts("1", ()), got, NoBid.TARGETING)])
    assert sorted(offers) == sorted({entry.offer.offer_id for entry, _ in pairs})
    scores = [1 / (2 + int(offer[1:]) % 3) for offer in offers]
    by_offer = dict(zip(offers, scores, strict=True))
    by_worth = sorted(pairs, key=lambda p: by_offer[p[0].offer.offer_id] * p[0].campaign.bid_cpm_micros, reverse=True)
    tried: list[int] = []
    while (number := dearest(got, scores, tried)) >= 0:
        tried.append(number)
    chosen = [candidate(got, number) for number in tried]
    assert [(entry, lane) for entry, lane, _ in chosen] == by_worth
    assert [scores[place] for *_, place in chosen] == [by_offer[entry.offer.offer_id] for entry, _ in by_worth]
