"""The job that removes presences whose time is over; they count as gone before that."""

from uuid import UUID

from jobs.places import all_tenants
from jobs.schedule import for_each
from services import presences
from services.ports import Ports


async def forget_all_lapsed(ports: Ports) -> int:
    """Remove lapsed presences of every tenant. Returns how many."""

    async def forget(tenant_id: UUID) -> int:
        return await presences.forget_lapsed(ports, tenant_id)

    return sum(await for_each("presence", await all_tenants(ports), forget, concurrency=1))
