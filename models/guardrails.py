"""Guardrails as they were set, what was reserved of a day's limits, and their queries. Must not judge anything.

A reservation is a row for each adjustment and account-zone day, written with the intent to send under the account's
lock. What failed counts no longer: FAILED is set only where the platform is known not to have obeyed. Nothing is ever
released by hand, so nothing can be released twice.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from tortoise import Model, fields
from tortoise.expressions import Q

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.guardrails import DayTotals, Entry, RuleSet, ScopeKind, Settings
from domain.guardrails import Scope as Place
from domain.platforms import CampaignStatus, Platform
from kit.ids import new_id
from kit.pagination import Slice
from models.adjustments import AdjustmentTable
from models.scope import Scope, WriteScope, as_value, as_values, only, sliced


class GuardrailTable(Model):
    """The settings of one scope of a workspace, as JSON text."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField()
    scope_kind = fields.CharField(max_length=16)
    scope_key = fields.CharField(max_length=64)
    currency_code = fields.CharField(max_length=3)
    settings = fields.TextField()
    version = fields.IntField()

    class Meta:
        table = "guardrails"
        unique_together = (("workspace_id", "scope_kind", "scope_key"),)


class ReservationTable(Model):
    """What one adjustment took of a day in an account."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    account_id = fields.UUIDField()
    budget_id = fields.UUIDField()
    adjustment_id = fields.UUIDField()
    day = fields.DateField()
    moved_micros = fields.BigIntField()
    automatic = fields.BooleanField()
    restores = fields.BooleanField()

    class Meta:
        table = "guardrail_reservations"
        unique_together = (("adjustment_id", "day"),)
        indexes = (("account_id", "day"),)


def _value(row: dict[str, Any]) -> RuleSet:
    plain = as_value(_Row, row)
    return RuleSet(
        id=plain.id,
        tenant_id=plain.tenant_id,
        workspace_id=plain.workspace_id,
        scope=Place(plain.scope_kind, plain.scope_key),
        currency_code=plain.currency_code,
        settings=msgspec.json.decode(plain.settings, type=Settings),
        version=plain.version,
    )


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    scope_kind: ScopeKind
    scope_key: str
    currency_code: str
    settings: str
    version: int


async def rule_sets(scope: Scope, workspace_id: UUID) -> list[RuleSet]:
    """All that is set in a workspace, oldest first."""
    rows = await scope.rows(
        "SELECT id, tenant_id, workspace_id, scope_kind, scope_key, currency_code, settings, version FROM guardrails "
        "WHERE tenant_id = $1 AND workspace_id = $2 ORDER BY id",
        scope.tenant_id,
        workspace_id,
    )
    return [_value(row) for row in rows]


async def rule_set_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[RuleSet]:
    """What a slice fetches of a workspace's guardrails, in the order in which they were first set."""
    rows = await sliced(scope.of(GuardrailTable).filter(workspace_id=workspace_id), place)
    return [_value(row) for row in rows]


async def rule_set(scope: Scope, rule_set_id: UUID) -> RuleSet:
    """One scope's guardrails. Raises NotFound, also for another tenant's."""
    return _value(only(await scope.of(GuardrailTable).filter(id=rule_set_id).values(), "no such guardrail"))


async def rule_sets_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, RuleSet]:
    """Guardrails by id; other tenants' are absent."""
    return {row["id"]: _value(row) for row in await scope.of(GuardrailTable).filter(id__in=ids).values()}


async def rule_set_at(scope: Scope, workspace_id: UUID, place: Place) -> RuleSet | None:
    """What is set in one scope."""
    query = scope.of(GuardrailTable).filter(workspace_id=workspace_id)
    rows = await query.filter(scope_kind=place.kind.value, scope_key=place.key).values()
    return _value(rows[0]) if rows else None


async def add_rule_set(scope: WriteScope, value: RuleSet) -> bool:
    """Set a scope's guardrails for the first time; False when somebody else did."""
    return bool(
        await scope.rows(
            "INSERT INTO guardrails (id, tenant_id, workspace_id, scope_kind, scope_key, currency_code, settings, "
            "version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id",
            value.id,
            scope.tenant_id,
            value.workspace_id,
            value.scope.kind,
            value.scope.key,
            value.currency_code,
            msgspec.json.encode(value.settings).decode(),
            value.version,
        )
    )


async def store_rule_set(scope: WriteScope, value: RuleSet) -> bool:
    """Replace the version before; False when somebody else was first."""
    query = scope.of(GuardrailTable).filter(id=value.id, version=value.version - 1)
    settings = msgspec.json.encode(value.settings).decode()
    return bool(await query.update(settings=settings, version=value.version))


async def remove_rule_set(scope: WriteScope, value: RuleSet) -> bool:
    """Remove a scope's guardrails as they are; False when somebody else changed them."""
    return bool(await scope.of(GuardrailTable).filter(id=value.id, version=value.version).delete())


# --- what a change is judged by ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a change lies.

    Attributes:
        proposer: who made its plan.
        time_zone: the account's.
        current_micros: the budget as it was read last, account micros.
        paused, live_sending: the workspace's switches.
        stopped: whether an emergency stop is in force there.
    """

    proposer: str
    time_zone: str
    current_micros: int
    paused: bool
    live_sending: bool
    stopped: bool


async def surroundings(scope: Scope, plan_id: UUID, budget_id: UUID) -> Surroundings:
    """Of a change of a plan. Raises NotFound."""
    rows = await scope.rows(
        "SELECT p.proposer, a.time_zone, b.daily_budget_micros, m.paused, m.live_sending, s.id AS stop_id "
        "FROM plans p "
        "JOIN budgets b ON b.tenant_id = p.tenant_id AND b.workspace_id = p.workspace_id AND b.id = $3 "
        "JOIN ad_accounts a ON a.tenant_id = b.tenant_id AND a.id = b.account_id "
        "LEFT JOIN automations m ON m.tenant_id = p.tenant_id AND m.workspace_id = p.workspace_id "
        "LEFT JOIN emergency_stops s "
        "ON s.tenant_id = p.tenant_id AND s.workspace_id = p.workspace_id AND s.lifted_at_utc IS NULL "
        "WHERE p.tenant_id = $1 AND p.id = $2",
        scope.tenant_id,
        plan_id,
        budget_id,
    )
    row = only(rows, "no such change")
    return Surroundings(
        str(row["proposer"]),
        str(row["time_zone"]),
        int(row["daily_budget_micros"]),
        paused=bool(row["paused"]),
        live_sending=bool(row["live_sending"]),
        stopped=row["stop_id"] is not None,
    )


async def campaigns_paid_by(scope: Scope, budget_id: UUID) -> frozenset[UUID]:
    """The campaigns that a budget serves, removed ones left out."""
    rows = await scope.rows(
        "SELECT id FROM campaigns WHERE tenant_id = $1 AND budget_id = $2 AND status <> $3",
        scope.tenant_id,
        budget_id,
        CampaignStatus.REMOVED,
    )
    return frozenset(UUID(str(row["id"])) for row in rows)


async def entries(scope: Scope, workspace_id: UUID, since: date) -> list[Entry]:
    """A workspace's reservations from a day on; what failed left out."""
    rows = await scope.rows(
        "SELECT r.account_id, r.budget_id, r.adjustment_id, r.day, r.moved_micros, r.automatic, r.restores "
        "FROM guardrail_reservations r JOIN adjustments a ON a.tenant_id = r.tenant_id AND a.id = r.adjustment_id "
        "WHERE r.tenant_id = $1 AND a.workspace_id = $2 AND r.day >= $3 AND a.status <> 'FAILED'",
        scope.tenant_id,
        workspace_id,
        since,
    )
    return as_values(Entry, rows)


async def changes_since(scope: Scope, workspace_id: UUID, since_utc: datetime) -> list[Adjustment]:
    """A workspace's changes that were queued since a moment, or are not settled yet."""
    query = scope.of(AdjustmentTable).filter(workspace_id=workspace_id)
    unsettled = [AdjustmentStatus.PENDING.value, AdjustmentStatus.SENDING.value, AdjustmentStatus.APPLIED.value]
    rows = await query.filter(Q(created_at_utc__gte=since_utc) | Q(status__in=unsettled)).order_by("id").values()
    return as_values(Adjustment, rows)


async def budget_changes_since(scope: Scope, budget_id: UUID, since_utc: datetime) -> list[Adjustment]:
    """A budget's changes that were queued since a moment."""
    query = scope.of(AdjustmentTable).filter(budget_id=budget_id, created_at_utc__gte=since_utc)
    return as_values(Adjustment, await query.order_by("id").values())


async def reserved(scope: Scope, account_id: UUID, budget_id: UUID, day: date, except_id: UUID) -> DayTotals:
    """What was sent, or is being sent, on a day by all other adjustments; what failed left out."""
    rows = await scope.rows(
        "SELECT COALESCE(SUM(CASE WHEN r.restores THEN 0 ELSE r.moved_micros END), 0) AS moved_micros, "
        "COALESCE(SUM(CASE WHEN r.budget_id = $4 THEN 1 ELSE 0 END), 0) AS changes, "
        "COALESCE(SUM(CASE WHEN r.budget_id = $4 AND r.automatic THEN 1 ELSE 0 END), 0) AS automatic_changes "
        "FROM guardrail_reservations r JOIN adjustments a ON a.tenant_id = r.tenant_id AND a.id = r.adjustment_id "
        "WHERE r.tenant_id = $1 AND r.account_id = $2 AND r.day = $3 AND a.status <> 'FAILED' "
        "AND r.adjustment_id <> $5",
        scope.tenant_id,
        account_id,
        day,
        budget_id,
        except_id,
    )
    return _totals(rows[0])


async def queued(scope: Scope, account_id: UUID, budget_id: UUID, day: date) -> DayTotals:
    """What was approved and not reserved yet: it will be sent, so that approvals must leave room for it."""
    rows = await scope.rows(
        "SELECT COALESCE(SUM(ABS(a.intended_micros - a.before_micros)), 0) AS moved_micros, "
        "COALESCE(SUM(CASE WHEN a.budget_id = $4 THEN 1 ELSE 0 END), 0) AS changes, "
        "COALESCE(SUM(CASE WHEN a.budget_id = $4 AND a.auto_approved THEN 1 ELSE 0 END), 0) AS automatic_changes "
        "FROM adjustments a WHERE a.tenant_id = $1 AND a.account_id = $2 AND a.status IN ('PENDING', 'SENDING') "
        "AND NOT EXISTS (SELECT 1 FROM guardrail_reservations r WHERE r.tenant_id = $1 AND r.adjustment_id = a.id "
        "AND r.day = $3)",
        scope.tenant_id,
        account_id,
        day,
        budget_id,
    )
    return _totals(rows[0])


def _totals(row: dict[str, Any]) -> DayTotals:
    return DayTotals(int(row["moved_micros"]), int(row["changes"]), int(row["automatic_changes"]))


@dataclass(frozen=True, slots=True)
class AccountBudgets:
    """An account's daily budgets that may be spent, added up, account micros."""

    account_id: UUID
    platform: Platform
    currency_code: str
    total_micros: int


_ON_THE_WAY = (AdjustmentStatus.SENDING, AdjustmentStatus.APPLIED)


async def account_budgets(
    scope: Scope, workspace_id: UUID, except_id: UUID, *, with_queued: bool
) -> list[AccountBudgets]:
    """Each account's daily budgets of campaigns that run, each at the most it may be after what is on its way.

    Args:
        scope: the tenant's.
        workspace_id: whose accounts.
        except_id: an adjustment whose own amount, or a status change whose campaign's budget, is not counted.
        with_queued: count what was approved and not sent, too.
    """
    first, second = _ON_THE_WAY
    rows = await scope.rows(
        "SELECT s.account_id, s.platform, s.currency_code, SUM(CASE WHEN s.most > s.now THEN s.most ELSE s.now END) "
        "AS total_micros FROM (SELECT b.account_id, p.platform, p.currency_code, b.daily_budget_micros AS now, "
        "COALESCE((SELECT MAX(a.intended_micros) FROM adjustments a WHERE a.tenant_id = $1 AND a.budget_id = b.id "
        "AND a.id <> $3 AND (a.status IN ($4, $5, $6) "
        "OR (a.status = 'UNKNOWN' AND a.dispatched_at_utc >= b.observed_at_utc))), 0) AS most "
        "FROM budgets b JOIN ad_accounts p ON p.tenant_id = b.tenant_id AND p.id = b.account_id "
        "WHERE b.tenant_id = $1 AND b.workspace_id = $2 AND b.budget_type = 'DAILY' "
        "AND (EXISTS (SELECT 1 FROM campaigns c WHERE c.tenant_id = $1 AND c.budget_id = b.id "
        "AND c.status = 'ENABLED') "
        # What is being set running counts from its intent on, so that two workers cannot both take the same room.
        "OR EXISTS (SELECT 1 FROM status_changes r "
        "JOIN campaigns c ON c.tenant_id = r.tenant_id AND c.id = r.campaign_id "
        "WHERE r.tenant_id = $1 AND c.budget_id = b.id AND r.wanted = 'ENABLED' AND r.sent_at_utc IS NOT NULL "
        "AND r.state IN ('PENDING', 'SENDING') AND r.id <> $3))"
        ") s GROUP BY s.account_id, s.platform, s.currency_code",
        scope.tenant_id,
        workspace_id,
        except_id,
        first,
        second,
        AdjustmentStatus.PENDING if with_queued else first,
    )
    return as_values(AccountBudgets, [{**row, "total_micros": int(row["total_micros"])} for row in rows])


async def reserve(
    scope: WriteScope,
    account_id: UUID,
    budget_id: UUID,
    adjustment_id: UUID,
    day: date,
    moved_micros: int,
    *,
    automatic: bool,
    restores: bool,
) -> None:
    """Take what an adjustment moves out of its day's room; once a day, however often it is sent."""
    await scope.execute(
        "INSERT INTO guardrail_reservations (id, tenant_id, account_id, budget_id, adjustment_id, day, moved_micros, "
        "automatic, restores) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        new_id(),
        scope.tenant_id,
        account_id,
        budget_id,
        adjustment_id,
        day,
        moved_micros,
        automatic,
        restores,
    )
