"""How often one user sees one campaign: at most so many impressions in any hour and in any day, open bids included.

A bid takes its place when it is made; a loss, or the bid's expiry, gives it back. Exact within one process. Several
processes without a shared store each keep their own count: a user who is sent to n of them may see n times the cap.
Must not read a clock: every call says what second it is. Times are seconds since any fixed moment and never go back.
"""

from bisect import bisect_right
from collections.abc import Sized
from sys import maxsize
from typing import Any, Final, Protocol

from domain.open_bids import OpenBids

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
_NOTHING: Final[dict[str, list[float]]] = {}


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


class _User:
    """What one user has seen: the times by campaign, each campaign's in order; and who was active before and after."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.seen: dict[str, list[float]] = {}
        self.before = self
        self.after = self

    def leave(self) -> None:
        """Out of the ring, which may no longer be held: it would be a circle."""
        self.before.after, self.after.before = self.after, self.before
        self.before = self.after = _NO_USER

    def enter(self, ring: "_User") -> None:
        """In again, as the last."""
        last = ring.before
        self.before, self.after = last, ring
        last.after = ring.before = self


_NO_USER: Final = _User("")


class CapLedger:
    """The last day's impressions and open bids per (user, campaign), for at most `most_keys` of them.

    When it is full of pairs that are still within their day, a new pair is refused: forgetting one would bid on a
    capped user, refusing only loses a chance.
    """

    def __init__(self, most_keys: int = 1_000_000) -> None:
        """Nobody has seen anything."""
        self.most_keys = most_keys
        self._users: dict[str, _User] = {}
        #: Between the last and the first of its users: who was quiet longest comes after it.
        self._ring = _User("")
        self._pairs = 0
        #: Of a bid: the user, the campaign, and the time that is among that campaign's.
        self._open: OpenBids[_User] = OpenBids(three=True)

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
        known = self._users.get(user)
        times = None if known is None else known.seen.get(campaign)
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
        if self._pairs >= self.most_keys:
            return EVERYTHING
        known = self._users.get(user)
        return _NOTHING if known is None else known.seen

    def reserve(self, token: str, user: str, campaign: str, now_s: float, *, expires_s: float) -> None:
        """Take a place for a bid until its notice or `expires_s`. Ask `allows` first; tokens are unique.

        `expires_s` never is before an earlier call's: a bid that expires waits for those that were made before it.
        """
        known = self._users.get(user)
        if known is None:
            known = self._users[user] = _User(user)
            known.enter(self._ring)
        elif known is not self._ring.before:
            known.leave()
            known.enter(self._ring)
        times = known.seen.get(campaign)
        if times is not None:
            # They stay in order, whatever a caller's clock does: `allows` counts by it.
            now_s = max(now_s, times[-1])
        # One object for both, of millions.
        at: Any = now_s
        if times is None:
            known.seen[campaign] = [at]
            self._pairs += 1
        else:
            if times[0] <= now_s - _DAY_S:
                del times[: bisect_right(times, now_s - _DAY_S)]
            times.append(at)
        self._open.add(token, expires_s, known, campaign, at)

    def confirm(self, token: str) -> None:
        """The bid's impression was shown: its place stays taken. An unknown or settled token changes nothing."""
        self._open.take(token)

    def release(self, token: str) -> None:
        """The bid was lost: its place is free. An unknown or settled token changes nothing."""
        user, campaign, at = self._open.take(token)
        if user is not None:
            self._free(user, campaign, at)

    def _free(self, user: _User, campaign: str, at: float) -> None:
        times = user.seen.get(campaign)
        if times is None:
            return
        for place, other in enumerate(times):
            if other == at:
                del times[place]
                break
        if not times:
            del user.seen[campaign]
            self._pairs -= 1
            if not user.seen:
                self._forget(user)

    def _forget(self, user: _User) -> None:
        del self._users[user.key]
        user.leave()

    def _expire(self, now_s: float) -> None:
        if now_s >= self._open.next_s:
            for user, campaign, at in self._open.over(now_s, _MOST_AT_ONCE):
                self._free(user, campaign, at)

    def _forget_old(self, now_s: float) -> bool:
        """Drop, from the first on, what is a day old; whether there is room now."""
        while self._users:
            user = self._ring.after
            old = [campaign for campaign, times in user.seen.items() if times[-1] <= now_s - _DAY_S]
            for campaign in old:
                del user.seen[campaign]
            self._pairs -= len(old)
            if user.seen:
                break
            self._forget(user)
        return self._pairs < self.most_keys
