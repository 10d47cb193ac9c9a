"""Queries for the dashboard: counts and sums over recommendations, changes and daily metrics. It has no tables.

Must not decide what a figure means; that is domain/overviews.py's.
"""

from datetime import date
from uuid import UUID

from domain.histories import HistoryFilter
from domain.overviews import ExecutedMove, ProposalCount, TrackedSums
from models.histories import executed_of
from models.scope import Scope, as_values


async def proposal_counts(scope: Scope, workspace_id: UUID, wanted: HistoryFilter) -> list[ProposalCount]:
    """What was proposed in a period, budgets and pauses, and what became of it."""
    budgets = await scope.rows(
        "SELECT p.proposer, CASE WHEN r.proposed_micros < r.current_micros THEN 'DECREASE' ELSE 'INCREASE' END "  # noqa: S608 - a fixed fragment
        "AS action, CASE WHEN r.status = 'REJECTED' THEN 'REJECTED' WHEN r.status = 'NEEDS_REVIEW' THEN 'PENDING' "
        "WHEN r.status <> 'APPROVED' OR a.status IN ('FAILED', 'UNKNOWN') THEN 'NOT_DONE' "
        f"WHEN {executed_of('a')} "
        "THEN 'EXECUTED' ELSE 'PENDING' END AS outcome, COUNT(*) AS count FROM recommendations r "
        "JOIN plans p ON p.tenant_id = $1 AND p.id = r.plan_id "
        "LEFT JOIN adjustments a ON a.tenant_id = $1 AND a.id = r.adjustment_id "
        "WHERE r.tenant_id = $1 AND r.workspace_id = $2 AND r.created_at_utc >= $3 AND r.created_at_utc < $4 "
        "GROUP BY 1, 2, 3",
        scope.tenant_id,
        workspace_id,
        wanted.since_utc,
        wanted.until_utc,
    )
    statuses = await scope.rows(
        "SELECT NULL AS proposer, CASE WHEN wanted = 'PAUSED' THEN 'PAUSE' ELSE 'RESUME' END AS action, "
        "CASE WHEN state = 'CONFIRMED' THEN 'EXECUTED' WHEN state IN ('FAILED', 'UNKNOWN') THEN 'NOT_DONE' "
        "ELSE 'PENDING' END AS outcome, COUNT(*) AS count FROM status_changes "
        "WHERE tenant_id = $1 AND workspace_id = $2 AND created_at_utc >= $3 AND created_at_utc < $4 GROUP BY 1, 2, 3",
        scope.tenant_id,
        workspace_id,
        wanted.since_utc,
        wanted.until_utc,
    )
    return as_values(ProposalCount, [*budgets, *statuses])


async def executed_moves(scope: Scope, workspace_id: UUID, wanted: HistoryFilter) -> list[ExecutedMove]:
    """Budget changes read back in a period, with whose they were."""
    rows = await scope.rows(
        "SELECT p.proposer, a.delta_reporting_micros, a.attempts, a.created_at_utc, a.confirmed_at_utc "  # noqa: S608 - a fixed fragment
        "FROM adjustments a JOIN plans p ON p.tenant_id = $1 AND p.id = a.plan_id "
        "WHERE a.tenant_id = $1 AND a.workspace_id = $2 AND a.confirmed_at_utc >= $3 AND a.confirmed_at_utc < $4 "
        f"AND {executed_of('a')}",
        scope.tenant_id,
        workspace_id,
        wanted.since_utc,
        wanted.until_utc,
    )
    return as_values(ExecutedMove, rows)


async def tracked_sums(scope: Scope, workspace_id: UUID, since: date, until: date) -> list[TrackedSums]:
    """Spend and revenue of a workspace's campaigns, both ends included, a row for each rate."""
    rows = await scope.rows(
        "SELECT d.rate_to_reporting, SUM(d.spend_micros) AS spend_micros, "
        "COALESCE(SUM(d.revenue_micros), 0) AS revenue_micros, "
        "COALESCE(SUM(CASE WHEN d.revenue_micros IS NULL THEN 0 ELSE d.spend_micros END), 0) "
        "AS spend_with_revenue_micros FROM campaigns c "
        "JOIN daily_metrics d ON d.tenant_id = $1 AND d.campaign_id = c.id "
        "WHERE c.tenant_id = $1 AND c.workspace_id = $2 AND d.day >= $3 AND d.day <= $4 GROUP BY 1",
        scope.tenant_id,
        workspace_id,
        since,
        until,
    )
    sums = ("spend_micros", "revenue_micros", "spend_with_revenue_micros")
    return as_values(TrackedSums, [row | {name: int(row[name]) for name in sums} for row in rows])
