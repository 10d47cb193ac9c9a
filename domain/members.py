"""Members: a person's roles in a workspace, and the rules for changing them. Pure; knows no passwords.

A member's value holds no name and no e-mail address, so neither reaches the log with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.access import Authority, Permission, PrincipalKind, RoleName, may_grant
from domain.errors import Forbidden, InvalidInput, InvalidTransition
from domain.log import Actor


@dataclass(frozen=True, slots=True)
class Account:
    """A local account as sign-in finds it."""

    tenant_id: UUID
    user_id: UUID
    password_hash: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an account belongs to."""

    id: UUID
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Member:
    """A person's roles in one workspace, or (workspace_id None) in the whole tenant.

    Attributes:
        changed_by: None where the tenant was set up with it.
        revoked_at_utc: set once it gives nothing any more; the member stays, so that history keeps its names.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID | None
    user_id: UUID
    roles: tuple[str, ...]
    version: int
    changed_by: Actor | None
    changed_at_utc: datetime | None
    revoked_at_utc: datetime | None


@dataclass(frozen=True, slots=True)
class MemberProfile:
    """A member with the person behind it, for those who may read users."""

    member: Member
    person: Person

    @property
    def id(self) -> UUID:
        """The member's."""
        return self.member.id

    @property
    def workspace_id(self) -> UUID | None:
        """Where the member's roles hold; None for the whole tenant."""
        return self.member.workspace_id


@dataclass(frozen=True, slots=True)
class Place:
    """What a viewer holds in one workspace."""

    workspace_id: UUID
    name: str
    roles: tuple[str, ...]
    permissions: tuple[Permission, ...]
    may_decide_budgets: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """Who is asking, in full. `name` is an API key's own name and `email` None where a program asks."""

    kind: PrincipalKind
    subject_id: UUID
    name: str
    email: str | None
    tenant_id: UUID
    tenant_name: str
    expires_at_utc: datetime | None
    places: tuple[Place, ...]


def with_roles(member: Member, roles: Iterable[str], by: Actor, at_utc: datetime) -> Member:
    """The next version, with exactly these roles.

    Raises:
        InvalidTransition: the member was revoked.
    """
    _require_active(member)
    return replace(
        member, roles=tuple(sorted(set(roles))), version=member.version + 1, changed_by=by, changed_at_utc=at_utc
    )


def revoked(member: Member, by: Actor, at_utc: datetime) -> Member:
    """The next version, which gives nothing any more.

    Raises:
        InvalidTransition: the member was revoked before.
    """
    _require_active(member)
    return replace(member, version=member.version + 1, changed_by=by, changed_at_utc=at_utc, revoked_at_utc=at_utc)


def restored(member: Member, roles: Iterable[str], by: Actor, at_utc: datetime) -> Member:
    """The next version of a revoked member who is added again."""
    return with_roles(replace(member, revoked_at_utc=None), roles, by, at_utc)


def gives_up_ownership(before: Member, after: Member) -> bool:
    """Whether a change takes the owner role from somebody who held it."""
    owner = RoleName.OWNER.value
    return owner in before.roles and (owner not in after.roles or after.revoked_at_utc is not None)


def keeps_an_owner(leaving: Member, owners: Iterable[Member]) -> bool:
    """Whether a place still has an owner without this one: none is left that nobody may administer.

    Args:
        leaving: the member who gives up ownership.
        owners: all unrevoked members of the tenant with the owner role, `leaving` among them.
    """
    # A tenant-wide owner owns every workspace; a workspace's owner does not own the tenant.
    return any(each.id != leaving.id and each.workspace_id in {None, leaving.workspace_id} for each in owners)


def check_roles(
    wanted: Iterable[str], held: Iterable[str], known: Mapping[str, frozenset[Permission]], giver: Authority
) -> frozenset[str]:
    """The wanted roles, once it is sure that `giver` may give what is new and take what is gone.

    Args:
        wanted: what the member shall hold, in the order sent.
        held: what it holds now; empty for a new one.
        known: the tenant's roles with their permissions.
        giver: in the member's own place.

    Raises:
        InvalidInput: none, or one that the tenant does not have; the path ends in its index.
        Forbidden: a role that is not the giver's to give or take.
    """
    given = list(wanted)
    if not given:
        raise InvalidInput("name at least one role; to take all away, revoke the member", path=("roles",))
    for index, role in enumerate(given):
        if role not in known:
            raise InvalidInput(f"{role!r} is not a role of this tenant", path=("roles", str(index)))
    require_grants(set(given) ^ set(held), known, giver)
    return frozenset(given)


def require_grants(roles: Iterable[str], known: Mapping[str, frozenset[Permission]], giver: Authority) -> None:
    """Raise Forbidden unless every one of these roles is the giver's to give or take away."""
    for role in sorted(roles):
        if not may_grant(giver, role, known.get(role, frozenset())):
            raise Forbidden(f"the role {role} is not yours to give or take away")


def check_name(name: str, path: tuple[str, ...] = ("name",)) -> str:
    """A name, trimmed: 1 to 200 characters. Raises InvalidInput."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 200 or not trimmed.isprintable():  # noqa: PLR2004 - the docstring's bound
        raise InvalidInput("a name has 1 to 200 printable characters", path=path)
    return trimmed


def _require_active(member: Member) -> None:
    if member.revoked_at_utc is not None:
        raise InvalidTransition("this member was revoked; add the person again", state="REVOKED")
