"""A worker's way to one ad account while it holds a change: time left, stops, and reading once more.

What changes of budgets and of statuses have in common when they are sent. Must not know either, or decide what an
answer means.
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.dispatch_times import DispatchTimes
from domain.emergency_stops import LOOK_AGAIN_AFTER
from domain.errors import PlatformError
from domain.quotas import LOOK, Quota
from domain.retries import backoff
from models import emergency_stops
from models.scope import WriteScope
from services import quotas
from services.platform_calls import in_time
from services.ports import Ports

T = TypeVar("T")

#: A platform that cannot be read for so long after a confirmation is not asked again; the next sync sees what stands.
_GIVE_UP: Final = timedelta(minutes=30)


class Stopped(Exception):
    """An emergency stop began before the call; nothing was sent."""


class NotRead(Exception):
    """What was confirmed could not be read once more; it is tried at `again_at_utc`, or no more where that is None."""

    def __init__(self, again_at_utc: datetime | None) -> None:
        super().__init__(again_at_utc)
        self.again_at_utc = again_at_utc


@dataclass(frozen=True, slots=True)
class PlatformLine:
    """One worker's line to one ad account."""

    ports: Ports
    account: AdAccount
    times: DispatchTimes
    quota: Mapping[str, Quota]

    def settled_at_utc(self) -> datetime:
        """When the platform shows what is written now."""
        return self.ports.clock.now_utc() + self.times.settle(self.account.platform)

    async def heed(self, scope: WriteScope, rest_seconds: float) -> None:
        """The platform asked to be left alone so long; all workers heed it."""
        place = (self.account.platform, self.account.external_id)
        await quotas.note_refusal(scope, self.quota, *place, rest_seconds, self.ports.clock.now_utc())

    async def in_lease(self, lease_until_utc: datetime | None, call: Callable[[], Awaitable[T]], *, writes: bool) -> T:
        """Make a call in what is left of a lease. Raises TooLate and PlatformError as `in_time` does."""
        return await in_time(self.account.platform, self.seconds_left(lease_until_utc), call, writes=writes)

    def seconds_left(self, lease_until_utc: datetime | None) -> float:
        """How long a call may take in what is left of a lease. Raises ValueError for a change that has none."""
        if lease_until_utc is None:
            raise ValueError("only a claimed change has a lease")
        return self.times.seconds_to_call(lease_until_utc, self.ports.clock.now_utc())

    async def require_no_stop(self, tenant_id: UUID, workspace_id: UUID, looked_at_utc: datetime) -> None:
        """Raise Stopped if an emergency stop began since: a worker that took its time looks again."""
        while (now_utc := self.ports.clock.now_utc()) - looked_at_utc >= LOOK_AGAIN_AFTER:
            # Also when the look itself took long.
            looked_at_utc = now_utc
            if await emergency_stops.is_stopped(self.ports.database.read(tenant_id), workspace_id):
                raise Stopped

    async def look_again(
        self, tenant_id: UUID, confirmed_at_utc: datetime, jitter: random.Random, read: Callable[[], Awaitable[T]]
    ) -> T:
        """Read what was confirmed once more. Raises NotRead."""
        place = (self.account.platform, self.account.external_id)
        async with self.ports.database.write(tenant_id) as scope:
            until_utc = await quotas.ask(scope, self.quota, *place, LOOK, self.ports.clock.now_utc())
        if until_utc is not None:
            raise NotRead(until_utc)
        try:
            return await in_time(
                self.account.platform, (self.times.lease - self.times.margin).total_seconds(), read, writes=False
            )
        except PlatformError as error:
            rest = error.retry_after_seconds
            if rest is not None:
                async with self.ports.database.write(tenant_id) as scope:
                    await self.heed(scope, rest)
            wait = max(self.times.settle(self.account.platform), backoff(5, jitter.random(), rest))
            again_at_utc = self.ports.clock.now_utc() + wait
            raise NotRead(None if again_at_utc > confirmed_at_utc + _GIVE_UP else again_at_utc) from error
