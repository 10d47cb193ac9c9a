"""API keys: stored as hashes, per tenant and workspace, with scopes."""

from tortoise import Model, fields


class ApiKeyTable(Model):
    """The key of a program. `prefix` finds it, `secret_hash` proves it."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField()
    name = fields.CharField(max_length=200)
    prefix = fields.CharField(max_length=32, unique=True)
    secret_hash = fields.CharField(max_length=64)
    scopes = fields.TextField()
    created_by_id = fields.UUIDField()
    created_at_utc = fields.DatetimeField()
    expires_at_utc = fields.DatetimeField(null=True)
    revoked_at_utc = fields.DatetimeField(null=True)

    class Meta:
        table = "api_keys"
