"""Use-cases on connections: set out for a platform's consent page, come back, choose accounts, disconnect.

The way there and back is bound to the session that set out: its state is random, stored as a hash, good for ten
minutes and one use, and whoever comes back with it acts as that session's person, if the session is still open. Tokens
are sealed before they are stored, and never part of what is logged or shown.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.access import ALL_SCOPES, Permission, Principal, PrincipalKind
from domain.ad_accounts import AdAccount
from domain.connections import (
    ATTEMPT_LIFE,
    Attempt,
    Connection,
    ConnectionStatus,
    OfferedAccount,
    Tokens,
    check_chosen,
    ended,
    refresh_at_utc,
)
from domain.errors import Forbidden, InvalidInput, PlatformError, Unauthenticated
from domain.log import Actor
from domain.platforms import Platform
from domain.recommendations import RecommendationStatus
from domain.status_changes import StatusChangeState, moved
from kit.ids import new_id
from kit.pagination import Slice
from models import across_tenants, ad_accounts, adjustments, connections, recommendations, sessions, status_changes
from services import ad_accounts as account_cases
from services.connection_tokens import SUBJECT, access_token, connection_ports, opened, seal
from services.ports import Ports
from services.recommendations import close_in
from services.unit_of_work import Work, begin
from services.viewers import Viewer, authority_in_own, look_up

DISCONNECTED: Final = "DISCONNECTED"
_ENDED_ATTEMPT: Final = "this attempt to connect has ended; start again in the app"


@dataclass(frozen=True, slots=True)
class SetOut:
    """Where to send the person, and until when they must be back."""

    consent_url: str
    expires_at_utc: datetime


def redirect_uri(ports: Ports, platform: Platform) -> str:
    """Where a platform sends people back to; it must be registered there, letter for letter."""
    return f"{ports.app_url}/oauth/{platform.value.lower()}/callback"


async def start(ports: Ports, viewer: Viewer, workspace_id: UUID, platform: Platform) -> SetOut:
    """Begin to connect a platform to a workspace.

    Raises:
        NotFound
        Forbidden: no write access to campaigns there, or an API key: a platform's consent page takes a person.
        InvalidInput: nothing can be connected here.
    """
    await authority_in_own(ports, viewer, workspace_id, Permission.CAMPAIGN_WRITE)
    if viewer.principal.kind is not PrincipalKind.USER:
        raise Forbidden("connecting an ad platform takes a person")
    tools, state, verifier = connection_ports(ports), secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    attempt_id = new_id()
    attempt = Attempt(
        id=attempt_id,
        tenant_id=viewer.tenant_id,
        workspace_id=workspace_id,
        platform=platform,
        user_id=viewer.principal.subject_id,
        session_id=viewer.principal.credential_id,
        sealed_verifier=tools.cipher.seal(verifier, f"{attempt_id}/verifier"),
        expires_at_utc=ports.clock.now_utc() + ATTEMPT_LIFE,
    )
    async with ports.database.write(viewer.tenant_id) as scope:
        await connections.add_attempt(scope, attempt, _hash(state))
    url = tools.providers[platform].consent_url(state, redirect_uri(ports, platform), verifier)
    return SetOut(url, attempt.expires_at_utc)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


async def _came_back(ports: Ports, platform: Platform, state: str) -> tuple[Attempt, Viewer]:
    """The attempt behind a state, used up with this, and its person as they stand now."""
    attempt = await across_tenants.take_attempt(ports.database.system_write(), _hash(state))
    if attempt is None or attempt.platform is not platform or attempt.expires_at_utc <= ports.clock.now_utc():
        raise InvalidInput(_ENDED_ATTEMPT, path=("state",))
    principal = Principal(
        PrincipalKind.USER, attempt.tenant_id, attempt.user_id, attempt.session_id, ALL_SCOPES, attempt.expires_at_utc
    )
    async with ports.database.write(attempt.tenant_id) as scope:
        if await sessions.open_session(scope, attempt.session_id) is None:
            raise Unauthenticated("the session that began this has ended; sign in and start again")
    viewer = await look_up(ports, principal)
    viewer.require(attempt.workspace_id, Permission.CAMPAIGN_WRITE)
    return attempt, viewer


async def refuse(ports: Ports, platform: Platform, state: str) -> None:
    """Somebody came back without a grant: the attempt is over. Raises as `finish` does."""
    await _came_back(ports, platform, state)


async def finish(ports: Ports, platform: Platform, state: str, code: str) -> Connection:
    """Somebody came back with a grant: get its tokens and keep them.

    Accounts of this workspace that waited for this platform to be connected again are reached over it from now on, as
    far as it opens them.

    Raises:
        InvalidInput: the state is unknown, used, too old or another platform's.
        Unauthenticated: the session that set out has ended.
        NotFound, Forbidden: its person may no longer do this.
        PlatformError: the platform does not take the code.
    """
    attempt, viewer = await _came_back(ports, platform, state)
    tools = connection_ports(ports)
    verifier = tools.cipher.open(attempt.sealed_verifier, f"{attempt.id}/verifier")
    tokens = await tools.providers[platform].exchange(code, redirect_uri(ports, platform), verifier)
    return await keep(ports, attempt.tenant_id, attempt.workspace_id, platform, tokens, viewer.actor)


async def keep(
    ports: Ports, tenant_id: UUID, workspace_id: UUID, platform: Platform, tokens: Tokens, actor: Actor
) -> Connection:
    """Keep a grant's tokens as a new connection. Raises PlatformError where its accounts cannot be listed."""
    offered = await connection_ports(ports).providers[platform].offered_accounts(tokens)
    async with begin(ports, tenant_id, actor) as work:
        made = Connection(
            id=new_id(),
            tenant_id=tenant_id,
            workspace_id=workspace_id,
            platform=platform,
            status=ConnectionStatus.CONNECTED,
            version=1,
            scopes=tokens.scopes,
            connected_by_id=actor.id,
            connected_at_utc=work.now_utc,
            expires_at_utc=tokens.expires_at_utc,
        )
        access, refresh = seal(ports, made.id, tokens)
        await connections.add_connection(work.scope, made, access, refresh, refresh_at_utc(tokens, work.now_utc))
        work.record("connection.connected", SUBJECT, None, made)
        await _take_over(work, made, offered)
    return made


async def _take_over(work: Work, made: Connection, offered: list[OfferedAccount]) -> None:
    """Accounts that wait for a connection to be granted again move to the new one, where it opens them."""
    opens = {each.external_id for each in offered}
    for old in await connections.waiting_for_reconnect(work.scope, made.workspace_id, made.platform.value):
        its = await ad_accounts.accounts_of_connection(work.scope, old.id)
        for account in its:
            if account.external_id in opens:
                moved = replace(account, connection_id=made.id)
                await ad_accounts.store_ad_account(work.scope, moved)
                work.record("ad_account.changed", "ad_account", account, moved)
        if all(account.external_id in opens for account in its):
            gone = ended(old, ConnectionStatus.DISCONNECTED, "it was granted again", work.now_utc)
            if await connections.disconnect(work.scope, gone):
                work.record("connection.replaced", SUBJECT, old, gone)


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[Connection]:
    """What a slice fetches of a workspace's connections, ended ones too, newest first. Raises NotFound, Forbidden."""
    await authority_in_own(ports, viewer, workspace_id, Permission.CAMPAIGN_READ)
    return await connections.connection_page(ports.database.read(viewer.tenant_id), workspace_id, place)


async def one(ports: Ports, viewer: Viewer, connection_id: UUID) -> Connection:
    """One connection. Raises NotFound for what the viewer cannot enter, Forbidden."""
    return await _found(ports, viewer, connection_id, Permission.CAMPAIGN_READ)


async def _found(ports: Ports, viewer: Viewer, connection_id: UUID, permission: Permission) -> Connection:
    found = await connections.connection(ports.database.read(viewer.tenant_id), connection_id)
    viewer.require_at(found, permission, "no such connection")
    return found


async def offered(ports: Ports, viewer: Viewer, connection_id: UUID) -> list[OfferedAccount]:
    """The accounts that a connection opens, as the platform lists them. Raises NotFound, Forbidden, PlatformError."""
    return await _offered(ports, await _found(ports, viewer, connection_id, Permission.CAMPAIGN_READ))


async def _offered(ports: Ports, found: Connection) -> list[OfferedAccount]:
    token = await access_token(ports, found.tenant_id, found.id)
    tokens = Tokens(token, None, found.expires_at_utc, found.scopes)
    return await connection_ports(ports).providers[found.platform].offered_accounts(tokens)


async def connect(ports: Ports, viewer: Viewer, connection_id: UUID, external_ids: list[str]) -> list[AdAccount]:
    """Connect chosen accounts of a connection; one that is connected already is reached over it from now on.

    Raises:
        NotFound, Forbidden, PlatformError
        InvalidInput: none, more than 50, or one that the connection does not open; then nothing is connected.
    """
    found = await _found(ports, viewer, connection_id, Permission.CAMPAIGN_WRITE)
    chosen = check_chosen(external_ids, await _offered(ports, found))
    return [await account_cases.connect_over(ports, found, each, viewer.actor) for each in chosen]


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What a disconnection left. `revoked`: the platform ended the grant; some have no call for that."""

    connection: Connection
    revoked: bool


async def disconnect(ports: Ports, viewer: Viewer, connection_id: UUID) -> Disconnected:
    """End a connection at once: tokens revoked and erased, its accounts no longer synced or changed.

    What waits to be sent to its accounts fails with the code DISCONNECTED, what waits for a decision is closed as
    stale. One that was ended before stays as it was. Where the platform cannot be reached the tokens are erased all
    the same.

    Raises:
        NotFound, Forbidden
    """
    before = await _found(ports, viewer, connection_id, Permission.CAMPAIGN_WRITE)
    if before.status is ConnectionStatus.DISCONNECTED:
        return Disconnected(before, revoked=False)
    revoked = await _revoke(ports, before)
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        after = ended(before, ConnectionStatus.DISCONNECTED, "a person disconnected it", work.now_utc)
        if await connections.disconnect(work.scope, after):
            work.record("connection.disconnected", SUBJECT, before, after)
            for account in await ad_accounts.accounts_of_connection(work.scope, before.id):
                await _leave(work, account)
        after = await connections.connection(work.scope, before.id)
    return Disconnected(after, revoked)


async def _revoke(ports: Ports, found: Connection) -> bool:
    stored = await connections.stored_connection(ports.database.read(found.tenant_id), found.id)
    try:
        return await connection_ports(ports).providers[found.platform].revoke(opened(ports, stored))
    except PlatformError:
        # Nothing that a platform does keeps a person from disconnecting; the answer says that it was not revoked.
        return False


async def _leave(work: Work, account: AdAccount) -> None:
    after = replace(account, connected=False)
    await ad_accounts.store_ad_account(work.scope, after)
    work.record("ad_account.disconnected", "ad_account", account, after)
    for before in await adjustments.pending_of_account(work.scope, account.id):
        reason = f"the ad account was disconnected from {account.platform.value} before this was sent"
        if await adjustments.fail_pending(work.scope, before.id, DISCONNECTED, reason):
            failed = await adjustments.adjustment(work.scope, before.id)
            work.record("adjustment.failed", "adjustment", before, failed)
    for waiting in await status_changes.waiting_of_account(work.scope, account.id):
        reason = f"the ad account was disconnected from {account.platform.value} before this was sent"
        gone = moved(waiting, StatusChangeState.FAILED, failure_code=DISCONNECTED, failure_reason=reason)
        if await status_changes.fail_never_sent(work.scope, gone):
            work.record("status_change.failed", "status_change", waiting, gone)
    open_now = await recommendations.open_of_account(work.scope, account.id)
    reason = f"the ad account was disconnected from {account.platform.value}"
    await close_in(work, open_now, RecommendationStatus.STALE, reason)


async def forget_attempts(ports: Ports) -> int:
    """Forget attempts that nobody came back from. Returns how many."""
    return await across_tenants.forget_attempts(ports.database.system_write(), ports.clock.now_utc())
