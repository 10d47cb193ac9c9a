"""People, roles and memberships. A person is one e-mail address in one tenant; a membership gives roles in a workspace.

Accounts are a tenant's own: whoever sets up an account here, with a password they know, opens no other tenant by it,
and nobody learns from an e-mail address whether it is known elsewhere.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from tortoise import Model, fields
from tortoise.expressions import Q

from domain.access import Grant, Permission, RoleName, SeededRole, Standing
from domain.members import Member, MemberProfile, Person
from kit.ids import new_id
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, json_text, only, sliced


class UserTable(Model):
    """A person with a local account in one tenant. Looked up by e-mail across tenants only at sign-in."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    email = fields.CharField(max_length=254, db_index=True)
    name = fields.CharField(max_length=200)
    password_hash = fields.CharField(max_length=200)
    created_at_utc = fields.DatetimeField()

    class Meta:
        table = "users"
        unique_together = (("tenant_id", "email"),)


class RoleTable(Model):
    """A named set of permissions. The eight stakeholder roles, owner and reviewer are seeded per tenant."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    name = fields.CharField(max_length=64)
    permissions = fields.TextField()

    class Meta:
        table = "roles"
        unique_together = (("tenant_id", "name"),)


class MembershipTable(Model):
    """The roles of a person in a workspace. Revoked memberships stay, so that history keeps its names."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    # NULL: the roles hold in the whole tenant.
    workspace_id = fields.UUIDField(null=True)
    user_id = fields.UUIDField(db_index=True)
    roles = fields.TextField()
    version = fields.IntField()
    # NULL where the tenant was set up with it.
    changed_by_kind = fields.CharField(max_length=16, null=True)
    changed_by_id = fields.CharField(max_length=64, null=True)
    changed_at_utc = fields.DatetimeField(null=True)
    revoked_at_utc = fields.DatetimeField(null=True)

    class Meta:
        table = "memberships"
        unique_together = (("workspace_id", "user_id"),)


async def standing(scope: Scope, user_id: UUID) -> Standing | None:
    """What a user holds in the tenant now, None if nothing. One statement: it runs for every operation."""
    rows = await scope.tuples(
        "SELECT m.id, m.workspace_id, m.roles, r.name, r.permissions FROM memberships m "
        "JOIN roles r ON r.tenant_id = m.tenant_id "
        "WHERE m.tenant_id = $1 AND m.user_id = $2 AND m.revoked_at_utc IS NULL",
        scope.tenant_id,
        user_id,
    )
    return _standing(scope.tenant_id, user_id, tuple(rows)) if rows else None


@lru_cache(maxsize=1_024)
def _standing(tenant_id: UUID, user_id: UUID, rows: tuple[tuple[Any, ...], ...]) -> Standing:
    """What these rows say: memberships, each beside every role of the tenant. The same rows say the same again."""
    grants = tuple(
        Grant(name, _permissions(permissions), _uuid(workspace_id))
        for _, workspace_id, held, name, permissions in rows
        if name in orjson.loads(held)
    )
    return Standing(tenant_id, user_id, UUID(str(rows[0][0])), grants)


def _uuid(value: object) -> UUID | None:
    return None if value is None else UUID(str(value))


@lru_cache(maxsize=256)
def _permissions(text: str) -> frozenset[Permission]:
    return frozenset(Permission(name) for name in orjson.loads(text))


async def person_in_tenant(scope: Scope, user_id: UUID) -> tuple[Person, str]:
    """A person and the tenant's name. Raises NotFound, also for another tenant's."""
    rows = await scope.rows(
        "SELECT u.id, u.name, u.email, t.name AS tenant_name FROM users u JOIN tenants t ON t.id = u.tenant_id "
        "WHERE u.tenant_id = $1 AND u.id = $2",
        scope.tenant_id,
        user_id,
    )
    row = only(rows, "no such person")
    return as_value(Person, row), str(row["tenant_name"])


async def names_by_user_id(scope: Scope, user_ids: list[UUID]) -> dict[UUID, str]:
    """Names of people who are or were members of the tenant; others are absent."""
    rows = await scope.of(UserTable).filter(id__in=user_ids).values("id", "name")
    return {row["id"]: row["name"] for row in rows}


async def add_user(
    scope: WriteScope, user_id: UUID, email: str, name: str, password_hash: str, at_utc: datetime
) -> None:
    """A new person; the e-mail address must be free in the tenant."""
    await scope.create(
        UserTable,
        id=user_id,
        email=email,
        name=name,
        password_hash=password_hash,
        created_at_utc=at_utc,
    )


async def add_roles(scope: WriteScope, roles: Iterable[SeededRole]) -> None:
    """The roles a tenant begins with."""
    rows: list[dict[str, object]] = [
        {
            "id": new_id(),
            "name": role.name.value,
            "permissions": json_text(sorted(permission.value for permission in role.permissions)),
        }
        for role in roles
    ]
    await scope.create_all(RoleTable, rows)


async def add_membership(scope: WriteScope, workspace_id: UUID | None, user_id: UUID, roles: Iterable[str]) -> UUID:
    """A person's roles in a workspace, or (None) in the whole tenant. Returns the membership's id."""
    id_ = new_id()
    await scope.create(
        MembershipTable,
        id=id_,
        workspace_id=workspace_id,
        user_id=user_id,
        roles=json_text(sorted(roles)),
        version=1,
    )
    return id_


def _member(row: Mapping[str, Any]) -> Member:
    kind = row["changed_by_kind"]
    changed_by = None if kind is None else {"kind": kind, "id": row["changed_by_id"]}
    return as_value(Member, {**row, "roles": orjson.loads(row["roles"]), "changed_by": changed_by})


async def member(scope: Scope, member_id: UUID) -> Member:
    """One member, revoked or not. Raises NotFound, also for another tenant's."""
    rows = await scope.of(MembershipTable).filter(id=member_id).values()
    return _member(only(rows, "no such member"))


async def member_of(scope: Scope, workspace_id: UUID, user_id: UUID) -> Member | None:
    """A person's membership of one workspace, revoked or not."""
    rows = await scope.of(MembershipTable).filter(workspace_id=workspace_id, user_id=user_id).values()
    return _member(rows[0]) if rows else None


async def member_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[Member]:
    """What a slice fetches of the unrevoked members who hold something in a workspace, oldest first."""
    query = scope.of(MembershipTable).filter(
        Q(workspace_id=workspace_id) | Q(workspace_id__isnull=True), revoked_at_utc=None
    )
    return [_member(row) for row in await sliced(query, place)]


async def owners_locked(scope: WriteScope) -> list[Member]:
    """The tenant's unrevoked owners, in order of id, held until the transaction ends.

    Two owners who remove each other at once would each still see the other: so whoever takes ownership away holds
    them all. SQLite has one writer, so it needs no lock.
    """
    rows = await scope.rows(
        "SELECT * FROM memberships WHERE tenant_id = $1 AND roles LIKE $2 AND revoked_at_utc IS NULL "  # noqa: S608 - two fixed texts
        f"ORDER BY id{'' if scope.is_sqlite else ' FOR UPDATE'}",
        scope.tenant_id,
        f'%"{RoleName.OWNER.value}"%',
    )
    return [_member(row) for row in rows]


async def add_member(scope: WriteScope, new: Member) -> bool:
    """A new member; False when the person is, or was, one of that workspace already."""
    rows = await scope.rows(
        "INSERT INTO memberships (id, tenant_id, workspace_id, user_id, roles, version, changed_by_kind, "
        "changed_by_id, changed_at_utc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
        "ON CONFLICT (workspace_id, user_id) DO NOTHING RETURNING id",
        new.id,
        scope.tenant_id,
        new.workspace_id,
        new.user_id,
        json_text(new.roles),
        new.version,
        *_changed_by(new),
        new.changed_at_utc,
    )
    return bool(rows)


async def store_if_unchanged(scope: WriteScope, value: Member) -> bool:
    """Write the next version if the row still has the one before; False when somebody else was first."""
    touched = await scope.execute(
        "UPDATE memberships SET roles = $1, version = $2, changed_by_kind = $3, changed_by_id = $4, "
        "changed_at_utc = $5, revoked_at_utc = $6 WHERE id = $7 AND tenant_id = $8 AND version = $9",
        json_text(value.roles),
        value.version,
        *_changed_by(value),
        value.changed_at_utc,
        value.revoked_at_utc,
        value.id,
        scope.tenant_id,
        value.version - 1,
    )
    return bool(touched)


def _changed_by(value: Member) -> tuple[str | None, str | None]:
    by = value.changed_by
    return (None, None) if by is None else (by.kind.value, by.id)


async def role_permissions(scope: Scope) -> dict[str, frozenset[Permission]]:
    """The tenant's roles by name, with what each gives."""
    rows = await scope.of(RoleTable).values("name", "permissions")
    return {row["name"]: _permissions(row["permissions"]) for row in rows}


async def profiles(scope: Scope, found: Iterable[Member]) -> list[MemberProfile]:
    """These members with their persons, in one statement; without those whose person is not the tenant's."""
    listed = list(found)
    people = await persons_by_id(scope, [each.user_id for each in listed])
    return [MemberProfile(each, people[each.user_id]) for each in listed if each.user_id in people]


async def profiles_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, MemberProfile]:
    """Members with their persons by the members' ids, revoked ones too; other tenants' are absent."""
    rows = await scope.of(MembershipTable).filter(id__in=ids).values()
    return {each.id: each for each in await profiles(scope, map(_member, rows))}


async def person_by_email(scope: Scope, email: str) -> Person | None:
    """The tenant's person with an e-mail address, in the spelling of parse_email."""
    rows = await scope.of(UserTable).filter(email=email).values("id", "name", "email")
    return as_value(Person, rows[0]) if rows else None


async def persons_by_id(scope: Scope, user_ids: list[UUID]) -> dict[UUID, Person]:
    """Persons of the tenant by id; others are absent."""
    rows = await scope.of(UserTable).filter(id__in=user_ids).values("id", "name", "email")
    return {row["id"]: as_value(Person, row) for row in rows}


async def add_person(scope: WriteScope, person: Person, password_hash: str, at_utc: datetime) -> bool:
    """A new local account; False when the tenant has one with that e-mail address."""
    rows = await scope.rows(
        "INSERT INTO users (id, tenant_id, email, name, password_hash, created_at_utc) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, email) DO NOTHING RETURNING id",
        person.id,
        scope.tenant_id,
        person.email,
        person.name,
        password_hash,
        at_utc,
    )
    return bool(rows)
