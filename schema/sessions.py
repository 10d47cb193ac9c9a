"""Sessions as clients see them: what a sign-in gives, and its payloads. No logic."""

import strawberry

from schema.base import DateTime, UserError
from schema.members import Viewer


@strawberry.type(description="What a sign-in gives. Keep both tokens secret; each refresh replaces both.")
class Session:
    """A session."""

    access_token: str = strawberry.field(description="Send it as: Authorization: Bearer ...")
    expires_at: DateTime = strawberry.field(description="When the access token ends.")
    refresh_token: str = strawberry.field(description="For one sessionRefresh; a second use ends the session.")
    refresh_expires_at: DateTime = strawberry.field(description="When the refresh token ends, if it is not used.")
    viewer: Viewer = strawberry.field(description="Who is signed in.")


@strawberry.type(description="A session, or why there is none.")
class SessionPayload:
    """The payload of sessionCreate and sessionRefresh."""

    session: Session | None = strawberry.field(description="The session; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.type(description="What a sign-out did.")
class SessionRevokePayload:
    """The payload of sessionRevoke."""

    revoked: bool = strawberry.field(description="False when the session had ended before.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")
