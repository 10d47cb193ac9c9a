"""How often one user sees one campaign: at most so many impressions in any hour and in any day, open bids included.

A bid takes its place when it is made; a loss, or the bid's expiry, gives it back. Exact within one process. Several
processes without a shared store each keep their own count: a user who is sent to n of them may see n times the cap.
Must not read a clock: every call says what second it is. Times are seconds since any fixed moment and never go back.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, Protocol

_HOUR_S: Final = 3_600.0
_DAY_S: Final = 86_400.0
Key = tuple[str, str]


class Caps(Protocol):
    """What the engine asks before it bids, and tells of its bids: a ledger, or one that knows of others."""

    def allows(self, user: str, campaign: str, now_s: float, *, hourly_cap: int, daily_cap: int) -> bool:
        """Whether one more impression fits both caps; a cap of 0 is none."""
        ...

    def reserve(self, token: str, user: str, campaign: str, now_s: float, *, expires_s: float) -> None:
        """Take a place for a bid until its notice or `expires_s`."""
        ...

    def confirm(self, token: str) -> None:
        """The bid's impression was shown: its place stays taken."""
        ...

    def release(self, token: str) -> None:
        """The bid was lost: its place is free."""
        ...


@dataclass(slots=True)
class CapLedger:
    """The last day's impressions and open bids per (user, campaign), for at most `most_keys` of them.

    When it is full of pairs that are still within their day, a new pair is refused: forgetting one would bid on a
    capped user, refusing only loses a chance.
    """

    most_keys: int = 1_000_000
    _seen: OrderedDict[Key, list[float]] = field(default_factory=OrderedDict)
    _open: dict[str, tuple[Key, float]] = field(default_factory=dict)
    _expiries: list[tuple[float, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def open_bids(self) -> int:
        """How many places are taken by bids that were neither won, lost nor expired."""
        return len(self._open)

    def allows(self, user: str, campaign: str, now_s: float, *, hourly_cap: int, daily_cap: int) -> bool:
        """Whether one more impression fits both caps; a cap of 0 is none."""
        self._expire(now_s)
        if not hourly_cap and not daily_cap:
            return True
        times = self._seen.get((user, campaign))
        if times is None:
            return len(self._seen) < self.most_keys or self._forget_old(now_s)
        if daily_cap and sum(at > now_s - _DAY_S for at in times) >= daily_cap:
            return False
        return not hourly_cap or sum(at > now_s - _HOUR_S for at in times) < hourly_cap

    def reserve(self, token: str, user: str, campaign: str, now_s: float, *, expires_s: float) -> None:
        """Take a place for a bid until its notice or `expires_s`. Ask `allows` first; tokens are unique."""
        key = (user, campaign)
        times = [at for at in self._seen.pop(key, ()) if at > now_s - _DAY_S]
        times.append(now_s)
        # Moved to the end: the front is what was quiet longest, and the first to be forgotten.
        self._seen[key] = times
        self._open[token] = (key, now_s)
        heappush(self._expiries, (expires_s, token))

    def confirm(self, token: str) -> None:
        """The bid's impression was shown: its place stays taken. An unknown or settled token changes nothing."""
        self._open.pop(token, None)

    def release(self, token: str) -> None:
        """The bid was lost: its place is free. An unknown or settled token changes nothing."""
        found = self._open.pop(token, None)
        if found is None:
            return
        key, at = found
        times = self._seen.get(key)
        if times is not None and at in times:
            times.remove(at)
            if not times:
                del self._seen[key]

    def _expire(self, now_s: float) -> None:
        while self._expiries and self._expiries[0][0] <= now_s:
            self.release(heappop(self._expiries)[1])

    def _forget_old(self, now_s: float) -> bool:
        """Drop pairs from the front whose last impression is a day old; whether there is room now."""
        while self._seen:
            key, times = next(iter(self._seen.items()))
            if times[-1] > now_s - _DAY_S:
                break
            del self._seen[key]
        return len(self._seen) < self.most_keys
