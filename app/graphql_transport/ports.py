"""What the transport needs from composition. Owns Protocols only."""

from collections.abc import Hashable
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
        """A fresh context with fresh loaders, for one operation: what the session may do is looked up.

        Raises:
            domain.errors.Unauthenticated: the session is no longer good.
            domain.errors.Forbidden: the membership is gone.
        """

    async def event_context(self, session: Session, request_id: str) -> Any:
        """A context with fresh loaders for one subscription event; also asked for regularly on every open socket.

        Called for each event on each socket, so it must be cheap: what the session may do may be remembered, as long as
        no event later than a revocation gets a context.

        Raises:
            domain.errors.Unauthenticated: the session is no longer good.
            domain.errors.Forbidden: the session lost a right that it had when one of its operations began. The socket
                closes, and its client comes back with what it holds now.
        """

    async def document(self, session: Session, sha256: str) -> str | None:
        """The registered document with this hash; None for one that the session may not run, or that there is not."""

    async def may_run(self, session: Session, text: str) -> bool:
        """Whether the session may run this document. Where any may be run, it must cost nothing to ask."""

    def audience(self, session: Session, *, same_for_all: bool) -> Hashable | None:
        """Who is asking: sessions with equal answers may share responses to events. None for who shares with nobody.

        `same_for_all`: of an operation whose every field is the same for everybody who may see its object.
        """

    def payer(self, session: Session) -> Hashable | None:
        """Whose share of points an operation takes, whatever credential they came with; None for a stranger."""

    def event_key(self, context: Any, event: Any, *, same_for_all: bool) -> Hashable | None:
        """Which event this is, and whatever in its context a response depends on; None if it must not be shared.

        Operations of one audience with the same document and variables, whose keys are equal within a second, get one
        response, executed with the context of one of them. So the key holds what the viewer may do, unless the answer
        is the same for all.
        """

    def shared_context(self, context: Any) -> Any:
        """A context like this one in which nobody can be asked for: answers for all are executed with it."""
