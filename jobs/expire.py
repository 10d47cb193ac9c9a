"""The job that closes what nobody decided in time. Idempotent."""

from uuid import UUID

from jobs.places import all_workspaces
from jobs.schedule import for_each
from services import recommendations
from services.ports import Ports


async def expire_all(ports: Ports) -> int:
    """Close recommendations past their time in every workspace (RB-1.4). Returns how many."""

    async def expire(item: tuple[UUID, UUID]) -> int:
        return await recommendations.expire_due(ports, *item)

    return sum(await for_each("expire", await all_workspaces(ports), expire, concurrency=1))
