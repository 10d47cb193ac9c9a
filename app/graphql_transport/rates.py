"""How much each viewer may ask for in a while: a bucket of points per viewer, in this process. Must not know points.

Buckets are kept in memory and bounded in number; n processes allow n times as much. Subscriptions pay once, when they
begin: their events are the server's doing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, NamedTuple

from app.graphql_transport.errors import RequestRefusedError, plain_error

RATE_LIMITED: Final = "RATE_LIMITED"
#: Viewers remembered; beyond it the one who asked longest ago goes, whose bucket is likely to be full again.
_MAX_VIEWERS: Final = 20_000


class RateLimitedError(RequestRefusedError):
    """The viewer asked for too much in too short a time."""

    def __init__(self, retry_seconds: int) -> None:
        message = f"You asked for more than your share; ask again in {retry_seconds} s."
        error = plain_error(message, RATE_LIMITED)
        error["extensions"]["retryAfterSeconds"] = retry_seconds
        super().__init__([error], status=429, malformed=True)
        self.retry_seconds = retry_seconds


class _Bucket(NamedTuple):
    points: float
    at_seconds: float


class Rates:
    """The buckets of one process.

    Args:
        burst: points in a full bucket.
        per_second: points that come back each second; 0 for no limit at all.
    """

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def spend(self, viewer: Hashable, points: int) -> int | None:
        """Take points from a viewer's bucket; what is left in it, or None where there is no limit.

        Raises:
            RateLimitedError: there are not so many in it, and none is taken.
        """
        if not self._per_second:
            return None
        now = asyncio.get_running_loop().time()
        known = self._buckets.pop(viewer, None)
        left: float = self._burst
        if known is not None:
            left = min(left, known.points + (now - known.at_seconds) * self._per_second)
        allowed = points <= left
        self._buckets[viewer] = _Bucket(left - points if allowed else left, now)
        if len(self._buckets) > _MAX_VIEWERS:
            self._buckets.popitem(last=False)
        if not allowed:
            raise RateLimitedError(int((points - left) / self._per_second) + 1)
        return int(left - points)
