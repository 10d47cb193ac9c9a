"""Profiles from memory, from a store, or from nobody: never late, read together, and counted."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from redis.exceptions import ConnectionError as Unreachable

from domain.bid_people import NOBODY, Profile
from hotpath.profiles.cache import ABSENT, ProfileCache
from hotpath.profiles.profiles import REST_S, ProfileCounts, Profiles

ANN = Profile(segments=(1,))
#: Of a wait that is not to end before the store answers.
LONG_S = 60.0


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Store:
    """Answers once `gate` is open; whom `unreadable` names has something there that is no profile."""

    held: dict[str, Profile] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    error: Exception | None = None
    calls: list[list[str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, user_keys: Sequence[str]) -> dict[str, Profile | None]:
        self.calls.append(list(user_keys))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return {key: self.held.get(key) for key in user_keys if key not in self.unreadable}


def both(store: Store | None, *, is_open: bool = True, clock: Clock | None = None) -> Profiles:
    if store is not None and is_open:
        store.gate.set()
    return Profiles(ProfileCache(9, 60, Clock()), store, clock=clock or Clock())


def ask(profiles: Profiles, user_key: str, wait_s: float = LONG_S) -> "asyncio.Future[Profile]":
    answer: asyncio.Future[Profile] = asyncio.get_running_loop().create_future()
    # A second call would be an error: the future is set.
    profiles.soon(user_key, wait_s, answer.set_result)
    return answer


async def told(profiles: Profiles, user_key: str, wait_s: float = LONG_S) -> Profile:
    async with asyncio.timeout(30):
        return await ask(profiles, user_key, wait_s)


async def until_called(store: Store, count: int) -> None:
    async with asyncio.timeout(30):
        while len(store.calls) < count:  # noqa: ASYNC110 - it is the store that counts, turn by turn
            await asyncio.sleep(0)


@pytest.mark.req("NFR-CACHE-001")
def test_memory_is_bounded_and_forgets_what_was_used_longest_ago() -> None:
    cache = ProfileCache(2, 60, Clock())
    for name in ("a", "b"):
        cache.put(name, ANN)
    assert cache.get("a") is ANN
    cache.put("c", None)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (ANN, ABSENT, None)
    assert len(cache) == 2


def test_memory_forgets_with_time() -> None:
    clock = Clock()
    cache = ProfileCache(2, 60, clock)
    cache.put("a", ANN)
    clock.now_s = 59.9
    assert cache.get("a") is ANN
    clock.now_s = 60
    assert cache.get("a") is ABSENT
    assert len(cache) == 0


async def test_the_store_is_asked_once_whether_it_knows_or_not() -> None:
    store = Store({"a": ANN})
    profiles = both(store)
    for _ in range(3):
        assert await told(profiles, "a") == ANN
        assert await told(profiles, "nobody") == NOBODY
    assert store.calls == [["a"], ["nobody"]]
    assert profiles.counts == ProfileCounts(l1_hits=2, l2_hits=1, unknown=3)
    assert profiles.counts.hit_rate == 0.5
    assert profiles.at_once("a") == ANN
    assert profiles.at_once("stranger") is None


async def test_what_memory_has_is_told_within_the_call() -> None:
    profiles = both(Store({"a": ANN}))
    await told(profiles, "a")
    assert ask(profiles, "a").done()


async def test_one_turn_is_one_call_and_one_user_is_read_once() -> None:
    store = Store({"a": ANN})
    profiles = both(store)
    answers = [ask(profiles, name) for name in ("a", "b", "a", "c")]
    assert [await each for each in answers] == [ANN, NOBODY, ANN, NOBODY]
    assert store.calls == [["a", "b", "c"]]
    assert profiles.counts == ProfileCounts(l2_hits=2, unknown=2)


async def test_who_comes_while_the_call_is_under_way_gets_its_answer() -> None:
    store = Store({"a": ANN})
    profiles = both(store, is_open=False)
    first = ask(profiles, "a")
    await until_called(store, 1)
    second = ask(profiles, "a")
    store.gate.set()
    assert (await first, await second) == (ANN, ANN)
    assert store.calls == [["a"]]


async def test_a_late_store_is_not_waited_for_and_what_it_says_is_remembered() -> None:
    store = Store({"a": ANN})
    profiles = both(store, is_open=False)
    assert await told(profiles, "a", 0.001) == NOBODY
    assert profiles.counts == ProfileCounts(late=1)
    store.gate.set()
    await profiles.close()
    assert profiles.at_once("a") == ANN


async def test_without_time_nobody_is_asked_for() -> None:
    store = Store({"a": ANN})
    profiles = both(store)
    assert ask(profiles, "a", 0.0).result() == NOBODY
    assert profiles.counts == ProfileCounts(late=1)
    assert store.calls == []


async def test_at_most_32_calls_of_128_users_are_under_way() -> None:
    store = Store()
    profiles = both(store, is_open=False)
    # What a turn brings goes in one call at its end.
    for turn in range(40):
        asks = [ask(profiles, f"{turn}-{number}") for number in range(130)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert len(store.calls) == 32
    assert max(map(len, store.calls)) == 128
    store.gate.set()
    await profiles.close()
    assert {each.result() for each in asks} == {NOBODY}
    assert sorted(key for keys in store.calls for key in keys) == sorted(
        f"{turn}-{number}" for turn in range(40) for number in range(130)
    )


async def test_a_store_that_does_not_keep_up_is_not_waited_for() -> None:
    store = Store()
    profiles = both(store, is_open=False)
    asks = [ask(profiles, str(number)) for number in range(4_097)]
    assert [each.done() for each in asks] == [False] * 4_096 + [True]
    assert profiles.counts == ProfileCounts(late=1)
    store.gate.set()
    await asyncio.wait_for(asyncio.gather(*asks), 30)


async def test_whom_nobody_waits_for_any_more_is_not_read() -> None:
    store = Store({"a": ANN})
    profiles = both(store, is_open=False)
    busy = [ask(profiles, str(number)) for number in range(128 * 32)]
    await until_called(store, 32)
    assert await told(profiles, "a", 0.001) == NOBODY
    store.gate.set()
    await asyncio.wait_for(asyncio.gather(*busy), 30)
    await profiles.close()
    assert len(store.calls) == 32
    assert profiles.at_once("a") is None


@pytest.mark.parametrize("error", [Unreachable("gone"), OSError("gone")])
async def test_a_store_that_fails_is_left_alone_for_a_while(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    store, clock = Store({"a": ANN}, error=error), Clock()
    profiles = both(store, clock=clock)
    with caplog.at_level(logging.WARNING):
        assert await told(profiles, "a") == NOBODY
        clock.now_s = REST_S - 0.01
        assert ask(profiles, "a").result() == NOBODY
    assert len(store.calls) == 1
    assert caplog.messages == ["profiles come from memory alone: the store failed (gone)"]
    clock.now_s, store.error = REST_S, None
    assert await told(profiles, "a") == ANN
    assert profiles.counts == ProfileCounts(failed=2, l2_hits=1)


async def test_what_cannot_be_read_is_nobody_and_does_not_hurt_the_others() -> None:
    store = Store({"a": ANN}, frozenset({"b"}))
    profiles = both(store)
    assert [await each for each in (ask(profiles, "b"), ask(profiles, "a"))] == [NOBODY, ANN]
    assert profiles.counts == ProfileCounts(failed=1, l2_hits=1)
    # It may be repaired: it is asked for again.
    store.unreadable, store.held = frozenset(), {"b": ANN}
    assert await told(profiles, "b") == ANN


async def test_without_a_store_memory_is_all() -> None:
    profiles = both(None)
    assert ask(profiles, "a").result() == NOBODY
    assert profiles.counts == ProfileCounts(unknown=1)
    assert ProfileCounts().hit_rate == 0
