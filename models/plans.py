"""Plans and their queries."""

from typing import Any
from uuid import UUID

import msgspec
import orjson
from tortoise import Model, fields

from domain.plans import Plan
from domain.shifts import PROPOSER as SHIFTS
from models.scope import Scope, WriteScope, as_value, json_text, only


class PlanTable(Model):
    """One run of a proposer over a workspace, with what it skipped as JSON text."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    proposer = fields.CharField(max_length=32)
    created_at_utc = fields.DatetimeField()
    expires_at_utc = fields.DatetimeField()
    currency_code = fields.CharField(max_length=3)
    unallocated_micros = fields.BigIntField()
    explanation = fields.TextField()
    skipped = fields.TextField()
    approved_increase_micros = fields.BigIntField()
    approved_decrease_micros = fields.BigIntField()
    version = fields.IntField()

    class Meta:
        table = "plans"


def _value(row: dict[str, Any]) -> Plan:
    return as_value(Plan, {**row, "skipped": orjson.loads(row["skipped"])})


async def plan(scope: Scope, plan_id: UUID) -> Plan:
    """One plan. Raises NotFound."""
    rows = await scope.of(PlanTable).filter(id=plan_id).values()
    return _value(only(rows, "no such plan"))


async def plans_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Plan]:
    """Plans by id; other tenants' are absent."""
    return {row["id"]: _value(row) for row in await scope.of(PlanTable).filter(id__in=ids).values()}


async def newest_plan(scope: Scope, workspace_id: UUID) -> Plan | None:
    """The workspace's latest plan of a proposer; shifts have plans of their own, which are nobody's daily plan."""
    query = scope.of(PlanTable).filter(workspace_id=workspace_id).exclude(proposer=SHIFTS)
    rows = await query.order_by("-id").limit(1).values()
    return _value(rows[0]) if rows else None


async def add_plan(scope: WriteScope, value: Plan) -> None:
    """A new plan."""
    columns = {name: getattr(value, name) for name in Plan.__slots__ if name != "tenant_id"}
    columns["skipped"] = json_text(msgspec.to_builtins(value.skipped))
    await scope.create(PlanTable, **columns)


async def fund(scope: WriteScope, plan_id: UUID, increase_micros: int, decrease_micros: int) -> bool:
    """Count an approval in its plan if the plan stays funded; False, and nothing changes, if it would not.

    One conditional UPDATE: concurrent approvals of one plan queue on its row and cannot overspend together.
    """
    changed = await scope.execute(
        "UPDATE plans SET approved_increase_micros = approved_increase_micros + $1, "
        "approved_decrease_micros = approved_decrease_micros + $2, version = version + 1 "
        "WHERE tenant_id = $3 AND id = $4 AND "
        "($1 = 0 OR approved_increase_micros + $1 <= approved_decrease_micros + $2)",
        increase_micros,
        decrease_micros,
        scope.tenant_id,
        plan_id,
    )
    return bool(changed)


async def count_restore(scope: WriteScope, plan_id: UUID, increase_micros: int, decrease_micros: int) -> None:
    """Count a restoring change in its plan, so that later approvals find only the money that is left."""
    await scope.execute(
        "UPDATE plans SET approved_increase_micros = approved_increase_micros + $1, "
        "approved_decrease_micros = approved_decrease_micros + $2, version = version + 1 "
        "WHERE tenant_id = $3 AND id = $4",
        increase_micros,
        decrease_micros,
        scope.tenant_id,
        plan_id,
    )
