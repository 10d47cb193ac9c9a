"""Idempotency keys and the answers they stand for, per tenant and actor."""

from dataclasses import dataclass
from datetime import datetime

from tortoise import Model, fields

from kit.ids import new_id
from models.scope import Scope, WriteScope


class IdempotencyTable(Model):
    """One used key. `answer` is JSON text."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    actor_id = fields.CharField(max_length=64)
    key = fields.CharField(max_length=128)
    arguments_hash = fields.CharField(max_length=64)
    answer = fields.TextField()
    created_at_utc = fields.DatetimeField(db_index=True)

    class Meta:
        table = "idempotency_keys"
        unique_together = (("tenant_id", "actor_id", "key"),)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a key was used for and what was answered."""

    arguments_hash: str
    answer: str


async def stored_answer(scope: Scope, actor_id: str, key: str) -> StoredAnswer | None:
    """The answer a key stands for, if it was used."""
    rows = await scope.rows(
        "SELECT arguments_hash, answer FROM idempotency_keys WHERE tenant_id = $1 AND actor_id = $2 AND key = $3",
        scope.tenant_id,
        actor_id,
        key,
    )
    return StoredAnswer(rows[0]["arguments_hash"], rows[0]["answer"]) if rows else None


async def store_answer(
    scope: WriteScope, actor_id: str, key: str, arguments_hash: str, answer: str, at_utc: datetime
) -> bool:
    """Claim a key with its answer; False when it was used, after waiting for whoever is using it to commit."""
    rows = await scope.rows(
        "INSERT INTO idempotency_keys (id, tenant_id, actor_id, key, arguments_hash, answer, created_at_utc) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, actor_id, key) DO NOTHING RETURNING key",
        new_id(),
        scope.tenant_id,
        actor_id,
        key,
        arguments_hash,
        answer,
        at_utc,
    )
    return bool(rows)
