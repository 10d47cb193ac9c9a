"""Profiles from memory, from a store, or from nobody: never late, and counted."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest
from redis.exceptions import ConnectionError as Unreachable

from domain.bid_features import NOBODY, Profile
from hotpath.profiles.cache import ABSENT, ProfileCache
from hotpath.profiles.profiles import ProfileCounts, Profiles

ANN = Profile(segments=(1,))


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Store:
    held: dict[str, Profile] = field(default_factory=dict)
    error: Exception | None = None
    reads: int = 0

    async def read(self, user_key: str) -> Profile | None:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.held.get(user_key)


class Stuck:
    async def read(self, user_key: str) -> Profile | None:
        await asyncio.Event().wait()
        raise AssertionError(user_key)


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
    profiles = Profiles(ProfileCache(9, 60, Clock()), store)
    for _ in range(3):
        assert await profiles.get("a", 1) == ANN
        assert await profiles.get("nobody", 1) == NOBODY
    assert store.reads == 2
    assert profiles.counts == ProfileCounts(l1_hits=2, l2_hits=1, unknown=3)
    assert profiles.counts.hit_rate == 0.5


async def test_a_late_store_is_not_waited_for() -> None:
    profiles = Profiles(ProfileCache(9, 60, Clock()), Stuck())
    assert await profiles.get("a", 0.001) == NOBODY
    assert profiles.counts == ProfileCounts(late=1)


@pytest.mark.parametrize("error", [Unreachable("gone"), OSError("gone"), msgspec.DecodeError("no profile")])
async def test_a_failing_store_is_nobody_and_asked_again(error: Exception) -> None:
    store = Store({"a": ANN}, error)
    profiles = Profiles(ProfileCache(9, 60, Clock()), store)
    assert await profiles.get("a", 1) == NOBODY
    store.error = None
    assert await profiles.get("a", 1) == ANN
    assert profiles.counts == ProfileCounts(failed=1, l2_hits=1)


async def test_without_a_store_memory_is_all() -> None:
    profiles = Profiles(ProfileCache(9, 60, Clock()), None)
    assert await profiles.get("a", 1) == NOBODY
    assert profiles.counts == ProfileCounts(unknown=1)
    assert ProfileCounts().hit_rate == 0
