"""Who is on a request or socket, and the context of each of its operations: the transport's `Backend`.

Two credentials open the door, both as `Authorization: Bearer ...`: an access token (a JWT) and an API key (`ce_...`).
Must not decide what anybody may do; that is looked up anew for every operation. For every subscription event it is what
the log allows to remember: an event about members, roles or API keys ends the memory before it, or a later one, is
shown to anybody.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, cast
from uuid import UUID

from app.container import Container
from app.graphql_transport import Session
from app.known_documents import KnownDocuments
from domain.access import Principal, Standing
from domain.documents import sha256_of
from domain.errors import Forbidden, Unauthenticated
from realtime.remembered import Remembered
from resolvers.context import Context, SharedContext
from resolvers.loaders import TenantLoaders
from schema.changes import StreamMessage
from services import api_keys, documents
from services.ports import Ports
from services.viewers import Viewer, look_up

API_KEY_START: Final = "ce_"
#: What standings are made of, as the log names it. Sessions are not: who signs out keeps a token until it ends.
_STANDING_SUBJECTS: Final = frozenset({"member", "role", "api_key"})
_DOCUMENT_SUBJECTS: Final = frozenset({"document"})
_NAME_SUBJECTS: Final = frozenset({"member", "user"})
#: Only what changes without an event, by hand in the database, is seen this late.
_MAX_AGE_SECONDS: Final = 60.0

#: A role or a permission, and the workspace where it is held, None for the whole tenant.
Right = tuple[str, UUID | None]


# Asked for each operation; equal standings come back as the same object (models/members.py).
@lru_cache(maxsize=1_024)
def _rights(standing: Standing) -> frozenset[Right]:
    return frozenset(
        (what, grant.workspace_id)
        for grant in standing.grants
        for what in (f"role {grant.role}", *(each.value for each in grant.permissions))
    )


@dataclass(slots=True, eq=False)
class ApiSession:
    """A verified credential, or None for who did not sign in; and what was held when its operations began."""

    principal: Principal | None
    _held: frozenset[Right] = field(default=frozenset(), init=False)
    _checked: Viewer | None = field(default=None, init=False)

    @property
    def expires_at_utc(self) -> datetime | None:
        """When the credential ends; None for never."""
        return None if self.principal is None else self.principal.expires_at_utc

    def begin(self, viewer: Viewer) -> None:
        """An operation begins with what the viewer holds."""
        self._held |= _rights(viewer.standing)
        self._checked = None

    def require_held(self, viewer: Viewer) -> None:
        """Raise Forbidden if the viewer lost a right, since its streams may rest on it."""
        if viewer is self._checked:
            return
        now = _rights(viewer.standing)
        if any(right not in now and (right[0], None) not in now for right in self._held):
            raise Forbidden("what you may do has changed; connect again")
        self._checked = viewer


class EventLoaders(TenantLoaders):
    """Loaders of one subscription event, which remember the names that every event shows."""

    def __init__(self, ports: Ports, tenant_id: UUID, names: Remembered[str | None]) -> None:
        super().__init__(ports, tenant_id)
        self._tenant_id = tenant_id
        self._names = names

    async def user_name(self, user_id: UUID) -> str | None:
        """A person's name."""
        return await self._names.get(self._tenant_id, user_id, lambda: super(EventLoaders, self).user_name(user_id))


class GraphQLBackend:
    """Sessions and contexts of one process."""

    def __init__(self, container: Container, known: KnownDocuments | None = None) -> None:
        self._container = container
        self._known = known or KnownDocuments()
        self._only_known = container.settings.documents == "known"
        self._documents: Remembered[str | None] = Remembered(container.relay, _DOCUMENT_SUBJECTS, _MAX_AGE_SECONDS)
        self._viewers: Remembered[Viewer] = Remembered(container.relay, _STANDING_SUBJECTS, _MAX_AGE_SECONDS)
        self._names: Remembered[str | None] = Remembered(container.relay, _NAME_SUBJECTS, _MAX_AGE_SECONDS)

    async def authenticate(self, authorization: str | None) -> ApiSession:
        """The session of an Authorization value; an anonymous one for None.

        Raises:
            Unauthenticated: another scheme, or a credential that is wrong, has ended or was revoked.
        """
        if authorization is None:
            return ApiSession(None)
        scheme, _, credential = authorization.partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential:
            raise Unauthenticated("send the access token or API key as: Authorization: Bearer ...")
        if credential.startswith(API_KEY_START):
            return ApiSession(await api_keys.identify(self._container.ports, credential))
        return ApiSession(self._container.tokens.verify(credential))

    async def new_context(self, session: Session, request_id: str) -> Context:
        """A fresh context, with what the session's subject holds now.

        Raises:
            Unauthenticated: the credential ended or was revoked, or nothing is held in the tenant any more.
        """
        known = cast("ApiSession", session)  # the transport hands back what authenticate gave
        if known.principal is None:
            return self._context(None, TenantLoaders(self._container.ports, None), request_id)
        viewer = await look_up(self._container.ports, known.principal)
        known.begin(viewer)
        return self._context(viewer, TenantLoaders(self._container.ports, viewer.tenant_id), request_id)

    async def event_context(self, session: Session, request_id: str) -> Context:
        """A context for a subscription event, with what the session's subject held at that event.

        Raises:
            Unauthenticated: as for new_context.
            Forbidden: something is still held, but not all that was when one of the session's operations began.
        """
        known = cast("ApiSession", session)
        principal, ports = known.principal, self._container.ports
        if principal is None:
            return await self.new_context(session, request_id)
        if principal.has_expired(ports.clock.now_utc()):
            raise Unauthenticated("this token has expired; sign in again")
        viewer = await self._viewers.get(principal.tenant_id, principal, lambda: look_up(ports, principal))
        known.require_held(viewer)
        return self._context(viewer, EventLoaders(ports, viewer.tenant_id, self._names), request_id)

    async def document(self, session: Session, sha256: str) -> str | None:
        """A document that everybody may run, or one of the tenant's own."""
        principal, ports = cast("ApiSession", session).principal, self._container.ports
        text = self._known.text(sha256)
        if text is not None or principal is None:
            return text
        tenant_id = principal.tenant_id
        return await self._documents.get(tenant_id, sha256, lambda: documents.text_of(ports, tenant_id, sha256))

    async def may_run(self, session: Session, text: str) -> bool:
        """Whatever it is, unless the server is set to known documents."""
        if not self._only_known or self._known.knows(text):
            return True
        return await self.document(session, sha256_of(text)) is not None

    def audience(self, session: Session, *, same_for_all: bool) -> Hashable | None:
        """The credential's principal: many sockets of one API key, or of one signed-in page, see the same; or all."""
        principal = cast("ApiSession", session).principal
        return principal.tenant_id if same_for_all and principal is not None else principal

    def payer(self, session: Session) -> Hashable | None:
        """The person or key behind the credential: more sessions give no larger share."""
        principal = cast("ApiSession", session).principal
        return None if principal is None else (principal.tenant_id, principal.subject_id)

    def event_key(self, context: Context, event: object, *, same_for_all: bool) -> Hashable | None:
        """A message of a log by its kind and number, with what the viewer holds where that matters."""
        if context.viewer is None or not isinstance(event, StreamMessage):
            return None
        return None if same_for_all else context.viewer.standing, type(event), event.sequence

    def shared_context(self, context: Context) -> SharedContext:
        """The same without its viewer."""
        return SharedContext(context.ports, context.relay, context.loaders, context.request_id)

    def _context(self, viewer: Viewer | None, loaders: TenantLoaders, request_id: str) -> Context:
        return Context(self._container.ports, self._container.relay, viewer, loaders, request_id)
