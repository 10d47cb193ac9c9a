"""The jobs that tell people: notices of what happened, escalation of what nobody answered, and what leaves the app.

Each look only narrows; the services check again under their own locks, so any number of workers may run.
"""

import random
from typing import Final
from uuid import UUID

from jobs.places import all_tenants
from jobs.schedule import for_each
from services import notifications
from services.ports import Ports

_FOLLOWED_AT_ONCE: Final = 2
_SENDING_AT_ONCE: Final = 8


async def tell_all(ports: Ports) -> int:
    """Make notices of every log that grew, and escalate what nobody answered. Returns how many notices were made."""

    async def escalate(tenant_id: UUID) -> int:
        return await notifications.escalate_due(ports, tenant_id)

    # In this order: what ended an alert meanwhile must be known before it escalates.
    made = await _follow_all(ports)
    if sum(await for_each("escalation", await notifications.overdue(ports), escalate, concurrency=_FOLLOWED_AT_ONCE)):
        made += await _follow_all(ports)
    return made


async def _follow_all(ports: Ports) -> int:
    async def follow(tenant_id: UUID) -> int:
        return await notifications.follow_log(ports, tenant_id)

    behind = await notifications.behind(ports)
    return sum(await for_each("notices", behind, follow, concurrency=_FOLLOWED_AT_ONCE))


async def deliver_all(ports: Ports, jitter: random.Random) -> int:
    """Send every tenant's due notices. Returns how many messages were taken."""

    async def deliver(tenant_id: UUID) -> int:
        return await notifications.deliver_due(ports, tenant_id, jitter)

    sent = await for_each("deliveries", await notifications.due(ports), deliver, concurrency=_SENDING_AT_ONCE)
    return sum(sent)


async def forget_all_old_links(ports: Ports) -> int:
    """Remove unsubscribe links past their time, of every tenant. Returns how many."""

    async def forget(tenant_id: UUID) -> int:
        return await notifications.forget_old_links(ports, tenant_id)

    return sum(await for_each("unsubscribe links", await all_tenants(ports), forget, concurrency=1))
