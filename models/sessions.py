"""Refresh tokens, in families: using one twice revokes all its relatives."""

from tortoise import Model, fields


class RefreshTokenTable(Model):
    """One refresh token by its hash. `used_at_utc` set: a later use is theft and ends the family."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    user_id = fields.UUIDField()
    family_id = fields.UUIDField(db_index=True)
    token_hash = fields.CharField(max_length=64, unique=True)
    issued_at_utc = fields.DatetimeField()
    expires_at_utc = fields.DatetimeField()
    used_at_utc = fields.DatetimeField(null=True)
    revoked_at_utc = fields.DatetimeField(null=True)

    class Meta:
        table = "refresh_tokens"
