"""The job that brings every connected account up to now. Idempotent: syncing twice stores the same."""

from typing import Final
from uuid import UUID

from jobs.places import all_tenants
from jobs.schedule import for_each
from services import ad_accounts
from services.ports import Ports

#: Accounts asked at the same time; each platform has limits of its own, which its answers tell.
_CONCURRENCY: Final = 4


async def sync_all(ports: Ports) -> int:
    """Sync every connected account of every tenant. Returns how many synced without an error."""
    accounts = [
        (tenant_id, account.id)
        for tenant_id in await all_tenants(ports)
        for account in await ad_accounts.connected(ports, tenant_id)
    ]

    async def sync(item: tuple[UUID, UUID]) -> bool:
        return (await ad_accounts.sync(ports, *item)).sync_error is None

    return sum(await for_each("sync", accounts, sync, concurrency=_CONCURRENCY))
