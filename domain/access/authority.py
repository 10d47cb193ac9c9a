"""Who may do what: how a credential and a standing join to an authority, the only thing that permits.

    Principal   who is asking, as the credential says: a user or an API key, its tenant, scopes and end
    Standing    what that subject holds now, as the database says: roles, tenant-wide or in single workspaces
    Authority   both joined, for one workspace or for the tenant itself

A credential never permits by itself: the roles written into a token are news from when it was issued, and only limits
are taken from it, its scopes and its end. So a revoked role ends at the next look, not at the token's expiry.

Must not look anything up, hash, sign or verify: those are services and adapters.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from domain.access.permissions import ACT_NEEDS, Permission, ReservedAct, RoleName
from domain.errors import Forbidden


class PrincipalKind(StrEnum):
    """What stands behind a credential."""

    USER = "USER"
    API_KEY = "API_KEY"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, as a verified credential says. Permits nothing by itself.

    Attributes:
        subject_id: the user, or the API key where the kind is API_KEY.
        credential_id: the session (refresh family) of a user's token; the API key again for a key.
        scopes: what the credential may be used for at most, out of ALL_SCOPES.
        expires_at_utc: when the credential ends; None for an API key without an end.
    """

    kind: PrincipalKind
    tenant_id: UUID
    subject_id: UUID
    credential_id: UUID
    scopes: frozenset[str]
    expires_at_utc: datetime | None

    @property
    def actor(self) -> str:
        """The name under which the log records this subject: "user:<uuid>" or "api_key:<uuid>"."""
        return f"{self.kind.value.lower()}:{self.subject_id}"

    def has_expired(self, now_utc: datetime) -> bool:
        """Whether the credential's end is reached: what an open subscription asks before each event."""
        return self.expires_at_utc is not None and now_utc >= self.expires_at_utc


@dataclass(frozen=True, slots=True)
class Grant:
    """One role held, with the permissions that role has now, in one workspace or (None) in the whole tenant."""

    role: str
    permissions: frozenset[Permission]
    workspace_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything a user or API key holds in a tenant at this moment. `member_id` is None for an API key."""

    tenant_id: UUID
    subject_id: UUID
    member_id: UUID | None
    grants: tuple[Grant, ...]

    @property
    def workspace_ids(self) -> frozenset[UUID] | None:
        """The workspaces this subject can enter; None means all of the tenant's."""
        places = {grant.workspace_id for grant in self.grants}
        return None if None in places else frozenset(place for place in places if place is not None)


def api_key_standing(
    tenant_id: UUID, api_key_id: UUID, permissions: frozenset[Permission], workspace_ids: frozenset[UUID] | None
) -> Standing:
    """The standing of an API key: its own permissions, in the workspaces given or (None) in the whole tenant."""
    places: Iterable[UUID | None] = (None,) if workspace_ids is None else sorted(workspace_ids)
    grants = tuple(Grant("api_key", permissions, place) for place in places)
    return Standing(tenant_id, api_key_id, None, grants)


@dataclass(frozen=True, slots=True)
class Authority:
    """What a principal may do in one workspace, or in the tenant itself where `workspace_id` is None.

    Attributes:
        roles: held there, tenant-wide ones included.
        role_permissions: what those roles give.
        permissions: what counts: role_permissions within the credential's scopes.
    """

    principal: Principal
    member_id: UUID | None
    workspace_id: UUID | None
    roles: frozenset[str]
    role_permissions: frozenset[Permission]
    permissions: frozenset[Permission]

    @property
    def tenant_id(self) -> UUID:
        """The tenant of the principal: every query is asked for this one."""
        return self.principal.tenant_id


# Pure, and asked again for every field that is checked.
@lru_cache(maxsize=1_024)
def authority_in(principal: Principal, standing: Standing, workspace_id: UUID | None) -> Authority:
    """Join a credential with what its subject holds now, for one workspace or (None) for the tenant itself.

    Tenant-wide roles hold in every workspace; a workspace's roles hold nowhere else, not for the tenant either.
    A workspace in which nothing is held gives an authority that permits nothing. That the workspace is one of this
    tenant's is for the query that found it to ensure.

    Raises:
        ValueError: the standing is another subject's or another tenant's; a mistake of the caller, never of a client.
    """
    if (principal.tenant_id, principal.subject_id) != (standing.tenant_id, standing.subject_id):
        raise ValueError("a principal and a standing of different subjects or tenants must not be joined")
    held = [grant for grant in standing.grants if grant.workspace_id is None or grant.workspace_id == workspace_id]
    role_permissions = frozenset(permission for grant in held for permission in grant.permissions)
    return Authority(
        principal=principal,
        member_id=standing.member_id,
        workspace_id=workspace_id,
        roles=frozenset(grant.role for grant in held),
        role_permissions=role_permissions,
        permissions=frozenset(each for each in role_permissions if each.value in principal.scopes),
    )


def may(authority: Authority, permission: Permission) -> bool:
    """Whether the roles held here give this permission and the credential's scopes let it through."""
    return permission in authority.permissions


def require(authority: Authority, permission: Permission) -> None:
    """Raise Forbidden, saying what is missing, unless `may`."""
    if may(authority, permission):
        return
    if permission in authority.role_permissions:
        raise Forbidden(f"the scopes of this credential leave out {permission.value}")
    raise Forbidden(f"this needs the permission {permission.value} {_place(authority)}")


def may_perform(authority: Authority, act: ReservedAct) -> bool:
    """Whether a person with the act's permission, role and scope is asking, in a place where the act can be done."""
    return _missing_for(authority, act) is None


def require_act(authority: Authority, act: ReservedAct) -> None:
    """Raise Forbidden, saying what is missing, unless `may_perform`."""
    missing = _missing_for(authority, act)
    if missing is not None:
        raise Forbidden(missing)


def may_decide_budgets(authority: Authority) -> bool:
    """Whether this person may approve, edit or reject budget changes here: write on campaigns and the reviewer role."""
    return may_perform(authority, ReservedAct.DECIDE_BUDGETS)


def may_grant(authority: Authority, role: str, permissions: frozenset[Permission]) -> bool:
    """Whether a role with these permissions may be given out (or taken away) by this authority, in its own place.

    It takes write access to users, and nobody gives what they do not hold. Roles that open a reserved act come from an
    owner in person: else write access to users would be a way to everything.
    """
    if not may(authority, Permission.USER_WRITE) or not permissions <= authority.permissions:
        return False
    if role not in {needs.role.value for needs in ACT_NEEDS.values()}:
        return True
    return authority.principal.kind is PrincipalKind.USER and RoleName.OWNER.value in authority.roles


def _missing_for(authority: Authority, act: ReservedAct) -> str | None:
    needs = ACT_NEEDS[act]
    if authority.principal.kind is not PrincipalKind.USER:
        return f"{act.value} takes a person; an API key cannot do it"
    if needs.tenant_wide and authority.workspace_id is not None:
        return f"{act.value} is done to the tenant, not in a workspace"
    if needs.permission not in authority.role_permissions:
        return f"{act.value} needs the permission {needs.permission.value} {_place(authority)}"
    if needs.role.value not in authority.roles:
        return f"{act.value} needs the role {needs.role.value} {_place(authority)}"
    if not {act.value, needs.permission.value} <= authority.principal.scopes:
        return f"the scopes of this credential leave out {act.value} or {needs.permission.value}"
    return None


def _place(authority: Authority) -> str:
    return "in this tenant" if authority.workspace_id is None else "in this workspace"
