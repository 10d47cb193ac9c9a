"""Use-cases on workspaces: list, read, change the settings. Members read; changing takes system:write."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import msgspec

from domain.access import Permission
from domain.errors import VersionConflict
from domain.workspaces import Workspace, WorkspaceChange, changed
from kit.pagination import Slice
from models import tenants
from models.scope import Scope
from services.conflicts import logged_conflict
from services.idempotency import once
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SUBJECT: Final = "workspace"


async def page(ports: Ports, viewer: Viewer, place: Slice[UUID]) -> list[Workspace]:
    """What a slice fetches of the workspaces that the viewer can enter, oldest first."""
    scope = ports.database.read(viewer.tenant_id)
    return await tenants.workspace_page(scope, viewer.standing.workspace_ids, place)


async def one(ports: Ports, viewer: Viewer, workspace_id: UUID) -> Workspace:
    """One workspace. Raises NotFound for what the viewer cannot enter."""
    viewer.authority(workspace_id)
    return await tenants.workspace(ports.database.read(viewer.tenant_id), workspace_id)


async def update(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    expected_version: int,
    change: WorkspaceChange,
    idempotency_key: str,
) -> Workspace:
    """Change settings; the event workspace.updated says who, and what they were.

    Raises:
        NotFound, Forbidden, VersionConflict, IdempotencyMismatch, InvalidInput
    """
    found = await one(ports, viewer, workspace_id)
    viewer.require(workspace_id, Permission.SYSTEM_WRITE)

    async def act(keep: Callable[[Work, Workspace], Awaitable[None]]) -> Workspace:
        if found.version != expected_version:
            raise await _conflict(ports.database.read(viewer.tenant_id), found, expected_version)
        after = changed(found, change)
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            await keep(work, after)
            if not await tenants.store_workspace(work.scope, after):
                current = await tenants.workspace(work.scope, workspace_id)
                raise await _conflict(work.scope, current, expected_version)
            work.record("workspace.updated", SUBJECT, found, after)
        return after

    arguments = {
        "id": str(workspace_id),
        "expectedVersion": expected_version,
        "change": msgspec.to_builtins(change),
    }
    return await once(ports, viewer, idempotency_key, "workspaceUpdate", arguments, Workspace, act)


async def _conflict(scope: Scope, current: Workspace, expected_version: int) -> VersionConflict:
    return await logged_conflict(scope, "somebody else changed this workspace first", current, expected_version)
