"""How often one user sees one campaign: at most so many impressions in any hour and in any day, open bids included.

A bid takes its place when it is made; a loss, or the bid's expiry, gives it back. Exact within one process. Several
processes without a shared store each keep their own count: a user who is sent to n of them may see n times the cap.
Must not read a clock: every call says what second it is. Times are seconds since any fixed moment and never go back.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sized
from dataclasses import dataclass, field
from sys import maxsize
from typing import Final, Protocol

from kit.expiries import Expiries

_HOUR_S: Final = 3_600.0
_DAY_S: Final = 86_400.0
#: Expired bids that one call lets go: thousands may end in one second, and no request is to wait for all of them.
_MOST_AT_ONCE: Final = 64


class History(Protocol):
    """A user's impressions by campaign, open bids among them: at least as many as count for the caps."""

    def get(self, campaign: str, /) -> Sized | None:
        """Those of a campaign; None for none."""
        ...


class _Endless:
    """More than any cap allows."""

    def __len__(self) -> int:
        return maxsize


class _Everything:
    """Has endless impressions of whatever one asks for."""

    def get(self, _: str, /) -> Sized:
        return _ENDLESS


_ENDLESS: Final = _Endless()
EVERYTHING: Final = _Everything()
_NOBODY: Final[dict[str, list[float]]] = {}


class Caps(Protocol):
    """What the engine asks before it bids, and tells of its bids: a ledger, or one that knows of others."""

    def __len__(self) -> int:
        """How many pairs of a user and a campaign are known."""
        ...

    def allows(self, user: str, campaign: str, now_s: float, *, hourly_cap: int, daily_cap: int) -> bool:
        """Whether one more impression fits both caps; a cap of 0 is none."""
        ...

    def history(self, user: str) -> History:
        """What the user has seen: `allows` may only say no where that is as much as a cap. Good until the next call."""
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


@dataclass
class CapLedger:
    """The last day's impressions and open bids per (user, campaign), for at most `most_keys` of them.

    When it is full of pairs that are still within their day, a new pair is refused: forgetting one would bid on a
    capped user, refusing only loses a chance.
    """

    most_keys: int = 1_000_000
    _users: OrderedDict[str, dict[str, list[float]]] = field(default_factory=OrderedDict)
    _pairs: int = 0
    _open: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    _expiries: Expiries = field(default_factory=Expiries)

    def __len__(self) -> int:
        return self._pairs

    @property
    def open_bids(self) -> int:
        """How many places are taken by bids that were neither won, lost nor expired."""
        return len(self._open)

    def allows(self, user: str, campaign: str, now_s: float, *, hourly_cap: int, daily_cap: int) -> bool:
        """Whether one more impression fits both caps; a cap of 0 is none."""
        self._expire(now_s)
        if not hourly_cap and not daily_cap:
            return True
        times = self._users.get(user, _NOBODY).get(campaign)
        if times is None:
            return self._pairs < self.most_keys or self._forget_old(now_s)
        if (not daily_cap or len(times) < daily_cap) and (not hourly_cap or len(times) < hourly_cap):
            return True
        # In the order in which they came, so that nobody has to look at each.
        if daily_cap and len(times) - bisect_right(times, now_s - _DAY_S) >= daily_cap:
            return False
        return not hourly_cap or len(times) - bisect_right(times, now_s - _HOUR_S) < hourly_cap

    def history(self, user: str) -> History:
        """What the user has seen; endless, when there is no room for new pairs."""
        return EVERYTHING if self._pairs >= self.most_keys else self._users.get(user, _NOBODY)

    def reserve(self, token: str, user: str, campaign: str, now_s: float, *, expires_s: float) -> None:
        """Take a place for a bid until its notice or `expires_s`. Ask `allows` first; tokens are unique.

        `expires_s` never is before an earlier call's: a bid that expires waits for those that were made before it.
        """
        seen = self._users.pop(user, None)
        if seen is None:
            seen = {}
        # Moved to the end: the front is who was quiet longest, and the first to be forgotten.
        self._users[user] = seen
        times = seen.get(campaign)
        if times:
            # They stay in order, whatever a caller's clock does: `allows` counts by it.
            now_s = max(now_s, times[-1])
        if times is None:
            seen[campaign] = [now_s]
            self._pairs += 1
        else:
            if times[0] <= now_s - _DAY_S:
                times[:] = [at for at in times if at > now_s - _DAY_S]
            times.append(now_s)
        self._open[token] = (user, campaign, now_s)
        self._expiries.add(token, expires_s)

    def confirm(self, token: str) -> None:
        """The bid's impression was shown: its place stays taken. An unknown or settled token changes nothing."""
        self._open.pop(token, None)

    def release(self, token: str) -> None:
        """The bid was lost: its place is free. An unknown or settled token changes nothing."""
        found = self._open.pop(token, None)
        if found is None:
            return
        user, campaign, at = found
        seen = self._users.get(user, _NOBODY)
        times = seen.get(campaign)
        if times is None or at not in times:
            return
        times.remove(at)
        if not times:
            del seen[campaign]
            self._pairs -= 1
            if not seen:
                del self._users[user]

    def _expire(self, now_s: float) -> None:
        for token in self._expiries.over(now_s, _MOST_AT_ONCE):
            self.release(token)

    def _forget_old(self, now_s: float) -> bool:
        """Drop, from the front, what is a day old; whether there is room now."""
        while self._users:
            user, seen = next(iter(self._users.items()))
            old = [campaign for campaign, times in seen.items() if times[-1] <= now_s - _DAY_S]
            for campaign in old:
                del seen[campaign]
            self._pairs -= len(old)
            if seen:
                break
            del self._users[user]
        return self._pairs < self.most_keys
