"""Connections: what somebody granted on an ad platform, its tokens, and when these are renewed. Pure.

    CONNECTED -> NEEDS_RECONNECT (the platform refuses to renew: only a person can grant it again)
    CONNECTED, NEEDS_RECONNECT -> DISCONNECTED (a person ended it; the tokens are erased)

A `Connection` never holds a token, so it may stand in the log and on a screen. Tokens stand in values of their own,
whose reprs leave them out, and in the tables only sealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.errors import InvalidInput, PlatformError
from domain.platforms import Platform

#: How long somebody may take on the platform's own pages.
ATTEMPT_LIFE: Final = timedelta(minutes=10)
#: Longer than any call to a platform's token endpoint: a second refresher starts only when the first one's is over.
REFRESH_LEASE: Final = timedelta(seconds=60)
#: After a refresh that failed for another reason than a refusal.
REFRESH_AGAIN: Final = timedelta(seconds=60)
#: A token that ends so soon is renewed before it is used.
LAST_MOMENT: Final = timedelta(seconds=60)
_LONGEST_MARGIN: Final = timedelta(days=7)
MAX_ACCOUNTS: Final = 50


class ConnectionStatus(StrEnum):
    """Whether a connection can be used."""

    CONNECTED = "CONNECTED"
    NEEDS_RECONNECT = "NEEDS_RECONNECT"
    DISCONNECTED = "DISCONNECTED"


@dataclass(frozen=True, slots=True)
class Connection:
    """One grant on one platform for one workspace. `expires_at_utc`: of the access token, None for one without an end.

    `reason` says why it is no longer CONNECTED, in the platform's words or ours.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    platform: Platform
    status: ConnectionStatus
    version: int
    scopes: tuple[str, ...]
    connected_by_id: str
    connected_at_utc: datetime
    expires_at_utc: datetime | None
    refreshed_at_utc: datetime | None = None
    ended_at_utc: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a platform handed out. `expires_at_utc` of the access token, None for one without an end."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at_utc: datetime | None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """A connection with its sealed tokens. `generation` goes up with every renewal."""

    connection: Connection
    generation: int
    sealed_access: str | None = field(repr=False)
    sealed_refresh: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody on the way to a platform's consent page and back; its state is stored as a hash only."""

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    platform: Platform
    user_id: UUID
    session_id: UUID
    sealed_verifier: str = field(repr=False)
    expires_at_utc: datetime


@dataclass(frozen=True, slots=True)
class OfferedAccount:
    """An ad account that a grant opens, as the platform lists it."""

    external_id: str
    name: str


@dataclass(eq=False)
class GrantRefused(PlatformError):
    """The platform takes this grant back or never gave it: asking again does not help, a person has to grant it."""


#: What each platform answers to an access token it does not take (sources: the adapters' own references).
_REFUSED_TOKENS: Final[Mapping[Platform, frozenset[str]]] = {
    Platform.META: frozenset({"190", "102"}),
    Platform.GOOGLE: frozenset(
        {"UNAUTHENTICATED", "OAUTH_TOKEN_INVALID", "OAUTH_TOKEN_EXPIRED", "OAUTH_TOKEN_REVOKED"}
    ),
    Platform.TIKTOK: frozenset({"40104", "40105"}),
    Platform.LINKEDIN: frozenset({"INVALID_ACCESS_TOKEN", "EXPIRED_ACCESS_TOKEN", "REVOKED_ACCESS_TOKEN", "HTTP_401"}),
    Platform.AMAZON: frozenset({"UNAUTHORIZED", "HTTP_401"}),
    Platform.MICROSOFT: frozenset({"105", "109"}),
}


def refuses_token(platform: Platform, error: PlatformError) -> bool:
    """Whether a platform's refusal was about the access token. Nothing was applied then."""
    return error.outcome_known and error.platform_code.partition("/")[0] in _REFUSED_TOKENS[platform]


def refresh_at_utc(tokens: Tokens, now_utc: datetime) -> datetime | None:
    """When to renew the access token: a sixth of its life before its end, at most seven days; None for never."""
    if tokens.expires_at_utc is None:
        return None
    margin = min((tokens.expires_at_utc - now_utc) / 6, _LONGEST_MARGIN)
    return tokens.expires_at_utc - margin


def renewed(connection: Connection, tokens: Tokens, now_utc: datetime) -> Connection:
    """The connection with new tokens; one that was given up works again."""
    return replace(
        connection,
        status=ConnectionStatus.CONNECTED,
        version=connection.version + 1,
        scopes=tokens.scopes or connection.scopes,
        expires_at_utc=tokens.expires_at_utc,
        refreshed_at_utc=now_utc,
        ended_at_utc=None,
        reason=None,
    )


def ended(connection: Connection, status: ConnectionStatus, reason: str, now_utc: datetime) -> Connection:
    """The connection once it can no longer be used."""
    return replace(connection, status=status, version=connection.version + 1, ended_at_utc=now_utc, reason=reason)


def unusable(connection: Connection) -> PlatformError:
    """What a call over a connection that is not CONNECTED meets. Waiting helps where a person can grant it again."""
    if connection.status is ConnectionStatus.NEEDS_RECONNECT:
        message = f"the connection to {connection.platform.value} has to be granted again: {connection.reason}"
        return PlatformError(message, platform_code=ConnectionStatus.NEEDS_RECONNECT.value, retryable=True)
    message = f"this ad account was disconnected from {connection.platform.value}"
    return PlatformError(message, platform_code=ConnectionStatus.DISCONNECTED.value)


def check_chosen(external_ids: list[str], offered: list[OfferedAccount]) -> list[str]:
    """The accounts to connect, each once, in the order given.

    Raises:
        InvalidInput: none, too many, or one that the grant does not open.
    """
    chosen = list(dict.fromkeys(external_ids))
    if not 1 <= len(chosen) <= MAX_ACCOUNTS:
        raise InvalidInput(f"choose 1 to {MAX_ACCOUNTS} accounts", path=("external_ids",))
    known = {each.external_id for each in offered}
    for external_id in chosen:
        if external_id not in known:
            raise InvalidInput("this connection opens no such account", path=("external_ids",))
    return chosen
