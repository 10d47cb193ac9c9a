"""Sessions and their refresh tokens. Every change of a session locks its row first, so a family changes in one order.

Must not decide what a used token means; that is the service's.
"""

from datetime import datetime
from uuid import UUID

from tortoise import Model, fields

from domain.sessions import Session
from kit.ids import new_id
from models.scope import WriteScope, as_value


class SessionTable(Model):
    """One sign-in of one person. Once ended, none of its refresh tokens is worth anything."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    user_id = fields.UUIDField()
    opened_at_utc = fields.DatetimeField()
    refreshed_at_utc = fields.DatetimeField()
    ended_at_utc = fields.DatetimeField(null=True)
    end_reason = fields.CharField(max_length=32, null=True)

    class Meta:
        table = "sessions"


class RefreshTokenTable(Model):
    """One refresh token by its hash. Once used_at_utc is set, a later use is theft and ends the session."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    session_id = fields.UUIDField(db_index=True)
    token_hash = fields.CharField(max_length=64, unique=True)
    issued_at_utc = fields.DatetimeField()
    expires_at_utc = fields.DatetimeField()
    used_at_utc = fields.DatetimeField(null=True)

    class Meta:
        table = "refresh_tokens"


async def add_session(scope: WriteScope, session: Session) -> None:
    """A new session."""
    await scope.create(
        SessionTable,
        id=session.id,
        user_id=session.user_id,
        opened_at_utc=session.opened_at_utc,
        refreshed_at_utc=session.opened_at_utc,
    )


async def add_refresh_token(
    scope: WriteScope, session_id: UUID, token_hash: str, at_utc: datetime, expires_at_utc: datetime
) -> None:
    """A fresh refresh token of a session."""
    await scope.create(
        RefreshTokenTable,
        id=new_id(),
        session_id=session_id,
        token_hash=token_hash,
        issued_at_utc=at_utc,
        expires_at_utc=expires_at_utc,
    )


async def lock_session(scope: WriteScope, session_id: UUID, at_utc: datetime) -> bool:
    """Hold a session that has not ended until the transaction does, and note its use; False where it has ended."""
    touched = await scope.execute(
        "UPDATE sessions SET refreshed_at_utc = $1 WHERE id = $2 AND tenant_id = $3 AND ended_at_utc IS NULL",
        at_utc,
        session_id,
        scope.tenant_id,
    )
    return bool(touched)


async def use_refresh_token(scope: WriteScope, token_hash: str, at_utc: datetime) -> bool:
    """Take a refresh token's one use; False when somebody else was first or it is too old."""
    touched = await scope.execute(
        "UPDATE refresh_tokens SET used_at_utc = $1 "
        "WHERE token_hash = $2 AND tenant_id = $3 AND used_at_utc IS NULL AND expires_at_utc > $1",
        at_utc,
        token_hash,
        scope.tenant_id,
    )
    return bool(touched)


async def open_session(scope: WriteScope, session_id: UUID) -> Session | None:
    """A session that has not ended, None if it has."""
    rows = await scope.of(SessionTable).filter(id=session_id, ended_at_utc=None).values()
    return as_value(Session, rows[0]) if rows else None


async def end_session(scope: WriteScope, after: Session) -> bool:
    """Store a session's end; False when it had ended before."""
    touched = await scope.execute(
        "UPDATE sessions SET ended_at_utc = $1, end_reason = $2 "
        "WHERE id = $3 AND tenant_id = $4 AND ended_at_utc IS NULL",
        after.ended_at_utc,
        after.end_reason,
        after.id,
        scope.tenant_id,
    )
    return bool(touched)
