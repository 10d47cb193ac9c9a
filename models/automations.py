"""A workspace's switches and their queries. A workspace without a row has touched none."""

from uuid import UUID

from tortoise import Model, fields

from domain.automations import Automation, untouched
from models.scope import Scope, WriteScope, as_value


class AutomationTable(Model):
    """The switches of one workspace."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(unique=True)
    auto_approval = fields.BooleanField()
    paused = fields.BooleanField()
    live_sending = fields.BooleanField()
    version = fields.IntField()

    class Meta:
        table = "automations"


async def automation(scope: Scope, workspace_id: UUID) -> Automation:
    """A workspace's switches, also before any was touched."""
    rows = await scope.of(AutomationTable).filter(workspace_id=workspace_id).values()
    return as_value(Automation, rows[0]) if rows else untouched(scope.tenant_id, workspace_id)


async def automation_by_id(scope: Scope, automation_id: UUID) -> Automation | None:
    """The switches with an id, if any of theirs was touched."""
    rows = await scope.of(AutomationTable).filter(id=automation_id).values()
    return as_value(Automation, rows[0]) if rows else None


async def store_automation(scope: WriteScope, value: Automation) -> bool:
    """Write the next version; False when somebody else was first."""
    positions = {"auto_approval": value.auto_approval, "paused": value.paused, "live_sending": value.live_sending}
    if value.version > 1:
        query = scope.of(AutomationTable).filter(id=value.id, version=value.version - 1)
        return bool(await query.update(version=value.version, **positions))
    return bool(
        await scope.rows(
            "INSERT INTO automations (id, tenant_id, workspace_id, auto_approval, paused, live_sending, version) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id",
            value.id,
            scope.tenant_id,
            value.workspace_id,
            value.auto_approval,
            value.paused,
            value.live_sending,
            value.version,
        )
    )
