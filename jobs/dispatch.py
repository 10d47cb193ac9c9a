"""The job that sends approved budget changes. Must not talk to a platform itself."""

import random
from collections.abc import Collection, Mapping
from functools import partial

from domain.adjustments import Adjustment
from domain.dispatch_times import DISPATCH_TIMES, DispatchTimes
from domain.platforms import Platform
from domain.quotas import QUOTAS, Quota
from jobs.schedule import Wait
from jobs.sending import Item, Sending, send_all
from realtime.relay import Relay
from services import dispatch, rechecks
from services.dispatch import Dispatcher
from services.ports import Ports


async def sweep(
    ports: Ports,
    jitter: random.Random,
    times: DispatchTimes = DISPATCH_TIMES,
    quota: Mapping[str, Quota] = QUOTAS,
) -> int:
    """Send what is due to any platform until nothing more moves. Returns how many moved.

    Args:
        ports: database and platforms.
        jitter: spreads the retries of several workers.
        times: leases and settle times.
        quota: what the platforms take.
    """
    return await send_due(Dispatcher(ports, jitter, times, quota))


async def send_due(dispatcher: Dispatcher, platforms: Collection[Platform] = tuple(Platform)) -> int:
    """Send what is due until nothing more moves: confirmed decreases make their increases due. Returns how many moved.

    Args:
        dispatcher: one for all platforms of a worker.
        platforms: to which to send; see `send_all`.
    """
    ports, jitter, times, quota = dispatcher.ports, dispatcher.jitter, dispatcher.times, dispatcher.quota

    async def send(item: Item) -> Adjustment | None:
        return await dispatcher.dispatch(*item)

    async def recheck(item: Item) -> Adjustment | None:
        return await rechecks.recheck(ports, *item, jitter, times, quota)

    kind = Sending("dispatch", partial(dispatch.due, ports), send, partial(rechecks.due, ports), recheck)
    return await send_all(kind, platforms)


def on_change(relay: Relay) -> Wait:
    """A wait that ends as soon as any log grows: an approval is dispatched at once, not at the next look."""
    seen = 0

    async def wait(seconds: float) -> None:
        nonlocal seen
        seen = await relay.wait_for_change(seen, seconds)

    return wait
