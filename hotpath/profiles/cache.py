"""The first level: profiles in memory, so many at most and so long at most. Must not wait for anything."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from domain.bid_people import Profile

#: Told apart from None, which is a user of whom nothing is known.
ABSENT: Final = object()


class ProfileCache:
    """Least recently used goes first; what is older than its time to live is not given out."""

    def __init__(self, most: int, ttl_s: float, clock: Callable[[], float]) -> None:
        """Hold `most` profiles for `ttl_s` seconds by a clock that never goes back."""
        self._most = most
        self._ttl_s = ttl_s
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, Profile | None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, user_key: str) -> object:
        """The profile, None for a user known to have none, or ABSENT."""
        found = self._held.get(user_key)
        if found is None:
            return ABSENT
        if found[0] <= self._clock():
            del self._held[user_key]
            return ABSENT
        self._held.move_to_end(user_key)
        return found[1]

    def put(self, user_key: str, profile: Profile | None) -> None:
        """Hold a profile, or that there is none."""
        self._held[user_key] = (self._clock() + self._ttl_s, profile)
        self._held.move_to_end(user_key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)
