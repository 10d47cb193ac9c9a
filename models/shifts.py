"""Shifts and their queries."""

from uuid import UUID

from tortoise import Model, fields

from domain.shifts import ENDED, Shift, ShiftStatus
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, as_values, only, sliced


class ShiftTable(Model):
    """Budget on its way from one campaign to another."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    version = fields.IntField()
    status = fields.CharField(max_length=16, db_index=True)
    plan_id = fields.UUIDField()
    from_campaign_id = fields.UUIDField()
    to_campaign_id = fields.UUIDField()
    from_adjustment_id = fields.UUIDField()
    to_adjustment_id = fields.UUIDField()
    amount_reporting_micros = fields.BigIntField()
    reporting_currency_code = fields.CharField(max_length=3)
    reason = fields.TextField()
    requested_by_id = fields.CharField(max_length=64)
    requested_at_utc = fields.DatetimeField()
    flagged_at_utc = fields.DatetimeField(null=True)
    flag_reason = fields.TextField(null=True)
    ended_at_utc = fields.DatetimeField(null=True)

    class Meta:
        table = "shifts"


async def shift(scope: Scope, shift_id: UUID) -> Shift:
    """One shift. Raises NotFound."""
    return as_value(Shift, only(await scope.of(ShiftTable).filter(id=shift_id).values(), "no such shift"))


async def shifts_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Shift]:
    """Shifts by id; other tenants' are absent."""
    found = as_values(Shift, await scope.of(ShiftTable).filter(id__in=ids).values())
    return {each.id: each for each in found}


async def shift_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[Shift]:
    """What a slice fetches of a workspace's shifts, newest first."""
    query = scope.of(ShiftTable).filter(workspace_id=workspace_id)
    return as_values(Shift, await sliced(query, place, newest_first=True))


async def add_shift(scope: WriteScope, value: Shift) -> None:
    """A new shift."""
    columns = {name: getattr(value, name) for name in Shift.__slots__ if name != "tenant_id"}
    await scope.create(ShiftTable, **{**columns, "status": value.status.value})


async def go_on_with_leg(scope: WriteScope, adjustment_id: UUID) -> bool:
    """Let a leg be sent again, if it is one: whoever settles its shift must look again. False where that has ended."""
    rows = await scope.rows(
        "UPDATE shifts SET version = version + 1 WHERE tenant_id = $1 AND (from_adjustment_id = $2 "
        "OR to_adjustment_id = $2) RETURNING status",
        scope.tenant_id,
        adjustment_id,
    )
    return all(ShiftStatus(row["status"]) not in ENDED for row in rows)


async def store_shift(scope: WriteScope, value: Shift) -> bool:
    """Write the next version; False when another worker was first."""
    query = scope.of(ShiftTable).filter(id=value.id, version=value.version - 1)
    return bool(
        await query.update(
            version=value.version,
            status=value.status.value,
            flagged_at_utc=value.flagged_at_utc,
            flag_reason=value.flag_reason,
            ended_at_utc=value.ended_at_utc,
        )
    )
