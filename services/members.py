"""Use-cases on members: who is asking, who is there, and who may do what.

Changes are compare-and-set on the version that was seen. Nobody gives or takes what they do not hold, and no place is
left without an owner. Until invitations go out by e-mail, whoever adds a new person sets their first password; an
account that the tenant has already keeps its own, and the answer says which it was.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain import members as rules
from domain.access import (
    Authority,
    Permission,
    PrincipalKind,
    authority_in,
    check_new_password,
    may_decide_budgets,
    parse_email,
)
from domain.errors import InvalidInput, InvalidTransition, VersionConflict
from domain.members import Member, MemberProfile, Person, Place, Profile
from domain.workspaces import Workspace
from kit.ids import new_id
from kit.pagination import Slice
from models import api_keys, members, tenants
from services.idempotency import once
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.viewers import Viewer, authority_in_own

SUBJECT: Final = "member"


async def profile(ports: Ports, viewer: Viewer) -> Profile:
    """Who is asking, and what they hold in each workspace they can enter."""
    scope = ports.database.read(viewer.tenant_id)
    principal = viewer.principal
    if principal.kind is PrincipalKind.USER:
        person, tenant_name = await members.person_in_tenant(scope, principal.subject_id)
        name, email = person.name, person.email
    else:
        name, tenant_name = await api_keys.name_in_tenant(scope, principal.subject_id)
        email = None
    entered = [each for each in await tenants.workspaces(scope) if viewer.enters(each.id)]
    return Profile(
        kind=principal.kind,
        subject_id=principal.subject_id,
        name=name,
        email=email,
        tenant_id=viewer.tenant_id,
        tenant_name=tenant_name,
        expires_at_utc=principal.expires_at_utc,
        places=tuple(_place(viewer, each) for each in entered),
    )


def _place(viewer: Viewer, workspace: Workspace) -> Place:
    authority = authority_in(viewer.principal, viewer.standing, workspace.id)
    return Place(
        workspace_id=workspace.id,
        name=workspace.name,
        roles=tuple(sorted(authority.roles)),
        permissions=tuple(sorted(authority.permissions)),
        may_decide_budgets=may_decide_budgets(authority),
    )


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[MemberProfile]:
    """What a slice fetches of those who hold something in a workspace, oldest first. Raises NotFound, Forbidden."""
    await authority_in_own(ports, viewer, workspace_id, Permission.USER_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await members.profiles(scope, await members.member_page(scope, workspace_id, place))


async def one(ports: Ports, viewer: Viewer, member_id: UUID) -> MemberProfile:
    """One member. Raises NotFound for what the viewer cannot enter, Forbidden."""
    found, _ = await _found(ports, viewer, member_id, Permission.USER_READ)
    return await _with_person(ports, found)


@dataclass(frozen=True, slots=True)
class NewMember:
    """Whom to add. Name and password count only where the tenant has no account with that e-mail address yet."""

    email: str
    name: str
    password: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """A member, and whether the person's account was made for it."""

    profile: MemberProfile
    account_created: bool


async def add(ports: Ports, viewer: Viewer, workspace_id: UUID, new: NewMember) -> Added:
    """Add a person to a workspace, or add a revoked one again.

    Raises:
        NotFound, Forbidden
        InvalidInput: e-mail address, name, password or roles are no good, or the person is a member already.
    """
    giver = await authority_in_own(ports, viewer, workspace_id, Permission.USER_WRITE)
    scope = ports.database.read(viewer.tenant_id)
    email, name = parse_email(new.email), rules.check_name(new.name)
    check_new_password(new.password, email)
    roles = rules.check_roles(new.roles, (), await members.role_permissions(scope), giver)
    # Hashing takes tens of milliseconds: before the transaction, and only where it may be needed.
    known = await members.person_by_email(scope, email)
    password_hash = None if known else await ports.passwords.hash_soon(new.password)
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        person = Person(new_id(), name, email)
        created = password_hash is not None and await members.add_person(
            work.scope, person, password_hash, work.now_utc
        )
        if not created:
            person = await members.person_by_email(work.scope, email) or person
        member = await _join(work, workspace_id, person.id, roles)
    return Added(MemberProfile(member, person), created)


async def _join(work: Work, workspace_id: UUID, user_id: UUID, roles: frozenset[str]) -> Member:
    before = await members.member_of(work.scope, workspace_id, user_id)
    if before is not None and before.revoked_at_utc is None:
        raise _already()
    if before is not None:
        after = rules.restored(before, roles, work.actor, work.now_utc)
        stored = await members.store_if_unchanged(work.scope, after)
    else:
        after = Member(
            id=new_id(),
            tenant_id=work.scope.tenant_id,
            workspace_id=workspace_id,
            user_id=user_id,
            roles=tuple(sorted(roles)),
            version=1,
            changed_by=work.actor,
            changed_at_utc=work.now_utc,
            revoked_at_utc=None,
        )
        stored = await members.add_member(work.scope, after)
    if not stored:  # Somebody else added the person in the meantime.
        raise _already()
    work.record("member.added", SUBJECT, before, after)
    return after


async def set_roles(
    ports: Ports,
    viewer: Viewer,
    member_id: UUID,
    expected_version: int,
    roles: tuple[str, ...],
    idempotency_key: str | None = None,
) -> MemberProfile:
    """Give a member exactly these roles; what they hold counts from their next look on.

    Raises:
        NotFound, Forbidden, VersionConflict, IdempotencyMismatch
        InvalidInput: no role, or one the tenant does not have.
        InvalidTransition: the member was revoked, or the last owner would be gone.
    """
    found, giver = await _found(ports, viewer, member_id, Permission.USER_WRITE)
    known = await members.role_permissions(ports.database.read(viewer.tenant_id))

    async def act(keep: Callable[[Work, Member], Awaitable[None]]) -> Member:
        _require_version(found, expected_version)
        checked = rules.check_roles(roles, found.roles, known, giver)
        after = rules.with_roles(found, checked, viewer.actor, ports.clock.now_utc())
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            await keep(work, after)
            await _store(work, found, after, "member.roles_set")
        return after

    if idempotency_key is None:
        return await _with_person(ports, await act(_keep_nothing))
    arguments = {"id": str(member_id), "expectedVersion": expected_version, "roles": list(roles)}
    after = await once(ports, viewer, idempotency_key, "memberRolesSet", arguments, Member, act)
    return await _with_person(ports, after)


async def revoke(ports: Ports, viewer: Viewer, member_id: UUID, expected_version: int) -> MemberProfile:
    """Take everything away that a member gives; it counts from the person's next look on.

    Raises:
        NotFound, Forbidden, VersionConflict
        InvalidTransition: revoked before, or the last owner would be gone.
    """
    found, giver = await _found(ports, viewer, member_id, Permission.USER_WRITE)
    _require_version(found, expected_version)
    rules.require_grants(found.roles, await members.role_permissions(ports.database.read(viewer.tenant_id)), giver)
    after = rules.revoked(found, viewer.actor, ports.clock.now_utc())
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        await _store(work, found, after, "member.revoked")
    return await _with_person(ports, after)


async def _store(work: Work, before: Member, after: Member, kind: str) -> None:
    """Compare-and-set, with the owners held where one of them goes."""
    if rules.gives_up_ownership(before, after) and not rules.keeps_an_owner(
        before, await members.owners_locked(work.scope)
    ):
        raise InvalidTransition("somebody must stay the owner here; make somebody else one first", state="LAST_OWNER")
    if not await members.store_if_unchanged(work.scope, after):
        raise _conflict(await members.member(work.scope, before.id), before.version)
    work.record(kind, SUBJECT, before, after)


async def _keep_nothing(_work: Work, _answer: Member) -> None:
    """What `act` calls where no key asks for the answer to be kept."""


async def _found(ports: Ports, viewer: Viewer, member_id: UUID, permission: Permission) -> tuple[Member, Authority]:
    found = await members.member(ports.database.read(viewer.tenant_id), member_id)
    return found, viewer.require_at(found, permission, "no such member")


async def _with_person(ports: Ports, member: Member) -> MemberProfile:
    person, _ = await members.person_in_tenant(ports.database.read(member.tenant_id), member.user_id)
    return MemberProfile(member, person)


def _require_version(found: Member, expected_version: int) -> None:
    if found.version != expected_version:
        raise _conflict(found, expected_version)


def _conflict(current: Member, expected_version: int) -> VersionConflict:
    return VersionConflict(
        "somebody else changed this member first",
        subject_id=current.id,
        expected_version=expected_version,
        current_version=current.version,
        changed_by_id=None if current.changed_by is None else current.changed_by.id,
        changed_at_utc=current.changed_at_utc,
    )


def _already() -> InvalidInput:
    return InvalidInput("this person is a member here already", path=("email",))
