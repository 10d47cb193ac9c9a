"""API keys: stored as hashes, per tenant and workspace, with scopes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from tortoise import Model, fields

from domain.access import Standing, api_key_standing
from domain.api_keys import ApiKey, is_usable
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, json_text, only, sliced


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


def _value(row: Mapping[str, Any]) -> ApiKey:
    return as_value(ApiKey, {**row, "permissions": orjson.loads(row["scopes"])})


async def usable(scope: Scope, api_key_id: UUID, now_utc: datetime) -> ApiKey | None:
    """An API key, None when it was revoked, has ended, or is another tenant's."""
    rows = await scope.of(ApiKeyTable).filter(id=api_key_id).values()
    found = _value(rows[0]) if rows else None
    return found if found is not None and is_usable(found, now_utc) else None


async def standing(scope: Scope, api_key_id: UUID, now_utc: datetime) -> Standing | None:
    """What an API key holds now, None when it was revoked, has ended, or is another tenant's."""
    found = await usable(scope, api_key_id, now_utc)
    if found is None:
        return None
    return api_key_standing(scope.tenant_id, found.id, frozenset(found.permissions), frozenset({found.workspace_id}))


async def name_in_tenant(scope: Scope, api_key_id: UUID) -> tuple[str, str]:
    """An API key's name and the tenant's. Raises NotFound, also for another tenant's."""
    rows = await scope.rows(
        "SELECT k.name, t.name AS tenant_name FROM api_keys k JOIN tenants t ON t.id = k.tenant_id "
        "WHERE k.tenant_id = $1 AND k.id = $2",
        scope.tenant_id,
        api_key_id,
    )
    row = only(rows, "no such API key")
    return str(row["name"]), str(row["tenant_name"])


async def api_key(scope: Scope, api_key_id: UUID) -> ApiKey:
    """One API key, usable or not. Raises NotFound, also for another tenant's."""
    rows = await scope.of(ApiKeyTable).filter(id=api_key_id).values()
    return _value(only(rows, "no such API key"))


async def api_keys_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, ApiKey]:
    """API keys by id, usable or not; other tenants' are absent."""
    found = [_value(row) for row in await scope.of(ApiKeyTable).filter(id__in=ids).values()]
    return {each.id: each for each in found}


async def api_key_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[ApiKey]:
    """What a slice fetches of a workspace's API keys, revoked ones too, newest first."""
    query = scope.of(ApiKeyTable).filter(workspace_id=workspace_id)
    return [_value(row) for row in await sliced(query, place, newest_first=True)]


async def add_api_key(scope: WriteScope, new: ApiKey, secret_hash: str) -> None:
    """A new API key; of its secret only the hash."""
    await scope.create(
        ApiKeyTable,
        id=new.id,
        workspace_id=new.workspace_id,
        name=new.name,
        prefix=new.prefix,
        secret_hash=secret_hash,
        scopes=json_text(sorted(each.value for each in new.permissions)),
        created_by_id=new.created_by_id,
        created_at_utc=new.created_at_utc,
        expires_at_utc=new.expires_at_utc,
    )


async def revoke_api_key(scope: WriteScope, after: ApiKey) -> bool:
    """Store a key's revocation; False when it was revoked before."""
    touched = await scope.execute(
        "UPDATE api_keys SET revoked_at_utc = $1 WHERE id = $2 AND tenant_id = $3 AND revoked_at_utc IS NULL",
        after.revoked_at_utc,
        after.id,
        scope.tenant_id,
    )
    return bool(touched)
