"""Two bid nodes over the real Redis: one cap for both, exact; each its own while Redis is away, which is counted."""

import asyncio
import socket
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from hotpath.caps.redis_store import Place, RedisCaps, Settled, pair_of
from hotpath.engine.decisions import Bid
from tests.unit.hotpath.caps.test_shared import CAPPED, Node
from tests.unit.hotpath.test_engine import NOON_S, campaign, request

CAP = 3


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisCaps]:
    made = RedisCaps(redis_url)
    yield made
    await made.close()


def place(token: str, pair: str, now_s: float = NOON_S, *, hourly: int = 0, daily: int = 0) -> Place:
    return Place(token, pair, hourly, daily, now_s, now_s + 60)


def bids(answers: list[list[object]]) -> int:
    return sum(isinstance(each[0], Bid) for each in answers)


@pytest.mark.req("FR-RTB-006")
async def test_two_nodes_never_bid_on_a_user_beyond_the_cap(redis_url: str) -> None:
    stores = RedisCaps(redis_url), RedisCaps(redis_url)
    shared = campaign(f"k-{uuid4().hex}", daily_cap=CAP)
    nodes = [Node(store, uuid4().hex, shared, wait_s=30.0) for store in stores]  # type: ignore[arg-type]
    users = [uuid4().hex for _ in range(20)]
    try:
        # Every user at both nodes at the same moment, more often than the cap allows.
        asked = [node.told(request(user_key=user)) for _ in range(CAP + 1) for user in users for node in nodes]
        answers = await asyncio.gather(*asked)
        assert bids(answers) == CAP * len(users)  # type: ignore[arg-type]
        assert [node.caps.counts.late + node.caps.counts.failed for node in nodes] == [0, 0]
        # A loss at the node that did not bid frees the place for either.
        at, lost = next(
            (at, one[0]) for at, one in enumerate(answers[::40] + answers[1::40]) if isinstance(one[0], Bid)
        )
        other = nodes[at < len(answers[::40])]
        other.engine.lost(lost.token)
        await other.caps.close()
        for node in nodes:
            node.now_s += 5.0
        again = await asyncio.gather(*(node.told(request(user_key=users[0])) for node in nodes))
        assert bids(again) == 1  # type: ignore[arg-type]
    finally:
        for store in stores:
            await store.close()


@pytest.mark.parametrize("away", ["refused", "silent"])
async def test_without_redis_each_node_keeps_its_own_cap_and_nobody_waits(away: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        port = listener.getsockname()[1]
        if away == "refused":
            listener.close()
        stores = [RedisCaps(f"redis://127.0.0.1:{port}/0") for _ in range(2)]
        shared = campaign(daily_cap=CAP)
        nodes = [Node(store, name, shared) for name, store in zip("ab", stores, strict=True)]  # type: ignore[arg-type]
        answers = [await node.told() for _ in range(CAP + 2) for node in nodes]
        # The most that two nodes overshoot: each shows the user its own cap.
        assert bids(answers) == 2 * CAP  # type: ignore[arg-type]
        assert answers[-4:] == [CAPPED] * 4
        for node, store in zip(nodes, stores, strict=True):
            counts = node.caps.counts
            assert counts.failed + counts.late + counts.alone == CAP
            assert counts.granted == 0
            await node.caps.close()
            await store.close()


async def test_hours_and_days_slide_and_open_bids_expire(store: RedisCaps) -> None:
    pair = pair_of(uuid4().hex, "k")
    assert await store.take([place("a", pair, hourly=1, daily=2)]) == [True]
    assert await store.take([place("b", pair, hourly=1, daily=2)]) == [False]
    # Not settled within its minute: as if it had never been.
    assert await store.take([place("c", pair, NOON_S + 60, hourly=1, daily=2)]) == [True]
    await store.settle([Settled("c", pair, shown=True, now_s=NOON_S + 61)])
    await store.settle([Settled("c", pair, shown=True, now_s=NOON_S + 999)])
    assert await store.take([place("d", pair, NOON_S + 61 + 3_599, hourly=1, daily=2)]) == [False]
    assert await store.take([place("d", pair, NOON_S + 61 + 3_600, hourly=1, daily=2)]) == [True]
    await store.settle([Settled("d", "", shown=True, now_s=NOON_S + 61 + 3_600)])
    assert await store.take([place("e", pair, NOON_S + 61 + 7_300, hourly=1, daily=2)]) == [False]
    assert await store.take([place("e", pair, NOON_S + 61 + 86_400, hourly=1, daily=2)]) == [True]


async def test_no_user_stands_in_redis_and_nothing_stays(store: RedisCaps, redis_url: str) -> None:
    user = uuid4().hex
    pair = pair_of(user, "k")
    await store.take([place(f"t-{pair}", pair, daily=2)])
    await store.settle([Settled(f"t-{pair}", pair, shown=True, now_s=NOON_S)])
    await store.take([place(f"u-{pair}", pair, daily=2)])
    raw = Redis.from_url(redis_url)
    try:
        names = [name.decode() async for name in raw.scan_iter(match=f"*{pair}*", count=10_000)]
        assert sorted(names) == sorted(
            [f"ce:cap:{{{pair}}}:shown", f"ce:cap:{{{pair}}}:open", f"ce:cap:bid:t-{pair}", f"ce:cap:bid:u-{pair}"]
        )
        assert [name async for name in raw.scan_iter(match=f"*{user}*", count=10_000)] == []
        assert [0 < await raw.ttl(name) <= 86_400 for name in names] == [True] * 4
    finally:
        await raw.aclose()


async def test_a_redis_that_does_not_know_the_script_is_given_it_again(store: RedisCaps) -> None:
    pair = pair_of(uuid4().hex, "k")
    assert await store.take([place("a", pair, daily=1)]) == [True]
    store._script = "0" * 40
    assert await store.take([place("b", pair, daily=1)]) == [False]
