"""Use-cases on a workspace's switches: auto-approval, live sending, and the kill switch.

Who may set guardrails may switch auto-approval and resume automation. Live sending is switched on by an owner in
person. Anybody with write access to campaigns or settings may pause, an API key too: stopping must be easier than
starting. Must not approve or send anything.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

import msgspec

from domain.access import Permission, RoleName, may
from domain.automations import Automation, AutomationChange, changed
from domain.errors import Forbidden, VersionConflict
from models import automations, tenants
from models.scope import Scope
from services.conflicts import logged_conflict
from services.guardrails import hold, require_setting
from services.idempotency import once
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SUBJECT: Final = "automation"


async def one(ports: Ports, viewer: Viewer, workspace_id: UUID) -> Automation:
    """A workspace's switches. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    await tenants.workspace(scope, workspace_id)
    return await automations.automation(scope, workspace_id)


async def by_id(ports: Ports, viewer: Viewer, automation_id: UUID) -> Automation | None:
    """The switches that the viewer was just refused to turn; None where none was touched."""
    return await automations.automation_by_id(ports.database.read(viewer.tenant_id), automation_id)


async def set_(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    expected_version: int,
    change: AutomationChange,
    idempotency_key: str,
) -> Automation:
    """Switch auto-approval, live sending or the pause; the event automation.set says who, and what was.

    Raises:
        NotFound, Forbidden, VersionConflict, IdempotencyMismatch, InvalidInput
    """
    authority = require_setting(viewer, workspace_id)
    if change.live_sending and RoleName.OWNER.value not in authority.roles:
        raise Forbidden("switching live sending on takes an owner: from then on real money moves")

    async def act(keep: Callable[[Work, Automation], Awaitable[None]]) -> Automation:
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            found = await _held(work, workspace_id)
            if found.version != expected_version:
                raise await _conflict(work.scope, found, expected_version)
            return await _store(work, keep, found, changed(found, change))

    arguments = {
        "workspaceId": str(workspace_id),
        "expectedVersion": expected_version,
        "change": msgspec.to_builtins(change),
    }
    return await once(ports, viewer, idempotency_key, "automationSet", arguments, Automation, act)


async def pause(ports: Ports, viewer: Viewer, workspace_id: UUID, idempotency_key: str) -> Automation:
    """Stop automation in a workspace at once, whatever its version is: a kill switch must not lose a race.

    From the commit on nothing is approved without a person, and nothing that was is sent. Paused again it stays so.

    Raises:
        NotFound, Forbidden, IdempotencyMismatch, InvalidInput
    """
    authority = viewer.authority(workspace_id)
    if not may(authority, Permission.SYSTEM_WRITE):
        viewer.require(workspace_id, Permission.CAMPAIGN_WRITE)

    async def act(keep: Callable[[Work, Automation], Awaitable[None]]) -> Automation:
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            found = await _held(work, workspace_id)
            if found.paused:
                await keep(work, found)
                return found
            return await _store(work, keep, found, replace(found, paused=True, version=found.version + 1))

    arguments = {"workspaceId": str(workspace_id)}
    return await once(ports, viewer, idempotency_key, "automationPause", arguments, Automation, act)


async def _held(work: Work, workspace_id: UUID) -> Automation:
    """The switches, held against whatever they stop."""
    await hold(work, workspace_id)
    await tenants.workspace(work.scope, workspace_id)
    return await automations.automation(work.scope, workspace_id)


async def _store(
    work: Work, keep: Callable[[Work, Automation], Awaitable[None]], found: Automation, after: Automation
) -> Automation:
    await keep(work, after)
    if not await automations.store_automation(work.scope, after):
        raise await _conflict(work.scope, await automations.automation(work.scope, found.workspace_id), found.version)
    kind = "automation.paused" if after.paused and not found.paused else "automation.set"
    work.record(kind, SUBJECT, found, after)
    return after


async def _conflict(scope: Scope, current: Automation, expected_version: int) -> VersionConflict:
    return await logged_conflict(scope, "somebody else switched first", current, expected_version)
