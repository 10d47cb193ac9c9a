"""Presence: who is at which item. A table with expiry; rows past it count as gone."""

from datetime import datetime
from uuid import UUID

from tortoise import Model, fields

from domain.presences import Presence
from models.scope import Scope, WriteScope, as_values


class PresenceTable(Model):
    """One person at one item until a moment."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField()
    subject_id = fields.UUIDField()
    user_id = fields.UUIDField()
    mode = fields.CharField(max_length=16)
    expires_at_utc = fields.DatetimeField(db_index=True)

    class Meta:
        table = "presences"
        unique_together = (("subject_id", "user_id"),)


async def put_presence(scope: WriteScope, value: Presence) -> None:
    """Come or stay: replaces the person's row at the item."""
    await scope.execute(
        "INSERT INTO presences (id, tenant_id, workspace_id, subject_id, user_id, mode, expires_at_utc) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (subject_id, user_id) "
        "DO UPDATE SET mode = excluded.mode, expires_at_utc = excluded.expires_at_utc",
        value.id,
        scope.tenant_id,
        value.workspace_id,
        value.subject_id,
        value.user_id,
        value.mode,
        value.expires_at_utc,
    )


async def remove_presence(scope: WriteScope, subject_id: UUID, user_id: UUID) -> bool:
    """Leave; False when the person was not there."""
    return bool(await scope.of(PresenceTable).filter(subject_id=subject_id, user_id=user_id).delete())


async def presences_at(scope: Scope, subject_ids: list[UUID], now_utc: datetime) -> list[Presence]:
    """Who is at the items now."""
    rows = await (
        scope.of(PresenceTable).filter(subject_id__in=subject_ids, expires_at_utc__gt=now_utc).order_by("id").values()
    )
    return as_values(Presence, rows)


async def presences_in(scope: Scope, workspace_id: UUID, now_utc: datetime) -> list[Presence]:
    """Who is anywhere in a workspace now."""
    rows = await (
        scope.of(PresenceTable).filter(workspace_id=workspace_id, expires_at_utc__gt=now_utc).order_by("id").values()
    )
    return as_values(Presence, rows)


async def remove_lapsed(scope: WriteScope, now_utc: datetime) -> list[Presence]:
    """Remove rows past their time and return them, so that watchers can be told."""
    rows = await scope.rows(
        "DELETE FROM presences WHERE tenant_id = $1 AND expires_at_utc <= $2 "
        "RETURNING id, tenant_id, workspace_id, subject_id, user_id, mode, expires_at_utc",
        scope.tenant_id,
        now_utc,
    )
    return as_values(Presence, rows)
