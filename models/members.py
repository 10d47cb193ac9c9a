"""People, roles and memberships. A user is one e-mail address; a membership gives roles in one workspace."""

from tortoise import Model, fields


class UserTable(Model):
    """A person with a local account. Looked up by e-mail across tenants only at sign-in."""

    id = fields.UUIDField(primary_key=True)
    email = fields.CharField(max_length=254, unique=True)
    name = fields.CharField(max_length=200)
    password_hash = fields.CharField(max_length=200)
    created_at_utc = fields.DatetimeField()

    class Meta:
        table = "users"


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
    workspace_id = fields.UUIDField()
    user_id = fields.UUIDField(db_index=True)
    roles = fields.TextField()
    version = fields.IntField()
    revoked_at_utc = fields.DatetimeField(null=True)

    class Meta:
        table = "memberships"
        unique_together = (("workspace_id", "user_id"),)
