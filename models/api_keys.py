"""API keys: stored as hashes, per tenant and workspace, with scopes."""

from datetime import datetime
from uuid import UUID

import orjson
from tortoise import Model, fields

from domain.access import Permission, Standing, api_key_standing
from models.scope import Scope


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


async def standing(scope: Scope, api_key_id: UUID, now_utc: datetime) -> Standing | None:
    """What an API key holds now, None when it was revoked, has ended, or is another tenant's."""
    row = await scope.of(ApiKeyTable).filter(id=api_key_id, revoked_at_utc=None).first()
    if row is None or (row.expires_at_utc is not None and row.expires_at_utc <= now_utc):
        return None
    permissions = frozenset(Permission(name) for name in orjson.loads(row.scopes))
    return api_key_standing(scope.tenant_id, row.id, permissions, frozenset({row.workspace_id}))
