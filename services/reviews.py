"""Use-cases of the review page: platforms at a glance, the next deadline, how today's review goes."""

from datetime import datetime
from uuid import UUID

from domain import reviews as rules
from domain.access import Permission
from domain.reviews import PlatformSummary, ReviewProgress, WorkspaceFacts
from domain.workspaces import Workspace, next_deadline_utc
from models import ad_accounts, campaigns, daily_metrics, recommendations, tenants
from services.ports import Ports
from services.viewers import Viewer


async def platform_summaries(ports: Ports, viewer: Viewer, workspace_id: UUID) -> list[PlatformSummary]:
    """Budgets, proposed deltas with their reasons, and the last week's results per platform (RB-1.1).

    Raises:
        NotFound
        Forbidden: it takes campaign:read for budgets and proposals and analytics:read for results.
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    viewer.require(workspace_id, Permission.ANALYTICS_READ)
    scope, now_utc = ports.database.read(viewer.tenant_id), ports.clock.now_utc()
    workspace = await tenants.workspace(scope, workspace_id)
    accounts = await ad_accounts.ad_accounts(scope, workspace_id)
    if not accounts:
        return []
    known = await campaigns.campaigns(scope, workspace_id)
    periods = rules.summary_periods(accounts, now_utc).values()
    facts = WorkspaceFacts(
        workspace=workspace,
        accounts=accounts,
        budgets=await campaigns.budgets(scope, workspace_id),
        campaigns=known,
        open_now=await recommendations.open_recommendations(scope, workspace_id),
        days=await daily_metrics.days_since(
            scope, [each.id for each in known], min(p.since for p in periods), max(p.until for p in periods)
        ),
    )
    return rules.platform_summaries(facts, now_utc)


async def progress(ports: Ports, viewer: Viewer, workspace: Workspace) -> ReviewProgress:
    """How many of the recommendations due by today's deadline were decided in time (RB-1.4).

    Raises:
        NotFound, Forbidden
    """
    viewer.require(workspace.id, Permission.CAMPAIGN_READ)
    since_utc, deadline_utc = rules.review_window(workspace, ports.clock.now_utc())
    scope = ports.database.read(viewer.tenant_id)
    due = await recommendations.created_between(scope, workspace.id, since_utc, deadline_utc)
    return rules.review_progress(due, deadline_utc)


def next_deadline(ports: Ports, workspace: Workspace) -> datetime:
    """When the next review deadline is, in UTC."""
    return next_deadline_utc(workspace, ports.clock.now_utc())
