"""Use-cases on ad accounts. Must not know how a platform is spoken to; that is an adapter's."""

from uuid import UUID

from domain.access import Permission
from domain.ad_accounts import AdAccount
from domain.errors import NotFound
from models import ad_accounts
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
) -> list[AdAccount]:
    """Up to `limit` of a workspace's accounts between two ids, in the order they were connected.

    Raises:
        NotFound, Forbidden
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await ad_accounts.ad_account_page(scope, workspace_id, after, before, limit, backwards=backwards)


async def one(ports: Ports, viewer: Viewer, account_id: UUID) -> AdAccount:
    """One account. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await ad_accounts.ad_account(ports.database.read(viewer.tenant_id), account_id)
    if not viewer.enters(found.workspace_id):
        raise NotFound("no such ad account")
    viewer.require(found.workspace_id, Permission.CAMPAIGN_READ)
    return found
