"""Reads what a workspace's guardrails judge many budgets by. Must not judge, and must not change anything."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.campaigns import CampaignDay
from domain.guarded_budgets import Known
from domain.workspaces import Workspace
from models import ad_accounts, automations, campaigns, daily_metrics, guardrails
from models.scope import Scope
from services.currency_rates import STORED_RATE_DAYS, rate_table
from services.ports import Ports

#: Days of data, and changes that may still matter: longer than any threshold can ask for.
HISTORY: Final = timedelta(days=91)


async def known(ports: Ports, scope: Scope, workspace: Workspace, now_utc: datetime, back: timedelta) -> Known:
    """What is known of a workspace now, with what the guardrails need of the time `back` from now."""
    found = await campaigns.campaigns(scope, workspace.id)
    days: defaultdict[UUID, list[CampaignDay]] = defaultdict(list)
    since = now_utc - HISTORY - back
    ids = [each.id for each in found if each.budget_id]
    for day in await daily_metrics.days_since(scope, ids, since.date(), (now_utc + timedelta(days=1)).date()):
        days[day.campaign_id].append(day)
    return Known(
        automation=await automations.automation(scope, workspace.id),
        rules=await guardrails.rule_sets(scope, workspace.id),
        accounts={each.id: each for each in await ad_accounts.ad_accounts(scope, workspace.id)},
        budgets=await campaigns.budgets(scope, workspace.id),
        campaigns=found,
        days=days,
        changes=await guardrails.changes_since(scope, workspace.id, since),
        # A zone's day may have begun before UTC's.
        entries=await guardrails.entries(scope, workspace.id, (now_utc - back - timedelta(days=2)).date()),
        rates=await rate_table(scope, workspace.reporting_currency, max_age_days=STORED_RATE_DAYS),
        reporting_currency=workspace.reporting_currency,
        live_platforms=ports.live_platforms,
    )
