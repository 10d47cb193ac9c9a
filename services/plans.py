"""Use-cases on plans. Must not decide what is proposed; that is a proposer's, in domain/."""

from uuid import UUID

from domain.access import Permission
from domain.plans import Plan
from models import plans
from services.ports import Ports
from services.viewers import Viewer


async def newest(ports: Ports, viewer: Viewer, workspace_id: UUID) -> Plan | None:
    """A workspace's latest plan, None before the first one: what it skipped says why there is no proposal (RB-E1).

    Raises:
        NotFound, Forbidden
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    return await plans.newest_plan(ports.database.read(viewer.tenant_id), workspace_id)
