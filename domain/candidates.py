"""From what a workspace knows to what a proposer may weigh: one candidate per budget, locked where it must not move.

Pure. Must not choose amounts; that is domain/rebalancing's.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment
from domain.campaigns import Budget, Campaign, CampaignDay
from domain.cool_downs import rests_until
from domain.currencies import RateTable, RateUnavailable
from domain.guarded_budgets import GuardedBudgets
from domain.guardrails import Proposer
from domain.metrics import DailyMetric
from domain.plans import SkippedBudget
from domain.platforms import BudgetType, CampaignStatus, limits
from domain.rebalancing import BudgetCandidate
from domain.recommendations import Direction, Recommendation, held_directions
from domain.workspaces import Workspace
from kit.time import local_day

#: Budgets of an account that was not synced for longer are not touched: what is known of them may be wrong.
MAX_SYNC_AGE: Final = timedelta(hours=24)
_MARGIN_STEP: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Situation:
    """What a workspace knows at a moment.

    Attributes:
        accounts: by id, those with budgets at least.
        days: by campaign id, account-zone days of the last months.
        rejected: recommendations that people rejected, at least those still held.
        in_flight: budgets with an approved change that is not settled.
        confirmed: changes read back from the platforms, at least of the last eight days.
        rates: into the reporting currency.
        guarded: the same budgets under the workspace's guardrails.
    """

    workspace: Workspace
    now_utc: datetime
    accounts: Mapping[UUID, AdAccount]
    budgets: Sequence[Budget]
    campaigns: Sequence[Campaign]
    days: Mapping[UUID, Sequence[CampaignDay]]
    rejected: Sequence[Recommendation]
    in_flight: frozenset[UUID]
    confirmed: Sequence[Adjustment]
    rates: RateTable
    guarded: GuardedBudgets


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be weighed, and the budgets that cannot even be compared, each with its reason."""

    budgets: tuple[BudgetCandidate, ...]
    skipped: tuple[SkippedBudget, ...]


def gather(situation: Situation) -> Candidates:
    """One candidate per budget with a campaign that is not removed; campaigns without a budget are left out."""
    served = defaultdict(list)
    for campaign in situation.campaigns:
        if campaign.budget_id is not None and campaign.status is not CampaignStatus.REMOVED:
            served[campaign.budget_id].append(campaign)
    found: list[BudgetCandidate] = []
    skipped: list[SkippedBudget] = []
    for budget in situation.budgets:
        if not served[budget.id]:
            continue
        one = _candidate(situation, budget, sorted(served[budget.id], key=_running_first))
        if isinstance(one, SkippedBudget):
            skipped.append(one)
        else:
            found.append(one)
    return Candidates(tuple(found), tuple(skipped))


def _running_first(campaign: Campaign) -> tuple[bool, UUID]:
    return campaign.status is not CampaignStatus.ENABLED, campaign.id


def shown_name(campaigns: Sequence[Campaign]) -> str:
    """What a budget is called: its campaign's name, both where it serves two, else the first and how many more."""
    if len(campaigns) <= 2:  # noqa: PLR2004 - two names still fit a line
        return " + ".join(each.name for each in campaigns)
    return f"{campaigns[0].name} + {len(campaigns) - 1} more"


def _candidate(situation: Situation, budget: Budget, campaigns: Sequence[Campaign]) -> BudgetCandidate | SkippedBudget:
    account = situation.accounts[budget.account_id]
    first, name = campaigns[0], shown_name(campaigns)
    if budget.budget_type is not BudgetType.DAILY or budget.daily_budget_micros <= 0:
        sentence = f"{name} has no daily budget; only daily budgets are changed."
        return SkippedBudget(first.id, name, "NOT_DAILY", sentence)
    today = local_day(situation.now_utc, account.time_zone)
    reporting = situation.workspace.reporting_currency
    try:
        rate = situation.rates.lookup(today, account.currency_code, reporting).rate
    except RateUnavailable as error:
        sentence = f"{name} cannot be compared in {reporting}: {error.message}."
        return SkippedBudget(first.id, name, "NO_RATE", sentence)
    held = held_directions(
        (each for each in situation.rejected if each.budget_id == budget.id),
        account.time_zone,
        situation.workspace.rejection_hold_days,
        situation.now_utc,
    )
    allowed = limits(account.platform, account.currency_code)
    days = [day for campaign in campaigns for day in situation.days.get(campaign.id, ())]
    room = situation.guarded.room(account, budget, Proposer.REBALANCER, rate)
    reason = next(_reasons_to_wait(situation, budget, campaigns, held, today), room.locked_because)
    return BudgetCandidate(
        budget_id=budget.id,
        campaign_id=first.id,
        name=name,
        platform=account.platform,
        currency_code=account.currency_code,
        rate_to_reporting=rate,
        daily_budget_micros=budget.daily_budget_micros,
        metrics=[_metric(day, day.revenue_micros) for day in days if day.revenue_micros is not None],
        today=today,
        product_margin=_margin(campaigns, days),
        frozen=reason is not None,
        frozen_reason=reason,
        blocked_direction=next((direction.value for direction in held), None) if reason is None else None,
        min_daily_micros=room.lower_micros,
        max_daily_micros=room.upper_micros,
        step_micros=allowed.step_micros,
    )


def _reasons_to_wait(
    situation: Situation, budget: Budget, campaigns: Sequence[Campaign], held: frozenset[Direction], today: date
) -> Iterator[str]:
    """Why the budget must not be proposed now, the plainest reason first."""
    account = situation.accounts[budget.account_id]
    if account.synced_at_utc is None or situation.now_utc - account.synced_at_utc > MAX_SYNC_AGE:
        yield "its account was not synced in the last 24 hours"
    if all(each.status is CampaignStatus.PAUSED for each in campaigns):
        yield "it is paused"
    if budget.id in situation.in_flight:
        yield "an approved change of it is still on its way"
    rest = [
        rests_until(account.platform, each.before_micros, each.intended_micros, on)
        for each in situation.confirmed
        if each.budget_id == budget.id and each.confirmed_at_utc is not None
        for on in [local_day(each.confirmed_at_utc, account.time_zone)]
    ]
    if rest and max(rest) > today:
        yield f"its budget was changed lately; it is left to settle until {max(rest).isoformat()}"
    if len(held) == len(Direction):
        yield "reviewers rejected changes in both directions in this period"


def _metric(day: CampaignDay, revenue_micros: int) -> DailyMetric:
    return DailyMetric(day.day, day.impressions, day.clicks, float(day.conversions), day.spend_micros, revenue_micros)


def _margin(campaigns: Sequence[Campaign], days: Sequence[CampaignDay]) -> Decimal | None:
    """The share of revenue kept over a budget's campaigns, by their revenue; losses count as nothing kept."""
    revenue: defaultdict[UUID, int] = defaultdict(int)
    for day in days:
        revenue[day.campaign_id] += day.revenue_micros or 0
    known = [(each.product_margin, revenue[each.id]) for each in campaigns if each.product_margin is not None]
    if not known:
        return None
    total = sum(weight for _, weight in known)
    if total:
        mean = sum((margin * weight for margin, weight in known), Decimal(0)) / total
    else:
        mean = sum((margin for margin, _ in known), Decimal(0)) / len(known)
    return min(max(mean, Decimal(0)), Decimal(1)).quantize(_MARGIN_STEP)
