"""Profiles for the bidder: from memory at once, else from the store while there is time, else nobody's.

All that one turn of the loop asks for is read in one call; a user whom several ask for is read once. What comes too
late for its request is remembered for the next. Must not fail: a bid without a profile is better than none.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from redis.exceptions import RedisError

from domain.bid_people import NOBODY, Profile
from hotpath.profiles.cache import ProfileCache

logger = logging.getLogger("campaign_express.bid")

#: Told a profile, nobody's where none is known: once, now or later.
Known = Callable[[Profile], None]
#: After a failure the store is left alone for so long.
REST_S: Final = 1.0
_MOST_KEYS: Final = 128
#: As many as the store has connections.
_MOST_CALLS: Final = 32
#: Who comes when so many wait for a call is nobody: the store does not keep up.
_MOST_WAITING: Final = 4_096


class ProfileStore(Protocol):
    """Where profiles are kept."""

    async def read(self, user_keys: Sequence[str]) -> Mapping[str, Profile | None]:
        """Each user's profile, or None; what is there and is none is left out. RedisError, OSError: not to be had."""
        ...


@dataclass
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


class _Ask:
    """One request for a profile on its way."""

    __slots__ = ("timer", "told")

    def __init__(self, told: Known) -> None:
        #: None once it was told.
        self.told: Known | None = told
        self.timer: asyncio.TimerHandle | None = None

    def tell(self, profile: Profile) -> bool:
        """Tell, if nobody has; whether nobody had."""
        told, self.told = self.told, None
        if self.timer is not None:
            self.timer.cancel()
        if told is None:
            return False
        told(profile)
        return True


class Profiles:
    """Both levels and their counters. All calls on one loop."""

    def __init__(
        self, cache: ProfileCache, store: ProfileStore | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Without a store, memory is all there is. `clock` never goes back."""
        self._cache = cache
        self._store = store
        self._clock = clock
        self.counts = ProfileCounts()
        #: Whoever waits for a user, asked for already or not; and the users who are not.
        self._asks: dict[str, list[_Ask]] = {}
        self._waiting: deque[str] = deque()
        self._planned = False
        self._rests_until_s = 0.0
        self._calls: set[asyncio.Task[None]] = set()

    def at_once(self, user_key: str) -> Profile | None:
        """The profile, nobody's where there is none; None: the store would have to be asked."""
        held = self._cache.get(user_key)
        if isinstance(held, Profile):
            self.counts.l1_hits += 1
            return held
        if held is None or self._store is None:
            self.counts.unknown += 1
            return NOBODY
        return None

    def soon(self, user_key: str, wait_s: float, known: Known) -> None:
        """Have `known` told a profile within `wait_s` seconds; within this call where memory has it."""
        held = self.at_once(user_key)
        if held is not None:
            known(held)
        elif self._clock() < self._rests_until_s:
            self.counts.failed += 1
            known(NOBODY)
        elif wait_s <= 0 or len(self._waiting) >= _MOST_WAITING:
            self.counts.late += 1
            known(NOBODY)
        else:
            self._ask(user_key, wait_s, known)

    async def close(self) -> None:
        """Wait for the calls in flight."""
        while self._calls:
            await asyncio.wait(self._calls)

    def _ask(self, user_key: str, wait_s: float, known: Known) -> None:
        ask = _Ask(known)
        ask.timer = asyncio.get_running_loop().call_later(wait_s, self._give_up, ask)
        asks = self._asks.get(user_key)
        if asks is not None:
            asks.append(ask)
            return
        self._asks[user_key] = [ask]
        self._waiting.append(user_key)
        self._plan()

    def _give_up(self, ask: _Ask) -> None:
        if ask.tell(NOBODY):
            self.counts.late += 1

    def _plan(self) -> None:
        """One call at the end of the loop's turn, with all that the turn brought."""
        if not self._planned and len(self._calls) < _MOST_CALLS:
            self._planned = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._planned = False
        keys: list[str] = []
        while self._waiting and len(keys) < _MOST_KEYS:
            key = self._waiting.popleft()
            # Whom nobody waits for any more is not worth a call.
            if any(ask.told is not None for ask in self._asks[key]):
                keys.append(key)
            else:
                del self._asks[key]
        if keys and self._store is not None:
            call = asyncio.get_running_loop().create_task(self._call(self._store, keys))
            self._calls.add(call)
            call.add_done_callback(self._called)
        if self._waiting:
            self._plan()

    def _called(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if self._waiting:
            self._plan()

    async def _call(self, store: ProfileStore, keys: list[str]) -> None:
        try:
            found = await store.read(keys)
        except (RedisError, OSError) as error:
            self._fail(error, keys)
            return
        for key in keys:
            asks = self._asks.pop(key)
            if key in found:
                self._cache.put(key, found[key])
                self._tell(asks, found[key])
            else:
                self.counts.failed += sum([ask.tell(NOBODY) for ask in asks])

    def _tell(self, asks: list[_Ask], profile: Profile | None) -> None:
        for ask in asks:
            if not ask.tell(profile or NOBODY):
                continue
            if profile is None:
                self.counts.unknown += 1
            else:
                self.counts.l2_hits += 1

    def _fail(self, error: Exception, keys: list[str]) -> None:
        """Nobody is asked for a while: each would wait for nothing."""
        if self._clock() >= self._rests_until_s:
            logger.warning("profiles come from memory alone: the store failed (%s)", error or type(error).__name__)
        self._rests_until_s = self._clock() + REST_S
        keys = [*keys, *self._waiting]
        self._waiting.clear()
        for key in keys:
            self.counts.failed += sum([ask.tell(NOBODY) for ask in self._asks.pop(key)])
