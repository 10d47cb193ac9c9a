"""Members: a person's roles in a workspace, and the rules for changing them. Pure; knows no passwords.

A member's value holds no name and no e-mail address, so neither reaches the log with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.access import Permission, PrincipalKind, RoleName
from domain.errors import InvalidInput, InvalidTransition
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


def keeps_an_owner(before: Member, after: Member, owners: Iterable[Member]) -> bool:
    """Whether somebody still owns the place after a change: no tenant or workspace is left that nobody may administer.

    Args:
        before: the member as it is.
        after: what it would become.
        owners: all unrevoked members of the tenant who hold the owner role, `before` among them if it does.
    """
    owner = RoleName.OWNER.value
    if owner not in before.roles or (owner in after.roles and after.revoked_at_utc is None):
        return True
    # A tenant-wide owner owns every workspace; a workspace's owner does not own the tenant.
    return any(each.id != before.id and each.workspace_id in {None, before.workspace_id} for each in owners)


def check_name(name: str, path: tuple[str, ...] = ("name",)) -> str:
    """A name, trimmed: 1 to 200 characters. Raises InvalidInput."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 200 or not trimmed.isprintable():  # noqa: PLR2004 - the docstring's bound
        raise InvalidInput("a name has 1 to 200 printable characters", path=path)
    return trimmed


def _require_active(member: Member) -> None:
    if member.revoked_at_utc is not None:
        raise InvalidTransition("this member was revoked; add the person again", state="REVOKED")
