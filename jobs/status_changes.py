"""The job that pauses campaigns and sets them running. Must not talk to a platform itself."""

import random
from collections.abc import Collection, Mapping
from functools import partial

from domain.dispatch_times import DISPATCH_TIMES, DispatchTimes
from domain.platforms import Platform
from domain.quotas import QUOTAS, Quota
from domain.status_changes import StatusChange
from jobs.sending import Item, Sending, send_all
from services import status_dispatch, status_rechecks
from services.ports import Ports


async def change_statuses(
    ports: Ports,
    jitter: random.Random,
    times: DispatchTimes = DISPATCH_TIMES,
    quota: Mapping[str, Quota] = QUOTAS,
    platforms: Collection[Platform] = tuple(Platform),
) -> int:
    """Send what is due until nothing more moves. Returns how many moved.

    Args:
        ports: database and platforms.
        jitter: spreads the retries of several workers.
        times: leases and settle times.
        quota: what the platforms take.
        platforms: to which to send; see `send_all`.
    """

    async def send(item: Item) -> StatusChange | None:
        return await status_dispatch.dispatch(ports, *item, jitter, times, quota)

    async def recheck(item: Item) -> StatusChange | None:
        return await status_rechecks.recheck(ports, *item, jitter, times, quota)

    due, due_rechecks = partial(status_dispatch.due, ports), partial(status_rechecks.due, ports)
    return await send_all(Sending("status change", due, send, due_rechecks, recheck), platforms)
