"""Adjustments and their queries. Claims are one conditional UPDATE on SQLite, SKIP LOCKED on PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from tortoise import Model, fields

from domain.adjustments import SETTLED, Adjustment, AdjustmentStatus
from domain.plans import PlanShare
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, as_values, sliced, value_by_id, values_by_id


class AdjustmentTable(Model):
    """An approved change on its way to a platform."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    recommendation_id = fields.UUIDField()
    plan_id = fields.UUIDField(db_index=True)
    account_id = fields.UUIDField()
    budget_id = fields.UUIDField()
    campaign_id = fields.UUIDField()
    status = fields.CharField(max_length=16)
    version = fields.IntField()
    before_micros = fields.BigIntField()
    intended_micros = fields.BigIntField()
    delta_reporting_micros = fields.BigIntField()
    currency_code = fields.CharField(max_length=3)
    approved_by_id = fields.CharField(max_length=64)
    auto_approved = fields.BooleanField()
    created_at_utc = fields.DatetimeField()
    attempts = fields.IntField()
    not_before_utc = fields.DatetimeField()
    lease_token = fields.UUIDField(null=True)
    lease_until_utc = fields.DatetimeField(null=True)
    dispatched_at_utc = fields.DatetimeField(null=True)
    confirmed_at_utc = fields.DatetimeField(null=True)
    platform_execution_id = fields.CharField(max_length=200, null=True)
    failure_code = fields.CharField(max_length=64, null=True)
    failure_reason = fields.TextField(null=True)
    observed_micros = fields.BigIntField(null=True)
    send_key = fields.UUIDField(null=True)
    sent_at_utc = fields.DatetimeField(null=True)
    recheck_at_utc = fields.DatetimeField(null=True, db_index=True)
    restores_id = fields.UUIDField(null=True)
    restored_by_id = fields.UUIDField(null=True)
    reason = fields.TextField(null=True)

    class Meta:
        table = "adjustments"
        indexes = (("status", "not_before_utc"), ("budget_id", "status"), ("tenant_id", "workspace_id", "id"))


_COLUMNS: Final = ", ".join(Adjustment.__slots__)
_INSERT: Final = (
    f"INSERT INTO adjustments ({_COLUMNS}) VALUES "  # noqa: S608 - column names and placeholders only
    f"({', '.join(f'${n + 1}' for n in range(len(Adjustment.__slots__)))})"
)


async def add_adjustment(scope: WriteScope, value: Adjustment) -> None:
    """A new adjustment of the scope's tenant."""
    row = [scope.tenant_id if name == "tenant_id" else getattr(value, name) for name in Adjustment.__slots__]
    await scope.execute(_INSERT, *row)


async def adjustment(scope: Scope, adjustment_id: UUID) -> Adjustment:
    """One adjustment. Raises NotFound, also for another tenant's."""
    return await value_by_id(scope, Adjustment, "adjustments", adjustment_id, "no such adjustment")


async def adjustments_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Adjustment]:
    """Adjustments by id; other tenants' are absent."""
    return await values_by_id(scope, Adjustment, "adjustments", ids)


async def adjustment_page(
    scope: Scope,
    workspace_id: UUID,
    place: Slice[UUID],
    statuses: Sequence[AdjustmentStatus] | None = None,
) -> list[Adjustment]:
    """What a slice fetches of a workspace's adjustments (of these statuses; None for any), newest first."""
    query = scope.of(AdjustmentTable).filter(workspace_id=workspace_id)
    if statuses is not None:
        query = query.filter(status__in=[status.value for status in statuses])
    return as_values(Adjustment, await sliced(query, place, newest_first=True))


async def plan_adjustments(scope: Scope, plan_id: UUID) -> list[Adjustment]:
    """All adjustments of a plan."""
    return as_values(Adjustment, await scope.of(AdjustmentTable).filter(plan_id=plan_id).order_by("id").values())


async def plan_shares(scope: Scope, plan_id: UUID, except_id: UUID) -> list[PlanShare]:
    """A plan's adjustments without one, those that stand alike added up: increases and decreases apart."""
    rows = await scope.rows(
        "SELECT status, CASE WHEN dispatched_at_utc IS NULL THEN 0 ELSE 1 END AS tried, "
        "SUM(delta_reporting_micros) AS delta FROM adjustments WHERE tenant_id = $1 AND plan_id = $2 AND id <> $3 "
        "GROUP BY status, CASE WHEN dispatched_at_utc IS NULL THEN 0 ELSE 1 END, "
        "CASE WHEN delta_reporting_micros < 0 THEN 0 ELSE 1 END",
        scope.tenant_id,
        plan_id,
        except_id,
    )
    return [PlanShare(AdjustmentStatus(row["status"]), bool(row["tried"]), int(row["delta"])) for row in rows]


async def budgets_in_flight(scope: Scope, workspace_id: UUID) -> set[UUID]:
    """Budgets with an adjustment that is not settled yet."""
    query = scope.of(AdjustmentTable).filter(workspace_id=workspace_id)
    rows = await query.exclude(status__in=[status.value for status in SETTLED]).values("budget_id")
    return {row["budget_id"] for row in rows}


async def intended_amounts(scope: Scope, account_id: UUID) -> set[tuple[UUID, int]]:
    """(budget, account micros) that the system itself may have set in an account without having read it back yet."""
    unread = [AdjustmentStatus.PENDING, AdjustmentStatus.SENDING, AdjustmentStatus.APPLIED, AdjustmentStatus.UNKNOWN]
    rows = await (
        scope.of(AdjustmentTable)
        .filter(account_id=account_id, attempts__gt=0, status__in=[status.value for status in unread])
        .values("budget_id", "intended_micros")
    )
    return {(row["budget_id"], row["intended_micros"]) for row in rows}


async def pending_of_account(scope: Scope, account_id: UUID) -> list[Adjustment]:
    """What waits to be sent to an account, oldest first."""
    query = scope.of(AdjustmentTable).filter(account_id=account_id, status=AdjustmentStatus.PENDING.value)
    return as_values(Adjustment, await query.order_by("id").values())


async def confirmed_since(scope: Scope, workspace_id: UUID, since_utc: datetime) -> list[Adjustment]:
    """A workspace's changes that were read back since a moment."""
    query = scope.of(AdjustmentTable).filter(
        workspace_id=workspace_id, status=AdjustmentStatus.CONFIRMED.value, confirmed_at_utc__gte=since_utc
    )
    return as_values(Adjustment, await query.order_by("id").values())


async def hold_budgets(scope: WriteScope, budget_ids: Collection[UUID]) -> set[UUID]:
    """Hold those of these budgets that nobody else holds; to be called before a claim on them.

    Two claims of one budget on PostgreSQL could both see no other, so whoever holds the budget's row wins and the rest
    pass by (SKIP LOCKED); SQLite has one writer anyway.
    """
    if scope.is_sqlite or not budget_ids:
        return set(budget_ids)
    places = ", ".join(f"${n + 2}" for n in range(len(budget_ids)))
    rows = await scope.rows(
        f"SELECT id FROM budgets WHERE tenant_id = $1 AND id IN ({places}) ORDER BY id "  # noqa: S608 - placeholders only
        "FOR UPDATE SKIP LOCKED",
        scope.tenant_id,
        *budget_ids,
    )
    return {UUID(str(row["id"])) for row in rows}


async def claim(
    scope: WriteScope,
    adjustment_id: UUID,
    token: UUID,
    now_utc: datetime,
    until_utc: datetime,
    *,
    version: int | None = None,
    budget_held: bool = False,
) -> Adjustment | None:
    """Take the lease of a due adjustment and move it to SENDING; None when another worker or budget holds it.

    One writer per budget entity: the claim fails while another adjustment of the same budget is on its way, or waits
    to learn what became of its last send.

    Args:
        scope: the transaction.
        adjustment_id: which one.
        token: the new lease's; whatever is stored later must show it.
        now_utc: the moment.
        until_utc: the lease's end.
        version: only if it still is this version.
        budget_held: the transaction holds the adjustment's budget already, by `hold_budgets`.
    """
    if not budget_held:
        wanted = (await adjustment(scope, adjustment_id)).budget_id
        if wanted not in await hold_budgets(scope, [wanted]):
            return None
    rows = await scope.rows(
        "UPDATE adjustments SET status = 'SENDING', lease_token = $1, lease_until_utc = $2, "  # noqa: S608 - column names only
        "attempts = attempts + 1, version = version + 1, dispatched_at_utc = $3 "
        "WHERE id = $4 AND tenant_id = $5 AND not_before_utc <= $3 AND ($6 < 0 OR version = $6) "
        "AND (status = 'PENDING' OR (status IN ('SENDING', 'APPLIED') AND lease_until_utc < $3)) "
        # While an emergency stop is in force only what restores is taken up, and what has to be looked at.
        "AND (status <> 'PENDING' OR restores_id IS NOT NULL OR sent_at_utc IS NOT NULL OR NOT EXISTS (SELECT 1 "
        "FROM emergency_stops stop WHERE stop.tenant_id = $5 AND stop.workspace_id = adjustments.workspace_id "
        "AND stop.lifted_at_utc IS NULL)) "
        "AND NOT EXISTS (SELECT 1 FROM adjustments other WHERE other.tenant_id = $5 AND other.id <> adjustments.id "
        "AND other.budget_id = adjustments.budget_id AND (other.status IN ('SENDING', 'APPLIED') "
        # Only a fresh one gives way to one that waits for its outcome: two that wait must not wait for each other.
        "OR (other.status = 'PENDING' AND other.sent_at_utc IS NOT NULL "
        "AND adjustments.status = 'PENDING' AND adjustments.sent_at_utc IS NULL))) "
        f"RETURNING {_COLUMNS}",
        token,
        until_utc,
        now_utc,
        adjustment_id,
        scope.tenant_id,
        -1 if version is None else version,
    )
    return as_value(Adjustment, rows[0]) if rows else None


async def store_intent(scope: WriteScope, value: Adjustment, now_utc: datetime) -> bool:
    """Store what is about to be sent and begin the lease anew; False when the lease ran out or was lost.

    Must be committed before the platform is called. No version: nothing that people see has changed.
    """
    changed = await scope.execute(
        "UPDATE adjustments SET observed_micros = $1, send_key = $2, sent_at_utc = $3, lease_until_utc = $4 "
        "WHERE id = $5 AND tenant_id = $6 AND lease_token = $7 AND lease_until_utc > $8 AND status = 'SENDING'",
        value.observed_micros,
        value.send_key,
        value.sent_at_utc,
        value.lease_until_utc,
        value.id,
        scope.tenant_id,
        value.lease_token,
        now_utc,
    )
    return bool(changed)


async def store_if_leased(scope: WriteScope, value: Adjustment, token: UUID) -> bool:
    """Write the next version if this worker still holds the lease; False when it was lost."""
    changed = await scope.execute(
        "UPDATE adjustments SET status = $1, version = $2, before_micros = $3, attempts = $4, not_before_utc = $5, "
        "lease_token = $6, lease_until_utc = $7, confirmed_at_utc = $8, platform_execution_id = $9, "
        "failure_code = $10, failure_reason = $11, observed_micros = $12, send_key = $13, sent_at_utc = $14, "
        "recheck_at_utc = $15 "
        "WHERE id = $16 AND tenant_id = $17 AND version = $18 AND lease_token = $19",
        value.status,
        value.version,
        value.before_micros,
        value.attempts,
        value.not_before_utc,
        value.lease_token,
        value.lease_until_utc,
        value.confirmed_at_utc,
        value.platform_execution_id,
        value.failure_code,
        value.failure_reason,
        value.observed_micros,
        value.send_key,
        value.sent_at_utc,
        value.recheck_at_utc,
        value.id,
        scope.tenant_id,
        value.version - 1,
        token,
    )
    return bool(changed)


async def postpone(scope: WriteScope, adjustment_id: UUID, version: int, until_utc: datetime) -> bool:
    """Let one that waits wait longer: for a quota. No version and no event: to people it is waiting all the same."""
    changed = await scope.execute(
        "UPDATE adjustments SET not_before_utc = $1 WHERE id = $2 AND tenant_id = $3 AND version = $4",
        until_utc,
        adjustment_id,
        scope.tenant_id,
        version,
    )
    return bool(changed)


async def fail_pending(scope: WriteScope, adjustment_id: UUID, code: str, reason: str) -> bool:
    """Fail an adjustment that was never sent; False when it is no longer pending."""
    changed = await scope.execute(
        "UPDATE adjustments SET status = 'FAILED', version = version + 1, failure_code = $1, failure_reason = $2 "
        "WHERE id = $3 AND tenant_id = $4 AND status = 'PENDING'",
        code,
        reason,
        adjustment_id,
        scope.tenant_id,
    )
    return bool(changed)


async def retry_if_unchanged(scope: WriteScope, adjustment_id: UUID, version: int, not_before_utc: datetime) -> bool:
    """Queue a failed or unknown adjustment again; False when it changed meanwhile."""
    changed = await scope.execute(
        "UPDATE adjustments SET status = 'PENDING', version = version + 1, attempts = 0, not_before_utc = $1, "
        "failure_code = NULL, failure_reason = NULL, lease_token = NULL, lease_until_utc = NULL "
        "WHERE id = $2 AND tenant_id = $3 AND version = $4 AND status IN ('FAILED', 'UNKNOWN')",
        not_before_utc,
        adjustment_id,
        scope.tenant_id,
        version,
    )
    return bool(changed)


async def budget_adjustments(scope: Scope, budget_id: UUID, limit: int = 50) -> list[Adjustment]:
    """The newest adjustments of a budget entity, newest first."""
    query = scope.of(AdjustmentTable).filter(budget_id=budget_id)
    return as_values(Adjustment, await query.order_by("-id").limit(limit).values())


async def end_recheck(scope: WriteScope, adjustment_id: UUID, version: int, again_at_utc: datetime | None) -> None:
    """A confirmed change was looked at once more: not again, or at that moment."""
    await scope.execute(
        "UPDATE adjustments SET recheck_at_utc = $1 WHERE id = $2 AND tenant_id = $3 AND version = $4",
        again_at_utc,
        adjustment_id,
        scope.tenant_id,
        version,
    )


async def recheck_newest(scope: WriteScope, budget_id: UUID, at_utc: datetime) -> None:
    """Have a budget's newest confirmed change read once more: a stale worker may have written over it."""
    await scope.execute(
        "UPDATE adjustments SET recheck_at_utc = $1 WHERE tenant_id = $2 AND id = (SELECT newest.id "
        "FROM adjustments newest WHERE newest.tenant_id = $2 AND newest.budget_id = $3 AND newest.status = 'CONFIRMED' "
        "ORDER BY newest.confirmed_at_utc DESC, newest.id DESC LIMIT 1)",
        at_utc,
        scope.tenant_id,
        budget_id,
    )


async def reopen_if_unchanged(scope: WriteScope, value: Adjustment) -> bool:
    """Queue a confirmed change again that a stray write undid; False when it or its budget moved on meanwhile."""
    changed = await scope.execute(
        "UPDATE adjustments SET status = 'PENDING', version = $1, attempts = 0, not_before_utc = $2, "
        "confirmed_at_utc = NULL, recheck_at_utc = NULL, failure_code = $3, failure_reason = $4 "
        "WHERE id = $5 AND tenant_id = $6 AND version = $1 - 1 AND status = 'CONFIRMED' "
        "AND NOT EXISTS (SELECT 1 FROM adjustments other WHERE other.tenant_id = $6 AND other.id <> adjustments.id "
        "AND other.budget_id = adjustments.budget_id AND (other.status IN ('SENDING', 'APPLIED') "
        "OR other.confirmed_at_utc > adjustments.confirmed_at_utc))",
        value.version,
        value.not_before_utc,
        value.failure_code,
        value.failure_reason,
        value.id,
        scope.tenant_id,
    )
    return bool(changed)


async def restore_if_unchanged(scope: WriteScope, adjustment_id: UUID, version: int, restored_by_id: UUID) -> bool:
    """Say which change restores a confirmed one; False when that one changed meanwhile."""
    changed = await scope.execute(
        "UPDATE adjustments SET restored_by_id = $1, version = version + 1 "
        "WHERE id = $2 AND tenant_id = $3 AND version = $4 AND status = 'CONFIRMED'",
        restored_by_id,
        adjustment_id,
        scope.tenant_id,
        version,
    )
    return bool(changed)


async def restored_by(scope: Scope, restoring: Adjustment) -> list[Adjustment]:
    """The changes that a restoring one undoes, oldest first."""
    query = scope.of(AdjustmentTable).filter(budget_id=restoring.budget_id, restored_by_id=restoring.id)
    return as_values(Adjustment, await query.order_by("id").values())


async def mark_reverted(scope: WriteScope, adjustment_id: UUID) -> Adjustment | None:
    """The restoring change is confirmed: the confirmed one it undid is REVERTED. None if that one moved on."""
    rows = await scope.rows(
        "UPDATE adjustments SET status = 'REVERTED', version = version + 1, recheck_at_utc = NULL "  # noqa: S608 - column names only
        f"WHERE id = $1 AND tenant_id = $2 AND status = 'CONFIRMED' RETURNING {_COLUMNS}",
        adjustment_id,
        scope.tenant_id,
    )
    return as_value(Adjustment, rows[0]) if rows else None
