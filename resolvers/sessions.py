"""Session fields: parse, one service call, payload. They need no viewer: they make one."""

from typing import Annotated

import strawberry

from domain.errors import DomainError
from resolvers.context import Info
from schema.base import DateTime, parse_id, request_error
from schema.members import Viewer
from schema.sessions import Session, SessionPayload, SessionRevokePayload
from services import members, sessions

TenantId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Which of your tenants; without it the one you joined first."),
]
Email = Annotated[str, strawberry.argument(description="Your e-mail address.")]
Password = Annotated[str, strawberry.argument(description="Your password.")]
RefreshToken = Annotated[str, strawberry.argument(description="The newest one you were given.")]


@strawberry.type
class SessionMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Sign in with e-mail address and password.")
    async def session_create(
        self, info: Info, email: Email, password: Password, tenant_id: TenantId = None
    ) -> SessionPayload:
        """Sign in."""
        try:
            tenant = None if tenant_id is None else parse_id(tenant_id, "Tenant", ("tenantId",))
            return await _payload(info, await sessions.create(info.context.ports, email, password, tenant))
        except DomainError as error:
            return SessionPayload(session=None, user_errors=[request_error(error)])

    @strawberry.mutation(description="New tokens for a refresh token. Using one twice ends the session.")
    async def session_refresh(self, info: Info, refresh_token: RefreshToken) -> SessionPayload:
        """Refresh."""
        try:
            return await _payload(info, await sessions.refresh(info.context.ports, refresh_token))
        except DomainError as error:
            return SessionPayload(session=None, user_errors=[request_error(error)])

    @strawberry.mutation(description="Sign out: end the session that a refresh token belongs to.")
    async def session_revoke(self, info: Info, refresh_token: RefreshToken) -> SessionRevokePayload:
        """Sign out."""
        try:
            done = await sessions.revoke(info.context.ports, refresh_token)
        except DomainError as error:
            return SessionRevokePayload(revoked=False, user_errors=[request_error(error)])
        return SessionRevokePayload(revoked=done, user_errors=[])


async def _payload(info: Info, signed_in: sessions.SignedIn) -> SessionPayload:
    profile = await members.profile(info.context.ports, signed_in.viewer)
    session = Session(
        access_token=signed_in.access_token.text,
        expires_at=DateTime(signed_in.access_token.expires_at_utc),
        refresh_token=signed_in.refresh_token.text,
        refresh_expires_at=DateTime(signed_in.refresh_expires_at_utc),
        viewer=Viewer.of(profile),
    )
    return SessionPayload(session=session, user_errors=[])
