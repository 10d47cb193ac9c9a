"""Sessions: one sign-in of one person, and the chain of refresh tokens that keeps it alive. Values only; pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Identity:
    """A person of a tenant whom somebody has verified: by password here, by an identity provider elsewhere."""

    tenant_id: UUID
    user_id: UUID


class SessionEnd(StrEnum):
    """Why a session ended. Running out needs no end: its last refresh token is simply too old."""

    SIGNED_OUT = "SIGNED_OUT"
    REFRESH_TOKEN_REUSED = "REFRESH_TOKEN_REUSED"  # noqa: S105 - a reason, not a secret


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in. Its id is the token's `sid` and the family of its refresh tokens.

    Attributes:
        workspace_id: always None; a session is the tenant's, and the log asks.
    """

    id: UUID
    tenant_id: UUID
    user_id: UUID
    opened_at_utc: datetime
    ended_at_utc: datetime | None
    end_reason: SessionEnd | None
    workspace_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A stored refresh token, as far as a presented one needs judging. `used`: it has had its one use."""

    tenant_id: UUID
    session_id: UUID
    user_id: UUID
    expires_at_utc: datetime
    used: bool


def ended(session: Session, reason: SessionEnd, at_utc: datetime) -> Session:
    """The session once it is over."""
    return replace(session, ended_at_utc=at_utc, end_reason=reason)
