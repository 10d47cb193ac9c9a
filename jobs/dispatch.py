"""The job that sends approved changes: looks for what is due, hands each to the service, again while something moves.

Every platform has slots of its own: one that hangs keeps those, and nothing else waits for it. What was confirmed is
read once more when its platform has settled. The look only narrows; the services check again under their own locks.
Must not talk to a platform itself.
"""

import random
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from domain.adjustments import Adjustment
from domain.dispatch_times import DISPATCH_TIMES, DispatchTimes
from domain.platforms import Platform
from domain.quotas import QUOTAS, Quota
from jobs.schedule import Wait, for_each
from realtime.relay import Relay
from services import dispatch, rechecks
from services.ports import Ports

#: Changes on their way at the same time to one platform, in one worker.
AT_ONCE: Final = 4
#: Looked at in one round; increases that wait for their decreases count too.
_LIMIT: Final = 500


async def sweep(
    ports: Ports,
    jitter: random.Random,
    times: DispatchTimes = DISPATCH_TIMES,
    quota: Mapping[str, Quota] = QUOTAS,
    platforms: Collection[Platform] = tuple(Platform),
) -> int:
    """Send what is due until nothing more moves: confirmed decreases make their increases due. Returns how many moved.

    Args:
        ports: database and platforms.
        jitter: spreads the retries of several workers.
        times: leases and settle times.
        quota: what the platforms take.
        platforms: to which to send; one alone is what a worker's loop is for, as this ends when all have.
    """

    async def send(item: tuple[UUID, UUID]) -> Adjustment | None:
        return await dispatch.dispatch(ports, *item, jitter, times, quota)

    async def recheck(item: tuple[UUID, UUID]) -> Adjustment | None:
        return await rechecks.recheck(ports, *item, jitter, times, quota)

    async def send_to(platform: Platform) -> int:
        total = 0
        while True:
            # First: what a stray write undid is then sent in the same round.
            reread = await rechecks.due(ports, _LIMIT, platform)
            await for_each("recheck", reread, recheck, concurrency=AT_ONCE)
            due = await dispatch.due(ports, _LIMIT, platform)
            sent = await for_each("dispatch", due, send, concurrency=AT_ONCE)
            moved = sum(after is not None for after in sent)
            total += moved
            if not moved:
                return total

    total = 0
    # Again: what was confirmed on one platform may have freed the money for another.
    while moved := sum(await for_each("sweep", list(platforms), send_to, concurrency=len(platforms))):
        total += moved
    return total


def on_change(relay: Relay) -> Wait:
    """A wait that ends as soon as any log grows: an approval is dispatched at once, not at the next look."""
    seen = 0

    async def wait(seconds: float) -> None:
        nonlocal seen
        seen = await relay.wait_for_change(seen, seconds)

    return wait
