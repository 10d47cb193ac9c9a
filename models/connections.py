"""Connections to ad platforms with their sealed tokens, and attempts to make one. Must not seal or open anything.

Every write of tokens is conditional on the generation that the writer saw, so that of two refreshers one wins; a
renewal counts even if its lease was lost meanwhile, because the platform may have ended the tokens before it.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tortoise import Model, fields

from domain.connections import Attempt, Connection, ConnectionStatus, StoredConnection
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, only, sliced


class ConnectionTable(Model):
    """A grant on a platform. Tokens stand here sealed, or not at all once it was ended by a person."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    platform = fields.CharField(max_length=16)
    status = fields.CharField(max_length=16)
    version = fields.IntField()
    scopes = fields.TextField()
    connected_by_id = fields.CharField(max_length=64)
    connected_at_utc = fields.DatetimeField()
    expires_at_utc = fields.DatetimeField(null=True)
    refreshed_at_utc = fields.DatetimeField(null=True)
    ended_at_utc = fields.DatetimeField(null=True)
    reason = fields.TextField(null=True)
    sealed_access = fields.TextField(null=True)
    sealed_refresh = fields.TextField(null=True)
    generation = fields.IntField()
    refresh_at_utc = fields.DatetimeField(null=True, db_index=True)
    lease_until_utc = fields.DatetimeField(null=True)

    class Meta:
        table = "platform_connections"


class ConnectionAttemptTable(Model):
    """Somebody on the way to a consent page and back."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField()
    platform = fields.CharField(max_length=16)
    user_id = fields.UUIDField()
    session_id = fields.UUIDField()
    state_hash = fields.CharField(max_length=64, unique=True)
    sealed_verifier = fields.TextField()
    expires_at_utc = fields.DatetimeField(db_index=True)

    class Meta:
        table = "connection_attempts"


_HIDDEN: Final = ("sealed_access", "sealed_refresh", "generation", "refresh_at_utc", "lease_until_utc")


def _value(row: dict[str, Any]) -> Connection:
    shown = {name: value for name, value in row.items() if name not in _HIDDEN}
    return as_value(Connection, {**shown, "scopes": row["scopes"].split()})


def _stored(row: dict[str, Any]) -> StoredConnection:
    return StoredConnection(_value(row), row["generation"], row["sealed_access"], row["sealed_refresh"])


async def connection(scope: Scope, connection_id: UUID) -> Connection:
    """One connection. Raises NotFound."""
    return (await stored_connection(scope, connection_id)).connection


async def stored_connection(scope: Scope, connection_id: UUID) -> StoredConnection:
    """One connection with its sealed tokens. Raises NotFound."""
    rows = await scope.of(ConnectionTable).filter(id=connection_id).values()
    return _stored(only(rows, "no such connection"))


async def connections_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Connection]:
    """Connections by id; other tenants' are absent."""
    found = [_value(row) for row in await scope.of(ConnectionTable).filter(id__in=ids).values()]
    return {row.id: row for row in found}


async def connection_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[Connection]:
    """What a slice fetches of a workspace's connections, ended ones too, newest first."""
    query = scope.of(ConnectionTable).filter(workspace_id=workspace_id)
    return [_value(row) for row in await sliced(query, place, newest_first=True)]


async def waiting_for_reconnect(scope: Scope, workspace_id: UUID, platform: str) -> list[Connection]:
    """A workspace's connections to a platform that a person must grant again."""
    rows = await (
        scope.of(ConnectionTable)
        .filter(workspace_id=workspace_id, platform=platform, status=ConnectionStatus.NEEDS_RECONNECT.value)
        .order_by("id")
        .values()
    )
    return [_value(row) for row in rows]


async def sealed_connections(scope: Scope) -> list[StoredConnection]:
    """All connections of a tenant that hold tokens: for the rotation of their keys."""
    rows = await scope.of(ConnectionTable).filter(sealed_access__isnull=False).order_by("id").values()
    return [_stored(row) for row in rows]


async def add_connection(
    scope: WriteScope, value: Connection, access: str, refresh: str | None, refresh_at_utc: datetime | None
) -> None:
    """A new connection with its sealed tokens."""
    columns = {name: getattr(value, name) for name in Connection.__slots__ if name != "tenant_id"}
    columns |= {"platform": value.platform.value, "status": value.status.value, "scopes": " ".join(value.scopes)}
    await scope.create(
        ConnectionTable,
        **columns,
        sealed_access=access,
        sealed_refresh=refresh,
        generation=1,
        refresh_at_utc=refresh_at_utc,
    )


async def lease_refresh(
    scope: WriteScope, connection_id: UUID, generation: int, now_utc: datetime, until_utc: datetime
) -> bool:
    """Become the one who renews these tokens; False when somebody else is, or was."""
    changed = await scope.execute(
        "UPDATE platform_connections SET lease_until_utc = $1 WHERE id = $2 AND tenant_id = $3 AND generation = $4 "
        "AND status = 'CONNECTED' AND (lease_until_utc IS NULL OR lease_until_utc <= $5)",
        until_utc,
        connection_id,
        scope.tenant_id,
        generation,
        now_utc,
    )
    return bool(changed)


async def store_renewed(
    scope: WriteScope,
    after: Connection,
    generation: int,
    access: str,
    refresh: str | None,
    refresh_at_utc: datetime | None,
) -> bool:
    """Store renewed tokens over those of a generation, and end the lease; False when newer ones stand there."""
    changed = await scope.execute(
        "UPDATE platform_connections SET sealed_access = $1, sealed_refresh = $2, refresh_at_utc = $3, "
        "generation = generation + 1, lease_until_utc = NULL, status = 'CONNECTED', version = version + 1, "
        "scopes = $4, expires_at_utc = $5, refreshed_at_utc = $6, ended_at_utc = NULL, reason = NULL "
        "WHERE id = $7 AND tenant_id = $8 AND generation = $9 AND status <> 'DISCONNECTED'",
        access,
        refresh,
        refresh_at_utc,
        " ".join(after.scopes),
        after.expires_at_utc,
        after.refreshed_at_utc,
        after.id,
        scope.tenant_id,
        generation,
    )
    return bool(changed)


async def end_lease(scope: WriteScope, connection_id: UUID, generation: int, again_at_utc: datetime) -> None:
    """A renewal failed for now; it is tried again at a moment."""
    await scope.execute(
        "UPDATE platform_connections SET lease_until_utc = NULL, refresh_at_utc = $1 "
        "WHERE id = $2 AND tenant_id = $3 AND generation = $4",
        again_at_utc,
        connection_id,
        scope.tenant_id,
        generation,
    )


async def give_up(scope: WriteScope, after: Connection, generation: int) -> bool:
    """Store that a person must grant it again, unless the tokens were renewed meanwhile."""
    changed = await scope.execute(
        "UPDATE platform_connections SET status = 'NEEDS_RECONNECT', version = version + 1, ended_at_utc = $1, "
        "reason = $2, lease_until_utc = NULL, refresh_at_utc = NULL "
        "WHERE id = $3 AND tenant_id = $4 AND generation = $5 AND status = 'CONNECTED'",
        after.ended_at_utc,
        after.reason,
        after.id,
        scope.tenant_id,
        generation,
    )
    return bool(changed)


async def disconnect(scope: WriteScope, after: Connection) -> bool:
    """End a connection and erase its tokens; False when it was ended before."""
    changed = await scope.execute(
        "UPDATE platform_connections SET status = 'DISCONNECTED', version = version + 1, ended_at_utc = $1, "
        "reason = $2, sealed_access = NULL, sealed_refresh = NULL, generation = generation + 1, "
        "lease_until_utc = NULL, refresh_at_utc = NULL "
        "WHERE id = $3 AND tenant_id = $4 AND status <> 'DISCONNECTED'",
        after.ended_at_utc,
        after.reason,
        after.id,
        scope.tenant_id,
    )
    return bool(changed)


async def reseal(scope: WriteScope, connection_id: UUID, generation: int, access: str, refresh: str | None) -> bool:
    """Store the same tokens under another key; False when others stand there by now."""
    changed = await scope.execute(
        "UPDATE platform_connections SET sealed_access = $1, sealed_refresh = $2 "
        "WHERE id = $3 AND tenant_id = $4 AND generation = $5 AND sealed_access IS NOT NULL",
        access,
        refresh,
        connection_id,
        scope.tenant_id,
        generation,
    )
    return bool(changed)


async def add_attempt(scope: WriteScope, value: Attempt, state_hash: str) -> None:
    """Somebody sets out for a consent page."""
    columns = {name: getattr(value, name) for name in Attempt.__slots__ if name != "tenant_id"}
    columns["platform"] = value.platform.value
    await scope.create(ConnectionAttemptTable, **columns, state_hash=state_hash)
