"""Use-cases on adjustments: list, read, send again. Sending them is services/dispatch.py's."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from domain.access import Permission, ReservedAct
from domain.adjustments import Adjustment, AdjustmentStatus, retried
from domain.errors import VersionConflict
from kit.pagination import Slice
from models import adjustments, log
from models.scope import Scope
from services.idempotency import once
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SUBJECT: Final = "adjustment"


async def page(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    place: Slice[UUID],
    statuses: Sequence[AdjustmentStatus] | None = None,
) -> list[Adjustment]:
    """What a slice fetches of a workspace's adjustments, newest first. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await adjustments.adjustment_page(scope, workspace_id, place, statuses)


async def one(ports: Ports, viewer: Viewer, adjustment_id: UUID) -> Adjustment:
    """One adjustment. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await adjustments.adjustment(ports.database.read(viewer.tenant_id), adjustment_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such adjustment")
    return found


async def retry(
    ports: Ports, viewer: Viewer, adjustment_id: UUID, expected_version: int, idempotency_key: str
) -> Adjustment:
    """Queue one again that failed or whose outcome is unknown; the dispatcher looks before it sends, as ever.

    Raises:
        NotFound, Forbidden, VersionConflict, InvalidTransition, IdempotencyMismatch, InvalidInput
    """
    found = await one(ports, viewer, adjustment_id)
    viewer.require_act(found.workspace_id, ReservedAct.DECIDE_BUDGETS)

    async def act(keep: Callable[[Work, Adjustment], Awaitable[None]]) -> Adjustment:
        if found.version != expected_version:
            raise await _conflict(ports.database.read(viewer.tenant_id), found, expected_version)
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            after = retried(found, work.now_utc)
            await keep(work, after)
            if not await adjustments.retry_if_unchanged(work.scope, found.id, found.version, work.now_utc):
                current = await adjustments.adjustment(work.scope, found.id)
                raise await _conflict(work.scope, current, expected_version)
            work.record("adjustment.retried", SUBJECT, found, after)
        return after

    arguments = {"id": str(adjustment_id), "expectedVersion": expected_version}
    return await once(ports, viewer, idempotency_key, "adjustmentRetry", arguments, Adjustment, act)


async def _conflict(scope: Scope, current: Adjustment, expected_version: int) -> VersionConflict:
    last = await log.last_change(scope, current.id)
    return VersionConflict(
        "this adjustment changed meanwhile",
        subject_id=current.id,
        expected_version=expected_version,
        current_version=current.version,
        changed_by_id=None if last is None else last.actor_id,
        changed_at_utc=None if last is None else last.at_utc,
    )
