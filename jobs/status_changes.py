"""The job that pauses campaigns and sets them running: looks for what is due, hands each to the service.

The look only narrows; the services check again under their own locks. Must not talk to a platform itself.
"""

import random
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from domain.dispatch_times import DISPATCH_TIMES, DispatchTimes
from domain.quotas import QUOTAS, Quota
from domain.status_changes import StatusChange
from jobs.schedule import for_each
from services import status_dispatch, status_rechecks
from services.ports import Ports

#: Changes on their way at the same time in one worker.
_CONCURRENCY: Final = 8
_LIMIT: Final = 500


async def change_statuses(
    ports: Ports,
    jitter: random.Random,
    times: DispatchTimes = DISPATCH_TIMES,
    quota: Mapping[str, Quota] = QUOTAS,
) -> int:
    """Send what is due until nothing more moves. Returns how many moved.

    Args:
        ports: database and platforms.
        jitter: spreads the retries of several workers.
        times: leases and settle times.
        quota: what the platforms take.
    """

    async def send(item: tuple[UUID, UUID]) -> StatusChange | None:
        return await status_dispatch.dispatch(ports, *item, jitter, times, quota)

    async def recheck(item: tuple[UUID, UUID]) -> StatusChange | None:
        return await status_rechecks.recheck(ports, *item, jitter, times, quota)

    total = 0
    while True:
        # First: what a stray write undid is then sent in the same round.
        reread = await status_rechecks.due(ports, _LIMIT)
        await for_each("status recheck", reread, recheck, concurrency=_CONCURRENCY)
        due = await status_dispatch.due(ports, _LIMIT)
        sent = await for_each("status change", due, send, concurrency=_CONCURRENCY)
        moved = sum(after is not None for after in sent)
        total += moved
        if not moved:
            return total
