"""Caps of several nodes over a store in memory: what one node may bid while others do, and while the store is away."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.exceptions import ConnectionError as Unreachable

from domain.bid_people import NOBODY
from hotpath.auction.bidder import BidderSettings
from hotpath.auction.notices import Tickets
from hotpath.caps.decisions import Decisions, SharedDecisions
from hotpath.caps.redis_store import Place, Settled
from hotpath.caps.shared import SharedCaps
from hotpath.engine.decisions import Bid, Refusal
from hotpath.engine.engine import Engine, EngineSettings
from hotpath.engine.facts import NoBid
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.inference.numpy_provider import NumpyProvider
from hotpath.process import bidder_over, fresh_profiles
from tests.integration.bid_server import REQUEST, ListSink
from tests.unit.hotpath.test_engine import BANNER, NOON_S, campaign, request, snapshot


@dataclass
class Store:
    """Counts places per pair; `gate` holds calls back, `broken` fails them."""

    taken: dict[str, dict[str, bool]] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    calls: list[int] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)

    async def take(self, places: Sequence[Place]) -> list[bool]:
        self.calls.append(len(places))
        await self.gate.wait()
        if self.broken:
            raise Unreachable("gone")
        granted = []
        for place in places:
            held = self.taken.setdefault(place.pair, {})
            most = min(cap for cap in (place.hourly_cap, place.daily_cap) if cap)
            granted.append(len(held) < most)
            if granted[-1]:
                held[place.token] = False
        return granted

    async def settle(self, settled: Sequence[Settled]) -> None:
        await self.gate.wait()
        if self.broken:
            raise Unreachable("gone")
        self.settled += [one.token for one in settled]
        for one in settled:
            for pair, held in self.taken.items():
                if one.token in held or pair == one.pair:
                    held.pop(one.token, None)
                    if one.shown:
                        held[one.token] = True


class Node:
    """An engine that shares its caps."""

    settings = EngineSettings()

    def __init__(self, store: Store, name: str, *campaigns: Any, **waits: float) -> None:
        self.now_s = NOON_S
        self.caps = SharedCaps(store, asyncio.get_running_loop(), lambda: self.now_s, **waits)
        made = snapshot(*(campaigns or (campaign(hourly_cap=2),)))
        self.engine = Engine(
            made, NumpyProvider(made.model), NOON_S, token_prefix=name, caps=self.caps, settings=self.settings
        )

        def inner(asked: RequestFacts, profile: Any, now_s: float, decided: Any) -> None:
            decided(self.engine.decide(asked, profile, now_s))

        self.decisions = SharedDecisions(
            self.engine, self.caps, inner, open_s=self.settings.open_s, clock=lambda: self.now_s
        )

    def ask(self, asked: RequestFacts | None = None) -> "asyncio.Future[Decisions]":
        answer: asyncio.Future[Decisions] = asyncio.get_running_loop().create_future()

        def decided(outcome: Decisions | Exception) -> None:
            assert not isinstance(outcome, Exception), outcome
            answer.set_result(outcome)

        self.decisions.decide(asked or request(), NOBODY, self.now_s, decided)
        return answer

    async def told(self, asked: RequestFacts | None = None) -> list[Bid | Refusal]:
        async with asyncio.timeout(30):
            return list(await self.ask(asked))


@pytest.fixture
async def store() -> Store:
    made = Store()
    made.gate.set()
    return made


CAPPED = [Refusal("1", NoBid.CAP)]


async def test_two_nodes_together_keep_one_cap(store: Store) -> None:
    one, two = Node(store, "a", wait_s=30.0), Node(store, "b", wait_s=30.0)
    answers = await asyncio.gather(*(node.told() for node in (one, two, one, two, one, two)))
    assert sum(isinstance(each[0], Bid) for each in answers) == 2
    assert [each for each in answers if not isinstance(each[0], Bid)] == [CAPPED] * 4
    # What was refused holds neither a place nor money here.
    assert sum(node.engine.budgets.standing("k")[1] for node in (one, two)) == 2 * 2_000
    assert sum(node.caps.ledger.open_bids for node in (one, two)) == 2


async def test_a_pair_without_places_is_not_asked_for_again_at_once(store: Store) -> None:
    one, two = Node(store, "a", wait_s=30.0), Node(store, "b", wait_s=30.0)
    bids = [(await one.told())[0] for _ in range(2)]
    assert await two.told() == CAPPED
    calls = len(store.calls)
    assert await two.told() == CAPPED
    assert len(store.calls) == calls
    assert isinstance(bids[0], Bid)
    one.engine.lost(bids[0].token)
    await one.caps.close()
    two.now_s += 5.0
    assert isinstance((await two.told())[0], Bid)
    assert await one.told() == CAPPED


async def test_a_notice_settles_also_at_a_node_that_did_not_bid(store: Store) -> None:
    one, two = Node(store, "a", wait_s=30.0), Node(store, "b", wait_s=30.0)
    first, second = [(await one.told())[0] for _ in range(2)]
    assert isinstance(first, Bid)
    assert isinstance(second, Bid)
    two.engine.lost(first.token)
    two.engine.billed(second.token, "k", 2_000_000)
    await two.caps.close()
    assert list(store.taken.values()) == [{second.token: True}]


async def test_who_loses_a_place_bids_with_the_next_campaign(store: Store) -> None:
    campaigns = (
        campaign("dear", hourly_cap=1, bid_cpm_micros=3_000_000),
        campaign("next", hourly_cap=1),
        campaign("last", bid_cpm_micros=1_000_000),
    )
    nodes = [Node(store, name, *campaigns, wait_s=30.0) for name in "abc"]
    won = []
    for node in nodes:
        [bid] = await node.told()
        assert isinstance(bid, Bid)
        won.append(bid.entry.campaign.campaign_id)
    assert won == ["dear", "next", "last"]


async def test_only_the_impressions_without_a_place_are_decided_again(store: Store) -> None:
    node, other = Node(store, "a", wait_s=30.0), Node(store, "b", wait_s=30.0)
    assert isinstance((await other.told())[0], Bid)
    first, second, third = await node.told(request(*(ImpressionFacts(str(n), BANNER) for n in range(3))))
    assert isinstance(first, Bid)
    assert (second, third) == (Refusal("1", NoBid.CAP), Refusal("2", NoBid.CAP))


async def test_the_places_of_one_tick_are_asked_for_in_one_call(store: Store) -> None:
    node = Node(store, "a", wait_s=30.0)
    await asyncio.gather(*(node.told(request(user_key=f"u{n}")) for n in range(20)))
    assert store.calls == [20]
    assert node.caps.counts.granted == 20


async def test_what_needs_no_place_asks_nobody(store: Store) -> None:
    node = Node(store, "a", campaign(hourly_cap=1), campaign("free", bid_cpm_micros=1))
    assert isinstance((await node.told(request(test=True)))[0], Bid)
    assert isinstance((await node.told(request(user_key="")))[0], Bid)
    assert store.calls == []


async def test_a_store_that_hangs_delays_no_answer_beyond_its_wait_and_what_it_says_late_is_counted(
    store: Store,
) -> None:
    one, two = Node(store, "a"), Node(store, "b")
    store.gate.clear()
    bids = [(await node.told())[0] for node in (one, two, one, two)]
    assert all(isinstance(bid, Bid) for bid in bids)
    # Each node keeps its own count: twice the cap, and no more.
    assert (await one.told(), await two.told()) == (CAPPED, CAPPED)
    assert (one.caps.counts.late, two.caps.counts.late) == (2, 2)
    store.gate.set()
    await one.caps.close()
    await two.caps.close()
    assert one.caps.counts.overshot + two.caps.counts.overshot == 2


async def test_a_store_that_fails_is_left_alone_for_a_while_and_told_afterwards(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(store, "a", wait_s=30.0, rest_s=0.05)
    store.broken = True
    first, second = (await node.told())[0], (await node.told())[0]
    assert isinstance(first, Bid)
    assert isinstance(second, Bid)
    assert await node.told() == CAPPED
    counts = node.caps.counts
    assert (counts.failed, counts.granted) == (1, 0) or counts.failed == 2
    assert counts.failed + counts.alone == 2
    assert caplog.messages[0] == "caps are kept by this node alone: Redis failed (gone)"
    node.engine.billed(first.token, "k", 2_000_000)
    store.broken = False
    store.taken = {pair: {} for pair in [node.caps._open[second.token][0]]}
    async with asyncio.timeout(30):
        while not any(store.taken.values()):  # noqa: ASYNC110 - the store in memory sets no event
            await asyncio.sleep(0.01)
    # The impression of the time without a store counts for all nodes now.
    assert list(store.taken.values()) == [{first.token: True}]


async def test_at_the_end_the_store_is_told_all_that_it_can_be_told(store: Store) -> None:
    tokens = [f"t{number}" for number in range(600)]
    node = Node(store, "a")
    for token in tokens:
        node.caps.confirm(token)
    await node.caps.close()
    assert store.settled == tokens
    store.broken = True
    for token in tokens:
        node.caps.confirm(token)
    # It ends, though there is nobody to tell.
    async with asyncio.timeout(30):
        await node.caps.close()
    assert store.settled == tokens


class OneCandidate(Node):
    """Scores the dearest alone."""

    settings = EngineSettings(most_candidates=1)


async def test_what_was_decided_again_is_kept_with_the_scores_it_was_chosen_by(store: Store) -> None:
    campaigns = campaign("dear", bid_cpm_micros=9_000_000, daily_cap=1), campaign("plain")
    one, two = (OneCandidate(store, name, *campaigns, wait_s=30.0) for name in "ab")
    assert [bid.entry.campaign.campaign_id for bid in await one.told()] == ["dear"]  # type: ignore[union-attr]
    async with asyncio.timeout(30):
        decisions = await two.ask()
    assert [bid.entry.campaign.campaign_id for bid in decisions] == ["plain"]  # type: ignore[union-attr]
    assert set(decisions.offer_ids) == {"dear-o", "plain-o"}
    assert len(decisions.scores) == len(decisions.offer_ids)


@pytest.mark.req("NFR-PERF-001")
@pytest.mark.parametrize(("shared", "least_ms"), [(False, 10), (True, 15)])
async def test_what_may_wait_for_the_others_must_still_be_in_time(store: Store, shared: bool, least_ms: int) -> None:
    node = Node(store, "a")
    bidder = bidder_over(
        node.engine, Tickets(b"k" * 32, "http://bid.example"), fresh_profiles(), settings=BidderSettings(),
        sink=ListSink(), loop=asyncio.get_running_loop(), caps=node.caps if shared else None,
    )  # fmt: skip
    for tmax, result in ((least_ms - 1, "insufficient_time"), (least_ms, "no_bid")):
        bidder.answer(json.dumps({**REQUEST, "tmax": tmax}).encode())
        assert bidder.counts.answers[result] == 1
