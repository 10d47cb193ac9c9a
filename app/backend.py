"""Who is on a request or socket, and the context of each of its operations: the transport's `Backend`.

Two credentials open the door, both as `Authorization: Bearer ...`: an access token (a JWT) and an API key (`ce_...`).
Must not decide what anybody may do; that is looked up anew for every operation and every subscription event.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from app.container import Container
from app.graphql_transport import Session
from domain.access import Principal
from domain.errors import Unauthenticated
from resolvers.context import Context
from resolvers.loaders import TenantLoaders
from services import api_keys
from services.viewers import look_up

API_KEY_START: Final = "ce_"


@dataclass(frozen=True, slots=True)
class ApiSession:
    """A verified credential, or None for who did not sign in."""

    principal: Principal | None

    @property
    def expires_at_utc(self) -> datetime | None:
        """When the credential ends; None for never."""
        return None if self.principal is None else self.principal.expires_at_utc


class GraphQLBackend:
    """Sessions and contexts of one process."""

    def __init__(self, container: Container) -> None:
        self._container = container

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
        principal = cast("ApiSession", session).principal  # the transport hands back what authenticate gave
        ports = self._container.ports
        viewer = None if principal is None else await look_up(ports, principal)
        loaders = TenantLoaders(ports, None if principal is None else principal.tenant_id)
        return Context(ports, self._container.relay, viewer, loaders, request_id)
