"""Which tenants and workspaces the jobs visit. Must not do anything there."""

from uuid import UUID

from models import across_tenants, tenants
from services.ports import Ports


async def all_tenants(ports: Ports) -> list[UUID]:
    """Every tenant, oldest first."""
    return await across_tenants.tenant_ids(ports.database.system())


async def all_workspaces(ports: Ports) -> list[tuple[UUID, UUID]]:
    """(tenant, workspace) of every workspace, oldest first."""
    return [
        (tenant_id, place.id)
        for tenant_id in await all_tenants(ports)
        for place in await tenants.workspaces(ports.database.read(tenant_id))
    ]
