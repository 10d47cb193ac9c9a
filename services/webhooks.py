"""Use-cases of webhooks in: keep a delivery before it is answered, process it later, sync what has news.

A delivery is stored once by its digest, and has its effects once on each tenant by a row that stands in the same
transaction. So a worker that dies in between leaves nothing undone and nothing done twice.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.log import Actor, ActorKind
from domain.platforms import Platform
from domain.webhooks import (
    DIGEST_LIFE,
    LEASE,
    Change,
    RequestedSync,
    WebhookKind,
    changes,
    digest,
    issue,
    require_news,
)
from kit.ids import new_id
from models import across_tenants, webhooks
from services import ad_accounts
from services.ports import Ports
from services.unit_of_work import begin

RECEIVER: Final = Actor(ActorKind.SYSTEM, "webhooks")
SUBJECT: Final = "ad_account_issue"

#: An account with news is synced at most so often by webhooks; the regular sync comes on top.
SYNC_GAP: Final = timedelta(seconds=60)


async def receive(ports: Ports, kind: WebhookKind, body: bytes) -> bool:
    """Keep an authentic delivery for later; False when the same one came before.

    Raises:
        InvalidInput: it is no delivery, or not news.
    """
    now_utc = ports.clock.now_utc()
    require_news(body, now_utc)
    changes(body)
    scope = ports.database.system_write()
    return await across_tenants.keep_webhook(scope, kind, digest(kind, body), body.decode(), now_utc)


async def waiting(ports: Ports, limit: int = 100) -> list[UUID]:
    """Deliveries to process now, oldest first."""
    return await across_tenants.waiting_webhooks(ports.database.system(), ports.clock.now_utc(), limit)


async def process(ports: Ports, delivery_id: UUID) -> bool:
    """Let a delivery have its effects; False when another worker has it, or had.

    News of an account asks for its sync; an error reported on it becomes an event, which people are told of. Accounts
    that nobody connected concern nobody.
    """
    now_utc = ports.clock.now_utc()
    system = ports.database.system_write()
    claimed = await across_tenants.claim_webhook(system, delivery_id, now_utc, now_utc + LEASE)
    if claimed is None:
        return False
    found = changes(claimed.body.encode())
    named = sorted({change.account_external_id for change in found})
    accounts = await across_tenants.accounts_named(ports.database.system(), Platform.META, named)
    tenants: dict[UUID, list[AdAccount]] = defaultdict(list)
    for account in accounts:
        tenants[account.tenant_id].append(account)
    for tenant_id, its in tenants.items():
        await _affect(ports, tenant_id, delivery_id, claimed.kind, its, found)
    await across_tenants.end_webhook(system, delivery_id, ports.clock.now_utc())
    return True


async def _affect(
    ports: Ports,
    tenant_id: UUID,
    delivery_id: UUID,
    kind: WebhookKind,
    accounts: Sequence[AdAccount],
    found: Sequence[Change],
) -> None:
    async with begin(ports, tenant_id, RECEIVER) as work:
        if not await webhooks.begin_processing(work.scope, delivery_id):
            return
        for account in accounts:
            if kind is WebhookKind.INSIGHTS:
                await webhooks.request_sync(work.scope, account.id, work.now_utc)
                continue
            for change in found:
                if change.account_external_id == account.external_id:
                    reported = issue(change, new_id(), account.workspace_id, account.id)
                    work.record("ad_account_issue.reported", SUBJECT, None, reported)


async def requested_syncs(ports: Ports) -> list[RequestedSync]:
    """Accounts to sync now because a platform said that they have news."""
    return await across_tenants.requested_syncs(ports.database.system(), ports.clock.now_utc() - SYNC_GAP)


async def sync_requested(ports: Ports, asked: RequestedSync) -> bool:
    """Sync an account that has news; False where the platform refused, which the account then shows."""
    after = await ad_accounts.sync(ports, asked.tenant_id, asked.account_id)
    async with ports.database.write(asked.tenant_id) as scope:
        await webhooks.end_request(scope, asked.account_id, asked.requested_at_utc)
    return after.sync_error is None


async def forget_old(ports: Ports) -> int:
    """Forget deliveries that cannot come again. Returns how many."""
    return await across_tenants.forget_webhooks(ports.database.system_write(), ports.clock.now_utc() - DIGEST_LIFE)
