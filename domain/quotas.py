"""How many calls each platform takes, as token budgets: may this be sent now, and if not, when. Pure.

The figures are the platforms' published ones, less what syncs need: those are not counted here. A budget never allows
more than its platform does in any stretch of time, however the two clocks' seconds and minutes lie to each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final

from domain.platforms import Platform

#: The part of a platform's quota that changes may use.
_SHARE: Final = 0.8
#: A platform that refuses is asked half as often, and a little more with every call that it takes.
_SLOWER: Final = 0.5
_FASTER: Final = 1.02
_SLOWEST: Final = 0.02


@dataclass(frozen=True, slots=True)
class Calls:
    """What is about to be asked of a platform for one account."""

    reads: int
    writes: int


#: A change as it usually goes: look, set, read back.
CHANGE: Final = Calls(reads=2, writes=1)
LOOK: Final = Calls(reads=1, writes=0)


@dataclass(frozen=True, slots=True)
class Quota:
    """A budget of points. They fade at a constant rate, or all at once at midnight UTC.

    Attributes:
        capacity: points that may stand at once; 0 is no limit.
        fades_per_second: points that fade a second; 0 for a budget of the day, whose points go at midnight UTC.
        read, write: what a call costs.
        per_account: whether each ad account has a budget of its own, or all share the application's.
        adapts: the platform tells no figure: a refusal halves the rate, calls that it takes raise it again.
    """

    capacity: float
    fades_per_second: float = 0.0
    read: float = 1.0
    write: float = 1.0
    per_account: bool = False
    adapts: bool = False

    def cost(self, calls: Calls) -> float:
        """Points of these calls."""
        return calls.reads * self.read + calls.writes * self.write


def per_window(limit: float, window_seconds: float) -> Quota:
    """At most `limit` calls in *any* window of so many seconds: half may come at once, the rest evenly."""
    return Quota(capacity=limit / 2, fades_per_second=limit / 2 / window_seconds)


#: Sources: Meta "Rate limits on the Marketing API" (standard access: 9,000 points per ad account, a read 1, a write 3,
#: decay over 300 s); Google Ads API "Access levels" (basic: 15,000 operations a day); TikTok "API throttling"
#: (advanced: 20 a second); LinkedIn "Rate limiting" (a day's calls, reset at midnight UTC; the figure is in the portal
#: of each application); Amazon Ads "Rate limiting" (dynamic, not published); Microsoft Advertising "Services limits"
#: (by the minute; the figure is not published).
QUOTAS: Final[Mapping[str, Quota]] = {
    "META": Quota(9_000 * _SHARE, 9_000 * _SHARE / 300, read=1, write=3, per_account=True),
    "GOOGLE": Quota(15_000 * _SHARE),
    "TIKTOK": per_window(20, 1),
    "LINKEDIN": Quota(100_000 * _SHARE),
    "AMAZON": replace(per_window(20, 1), adapts=True),
    "MICROSOFT": per_window(1_000 * _SHARE, 60),
}


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """What is used of a budget.

    Attributes:
        points: that stood at `at_utc`.
        at_utc: when they were counted.
        blocked_until_utc: the platform refused, and asked for rest until then.
        pace: 0-1, the part of the rate that an adapting budget grants now.
        version: goes up with every change.
    """

    points: float
    at_utc: datetime
    blocked_until_utc: datetime | None = None
    pace: float = 1.0
    version: int = 0


def budget_name(quota: Quota, platform: Platform, account_external_id: str) -> str:
    """Which budget a call to an account draws on."""
    return f"{platform.value}:{account_external_id}" if quota.per_account else platform.value


def admit(quota: Quota, usage: QuotaUsage, calls: Calls, now_utc: datetime) -> QuotaUsage | datetime:
    """The usage with these calls counted, or the moment from which they may be asked again.

    Raises:
        ValueError: they cost more than the whole budget, so no moment would do.
    """
    cost = quota.cost(calls)
    if quota.capacity and cost > quota.capacity:
        raise ValueError(f"{cost:g} points never fit into a budget of {quota.capacity:g}")
    if usage.blocked_until_utc is not None and now_utc < usage.blocked_until_utc:
        return usage.blocked_until_utc
    now_utc = max(now_utc, usage.at_utc)  # another worker's clock may be a little ahead
    points = _standing(quota, usage, now_utc) + cost
    if quota.capacity and points > quota.capacity:
        return _wait_until(quota, usage, points - quota.capacity, now_utc)
    pace = min(1.0, usage.pace * _FASTER) if quota.adapts else 1.0
    return QuotaUsage(points, now_utc, None, pace, usage.version + 1)


def refused(quota: Quota, usage: QuotaUsage, retry_after_seconds: float, now_utc: datetime) -> QuotaUsage:
    """The usage after the platform refused for its quota: nobody asks before it said, an adapting budget slows down."""
    until = now_utc + timedelta(seconds=retry_after_seconds)
    if usage.blocked_until_utc is not None:
        until = max(until, usage.blocked_until_utc)
    pace = max(_SLOWEST, usage.pace * _SLOWER) if quota.adapts else 1.0
    return replace(usage, blocked_until_utc=until, pace=pace, version=usage.version + 1)


def given_back(usage: QuotaUsage, points: float) -> QuotaUsage:
    """The usage without points (>= 0) that were counted and then not used."""
    return replace(usage, points=max(0.0, usage.points - points), version=usage.version + 1)


def _standing(quota: Quota, usage: QuotaUsage, now_utc: datetime) -> float:
    if not quota.fades_per_second:
        return usage.points if usage.at_utc >= _midnight(now_utc) else 0.0
    faded = (now_utc - usage.at_utc).total_seconds() * quota.fades_per_second * usage.pace
    return max(0.0, usage.points - faded)


def _wait_until(quota: Quota, usage: QuotaUsage, excess: float, now_utc: datetime) -> datetime:
    if not quota.fades_per_second:
        return _midnight(now_utc) + timedelta(days=1)
    # A millisecond more, so that rounding never makes it too early by one.
    return now_utc + timedelta(seconds=excess / (quota.fades_per_second * usage.pace) + 0.001)


def _midnight(at_utc: datetime) -> datetime:
    return datetime.combine(at_utc.date(), time.min, tzinfo=UTC)
