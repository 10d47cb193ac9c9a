"""The job that makes each workspace's plan of the day. Idempotent: a workspace that has one gets no other."""

from uuid import UUID

from domain.plans import Plan
from jobs.places import all_workspaces
from jobs.schedule import for_each
from services import plans
from services.ports import Ports


async def propose_all(ports: Ports) -> int:
    """Propose in every workspace. Returns how many plans were made."""

    async def propose(item: tuple[UUID, UUID]) -> Plan | None:
        return await plans.propose(ports, *item)

    # One at a time: the calculation is what takes long, and it uses every core by itself.
    made = await for_each("propose", await all_workspaces(ports), propose, concurrency=1)
    return sum(plan is not None for plan in made)
