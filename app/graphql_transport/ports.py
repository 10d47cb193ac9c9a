"""What the transport needs from composition. Owns Protocols only."""

from datetime import datetime
from typing import Any, Protocol


class Session(Protocol):
    """Who is on this request or socket."""

    @property
    def expires_at_utc(self) -> datetime | None:
        """When the right to be here ends; None for never (an anonymous session, an API key)."""


class Backend(Protocol):
    """Sessions and contexts, given by composition."""

    async def authenticate(self, authorization: str | None) -> Session:
        """The session of an Authorization value such as "Bearer ..."; an anonymous one for None.

        Raises:
            domain.errors.Unauthenticated: the token is wrong, expired or withdrawn.
        """

    async def new_context(self, session: Session, request_id: str) -> Any:
        """A fresh context with fresh loaders, for one operation or one subscription event.

        Raises:
            domain.errors.Unauthenticated: the session is no longer good.
            domain.errors.Forbidden: the membership is gone or changed.
        """
