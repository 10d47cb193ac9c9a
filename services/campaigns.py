"""Use-cases on campaigns. Reading takes campaign:read."""

from uuid import UUID

from domain.access import Permission
from domain.campaigns import Campaign
from domain.errors import NotFound
from models import campaigns
from services.ports import Ports
from services.viewers import Viewer


async def page(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    after: UUID | None,
    before: UUID | None,
    limit: int,
    *,
    backwards: bool = False,
) -> list[Campaign]:
    """Up to `limit` of a workspace's campaigns between two ids, in the order they were first seen.

    Raises:
        NotFound, Forbidden
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await campaigns.campaign_page(scope, workspace_id, after, before, limit, backwards=backwards)


async def one(ports: Ports, viewer: Viewer, campaign_id: UUID) -> Campaign:
    """One campaign. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await campaigns.campaign(ports.database.read(viewer.tenant_id), campaign_id)
    if not viewer.enters(found.workspace_id):
        raise NotFound("no such campaign")
    viewer.require(found.workspace_id, Permission.CAMPAIGN_READ)
    return found
