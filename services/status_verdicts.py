"""Whether a campaign may be paused or set running now, by values read just now. Must not change or send anything.

A pause needs the leave to send to real platforms, and nothing else: stopping must be easy. What sets a campaign running
brings its budget back into what may be spent, so the hard limits hold for it as for an increase by the whole budget.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.campaigns import Budget, Campaign
from domain.guardrails import (
    Change,
    ChangeKind,
    GuardrailBlocked,
    HardLimits,
    ScopeKind,
    Standing,
    Subject,
    Violation,
    check_running,
    effective,
)
from domain.platforms import BudgetType, Platform
from domain.platforms import limits as platform_limits
from kit.time import local_day
from models import automations, campaigns, guardrails, tenants
from models.scope import Scope
from services.currency_rates import STORED_RATE_DAYS, rate_table
from services.ports import Ports
from services.verdicts import require_no_stop, with_totals


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the campaign's budget lies, as services.verdicts.Placed."""

    workspace_id: UUID
    account_id: UUID
    platform: Platform
    currency_code: str
    rate_to_reporting: Decimal


async def require_leave(
    ports: Ports,
    scope: Scope,
    campaign: Campaign,
    account: AdAccount,
    now_utc: datetime,
    *,
    pauses: bool,
    change_id: UUID | None = None,
) -> None:
    """Refuse what must not be sent.

    To be called while the account is held (models/locks.py) where something is set running: two workers must not both
    take the same room.

    Args:
        ports: which platforms are real.
        scope: the tenant's.
        campaign: as it stands.
        account: the campaign's.
        now_utc: the moment.
        pauses: whether it is paused; else it is set running.
        change_id: the change on its way; None for one that is still to be asked for.

    Raises:
        GuardrailBlocked: an emergency stop, a switch or a hard limit forbids it.
    """
    switches = await automations.automation(scope, campaign.workspace_id)
    standing = Standing(live=account.platform in ports.live_platforms, live_sending=switches.live_sending)
    if pauses:
        # Nothing may be spent afterwards: no amount can be too high.
        nothing = _change(account, Decimal(1), 0, 0)
        found = check_running(nothing, standing, HardLimits())
    else:
        await require_no_stop(scope, campaign.workspace_id, account.currency_code)
        found = await _check_running(scope, campaign, account, standing, now_utc, change_id)
    if found:
        raise GuardrailBlocked.by(found, account.currency_code)


async def _check_running(
    scope: Scope,
    campaign: Campaign,
    account: AdAccount,
    standing: Standing,
    now_utc: datetime,
    change_id: UUID | None,
) -> tuple[Violation, ...]:
    workspace = await tenants.workspace(scope, campaign.workspace_id)
    day = local_day(now_utc, account.time_zone)
    rates = await rate_table(scope, workspace.reporting_currency, max_age_days=STORED_RATE_DAYS)
    rate = rates.lookup(day, account.currency_code, workspace.reporting_currency).rate
    rules = await guardrails.rule_sets(scope, campaign.workspace_id)
    its_own = any(each.scope.kind is ScopeKind.CAMPAIGN for each in rules)
    subject = Subject(
        None, account.platform, frozenset({campaign.id}) if its_own else frozenset(), account.currency_code, rate
    )
    limits = effective(rules, subject).limits
    budget = None if campaign.budget_id is None else await campaigns.budget(scope, campaign.budget_id)
    spends = await _spends_already(scope, campaign, budget)
    amount = 0 if budget is None or budget.budget_type is not BudgetType.DAILY else budget.daily_budget_micros
    change = _change(account, rate, amount if spends else 0, amount)
    if change.delta_micros > 0:
        place = _Place(campaign.workspace_id, account.id, account.platform, account.currency_code, rate)
        standing = await with_totals(scope, place, change_id, limits, standing, 0, day)
    return check_running(change, standing, limits)


async def _spends_already(scope: Scope, campaign: Campaign, budget: Budget | None) -> bool:
    """Whether another campaign that runs is paid by the same budget: then it is counted as it is."""
    if budget is None:
        return False
    beside = await campaigns.running(scope, campaign.workspace_id, [budget.id])
    return any(each.id != campaign.id for each in beside)


def _change(account: AdAccount, rate: Decimal, now_micros: int, then_micros: int) -> Change:
    allowed = platform_limits(account.platform, account.currency_code)
    return Change(
        ChangeKind.CHANGE, account.platform, account.currency_code, rate, now_micros, then_micros,
        allowed.min_daily_micros, allowed.step_micros,
    )  # fmt: skip
