"""How long a worker may hold a change, how long a platform takes to settle, how late is too late. Pure.

A request whose reply was lost may still be on its way inside the platform. Only after the platform's settle time does a
look at the budget say what became of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from domain.platforms import Platform

#: Seconds after which a budget read back tells what a request did that was on its way. The platforms promise no figure:
#: Meta and TikTok answer from replicas, Amazon and Microsoft apply changes behind a queue, so each has a margin.
SETTLE_SECONDS: Final[Mapping[str, float]] = {
    "META": 10.0,
    "GOOGLE": 5.0,
    "TIKTOK": 10.0,
    "LINKEDIN": 10.0,
    "AMAZON": 15.0,
    "MICROSOFT": 15.0,
}


@dataclass(frozen=True, slots=True)
class DispatchTimes:
    """The dispatcher's times.

    A worker that dies loses its change after `lease`; with the settle time after that everything is decided well
    within a minute (survival row 1).

    Attributes:
        lease: a worker's claim, begun anew when an intent is stored.
        margin: calls to a platform end at least this long before the lease does, so that nothing is sent by a worker
            whose change somebody else may have taken over.
        settle_seconds: per platform, as SETTLE_SECONDS.
    """

    lease: timedelta = timedelta(seconds=25)
    margin: timedelta = timedelta(seconds=5)
    settle_seconds: Mapping[str, float] = field(default_factory=lambda: SETTLE_SECONDS)

    def __post_init__(self) -> None:
        if not timedelta() < self.margin < self.lease:
            raise ValueError("the margin lies between nothing and the lease")

    def settle(self, platform: Platform) -> timedelta:
        """A platform's settle time."""
        return timedelta(seconds=self.settle_seconds[platform])

    def settled_at_utc(self, platform: Platform, sent_at_utc: datetime) -> datetime:
        """When a look at the budget tells what became of a request whose reply was never seen.

        The request may have left as late as calls are allowed to last.
        """
        return sent_at_utc + (self.lease - self.margin) + self.settle(platform)

    def seconds_to_call(self, lease_until_utc: datetime, now_utc: datetime) -> float:
        """How long a call to the platform may take; not above 0 when it is too late for one."""
        return (lease_until_utc - self.margin - now_utc).total_seconds()


#: What a worker uses unless its settings say otherwise.
DISPATCH_TIMES: Final = DispatchTimes()


def dispatch_times(*, lease_seconds: float, settle_scale: float = 1.0) -> DispatchTimes:
    """Times for a lease, of which a fifth is the margin, and settle times scaled for all platforms: for settings.

    Args:
        lease_seconds: > 0.
        settle_scale: >= 0; 1 is the table.
    """
    lease = timedelta(seconds=lease_seconds)
    scaled = {platform: seconds * settle_scale for platform, seconds in SETTLE_SECONDS.items()}
    return DispatchTimes(lease, lease / 5, scaled)
