"""The few queries that must look across tenants, each with its reason. Nothing else may take a SystemScope.

Sign-in finds a person by e-mail before any tenant is known; the relay compares all heads; the worker looks for due
work of anybody, then acts inside the tenant's own scope.
"""

from datetime import datetime
from uuid import UUID

from models.scope import SystemScope


async def tenant_ids(scope: SystemScope) -> list[UUID]:
    """All tenants, oldest first: for jobs that visit each."""
    return [_uuid(row["id"]) for row in await scope.rows("SELECT id FROM tenants ORDER BY id")]


async def heads(scope: SystemScope) -> dict[UUID, int]:
    """How far each tenant's log goes: the relay polls this, so that a lost hint costs a second, never an event."""
    rows = await scope.rows("SELECT tenant_id, sequence FROM log_heads")
    return {_uuid(row["tenant_id"]): int(row["sequence"]) for row in rows}


async def due_adjustments(scope: SystemScope, now_utc: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """(tenant, adjustment) of what may be sent now or whose lease ran out, oldest first, decreases before increases."""
    rows = await scope.rows(
        "SELECT tenant_id, id FROM adjustments WHERE not_before_utc <= $1 AND (status = 'PENDING' "
        "OR (status IN ('SENDING', 'APPLIED') AND lease_until_utc < $1)) "
        "ORDER BY CASE WHEN delta_reporting_micros < 0 THEN 0 ELSE 1 END, id LIMIT $2",
        now_utc,
        limit,
    )
    return [(_uuid(row["tenant_id"]), _uuid(row["id"])) for row in rows]


def _uuid(value: object) -> UUID:
    return value if type(value) is UUID else UUID(str(value))
