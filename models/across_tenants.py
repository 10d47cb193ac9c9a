"""The few queries that must look across tenants, each with its reason. Nothing else may take a SystemScope.

Sign-in finds a person by e-mail before any tenant is known; the relay compares all heads; the worker looks for due
work of anybody, then acts inside the tenant's own scope; a platform's quota belongs to no tenant, and neither does a
delivery of its webhooks, which names ad accounts of anybody.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.bid_campaigns import BidCampaign
from domain.bid_spools import Chunk
from domain.connections import Attempt
from domain.members import Account
from domain.platforms import Platform
from domain.quotas import QuotaUsage
from domain.sessions import RefreshToken
from domain.webhooks import MAX_ATTEMPTS as WEBHOOK_ATTEMPTS
from domain.webhooks import RequestedSync, WaitingWebhook, WebhookKind
from kit.ids import new_id
from models.bid_campaigns import bid_campaign_of
from models.scope import SystemScope, as_value, as_values

#: Ids of one statement.
_IDS: Final = 1_000


async def tenant_ids(scope: SystemScope) -> list[UUID]:
    """All tenants, oldest first: for jobs that visit each."""
    return [_uuid(row["id"]) for row in await scope.rows("SELECT id FROM tenants ORDER BY id")]


async def user_by_email(scope: SystemScope, email: str, tenant_id: UUID | None = None) -> Account | None:
    """The oldest account with an e-mail address (as parse_email spells it), or the one in a given tenant: sign-in."""
    rows = await scope.rows(
        "SELECT tenant_id, id AS user_id, password_hash FROM users WHERE email = $1 ORDER BY created_at_utc, id", email
    )
    found = [each for each in as_values(Account, rows) if tenant_id in {None, each.tenant_id}]
    return found[0] if found else None


async def refresh_token(scope: SystemScope, token_hash: str) -> RefreshToken | None:
    """A refresh token by its hash: a client that refreshes says nothing else."""
    rows = await scope.rows(
        "SELECT t.tenant_id, t.session_id, s.user_id, t.expires_at_utc, "
        "CASE WHEN t.used_at_utc IS NULL THEN 0 ELSE 1 END AS used "
        "FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.token_hash = $1",
        token_hash,
    )
    return as_value(RefreshToken, {**rows[0], "used": bool(rows[0]["used"])}) if rows else None


async def api_key_secret(scope: SystemScope, prefix: str) -> tuple[UUID, UUID, str] | None:
    """(tenant, API key, secret's hash) of the key with a prefix: a program presents its key and nothing else."""
    rows = await scope.rows("SELECT tenant_id, id, secret_hash FROM api_keys WHERE prefix = $1", prefix)
    return (_uuid(rows[0]["tenant_id"]), _uuid(rows[0]["id"]), str(rows[0]["secret_hash"])) if rows else None


async def heads(scope: SystemScope) -> dict[UUID, int]:
    """How far each tenant's log goes: the relay polls this, so that a lost hint costs a second, never an event."""
    rows = await scope.rows("SELECT tenant_id, sequence FROM log_heads")
    return {_uuid(row["tenant_id"]): int(row["sequence"]) for row in rows}


async def due_adjustments(
    scope: SystemScope, now_utc: datetime, limit: int, platform: Platform | None = None
) -> list[tuple[UUID, UUID]]:
    """(tenant, adjustment) of what may be sent now or whose lease ran out, oldest first, decreases before increases.

    Of one platform, or of all.

    In a workspace that does not dispatch at once, a change is due when its account was synced after the approval
    (RB-1.2); what was tried before is not held again, and nothing is under an emergency stop: what restores must not
    wait for a sync. What goes over a connection that a person must grant again waits.
    """
    rows = await scope.rows(
        "SELECT a.tenant_id, a.id FROM adjustments a "
        "JOIN workspaces w ON w.tenant_id = a.tenant_id AND w.id = a.workspace_id "
        "JOIN ad_accounts p ON p.tenant_id = a.tenant_id AND p.id = a.account_id "
        "LEFT JOIN platform_connections c ON c.tenant_id = p.tenant_id AND c.id = p.connection_id "
        "WHERE a.not_before_utc <= $1 AND (a.status = 'PENDING' "
        "OR (a.status IN ('SENDING', 'APPLIED') AND a.lease_until_utc < $1)) "
        "AND (c.status IS NULL OR c.status <> 'NEEDS_RECONNECT') AND ($3 = '' OR p.platform = $3) "
        "AND (w.dispatch_immediately OR a.attempts > 0 OR p.synced_at_utc > a.created_at_utc "
        "OR EXISTS (SELECT 1 FROM emergency_stops s WHERE s.tenant_id = a.tenant_id "
        "AND s.workspace_id = a.workspace_id AND s.lifted_at_utc IS NULL)) "
        "ORDER BY CASE WHEN a.delta_reporting_micros < 0 THEN 0 ELSE 1 END, a.id LIMIT $2",
        now_utc,
        limit,
        "" if platform is None else platform.value,
    )
    return [(_uuid(row["tenant_id"]), _uuid(row["id"])) for row in rows]


async def due_rechecks(
    scope: SystemScope, now_utc: datetime, limit: int, platform: Platform | None = None
) -> list[tuple[UUID, UUID]]:
    """(tenant, adjustment) of the confirmed changes that are to be read once more by now, the longest due first.

    Of one platform, or of all.
    """
    rows = await scope.rows(
        "SELECT a.tenant_id, a.id FROM adjustments a "
        "JOIN ad_accounts p ON p.tenant_id = a.tenant_id AND p.id = a.account_id "
        "WHERE a.recheck_at_utc <= $1 AND a.status = 'CONFIRMED' AND ($3 = '' OR p.platform = $3) "
        "ORDER BY a.recheck_at_utc, a.id LIMIT $2",
        now_utc,
        limit,
        "" if platform is None else platform.value,
    )
    return [(_uuid(row["tenant_id"]), _uuid(row["id"])) for row in rows]


async def due_status_changes(
    scope: SystemScope, now_utc: datetime, limit: int, platform: Platform | None = None
) -> list[tuple[UUID, UUID]]:
    """(tenant, status change) of what may be sent now or whose lease ran out, pauses first, then oldest first.

    Of one platform, or of all. What goes over a connection that a person must grant again waits.
    """
    rows = await scope.rows(
        "SELECT s.tenant_id, s.id FROM status_changes s "
        "JOIN ad_accounts p ON p.tenant_id = s.tenant_id AND p.id = s.account_id "
        "LEFT JOIN platform_connections c ON c.tenant_id = p.tenant_id AND c.id = p.connection_id "
        "WHERE s.not_before_utc <= $1 AND (s.state = 'PENDING' OR (s.state = 'SENDING' AND s.lease_until_utc < $1)) "
        "AND (c.status IS NULL OR c.status <> 'NEEDS_RECONNECT') AND ($3 = '' OR p.platform = $3) "
        "ORDER BY CASE WHEN s.wanted = 'PAUSED' THEN 0 ELSE 1 END, s.id LIMIT $2",
        now_utc,
        limit,
        "" if platform is None else platform.value,
    )
    return [(_uuid(row["tenant_id"]), _uuid(row["id"])) for row in rows]


async def due_status_rechecks(
    scope: SystemScope, now_utc: datetime, limit: int, platform: Platform | None = None
) -> list[tuple[UUID, UUID]]:
    """(tenant, status change) of the confirmed ones that are to be read once more by now, the longest due first.

    Of one platform, or of all.
    """
    rows = await scope.rows(
        "SELECT s.tenant_id, s.id FROM status_changes s "
        "JOIN ad_accounts p ON p.tenant_id = s.tenant_id AND p.id = s.account_id "
        "WHERE s.recheck_at_utc <= $1 AND s.state = 'CONFIRMED' AND ($3 = '' OR p.platform = $3) "
        "ORDER BY s.recheck_at_utc, s.id LIMIT $2",
        now_utc,
        limit,
        "" if platform is None else platform.value,
    )
    return [(_uuid(row["tenant_id"]), _uuid(row["id"])) for row in rows]


async def unfinished_stops(scope: SystemScope) -> list[tuple[UUID, UUID]]:
    """(tenant, emergency stop) of the stops in force under which not all is still."""
    rows = await scope.rows(
        "SELECT tenant_id, id FROM emergency_stops WHERE lifted_at_utc IS NULL AND still_at_utc IS NULL ORDER BY id"
    )
    return [(_uuid(row["tenant_id"]), _uuid(row["id"])) for row in rows]


async def unsettled_shifts(scope: SystemScope) -> list[tuple[UUID, UUID]]:
    """(tenant, shift) of the shifts that have not ended."""
    rows = await scope.rows(
        "SELECT tenant_id, id FROM shifts WHERE status IN ('OPEN', 'RESTORING', 'FLAGGED') ORDER BY id"
    )
    return [(_uuid(row["tenant_id"]), _uuid(row["id"])) for row in rows]


async def live_bid_campaigns(scope: SystemScope) -> list[BidCampaign]:
    """Everybody's campaigns that bid, as one process bids for all; none of a workspace under an emergency stop."""
    rows = await scope.rows(
        "SELECT b.* FROM bid_campaigns b WHERE b.status = 'ACTIVE' AND NOT EXISTS (SELECT 1 FROM emergency_stops s "
        "WHERE s.tenant_id = b.tenant_id AND s.workspace_id = b.workspace_id AND s.lifted_at_utc IS NULL) ORDER BY b.id"
    )
    return [bid_campaign_of(row) for row in rows]


async def behind_notifications(scope: SystemScope) -> list[UUID]:
    """Tenants whose log goes further than notices were made of it."""
    rows = await scope.rows(
        "SELECT h.tenant_id FROM log_heads h LEFT JOIN notification_cursors c ON c.tenant_id = h.tenant_id "
        "WHERE h.sequence > COALESCE(c.sequence, 0) ORDER BY h.tenant_id"
    )
    return [_uuid(row["tenant_id"]) for row in rows]


async def with_due_deliveries(scope: SystemScope, now_utc: datetime) -> list[UUID]:
    """Tenants who have notices to send, or some whose worker's lease ran out."""
    rows = await scope.rows(
        "SELECT DISTINCT tenant_id FROM notice_deliveries WHERE (status = 'PENDING' AND due_at_utc <= $1) "
        "OR (status = 'SENDING' AND lease_until_utc < $1) ORDER BY tenant_id",
        now_utc,
    )
    return [_uuid(row["tenant_id"]) for row in rows]


async def with_overdue_alerts(scope: SystemScope, raised_until_utc: datetime) -> list[UUID]:
    """Tenants who have an alert that was raised by then and neither answered, nor over, nor escalated."""
    rows = await scope.rows(
        "SELECT DISTINCT tenant_id FROM alerts WHERE raised_at_utc <= $1 AND acknowledged_at_utc IS NULL "
        "AND resolved_at_utc IS NULL AND escalated_at_utc IS NULL ORDER BY tenant_id",
        raised_until_utc,
    )
    return [_uuid(row["tenant_id"]) for row in rows]


async def unsubscribe_token(scope: SystemScope, token_hash: str, now_utc: datetime) -> tuple[UUID, UUID, UUID] | None:
    """(tenant, workspace, user) of an unsubscribe token that still counts: a mail program presents nothing else."""
    rows = await scope.rows(
        "SELECT tenant_id, workspace_id, user_id FROM unsubscribe_tokens WHERE token_hash = $1 AND expires_at_utc > $2",
        token_hash,
        now_utc,
    )
    if not rows:
        return None
    tenant_id, workspace_id, user_id = (_uuid(rows[0][name]) for name in ("tenant_id", "workspace_id", "user_id"))
    return tenant_id, workspace_id, user_id


async def quota_usage(scope: SystemScope, name: str, *, hold: bool = False) -> QuotaUsage | None:
    """What is used of a budget of calls, nobody else counting in it meanwhile if it is to be held; None before its use.

    A quota has no tenant (models/quotas.py).
    """
    sql = "SELECT points, at_utc, blocked_until_utc, pace, version FROM quota_usages WHERE name = $1"
    rows = await scope.rows(f"{sql} FOR UPDATE" if hold and not scope.is_sqlite else sql, name)
    return as_value(QuotaUsage, rows[0]) if rows else None


async def store_quota_usage(scope: SystemScope, name: str, value: QuotaUsage) -> bool:
    """Store a budget's next version; False when another worker stored it first."""
    if value.version == 1:
        rows = await scope.rows(
            "INSERT INTO quota_usages (id, name, points, at_utc, blocked_until_utc, pace, version) "
            "VALUES ($1, $2, $3, $4, $5, $6, 1) ON CONFLICT (name) DO NOTHING RETURNING name",
            new_id(),
            name,
            value.points,
            value.at_utc,
            value.blocked_until_utc,
            value.pace,
        )
        return bool(rows)
    changed = await scope.execute(
        "UPDATE quota_usages SET points = $1, at_utc = $2, blocked_until_utc = $3, pace = $4, version = $5 "
        "WHERE name = $6 AND version = $7",
        value.points,
        value.at_utc,
        value.blocked_until_utc,
        value.pace,
        value.version,
        name,
        value.version - 1,
    )
    return bool(changed)


async def keep_webhook(scope: SystemScope, kind: WebhookKind, digest: str, body: str, now_utc: datetime) -> bool:
    """Store a platform's delivery; False when the same one is there. It names ad accounts of any tenants."""
    rows = await scope.rows(
        "INSERT INTO webhook_deliveries (id, kind, digest, body, received_at_utc, attempts) "
        "VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (digest) DO NOTHING RETURNING id",
        new_id(),
        kind,
        digest,
        body,
        now_utc,
    )
    return bool(rows)


async def waiting_webhooks(scope: SystemScope, now_utc: datetime, limit: int) -> list[UUID]:
    """Deliveries that nobody processes at the moment, oldest first."""
    rows = await scope.rows(
        "SELECT id FROM webhook_deliveries WHERE processed_at_utc IS NULL AND attempts < $1 "
        "AND (lease_until_utc IS NULL OR lease_until_utc < $2) ORDER BY id LIMIT $3",
        WEBHOOK_ATTEMPTS,
        now_utc,
        limit,
    )
    return [_uuid(row["id"]) for row in rows]


async def claim_webhook(
    scope: SystemScope, delivery_id: UUID, now_utc: datetime, lease_until_utc: datetime
) -> WaitingWebhook | None:
    """Take a delivery in hand; None when another worker has it, or had."""
    rows = await scope.rows(
        "UPDATE webhook_deliveries SET lease_until_utc = $1, attempts = attempts + 1 WHERE id = $2 "
        "AND processed_at_utc IS NULL AND (lease_until_utc IS NULL OR lease_until_utc < $3) "
        "RETURNING id, kind, body, attempts",
        lease_until_utc,
        delivery_id,
        now_utc,
    )
    return as_value(WaitingWebhook, rows[0]) if rows else None


async def end_webhook(scope: SystemScope, delivery_id: UUID, now_utc: datetime) -> None:
    """A delivery had all its effects: its body is not needed any more."""
    await scope.execute(
        "UPDATE webhook_deliveries SET processed_at_utc = $1, lease_until_utc = NULL, body = '' WHERE id = $2",
        now_utc,
        delivery_id,
    )


async def forget_webhooks(scope: SystemScope, received_before_utc: datetime) -> int:
    """Forget deliveries that cannot come again, and which tenants they had effects on. Returns how many."""
    await scope.execute(
        "DELETE FROM processed_webhooks WHERE delivery_id IN "
        "(SELECT id FROM webhook_deliveries WHERE received_at_utc < $1)",
        received_before_utc,
    )
    return await scope.execute("DELETE FROM webhook_deliveries WHERE received_at_utc < $1", received_before_utc)


async def accounts_named(scope: SystemScope, platform: Platform, external_ids: list[str]) -> list[AdAccount]:
    """Connected accounts of any tenants with a platform's own ids: whom a delivery concerns."""
    if not external_ids:
        return []
    marks = ", ".join(f"${index}" for index in range(2, 2 + len(external_ids)))
    rows = await scope.rows(
        f"SELECT * FROM ad_accounts WHERE platform = $1 AND connected AND external_id IN ({marks}) ORDER BY id",  # noqa: S608 - numbered marks only
        platform,
        *external_ids,
    )
    return as_values(AdAccount, [{**row, "connected": bool(row["connected"])} for row in rows])


async def requested_syncs(scope: SystemScope, synced_before_utc: datetime) -> list[RequestedSync]:
    """Accounts that ask to be synced and were not a moment ago, oldest first."""
    rows = await scope.rows(
        "SELECT r.tenant_id, r.account_id, r.requested_at_utc FROM sync_requests r "
        "JOIN ad_accounts a ON a.id = r.account_id "
        "WHERE a.synced_at_utc IS NULL OR a.synced_at_utc < $1 ORDER BY r.requested_at_utc, r.account_id",
        synced_before_utc,
    )
    return as_values(RequestedSync, rows)


async def take_attempt(scope: SystemScope, state_hash: str) -> Attempt | None:
    """The attempt behind a state, which is gone with that: a platform's callback says nothing else."""
    rows = await scope.rows(
        "DELETE FROM connection_attempts WHERE state_hash = $1 RETURNING id, tenant_id, workspace_id, platform, "
        "user_id, session_id, sealed_verifier, expires_at_utc",
        state_hash,
    )
    return as_value(Attempt, rows[0]) if rows else None


async def forget_attempts(scope: SystemScope, ended_before_utc: datetime) -> int:
    """Forget attempts that nobody came back from. Returns how many."""
    return await scope.execute("DELETE FROM connection_attempts WHERE expires_at_utc < $1", ended_before_utc)


async def due_refreshes(scope: SystemScope, now_utc: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """(tenant, connection) whose tokens are to be renewed by now and that nobody is renewing, the longest due first."""
    rows = await scope.rows(
        "SELECT tenant_id, id FROM platform_connections WHERE status = 'CONNECTED' AND refresh_at_utc <= $1 "
        "AND (lease_until_utc IS NULL OR lease_until_utc <= $1) ORDER BY refresh_at_utc, id LIMIT $2",
        now_utc,
        limit,
    )
    return [(_uuid(row["tenant_id"]), _uuid(row["id"])) for row in rows]


async def bid_campaign_tenants(scope: SystemScope, ids: list[UUID]) -> dict[UUID, UUID]:
    """Whose the campaigns are that bid process's events name, by id: one request may be bid on by several tenants."""
    found: dict[UUID, UUID] = {}
    for start in range(0, len(ids), _IDS):
        some = ids[start : start + _IDS]
        marks = ", ".join(f"${index}" for index in range(1, 1 + len(some)))
        rows = await scope.rows(f"SELECT id, tenant_id FROM bid_campaigns WHERE id IN ({marks})", *some)  # noqa: S608 - numbered marks only
        found |= {_uuid(row["id"]): _uuid(row["tenant_id"]) for row in rows}
    return found


async def spool_position(scope: SystemScope, spool: str) -> int:
    """How far a bid process's spool was moved into the store; 0 before the first time."""
    rows = await scope.rows("SELECT chunk FROM bid_spools WHERE spool = $1", spool)
    return int(rows[0]["chunk"]) if rows else 0


async def store_spool_position(scope: SystemScope, spool: str, chunk: int, now_utc: datetime) -> None:
    """A spool was moved up to this chunk; never back, whoever else moves it."""
    await scope.execute(
        "INSERT INTO bid_spools (id, spool, chunk, read_at_utc) VALUES ($1, $2, $3, $4) ON CONFLICT (spool) "
        "DO UPDATE SET chunk = EXCLUDED.chunk, read_at_utc = EXCLUDED.read_at_utc "
        "WHERE bid_spools.chunk < EXCLUDED.chunk",
        new_id(),
        spool,
        chunk,
        now_utc,
    )


async def forget_spool(scope: SystemScope, spool: str) -> None:
    """A spool's file is gone: nobody will ask how far it was read."""
    await scope.execute("DELETE FROM bid_spool_positions WHERE spool = $1", spool)
    await scope.execute("DELETE FROM bid_spools WHERE spool = $1", spool)


async def keep_bid_chunks(scope: SystemScope, spool: str, chunks: Sequence[Chunk], now_utc: datetime) -> None:
    """Keep chunks of raw events; what is there already stays."""
    for chunk in chunks:
        await scope.execute(
            "INSERT INTO bid_event_chunks (id, spool, chunk, at_utc, events, data) VALUES ($1, $2, $3, $4, $5, $6) "
            "ON CONFLICT (spool, chunk) DO NOTHING",
            new_id(),
            spool,
            chunk.id,
            now_utc,
            chunk.events,
            chunk.data,
        )


async def bid_chunks(scope: SystemScope, since_utc: datetime, until_utc: datetime, limit: int) -> list[bytes]:
    """Chunks of raw events moved in a stretch of time, oldest first: what a model for all tenants learns from."""
    rows = await scope.rows(
        "SELECT data FROM bid_event_chunks WHERE at_utc >= $1 AND at_utc < $2 ORDER BY at_utc, spool, chunk LIMIT $3",
        since_utc,
        until_utc,
        limit,
    )
    return [bytes(row["data"]) for row in rows]


async def bid_spend_of(scope: SystemScope, day: date, currency: str) -> dict[str, int]:
    """Micros of a currency that each campaign spent on a UTC day, by campaign id: snapshots are for all tenants."""
    rows = await scope.rows(
        "SELECT campaign_id, spend_micros FROM bid_days WHERE day = $1 AND currency = $2 AND spend_micros > 0",
        day,
        currency,
    )
    return {str(row["campaign_id"]): int(row["spend_micros"]) for row in rows}


async def forget_bid_events(scope: SystemScope, before_utc: datetime) -> int:
    """Forget raw events and notices of before a moment, of all tenants. Returns how many chunks."""
    await scope.execute("DELETE FROM bid_notices WHERE at_utc < $1", before_utc)
    return await scope.execute("DELETE FROM bid_event_chunks WHERE at_utc < $1", before_utc)


def _uuid(value: object) -> UUID:
    return value if type(value) is UUID else UUID(str(value))
