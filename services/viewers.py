"""Who is asking, with what they hold now: the join of a credential and the memberships as they stand.

The token only says who; authority is looked up for every operation and every subscription event, so a revoked role
ends at the next look.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.access import (
    Authority,
    Permission,
    Principal,
    PrincipalKind,
    ReservedAct,
    Standing,
    authority_in,
    require,
    require_act,
)
from domain.errors import NotFound, Unauthenticated
from domain.log import Actor, ActorKind
from models import api_keys, members, tenants
from services.ports import Ports


class InWorkspace(Protocol):
    """What lives in a workspace, or in the whole tenant."""

    @property
    def workspace_id(self) -> UUID | None:
        """Where it lives; None for the tenant itself."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A principal with its standing, read once per operation."""

    principal: Principal
    standing: Standing

    @property
    def tenant_id(self) -> UUID:
        """The tenant every query is asked for."""
        return self.principal.tenant_id

    @property
    def actor(self) -> Actor:
        """The viewer as the log names it: an id, never an e-mail address."""
        kind = ActorKind.MEMBER if self.principal.kind is PrincipalKind.USER else ActorKind.API_KEY
        return Actor(kind, str(self.principal.subject_id))

    def enters(self, workspace_id: UUID | None) -> bool:
        """Whether the viewer holds anything in a workspace; its own tenant (None) it always enters."""
        places = self.standing.workspace_ids
        return workspace_id is None or places is None or workspace_id in places

    def authority(self, workspace_id: UUID | None) -> Authority:
        """What the viewer may do there. Raises NotFound where nothing is held: it might as well not exist."""
        if not self.enters(workspace_id):
            raise NotFound("no such workspace")
        return authority_in(self.principal, self.standing, workspace_id)

    def require(self, workspace_id: UUID | None, permission: Permission) -> Authority:
        """The authority there, with this permission. Raises NotFound or Forbidden."""
        authority = self.authority(workspace_id)
        require(authority, permission)
        return authority

    def require_at(self, found: InWorkspace, permission: Permission, missing: str) -> Authority:
        """The authority where a thing lives, with this permission.

        Raises:
            NotFound: nothing is held there. `missing` says it as the query does that finds no such thing at all.
            Forbidden
        """
        if not self.enters(found.workspace_id):
            raise NotFound(missing)
        return self.require(found.workspace_id, permission)

    def require_act(self, workspace_id: UUID | None, act: ReservedAct) -> Authority:
        """The authority there, with this reserved act. Raises NotFound or Forbidden."""
        authority = self.authority(workspace_id)
        require_act(authority, act)
        return authority


def signed_in(viewer: Viewer | None) -> Viewer:
    """Who is asking. Raises Unauthenticated for nobody."""
    if viewer is None:
        raise Unauthenticated("sign in first: this needs an Authorization header with a bearer token")
    return viewer


async def authority_in_own(ports: Ports, viewer: Viewer, workspace_id: UUID, permission: Permission) -> Authority:
    """The viewer's authority, with this permission, in a workspace that is the tenant's own.

    Who is in the whole tenant enters every workspace id there could be, so the table is asked, too.

    Raises:
        NotFound, Forbidden
    """
    authority = viewer.require(workspace_id, permission)
    await tenants.workspace(ports.database.read(viewer.tenant_id), workspace_id)
    return authority


async def look_up(ports: Ports, principal: Principal) -> Viewer:
    """The viewer behind a verified credential, with what it holds now.

    Raises:
        Unauthenticated: the credential ended, the key was revoked, or nothing is held in the tenant any more.
    """
    if principal.has_expired(ports.clock.now_utc()):
        raise Unauthenticated("this token has expired; sign in again")
    scope = ports.database.read(principal.tenant_id)
    if principal.kind is PrincipalKind.USER:
        standing = await members.standing(scope, principal.subject_id)
    else:
        standing = await api_keys.standing(scope, principal.subject_id, ports.clock.now_utc())
    if standing is None or not standing.grants:
        raise Unauthenticated("this credential no longer gives access to anything")
    return Viewer(principal, standing)
