"""The jobs behind webhooks in: process what was delivered, sync what has news, forget what cannot come again.

Each look only narrows; the services claim under the database's own locks, so any number of workers may run.
"""

from typing import Final
from uuid import UUID

from domain.webhooks import RequestedSync
from jobs.schedule import for_each
from services import webhooks
from services.ports import Ports

_PROCESSED_AT_ONCE: Final = 4
_SYNCED_AT_ONCE: Final = 4


async def process_all(ports: Ports) -> int:
    """Process every waiting delivery. Returns how many."""

    async def process(delivery_id: UUID) -> bool:
        return await webhooks.process(ports, delivery_id)

    return sum(await for_each("webhook", await webhooks.waiting(ports), process, concurrency=_PROCESSED_AT_ONCE))


async def sync_all_requested(ports: Ports) -> int:
    """Sync every account that a platform said has news. Returns how many synced without an error."""

    async def sync(asked: RequestedSync) -> bool:
        return await webhooks.sync_requested(ports, asked)

    requests = await webhooks.requested_syncs(ports)
    return sum(await for_each("requested sync", requests, sync, concurrency=_SYNCED_AT_ONCE))


async def forget_all_old(ports: Ports) -> int:
    """Forget deliveries past their time. Returns how many."""
    return await webhooks.forget_old(ports)
