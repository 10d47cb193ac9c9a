"""People, roles and memberships. A person is one e-mail address in one tenant; a membership gives roles in a workspace.

Accounts are a tenant's own: whoever sets up an account here, with a password they know, opens no other tenant by it,
and nobody learns from an e-mail address whether it is known elsewhere.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import orjson
from tortoise import Model, fields

from domain.access import Grant, Permission, SeededRole, Standing
from domain.errors import NotFound
from domain.members import Person
from kit.ids import new_id
from models.scope import Scope, WriteScope, as_value, json_text


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
    rows = await scope.rows(
        "SELECT m.id, m.workspace_id, m.roles AS held, r.name, r.permissions FROM memberships m "
        "JOIN roles r ON r.tenant_id = m.tenant_id "
        "WHERE m.tenant_id = $1 AND m.user_id = $2 AND m.revoked_at_utc IS NULL",
        scope.tenant_id,
        user_id,
    )
    grants = tuple(
        Grant(row["name"], _permissions(row["permissions"]), _uuid(row["workspace_id"]))
        for row in rows
        if row["name"] in orjson.loads(row["held"])
    )
    return Standing(scope.tenant_id, user_id, UUID(str(rows[0]["id"])), grants) if rows else None


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
    if not rows:
        raise NotFound("no such person")
    return as_value(Person, rows[0]), str(rows[0]["tenant_name"])


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
