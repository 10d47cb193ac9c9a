"""The tokens of connections: opened for a call, renewed in time by one worker at a time, given up when refused.

A renewal is stored before anybody uses it: some platforms end the old refresh token with the same answer. Whoever
renews holds a lease in the row; the others wait for what it brings. Must not decide what is called with a token.
"""

import asyncio
from contextlib import suppress
from typing import Final
from uuid import UUID

from domain.connections import (
    LAST_MOMENT,
    REFRESH_AGAIN,
    REFRESH_LEASE,
    Connection,
    ConnectionStatus,
    GrantRefused,
    StoredConnection,
    Tokens,
    ended,
    refresh_at_utc,
    renewed,
    unusable,
)
from domain.errors import InvalidInput, PlatformError
from domain.log import Actor, ActorKind
from models import across_tenants, connections
from services.ports import ConnectionPorts, Ports
from services.unit_of_work import begin

RENEWER: Final = Actor(ActorKind.SYSTEM, "connections")
SUBJECT: Final = "connection"

#: How long a call waits for another worker's renewal, looking so often.
_WAIT_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.05


def connection_ports(ports: Ports) -> ConnectionPorts:
    """What connections need. Raises InvalidInput where this installation connects nothing."""
    if ports.connections is None:
        raise InvalidInput("this installation connects no ad platforms", path=("platform",))
    return ports.connections


def seal(ports: Ports, connection_id: UUID, tokens: Tokens) -> tuple[str, str | None]:
    """A connection's tokens as its row keeps them."""
    cipher = connection_ports(ports).cipher
    refresh = tokens.refresh_token
    return (
        cipher.seal(tokens.access_token, f"{connection_id}/access"),
        None if refresh is None else cipher.seal(refresh, f"{connection_id}/refresh"),
    )


def opened(ports: Ports, stored: StoredConnection) -> Tokens:
    """A connection's tokens. Raises PlatformError once they are erased."""
    cipher, found = connection_ports(ports).cipher, stored.connection
    if stored.sealed_access is None:
        raise unusable(found)
    return Tokens(
        access_token=cipher.open(stored.sealed_access, f"{found.id}/access"),
        refresh_token=None
        if stored.sealed_refresh is None
        else cipher.open(stored.sealed_refresh, f"{found.id}/refresh"),
        expires_at_utc=found.expires_at_utc,
        scopes=found.scopes,
    )


async def access_token(ports: Ports, tenant_id: UUID, connection_id: UUID, refused: str | None = None) -> str:
    """The access token that is good now; renewed first where it is about to end, or is the one just refused.

    Raises:
        NotFound
        PlatformError: NEEDS_RECONNECT or DISCONNECTED, or the platform does not renew it now.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_WAIT_SECONDS):
            while True:
                stored = await connections.stored_connection(ports.database.read(tenant_id), connection_id)
                if stored.connection.status is not ConnectionStatus.CONNECTED:
                    raise unusable(stored.connection)
                tokens = opened(ports, stored)
                if tokens.access_token != refused and not _ends_now(ports, tokens):
                    return tokens.access_token
                if not await renew(ports, stored):
                    await asyncio.sleep(_LOOK_SECONDS)
    message = "another worker is still renewing this connection's token"
    raise PlatformError(message, platform_code="TOKEN_BUSY", retryable=True)


def _ends_now(ports: Ports, tokens: Tokens) -> bool:
    return tokens.expires_at_utc is not None and tokens.expires_at_utc <= ports.clock.now_utc() + LAST_MOMENT


async def renew(ports: Ports, stored: StoredConnection) -> bool:
    """Renew a connection's tokens and store them; False when another worker is at it, or was.

    Raises:
        PlatformError: it could not be renewed now; a refusal has made it NEEDS_RECONNECT.
    """
    before = stored.connection
    now_utc = ports.clock.now_utc()
    async with ports.database.write(before.tenant_id) as scope:
        leased = await connections.lease_refresh(scope, before.id, stored.generation, now_utc, now_utc + REFRESH_LEASE)
    if not leased:
        return False
    try:
        tokens = await connection_ports(ports).providers[before.platform].renew(opened(ports, stored))
    except GrantRefused as error:
        await give_up(ports, stored, error.message)
        raise unusable(ended(before, ConnectionStatus.NEEDS_RECONNECT, error.message, now_utc)) from error
    except PlatformError:
        async with ports.database.write(before.tenant_id) as scope:
            await connections.end_lease(scope, before.id, stored.generation, ports.clock.now_utc() + REFRESH_AGAIN)
        raise
    return await _store(ports, stored, tokens)


async def _store(ports: Ports, stored: StoredConnection, tokens: Tokens) -> bool:
    before = stored.connection
    access, refresh = seal(ports, before.id, tokens)
    async with begin(ports, before.tenant_id, RENEWER) as work:
        after = renewed(before, tokens, work.now_utc)
        due = refresh_at_utc(tokens, work.now_utc)
        kept = await connections.store_renewed(work.scope, after, stored.generation, access, refresh, due)
        if kept:
            work.record("connection.renewed", SUBJECT, before, after)
    return kept


async def give_up(ports: Ports, stored: StoredConnection, reason: str) -> Connection | None:
    """A person must grant it again, and is told; None when the tokens were renewed meanwhile."""
    before = stored.connection
    async with begin(ports, before.tenant_id, RENEWER) as work:
        after = ended(before, ConnectionStatus.NEEDS_RECONNECT, reason, work.now_utc)
        if not await connections.give_up(work.scope, after, stored.generation):
            return None
        work.record("connection.needs_reconnect", SUBJECT, before, after)
    return after


async def due(ports: Ports, limit: int = 100) -> list[tuple[UUID, UUID]]:
    """(tenant, connection) whose tokens are to be renewed now."""
    return await across_tenants.due_refreshes(ports.database.system(), ports.clock.now_utc(), limit)


async def renew_due(ports: Ports, tenant_id: UUID, connection_id: UUID) -> bool:
    """Renew one connection that is due; False when another worker did, or the platform could or would not."""
    stored = await connections.stored_connection(ports.database.read(tenant_id), connection_id)
    if stored.connection.status is not ConnectionStatus.CONNECTED:
        return False
    try:
        return await renew(ports, stored)
    except PlatformError:
        # It is tried again in a minute; a refusal is told by its event.
        return False


async def reseal_all(ports: Ports, tenant_id: UUID) -> int:
    """Seal a tenant's tokens under the newest key. Returns how many connections changed their key.

    A renewal at the same moment seals under the newest key by itself.
    """
    cipher, changed = connection_ports(ports).cipher, 0
    async with ports.database.write(tenant_id) as scope:
        for stored in await connections.sealed_connections(scope):
            texts = [each for each in (stored.sealed_access, stored.sealed_refresh) if each is not None]
            if all(cipher.is_newest(each) for each in texts):
                continue
            sealed = seal(ports, stored.connection.id, opened(ports, stored))
            changed += await connections.reseal(scope, stored.connection.id, stored.generation, *sealed)
    return changed
