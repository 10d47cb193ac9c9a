"""Who is asking, with what they hold now: the join of a credential and the memberships as they stand.

The token only says who; authority is looked up for every operation and every subscription event, so a revoked role
ends at the next look.
"""

from dataclasses import dataclass
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
from models import api_keys, members
from services.ports import Ports


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

    def enters(self, workspace_id: UUID) -> bool:
        """Whether the viewer holds anything in a workspace."""
        places = self.standing.workspace_ids
        return places is None or workspace_id in places

    def authority(self, workspace_id: UUID | None) -> Authority:
        """What the viewer may do there. Raises NotFound where nothing is held: it might as well not exist."""
        if workspace_id is not None and not self.enters(workspace_id):
            raise NotFound("no such workspace")
        return authority_in(self.principal, self.standing, workspace_id)

    def require(self, workspace_id: UUID | None, permission: Permission) -> Authority:
        """The authority there, with this permission. Raises NotFound or Forbidden."""
        authority = self.authority(workspace_id)
        require(authority, permission)
        return authority

    def require_act(self, workspace_id: UUID | None, act: ReservedAct) -> Authority:
        """The authority there, with this reserved act. Raises NotFound or Forbidden."""
        authority = self.authority(workspace_id)
        require_act(authority, act)
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
