"""Use-cases on sessions: sign in, refresh, sign out.

Signing in has two halves. The first verifies a person and ends in an `Identity`; here that is a password. The second,
`open_session`, turns a verified identity into a session, whoever verified it: OAuth2 and SAML are further first halves
that end in the same call, and a limit on attempts stands before `create`. Must not say which half of a pair of e-mail
address and password was wrong.

A refresh token has one use, which replaces it. A second use means that two hold it, and one of them stole it, so the
session ends for both; a client that refreshes in several windows therefore takes turns. An access token that was
issued before lives on to its own end, minutes away.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.access import ALL_SCOPES, AccessToken, NewRefreshToken, Principal, PrincipalKind, parse_email
from domain.errors import NotFound, Unauthenticated
from domain.log import Actor, ActorKind
from domain.members import Account
from domain.sessions import Identity, RefreshToken, Session, SessionEnd, ended
from kit.ids import new_id
from models import across_tenants, members, sessions
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SUBJECT: Final = "session"
#: Who ends a session whose refresh token came twice: which of the two was the person, nobody knows.
GUARD: Final = Actor(ActorKind.SYSTEM, "sessions")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a client gets: tokens to keep, and who it is signed in as. `refresh_token.text` is told once."""

    session_id: UUID
    access_token: AccessToken
    refresh_token: NewRefreshToken
    refresh_expires_at_utc: datetime
    viewer: Viewer


async def create(ports: Ports, email: str, password: str, tenant_id: UUID | None) -> SignedIn:
    """Sign in with a password.

    Args:
        ports: database, clock, passwords and tokens.
        email: of the person, in any spelling of its letters.
        password: exactly one is checked per call, known person or not, so the time taken tells nothing.
        tenant_id: which of the person's tenants; None is the one they joined first.

    Raises:
        InvalidInput: this is not an e-mail address.
        Unauthenticated: wrong address, password or tenant, or nothing is held there any more. Which, stays untold.
    """
    account = await across_tenants.user_by_email(ports.database.system(), parse_email(email), tenant_id)
    right = await ports.passwords.verify_soon(password, account.password_hash if account else None)
    if account is None or not right:
        raise _refused()
    return await open_session(ports, Identity(account.tenant_id, account.user_id))


async def open_session(ports: Ports, identity: Identity) -> SignedIn:
    """Turn a verified identity into a session. Raises Unauthenticated where the person holds nothing in the tenant."""
    now_utc = ports.clock.now_utc()
    session = Session(new_id(), identity.tenant_id, identity.user_id, now_utc, None, None)
    signed_in = await _signed_in(ports, identity, session.id)
    async with begin(ports, identity.tenant_id, _person(identity)) as work:
        await sessions.add_session(work.scope, session)
        await _keep(work, signed_in)
        work.record("session.created", SUBJECT, None, session)
    return signed_in


async def open_local(ports: Ports, email: str) -> SignedIn:
    """A session without a password, for the command line: who can read the signing keys is anybody already.

    Raises:
        NotFound: no such person.
    """
    account = await _account(ports, email)
    return await open_session(ports, Identity(account.tenant_id, account.user_id))


async def local_viewer(ports: Ports, email: str) -> Viewer:
    """A person as the command line acts for them, without a session. Raises NotFound, Unauthenticated."""
    account = await _account(ports, email)
    standing = await members.standing(ports.database.read(account.tenant_id), account.user_id)
    if standing is None or not standing.grants:
        raise Unauthenticated(f"{email} no longer holds anything here")
    principal = Principal(PrincipalKind.USER, account.tenant_id, account.user_id, new_id(), ALL_SCOPES, None)
    return Viewer(principal, standing)


async def refresh(ports: Ports, token: str) -> SignedIn:
    """Use a refresh token, once, for new tokens. Using it again ends the session.

    Raises:
        Unauthenticated: unknown, used, too old, its session ended, or nothing is held in the tenant any more.
    """
    token_hash = ports.secrets.refresh_token_hash(token)
    found = await across_tenants.refresh_token(ports.database.system(), token_hash)
    if found is None:
        raise _over()
    if found.used:
        await _end_reused(ports, found)
        raise _over()
    if found.expires_at_utc <= ports.clock.now_utc():
        raise _over()
    identity = Identity(found.tenant_id, found.user_id)
    signed_in = await _signed_in(ports, identity, found.session_id)
    async with begin(ports, found.tenant_id, _person(identity)) as work:
        # The session's row first: its refreshes and its end stand in one line, so no successor slips past the end.
        alive = await sessions.lock_session(work.scope, found.session_id, work.now_utc)
        won = alive and await sessions.use_refresh_token(work.scope, token_hash, work.now_utc)
        if won:
            await _keep(work, signed_in)
    if alive and not won:
        await _end_reused(ports, found)
    if not won:
        raise _over()
    return signed_in


async def revoke(ports: Ports, token: str) -> bool:
    """Sign out: end the session of a refresh token, used or not. False when it had ended before.

    Raises:
        Unauthenticated: nobody was given this token.
    """
    found = await across_tenants.refresh_token(ports.database.system(), ports.secrets.refresh_token_hash(token))
    if found is None:
        raise _over()
    person = _person(Identity(found.tenant_id, found.user_id))
    return await _end(ports, found, person, SessionEnd.SIGNED_OUT, "session.revoked")


async def _signed_in(ports: Ports, identity: Identity, session_id: UUID) -> SignedIn:
    """Tokens for a person as they stand now; nothing is stored yet."""
    standing = await members.standing(ports.database.read(identity.tenant_id), identity.user_id)
    if standing is None or not standing.grants:
        raise _refused()
    access_token = ports.access_tokens.issue(
        tenant_id=identity.tenant_id,
        user_id=identity.user_id,
        session_id=session_id,
        roles={grant.role for grant in standing.grants},
        scopes=ALL_SCOPES,
    )
    principal = Principal(
        PrincipalKind.USER, identity.tenant_id, identity.user_id, session_id, ALL_SCOPES, access_token.expires_at_utc
    )
    return SignedIn(
        session_id=session_id,
        access_token=access_token,
        refresh_token=ports.secrets.new_refresh_token(),
        refresh_expires_at_utc=ports.clock.now_utc() + ports.refresh_ttl,
        viewer=Viewer(principal, standing),
    )


async def _keep(work: Work, signed_in: SignedIn) -> None:
    await sessions.add_refresh_token(
        work.scope,
        signed_in.session_id,
        signed_in.refresh_token.hash,
        work.now_utc,
        signed_in.refresh_expires_at_utc,
    )


async def _end_reused(ports: Ports, found: RefreshToken) -> None:
    await _end(ports, found, GUARD, SessionEnd.REFRESH_TOKEN_REUSED, "session.reuse_detected")


async def _end(ports: Ports, found: RefreshToken, actor: Actor, reason: SessionEnd, kind: str) -> bool:
    async with begin(ports, found.tenant_id, actor) as work:
        before = await sessions.open_session(work.scope, found.session_id)
        if before is None:
            return False
        after = ended(before, reason, work.now_utc)
        if not await sessions.end_session(work.scope, after):
            return False
        work.record(kind, SUBJECT, before, after)
    return True


async def _account(ports: Ports, email: str) -> Account:
    account = await across_tenants.user_by_email(ports.database.system(), parse_email(email))
    if account is None:
        raise NotFound(f"nobody has the e-mail address {email}")
    return account


def _person(identity: Identity) -> Actor:
    return Actor(ActorKind.MEMBER, str(identity.user_id))


def _refused() -> Unauthenticated:
    return Unauthenticated("the e-mail address or the password is wrong")


def _over() -> Unauthenticated:
    return Unauthenticated("this session is over; sign in again")
