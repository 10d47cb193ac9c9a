"""The job that approves what needs no person, wherever that is switched on. Idempotent."""

from uuid import UUID

from jobs.places import all_workspaces
from jobs.schedule import for_each
from services import auto_approvals
from services.ports import Ports


async def auto_approve_all(ports: Ports) -> int:
    """Approve what lies inside both kinds of guardrail in every workspace (RB-2.1). Returns how many."""

    async def approve(item: tuple[UUID, UUID]) -> int:
        return await auto_approvals.approve_what_may_be(ports, *item)

    return sum(await for_each("auto-approve", await all_workspaces(ports), approve, concurrency=1))
