"""Queries for the history and its measures: slim rows over adjustments, the log and daily metrics. It has no tables.

Must not decide what a row means; that is domain/histories.py's and domain/lift's.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from domain.adjustments import Adjustment
from domain.histories import ApprovalCounts, BudgetTouch, ExecutedChange, HistoryFilter
from domain.lift.changes import UnitDay
from domain.review_times import Reviewed
from kit.pagination import Slice
from models.adjustments import AdjustmentTable
from models.api_keys import ApiKeyTable
from models.scope import Scope, as_values, sliced


def executed_of(alias: str) -> str:
    """The condition that a change was read back from its platform, whatever became of it later; the table's name."""
    return f"{alias}.confirmed_at_utc IS NOT NULL AND {alias}.status IN ('CONFIRMED', 'REVERTED')"


_EXECUTED: Final = executed_of("adjustments")


async def history_page(
    scope: Scope, workspace_id: UUID, account_ids: Sequence[UUID], place: Slice[UUID], wanted: HistoryFilter
) -> list[Adjustment]:
    """What a slice fetches of the adjustments approved in a period on these accounts, newest first."""
    query = scope.of(AdjustmentTable).filter(
        workspace_id=workspace_id,
        account_id__in=list(account_ids),
        created_at_utc__gte=wanted.since_utc,
        created_at_utc__lt=wanted.until_utc,
    )
    return as_values(Adjustment, await sliced(query, place, newest_first=True))


async def api_keys_among(scope: Scope, ids: Sequence[UUID]) -> frozenset[str]:
    """Those of the ids that are API keys of the tenant."""
    rows = await scope.of(ApiKeyTable).filter(id__in=list(ids)).values("id")
    return frozenset(str(row["id"]) for row in rows)


async def executed_changes(
    scope: Scope, workspace_id: UUID, since_utc: datetime, until_utc: datetime
) -> list[ExecutedChange]:
    """Changes read back from one moment up to, not at, another, oldest first."""
    rows = await scope.rows(
        "SELECT id, budget_id, account_id, before_micros, intended_micros, delta_reporting_micros, auto_approved, "  # noqa: S608 - a fixed fragment
        "created_at_utc, confirmed_at_utc FROM adjustments WHERE tenant_id = $1 AND workspace_id = $2 "
        f"AND confirmed_at_utc >= $3 AND confirmed_at_utc < $4 AND {_EXECUTED} ORDER BY confirmed_at_utc, id",
        scope.tenant_id,
        workspace_id,
        since_utc,
        until_utc,
    )
    return as_values(ExecutedChange, rows)


async def budget_touches(
    scope: Scope, workspace_id: UUID, since_utc: datetime, until_utc: datetime
) -> list[BudgetTouch]:
    """When budgets were changed, or may have been, by us or by somebody else as a sync saw it."""
    ours = await scope.rows(
        "SELECT id, budget_id, account_id, COALESCE(confirmed_at_utc, dispatched_at_utc) AS at_utc, "  # noqa: S608 - a fixed fragment
        f"CASE WHEN {_EXECUTED} THEN 1 ELSE 0 END AS executed FROM adjustments "
        "WHERE tenant_id = $1 AND workspace_id = $2 AND status <> 'FAILED' "
        "AND COALESCE(confirmed_at_utc, dispatched_at_utc) >= $3 "
        "AND COALESCE(confirmed_at_utc, dispatched_at_utc) < $4 ORDER BY id",
        scope.tenant_id,
        workspace_id,
        since_utc,
        until_utc,
    )
    elsewhere = await scope.rows(
        "SELECT b.id AS id, b.id AS budget_id, b.account_id, e.at_utc, 0 AS executed FROM log_entries e "
        "JOIN budgets b ON b.tenant_id = $1 AND b.id = e.subject_id "
        "WHERE e.tenant_id = $1 AND e.workspace_id = $2 AND e.kind = 'budget.changed_elsewhere' "
        "AND e.at_utc >= $3 AND e.at_utc < $4 ORDER BY e.sequence",
        scope.tenant_id,
        workspace_id,
        since_utc,
        until_utc,
    )
    return as_values(BudgetTouch, [*ours, *elsewhere])


async def approval_counts(scope: Scope, workspace_id: UUID, wanted: HistoryFilter, rolled_back: int) -> ApprovalCounts:
    """What became of the changes approved in a period, on all platforms."""
    (row,) = await scope.rows(
        "SELECT COUNT(*) AS approved, COALESCE(SUM(CASE WHEN auto_approved THEN 1 ELSE 0 END), 0) AS automatic, "  # noqa: S608 - a fixed fragment
        f"COALESCE(SUM(CASE WHEN {_EXECUTED} THEN 1 ELSE 0 END), 0) AS executed, "
        "COALESCE(SUM(CASE WHEN status = 'FAILED' THEN 1 ELSE 0 END), 0) AS failed, "
        "COALESCE(SUM(CASE WHEN status = 'UNKNOWN' THEN 1 ELSE 0 END), 0) AS unknown FROM adjustments "
        "WHERE tenant_id = $1 AND workspace_id = $2 AND created_at_utc >= $3 AND created_at_utc < $4",
        scope.tenant_id,
        workspace_id,
        wanted.since_utc,
        wanted.until_utc,
    )
    return ApprovalCounts(**{name: int(value) for name, value in row.items()}, rolled_back=rolled_back)


async def reviews(scope: Scope, workspace_id: UUID, wanted: HistoryFilter) -> list[Reviewed]:
    """When each recommendation of a period was made and decided."""
    rows = await scope.rows(
        "SELECT r.status, r.created_at_utc, r.decided_at_utc, "
        "CASE WHEN a.auto_approved THEN 1 ELSE 0 END AS auto_approved FROM recommendations r "
        "LEFT JOIN adjustments a ON a.tenant_id = $1 AND a.id = r.adjustment_id "
        "WHERE r.tenant_id = $1 AND r.workspace_id = $2 AND r.created_at_utc >= $3 AND r.created_at_utc < $4",
        scope.tenant_id,
        workspace_id,
        wanted.since_utc,
        wanted.until_utc,
    )
    return as_values(Reviewed, rows)


#: Unit, day, spend and revenue in account micros, rate to the reporting currency; whichever database spelled them.
_StoredDay = tuple[UUID, date, int, int | None, Decimal]


async def unit_days(scope: Scope, workspace_id: UUID, since: date, until: date) -> list[UnitDay]:
    """Days of a workspace's campaigns in reporting micros, both ends included.

    The unit is the budget entity that pays for the campaign; the campaign itself where none is known.
    """
    rows = await scope.tuples(
        "SELECT COALESCE(c.budget_id, c.id), d.day, d.spend_micros, d.revenue_micros, d.rate_to_reporting "
        "FROM campaigns c JOIN daily_metrics d ON d.tenant_id = $1 AND d.campaign_id = c.id "
        "WHERE c.tenant_id = $1 AND c.workspace_id = $2 AND d.day >= $3 AND d.day <= $4",
        scope.tenant_id,
        workspace_id,
        since,
        until,
    )
    return [
        UnitDay(unit_id, day, _reporting(spend, rate), None if revenue is None else _reporting(revenue, rate))
        for unit_id, day, spend, revenue, rate in msgspec.convert(rows, list[_StoredDay], strict=False)
    ]


def _reporting(micros: int, rate: Decimal) -> int:
    # Most workspaces report in their accounts' currency, and a history reads thousands of days.
    return micros if rate == 1 else int((micros * rate).to_integral_value())


async def day_count(scope: Scope, workspace_id: UUID, since: date, until: date) -> int:
    """How many rows `unit_days` would read."""
    (row,) = await scope.rows(
        "SELECT COUNT(*) AS n FROM campaigns c JOIN daily_metrics d ON d.tenant_id = $1 AND d.campaign_id = c.id "
        "WHERE c.tenant_id = $1 AND c.workspace_id = $2 AND d.day >= $3 AND d.day <= $4",
        scope.tenant_id,
        workspace_id,
        since,
        until,
    )
    return int(row["n"])
