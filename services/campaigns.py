"""Use-cases on campaigns. Reading takes campaign:read."""

from uuid import UUID

from domain.access import Permission
from domain.campaigns import Campaign
from kit.pagination import Slice
from models import campaigns
from services.ports import Ports
from services.viewers import Viewer


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[Campaign]:
    """What a slice fetches of a workspace's campaigns, as they were first seen. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await campaigns.campaign_page(scope, workspace_id, place)


async def one(ports: Ports, viewer: Viewer, campaign_id: UUID) -> Campaign:
    """One campaign. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await campaigns.campaign(ports.database.read(viewer.tenant_id), campaign_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such campaign")
    return found
