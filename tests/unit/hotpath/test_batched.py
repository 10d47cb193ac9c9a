"""Decisions in batches: the same, to the last token, as those of requests decided one by one."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bid_caps import CapLedger
from domain.bid_people import NOBODY, Loyalty, Profile
from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer, Snapshot, SpikingModel, Targeting
from hotpath.engine.batched import BatchedDecisions
from hotpath.engine.decisions import Bid, Refusal
from hotpath.engine.engine import Engine, EngineSettings
from hotpath.engine.facts import FormatFacts, NoBid
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.inference.numpy_provider import NumpyProvider
from hotpath.inference.requests import InferenceRequest
from tests.unit.hotpath.test_batcher import VirtualLoop

NOON_S = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
SIZES = ((300, 250), (728, 90))
PROFILES = {
    "u1": Profile(segments=(3, 70), interests=(0.5,) * 64, loyalty=Loyalty(tier="gold", balance=50.0)),
    "u2": Profile(segments=(9,), interests=(-0.25,) * 64),
}


class CountingProvider(NumpyProvider):
    """NumPy, and the sizes of the batches it was asked for."""

    def __init__(self, model: SpikingModel) -> None:
        super().__init__(model)
        self.batches: list[int] = []

    def score_batch(self, requests: Sequence[InferenceRequest]) -> list[list[float]]:
        self.batches.append(len(requests))
        return super().score_batch(requests)


def campaign(number: int, cap: int, impressions_left: int, country: str) -> Campaign:
    creatives = tuple(
        Creative(creative_id=f"c{number}-{w}", kind=CreativeKind.BANNER, width=w, height=h, url="https://c.test/c")
        for w, h in (SIZES if number % 3 else SIZES[:1])
    )
    cpm_micros = 1_000_000 + 250_000 * (number % 5)
    return Campaign(
        campaign_id=f"k{number}", seat=f"s{number % 2}", offers=(Offer(offer_id=f"o{number}", creatives=creatives),),
        bid_cpm_micros=cpm_micros, daily_budget_micros=impressions_left * cpm_micros // 1_000,
        targeting=Targeting(countries=(country,) if country else ()), hourly_cap=cap,
    )  # fmt: skip


def snapshot(campaigns: tuple[Campaign, ...]) -> Snapshot:
    rng = np.random.default_rng(5)
    count = len(campaigns)
    model = SpikingModel(
        name="m", offer_ids=tuple(f"o{number}" for number in range(count)),
        weights=rng.integers(-127, 128, (count, 256), np.int8).tobytes(), scales=(0.002,) * count,
        biases=tuple(rng.uniform(0.2, 0.7, count).tolist()),
    )  # fmt: skip
    return Snapshot(
        version=1, compiled_at_utc=datetime(2026, 6, 1, tzinfo=UTC), currency="USD", campaigns=campaigns, model=model,
        loyalty_multipliers={"gold": 1.5},
    )  # fmt: skip


def engine(made: Snapshot) -> tuple[Engine, CountingProvider]:
    provider = CountingProvider(made.model)
    return (
        Engine(
            made, provider, NOON_S, token_prefix="t", caps=CapLedger(), settings=EngineSettings(most_candidates=3)
        ),
        provider,
    )  # fmt: skip


def request(number: int, user: str, sizes: Sequence[int], country: str, *, test: bool = False) -> RequestFacts:
    impressions = tuple(
        ImpressionFacts(str(place), (FormatFacts(CreativeKind.BANNER, (SIZES[size],)),))
        for place, size in enumerate(sizes)
    )
    return RequestFacts(
        request_id=f"r{number}", impressions=impressions, user_key=user, country=country, device_type=2, test=test
    )


CAMPAIGNS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 6), st.sampled_from(["", "", "DEU", "USA"])), min_size=1, max_size=9
)
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["", "u1", "u2"]),
        st.lists(st.integers(0, 1), min_size=1, max_size=4),
        st.sampled_from(["DEU", "USA", "FRA"]),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(campaigns=CAMPAIGNS, asked=REQUESTS)
def test_batched_decisions_are_those_of_requests_decided_alone(
    campaigns: list[tuple[int, int, str]], asked: list[tuple[str, list[int], str, bool, bool]]
) -> None:
    made = snapshot(tuple(campaign(number, *rest) for number, rest in enumerate(campaigns)))
    alone, _ = engine(made)
    together, provider = engine(made)
    loop = VirtualLoop()
    batched = BatchedDecisions(together, loop)
    answers: dict[int, object] = {}
    wanted = {}
    for number, (user, sizes, country, tick_ends, test) in enumerate(asked):
        facts, now_s = request(number, user, sizes, country, test=test), NOON_S + number
        wanted[number] = alone.decide(facts, PROFILES.get(user, NOBODY), now_s)
        batched.decide(
            facts, PROFILES.get(user, NOBODY), now_s,
            lambda outcome, number=number: answers.__setitem__(number, outcome),
        )  # fmt: skip
        if tick_ends:
            loop.tick()
    loop.tick()
    assert {number: list(answer) for number, answer in answers.items()} == {
        number: list(answer) for number, answer in wanted.items()
    }
    assert max(provider.batches, default=0) <= 16


@pytest.mark.req("FR-INF-007", "FR-INF-008")
def test_requests_of_one_tick_are_scored_in_one_call() -> None:
    made, provider = engine(snapshot((campaign(0, 0, 1_000, ""),)))
    loop = VirtualLoop()
    batched = BatchedDecisions(made, loop)
    answers: list[list[Bid | Refusal] | Exception] = []
    for number in range(7):
        batched.decide(request(number, "u1", (0,), "DEU"), NOBODY, NOON_S, answers.append)
    assert (answers, provider.batches) == ([], [])
    loop.tick()
    assert provider.batches == [7]
    assert [[type(decision) for decision in answer] for answer in answers] == [[Bid]] * 7


def test_the_last_place_under_a_cap_is_given_once_within_a_batch() -> None:
    made, _ = engine(snapshot((campaign(0, 1, 1_000, ""),)))
    loop = VirtualLoop()
    batched = BatchedDecisions(made, loop)
    answers: list[object] = []
    for number in range(3):
        batched.decide(request(number, "u1", (0,), "DEU"), NOBODY, NOON_S, answers.append)
    loop.tick()
    first, *others = answers
    assert isinstance(first[0], Bid)
    assert [list(each) for each in others] == [[Refusal("0", NoBid.CAP)]] * 2


def test_a_swap_between_question_and_scores_leaves_no_bid_of_what_is_gone() -> None:
    made, old = engine(snapshot((campaign(0, 0, 1_000, ""), campaign(1, 0, 1_000, ""))))
    loop = VirtualLoop()
    batched = BatchedDecisions(made, loop)
    answers: list[object] = []
    batched.decide(request(0, "u1", (0,), "DEU"), NOBODY, NOON_S, answers.append)
    later = snapshot((campaign(0, 0, 1_000, ""),))
    new = CountingProvider(later.model)
    made.swap(later, new, NOON_S)
    batched.decide(request(1, "u1", (0,), "DEU"), NOBODY, NOON_S, answers.append)
    loop.tick()
    assert [answer[0].entry.campaign.campaign_id for answer in answers] == ["k0", "k0"]
    # The first was scored by the old backend, found outdated, and scored alone by the new one.
    assert (old.batches, new.batches) == ([1], [1, 1])


def test_a_backend_that_fails_is_told_to_each_who_asked() -> None:
    class Broken(NumpyProvider):
        def score_batch(self, requests: Sequence[InferenceRequest]) -> list[list[float]]:
            raise OSError("the accelerator is gone")

    plan = snapshot((campaign(0, 0, 1_000, ""),))
    made = Engine(
        plan, Broken(plan.model), NOON_S, token_prefix="t", caps=CapLedger(), settings=EngineSettings()
    )  # fmt: skip
    loop = VirtualLoop()
    answers: list[object] = []
    batched = BatchedDecisions(made, loop)
    for number in range(2):
        batched.decide(request(number, "u1", (0,), "DEU"), NOBODY, NOON_S, answers.append)
    loop.tick()
    assert [str(answer) for answer in answers] == ["the accelerator is gone"] * 2
