"""Webhooks in: the queue of deliveries, what was done of them, and accounts that ask to be synced.

Deliveries have no tenant, because they name ad accounts, whoever connected them: queries of the queue stand in
models/across_tenants.py.
"""

from datetime import datetime
from uuid import UUID

from tortoise import Model, fields

from kit.ids import new_id
from models.scope import WriteScope


class WebhookDeliveryTable(Model):
    """A signed delivery, kept before it is answered. The body goes once it was processed, the digest stays."""

    id = fields.UUIDField(primary_key=True)
    kind = fields.CharField(max_length=16)
    digest = fields.CharField(max_length=64, unique=True)
    body = fields.TextField()
    received_at_utc = fields.DatetimeField(db_index=True)
    attempts = fields.IntField()
    lease_until_utc = fields.DatetimeField(null=True)
    processed_at_utc = fields.DatetimeField(null=True, db_index=True)

    class Meta:
        table = "webhook_deliveries"


class ProcessedWebhookTable(Model):
    """A delivery that had its effects on a tenant."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    delivery_id = fields.UUIDField()

    class Meta:
        table = "processed_webhooks"
        unique_together = (("tenant_id", "delivery_id"),)


class SyncRequestTable(Model):
    """An account that a platform said has news."""

    account_id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    requested_at_utc = fields.DatetimeField()

    class Meta:
        table = "sync_requests"


async def begin_processing(scope: WriteScope, delivery_id: UUID) -> bool:
    """Claim a delivery for the tenant; False when it had its effects before. Must come first in its transaction."""
    rows = await scope.rows(
        "INSERT INTO processed_webhooks (id, tenant_id, delivery_id) VALUES ($1, $2, $3) "
        "ON CONFLICT (tenant_id, delivery_id) DO NOTHING RETURNING id",
        new_id(),
        scope.tenant_id,
        delivery_id,
    )
    return bool(rows)


async def request_sync(scope: WriteScope, account_id: UUID, at_utc: datetime) -> None:
    """Note that an account has news; one request for many."""
    await scope.execute(
        "INSERT INTO sync_requests (account_id, tenant_id, requested_at_utc) VALUES ($1, $2, $3) "
        "ON CONFLICT (account_id) DO UPDATE SET requested_at_utc = excluded.requested_at_utc",
        account_id,
        scope.tenant_id,
        at_utc,
    )


async def end_request(scope: WriteScope, account_id: UUID, seen_at_utc: datetime) -> None:
    """An account was synced; what was asked for while it was stays."""
    await scope.execute(
        "DELETE FROM sync_requests WHERE tenant_id = $1 AND account_id = $2 AND requested_at_utc <= $3",
        scope.tenant_id,
        account_id,
        seen_at_utc,
    )
