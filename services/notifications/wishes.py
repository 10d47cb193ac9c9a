"""Use-cases on what a person wants to be told: read, set, and end digests by a link. Must not send anything."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.access import Permission
from domain.errors import NotFound
from domain.notifications.preferences import Preferences, PreferencesChange, changed, without_digests
from kit.ids import new_id
from models import across_tenants, notifications
from models.scope import WriteScope
from services.notifications.inbox import own_id
from services.ports import Ports
from services.viewers import Viewer, authority_in_own

#: An unsubscribe link works this long after its message left.
LINK_LIFE: Final = timedelta(days=90)


async def preferences(ports: Ports, viewer: Viewer, workspace_id: UUID) -> Preferences:
    """What the viewer wants in a workspace. Raises NotFound, Forbidden."""
    await authority_in_own(ports, viewer, workspace_id, Permission.CAMPAIGN_READ)
    user_id = own_id(viewer)
    return (await notifications.preferences(ports.database.read(viewer.tenant_id), workspace_id, [user_id]))[user_id]


async def preferences_set(ports: Ports, viewer: Viewer, workspace_id: UUID, change: PreferencesChange) -> Preferences:
    """Change what the viewer wants in a workspace; it counts for what happens from now on.

    Raises:
        NotFound, Forbidden, InvalidInput
    """
    await authority_in_own(ports, viewer, workspace_id, Permission.CAMPAIGN_READ)
    user_id = own_id(viewer)
    async with ports.database.write(viewer.tenant_id) as scope:
        before = (await notifications.preferences(scope, workspace_id, [user_id]))[user_id]
        after = changed(before, change)
        await notifications.put_preferences(scope, new_id(), after)
    return after


async def new_unsubscribe_url(ports: Ports, scope: WriteScope, workspace_id: UUID, user_id: UUID) -> str:
    """A link for one message that ends the person's digests of a workspace."""
    token, stored = ports.secrets.new_unsubscribe_token()
    await notifications.add_unsubscribe_token(scope, stored, workspace_id, user_id, ports.clock.now_utc() + LINK_LIFE)
    return f"{ports.app_url}/unsubscribe/{token}"


async def unsubscribe_subject(ports: Ports, token: str) -> tuple[UUID, UUID, UUID]:
    """(tenant, workspace, user) whose digests a link ends. Raises NotFound for one that does not count."""
    found = await across_tenants.unsubscribe_token(
        ports.database.system(), ports.secrets.unsubscribe_token_hash(token), ports.clock.now_utc()
    )
    if found is None:
        raise NotFound("this link is no longer good")
    return found


async def unsubscribe(ports: Ports, token: str) -> None:
    """End a person's digests in a workspace by the link of one of them; again is the same. Raises NotFound."""
    tenant_id, workspace_id, user_id = await unsubscribe_subject(ports, token)
    async with ports.database.write(tenant_id) as scope:
        before = (await notifications.preferences(scope, workspace_id, [user_id]))[user_id]
        await notifications.put_preferences(scope, new_id(), without_digests(before))
        await notifications.cancel_digests(scope, workspace_id, user_id)


async def forget_old_links(ports: Ports, tenant_id: UUID) -> int:
    """Remove unsubscribe links past their time. Returns how many."""
    async with ports.database.write(tenant_id) as scope:
        return await notifications.forget_unsubscribe_tokens(scope, ports.clock.now_utc())
