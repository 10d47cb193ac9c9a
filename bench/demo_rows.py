"""Rows for benches: one tenant, many reviewers, one plan of decreases, so that every approval is funded."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from domain.access import SEEDED_ROLES
from domain.ad_accounts import AdAccount
from domain.campaigns import Budget, Campaign
from domain.plans import Plan
from domain.platforms import BudgetType, CampaignStatus, Platform
from domain.recommendations import Recommendation, RecommendationStatus
from domain.workspaces import Workspace
from kit.ids import new_id
from models import ad_accounts, campaigns, log, members, plans, recommendations, tenants
from services.ports import Ports


@dataclass(frozen=True)
class Rows:
    """What was stored."""

    tenant_id: UUID
    workspace_id: UUID
    reviewer_ids: list[UUID]
    recommendation_ids: list[UUID]


async def store_rows(ports: Ports, recommendations_count: int, reviewers: int) -> Rows:
    """Store the tenant. Plans hold 25 recommendations each, as real ones do."""
    tenant_id, now = new_id(), ports.clock.now_utc()
    workspace = Workspace(new_id(), tenant_id, "bench", "USD", "UTC", "12:00", 0, 0.3, True, 1)
    account = AdAccount(new_id(), tenant_id, workspace.id, Platform.META, "1", "bench", "USD", "UTC", None, None)
    reviewer_ids = [new_id() for _ in range(reviewers)]
    made: list[Recommendation] = []
    async with ports.database.write(tenant_id) as scope:
        await tenants.add_tenant(scope, "bench", now)
        await log.open_head(scope)
        await tenants.add_workspace(scope, workspace)
        await members.add_roles(scope, SEEDED_ROLES)
        for number, user_id in enumerate(reviewer_ids):
            await members.add_user(scope, user_id, f"r{number}-{tenant_id}@bench.test", f"Reviewer {number}", "!", now)
            await members.add_membership(scope, workspace.id, user_id, ("campaign_manager", "reviewer"))
        await ad_accounts.add_ad_account(scope, account)
        plan_id = new_id()
        for number in range(recommendations_count):
            if number % 25 == 0:
                plan_id = new_id()
                await plans.add_plan(
                    scope,
                    Plan(
                        plan_id,
                        tenant_id,
                        workspace.id,
                        "rebalancer",
                        now,
                        now + timedelta(days=1),
                        "USD",
                        0,
                        "",
                        (),
                        0,
                        0,
                        1,
                    ),
                )
            budget = Budget(
                new_id(), tenant_id, workspace.id, account.id, f"b{number}", BudgetType.DAILY, 100_000_000, now
            )
            campaign = Campaign(
                new_id(), tenant_id, workspace.id, account.id, budget.id, f"c{number}", f"Campaign {number}",
                CampaignStatus.ENABLED, None,
            )  # fmt: skip
            await campaigns.add_budgets(scope, [budget])
            await campaigns.add_campaigns(scope, [campaign])
            made.append(_recommendation(plan_id, account, budget, campaign))
        await recommendations.add_recommendations(scope, made)
    return Rows(tenant_id, workspace.id, reviewer_ids, [each.id for each in made])


def _recommendation(plan_id: UUID, account: AdAccount, budget: Budget, campaign: Campaign) -> Recommendation:
    now = budget.observed_at_utc
    return Recommendation(
        id=new_id(),
        tenant_id=account.tenant_id,
        workspace_id=account.workspace_id,
        plan_id=plan_id,
        account_id=account.id,
        budget_id=budget.id,
        campaign_id=campaign.id,
        platform=Platform.META,
        campaign_name=campaign.name,
        currency_code="USD",
        reporting_currency_code="USD",
        rate_to_reporting=Decimal(1),
        status=RecommendationStatus.NEEDS_REVIEW,
        version=1,
        current_micros=100_000_000,
        suggested_micros=90_000_000,
        proposed_micros=90_000_000,
        delta_reporting_micros=-10_000_000,
        roas_now=2.0,
        roas_expected=2.4,
        roas_change_low=0.1,
        roas_change_high=0.7,
        revenue_change_reporting_micros=-5_000_000,
        confidence=0.9,
        rationale="The next unit of money earns less here than anywhere else in the plan.",
        created_at_utc=now,
        expires_at_utc=now + timedelta(days=1),
        changed_by_id=None,
        changed_at_utc=None,
        decided_by_id=None,
        decided_at_utc=None,
        decision_reason=None,
        adjustment_id=None,
    )
