"""Profiles for the engine: from memory at once, else from the store while there is time, else nobody.

Must not fail: a bid without a profile is better than none.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

import msgspec
from redis.exceptions import RedisError

from domain.bid_features import NOBODY, Profile
from hotpath.profiles.cache import ProfileCache


class ProfileStore(Protocol):
    """Where profiles are kept."""

    async def read(self, user_key: str) -> Profile | None:
        """A user's profile, or None."""
        ...


@dataclass(slots=True)
class ProfileCounts:
    """Answers by where they came from; `unknown` is the store's word that there is no profile."""

    l1_hits: int = 0
    l2_hits: int = 0
    unknown: int = 0
    late: int = 0
    failed: int = 0

    @property
    def hit_rate(self) -> float:
        """The share of look-ups that memory or the store answered, in [0, 1]; 0 before the first."""
        hits = self.l1_hits + self.l2_hits
        asked = hits + self.unknown + self.late + self.failed
        return hits / asked if asked else 0.0


class Profiles:
    """Both levels and their counters."""

    def __init__(self, cache: ProfileCache, store: ProfileStore | None) -> None:
        """Without a store, memory is all there is."""
        self._cache = cache
        self._store = store
        self.counts = ProfileCounts()

    def at_once(self, user_key: str) -> Profile | None:
        """The profile if memory answers; None means: ask `get`."""
        held = self._cache.get(user_key)
        if isinstance(held, Profile):
            self.counts.l1_hits += 1
            return held
        if held is None or self._store is None:
            self.counts.unknown += 1
            return NOBODY
        return None

    async def get(self, user_key: str, wait_s: float) -> Profile:
        """A profile within `wait_s` seconds, or nobody's."""
        held = self.at_once(user_key)
        if held is not None or self._store is None:
            return held or NOBODY
        try:
            async with asyncio.timeout(wait_s):
                found = await self._store.read(user_key)
        except TimeoutError:
            self.counts.late += 1
            return NOBODY
        except (RedisError, OSError, msgspec.MsgspecError):
            self.counts.failed += 1
            return NOBODY
        self._cache.put(user_key, found)
        if found is None:
            self.counts.unknown += 1
            return NOBODY
        self.counts.l2_hits += 1
        return found
