"""Emergency stops and their queries. What they do is domain/emergency_stops.py's."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import orjson
from tortoise import Model, fields
from tortoise.expressions import Q

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.emergency_stops import CUT_OFF_CODE, CUT_OFF_REASON, IN_HAND, EmergencyStop
from kit.pagination import Slice
from models.adjustments import AdjustmentTable
from models.scope import Scope, WriteScope, as_value, as_values, json_text, only, sliced


class EmergencyStopTable(Model):
    """A stop of one workspace and what it did."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    version = fields.IntField()
    reason = fields.TextField()
    window_hours = fields.IntField()
    started_by_kind = fields.CharField(max_length=16)
    started_by_id = fields.CharField(max_length=64)
    started_at_utc = fields.DatetimeField()
    lifted_by_id = fields.CharField(max_length=64, null=True)
    lifted_at_utc = fields.DatetimeField(null=True)
    still_at_utc = fields.DatetimeField(null=True)
    items = fields.TextField()
    pausing = fields.CharField(max_length=16, db_default="NONE")

    class Meta:
        table = "emergency_stops"


def _value(row: dict[str, Any]) -> EmergencyStop:
    return as_value(EmergencyStop, {**row, "items": orjson.loads(row["items"])})


def _columns(value: EmergencyStop) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(value, name) for name in EmergencyStop.__slots__ if name != "tenant_id"}
    kind, pausing = value.started_by_kind.value, value.pausing.value
    return {**row, "started_by_kind": kind, "pausing": pausing, "items": json_text(msgspec.to_builtins(value.items))}


async def emergency_stop(scope: Scope, stop_id: UUID) -> EmergencyStop:
    """One stop. Raises NotFound."""
    return _value(only(await scope.of(EmergencyStopTable).filter(id=stop_id).values(), "no such emergency stop"))


async def emergency_stops_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, EmergencyStop]:
    """Stops by id; other tenants' are absent."""
    rows = await scope.of(EmergencyStopTable).filter(id__in=ids).values()
    return {row["id"]: _value(row) for row in rows}


async def emergency_stop_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[EmergencyStop]:
    """What a slice fetches of a workspace's stops, newest first."""
    query = scope.of(EmergencyStopTable).filter(workspace_id=workspace_id)
    return [_value(row) for row in await sliced(query, place, newest_first=True)]


async def in_force(scope: Scope, workspace_id: UUID) -> EmergencyStop | None:
    """The workspace's stop that nobody lifted yet."""
    rows = await scope.of(EmergencyStopTable).filter(workspace_id=workspace_id, lifted_at_utc=None).values()
    return _value(rows[0]) if rows else None


async def is_stopped(scope: Scope, workspace_id: UUID) -> bool:
    """Whether a stop is in force; what it did so far, which may be long, is not read."""
    return await scope.of(EmergencyStopTable).filter(workspace_id=workspace_id, lifted_at_utc=None).exists()


async def add_emergency_stop(scope: WriteScope, value: EmergencyStop) -> None:
    """A new stop; whoever adds one holds the workspace, so that there is one in force at most."""
    await scope.create(EmergencyStopTable, **_columns(value))


async def store_emergency_stop(scope: WriteScope, value: EmergencyStop) -> bool:
    """Write the next version; False when somebody else was first."""
    query = scope.of(EmergencyStopTable).filter(id=value.id, version=value.version - 1)
    return bool(await query.update(**{name: each for name, each in _columns(value).items() if name != "id"}))


async def changes_in_reach(scope: Scope, workspace_id: UUID, since_utc: datetime) -> list[Adjustment]:
    """A workspace's changes that are not settled, or since a moment were confirmed, left unknown, or cut off."""
    unsettled = [AdjustmentStatus.PENDING.value, AdjustmentStatus.SENDING.value, AdjustmentStatus.APPLIED.value]
    wanted = (
        Q(status__in=unsettled)
        | Q(confirmed_at_utc__gte=since_utc)
        | Q(status=AdjustmentStatus.UNKNOWN.value, sent_at_utc__gte=since_utc)
        | Q(status=AdjustmentStatus.FAILED.value, failure_code=CUT_OFF_CODE, dispatched_at_utc__gte=since_utc - IN_HAND)
    )
    query = scope.of(AdjustmentTable).filter(workspace_id=workspace_id).filter(wanted)
    return as_values(Adjustment, await query.order_by("id").values())


async def fail_waiting(scope: WriteScope, workspace_id: UUID) -> set[UUID]:
    """Fail what waits, was never sent and restores nothing, so that none of it leaves later. Returns which."""
    rows = await scope.rows(
        "UPDATE adjustments SET status = 'FAILED', version = version + 1, failure_code = $1, failure_reason = $2 "
        "WHERE tenant_id = $3 AND workspace_id = $4 AND status = 'PENDING' AND sent_at_utc IS NULL "
        "AND restores_id IS NULL RETURNING id",
        CUT_OFF_CODE,
        CUT_OFF_REASON,
        scope.tenant_id,
        workspace_id,
    )
    return {UUID(str(row["id"])) for row in rows}
