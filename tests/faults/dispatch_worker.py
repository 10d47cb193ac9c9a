"""A worker that only dispatches: `python dispatch_worker.py DATABASE PLATFORMS_URL TENANT LEASE_SECONDS SETTLE_SCALE`.

It ends when every change of the tenant has settled and none is to be read again. Crash points work as in any worker.
"""

import asyncio
import random
import sys
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import cast
from uuid import UUID

from app.container import sandbox_platforms
from domain.adjustments import SETTLED
from domain.dispatch_times import dispatch_times
from domain.quotas import QUOTAS, Quota
from jobs.dispatch import sweep
from jobs.shifts import settle_all
from jobs.status_changes import change_statuses
from kit.time import SystemClock
from models.adjustments import AdjustmentTable
from models.scope import Database
from models.shifts import ShiftTable
from models.status_changes import StatusChangeTable
from services.ports import Ports

#: What is shown here is not that changes wait for each other.
UNLIMITED = dict.fromkeys(QUOTAS, Quota(0))


#: One that is flagged for what nobody knows rests, too.
UNSETTLED_SHIFTS = ("OPEN", "RESTORING")


class Silent:
    def publish(self, tenant_id: UUID, sequence: int) -> None:
        pass


async def at_rest(database: Database, tenant_id: UUID) -> bool:
    """Whether nothing is under way and nothing waits to be read again."""
    statuses = database.read(tenant_id).of(StatusChangeTable)
    if await statuses.filter(state__in=["PENDING", "SENDING"]).exists():
        return False
    if await statuses.filter(recheck_at_utc__isnull=False).exists():
        return False
    rows = database.read(tenant_id).of(AdjustmentTable)
    moving = await rows.exclude(status__in=[status.value for status in SETTLED]).exists()
    if await database.read(tenant_id).of(ShiftTable).filter(status__in=UNSETTLED_SHIFTS).exists():
        return False
    return not moving and not await rows.filter(recheck_at_utc__isnull=False).exists()


async def main(url: str, platforms_url: str, tenant_id: UUID, lease_seconds: float, settle_scale: float) -> None:
    times = dispatch_times(lease_seconds=lease_seconds, settle_scale=settle_scale)
    jitter = random.Random()
    async with AsyncExitStack() as stack:
        database = Database(url)
        await database.open()
        stack.push_async_callback(database.close)
        ports = cast(
            "Ports",
            SimpleNamespace(
                database=database,
                clock=SystemClock(),
                hints=Silent(),
                log_key=b"k" * 32,
                platforms=await sandbox_platforms(stack, platforms_url),
                live_platforms=frozenset(),
            ),
        )
        while not await at_rest(database, tenant_id):
            await settle_all(ports)
            await sweep(ports, jitter, times, UNLIMITED)
            await change_statuses(ports, jitter, times, UNLIMITED)
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], UUID(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])))
