"""Session fields: parse, one service call, payload. They need no viewer: they make one."""

from typing import Annotated

import strawberry

from domain.errors import DomainError
from resolvers.context import Info
from resolvers.errors import refusing
from resolvers.fields import Fields
from schema.base import DateTime, UserError, parse_id, request_error
from schema.costs import HEAVY
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


async def _told(_info: Info, error: DomainError) -> list[UserError]:
    """Here Unauthenticated is an expected answer, too: the credentials are what the fields are about."""
    return [request_error(error)]


_refusing = refusing(lambda why: SessionPayload(session=None, user_errors=why), _told)


@strawberry.type
class SessionMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Sign in with e-mail address and password.", directives=[HEAVY])
    @_refusing
    async def session_create(
        self, info: Info, email: Email, password: Password, tenant_id: TenantId = None
    ) -> SessionPayload:
        """Sign in."""
        tenant = None if tenant_id is None else parse_id(tenant_id, "Tenant", ("tenantId",))
        return await _payload(info, await sessions.create(info.context.ports, email, password, tenant))

    @strawberry.mutation(description="New tokens for a refresh token. Using one twice ends the session.")
    @_refusing
    async def session_refresh(self, info: Info, refresh_token: RefreshToken) -> SessionPayload:
        """Refresh."""
        return await _payload(info, await sessions.refresh(info.context.ports, refresh_token))

    @strawberry.mutation(description="Sign out: end the session that a refresh token belongs to.")
    @refusing(lambda why: SessionRevokePayload(revoked=False, user_errors=why), _told)
    async def session_revoke(self, info: Info, refresh_token: RefreshToken) -> SessionRevokePayload:
        """Sign out."""
        done = await sessions.revoke(info.context.ports, refresh_token)
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


FIELDS = Fields(mutation=SessionMutation)
