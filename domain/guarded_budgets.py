"""A workspace's budgets under its guardrails, many at once: the room each has, and what a proposal would meet.

Pure. For a plan that is being made, and to try settings on what was proposed before; what is about to be approved or
sent is judged alone against values of that moment (services/verdicts.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.automations import Automation
from domain.campaigns import Budget, Campaign, CampaignDay
from domain.currencies import RateTable, RateUnavailable
from domain.guardrails import (
    Bounds,
    Change,
    ChangeKind,
    Entry,
    Ledger,
    RuleSet,
    Settings,
    Standing,
    Subject,
    Verdict,
    bounds,
    check,
    effective,
    evidence_of,
)
from domain.platforms import BudgetType, CampaignStatus, Platform, limits
from domain.recommendations import Recommendation
from kit.time import local_day

_UNSENT = frozenset({AdjustmentStatus.PENDING, AdjustmentStatus.SENDING})
_UNSETTLED = _UNSENT | {AdjustmentStatus.APPLIED}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a workspace.

    Attributes:
        rules: all its guardrails.
        changes: of the last 91 days, and all that are not settled.
        entries: reservations of the days that are asked about.
        live_platforms: those that are real, not a sandbox.
    """

    automation: Automation
    rules: Sequence[RuleSet]
    accounts: Mapping[UUID, AdAccount]
    budgets: Sequence[Budget]
    campaigns: Sequence[Campaign]
    days: Mapping[UUID, Sequence[CampaignDay]]
    changes: Sequence[Adjustment]
    entries: Sequence[Entry]
    rates: RateTable
    reporting_currency: str
    live_platforms: frozenset[Platform]


class GuardedBudgets:
    """A workspace's budgets at a moment, indexed once."""

    def __init__(self, known: Known, now_utc: datetime) -> None:
        self._known = known
        self._served: defaultdict[UUID, list[Campaign]] = defaultdict(list)
        for campaign in known.campaigns:
            if campaign.budget_id is not None and campaign.status is not CampaignStatus.REMOVED:
                self._served[campaign.budget_id].append(campaign)
        self._changes: defaultdict[UUID, list[Adjustment]] = defaultdict(list)
        for change in known.changes:
            self._changes[change.budget_id].append(change)
        self._today = {each.id: local_day(now_utc, each.time_zone) for each in known.accounts.values()}
        self._ledger = Ledger([*known.entries, *self._queued(known.entries)])
        self._totals = self._account_totals()

    def _queued(self, entries: Iterable[Entry]) -> Iterable[Entry]:
        """What was approved and will be sent: as if it were reserved today."""
        reserved = {(each.adjustment_id, each.day) for each in entries}
        for each in self._known.changes:
            day = self._today[each.account_id]
            if each.status in _UNSENT and (each.id, day) not in reserved:
                moved = abs(each.intended_micros - each.before_micros)
                yield Entry(
                    each.account_id,
                    each.budget_id,
                    each.id,
                    day,
                    moved,
                    each.auto_approved,
                    each.restores_id is not None,
                )

    def _account_totals(self) -> dict[UUID, int]:
        """Each account's daily budgets of campaigns that run, each at the most it may be after what is on its way."""
        totals: defaultdict[UUID, int] = defaultdict(int)
        for budget in self._known.budgets:
            runs = any(each.status is CampaignStatus.ENABLED for each in self._served[budget.id])
            if budget.budget_type is BudgetType.DAILY and runs:
                coming = [each.intended_micros for each in self._changes[budget.id] if each.status in _UNSETTLED]
                totals[budget.account_id] += max([budget.daily_budget_micros, *coming])
        return totals

    @property
    def automated(self) -> bool:
        """Whether anything is approved without a person now."""
        return self._known.automation.acts

    def settings(self, account: AdAccount, budget_id: UUID, proposer: str, rate: Decimal) -> Settings:
        """What holds for a budget and a proposer, account micros."""
        ids = frozenset(each.id for each in self._served[budget_id])
        return effective(self._known.rules, Subject(proposer, account.platform, ids, account.currency_code, rate))

    def room(self, account: AdAccount, budget: Budget, proposer: str, rate: Decimal) -> Bounds:
        """From where to where a proposer may move a budget today."""
        still = _change(account, rate, budget.daily_budget_micros, budget.daily_budget_micros)
        settings = self.settings(account, budget.id, proposer, rate)
        return bounds(still, self._standing(account, budget.id, self._today[account.id], None), settings.limits)

    def verdict(self, recommendation: Recommendation, proposer: str) -> Verdict:
        """What both kinds of guardrail say of what a proposer suggested, at the moment it did."""
        at_utc, rate = recommendation.created_at_utc, recommendation.rate_to_reporting
        account = self._known.accounts[recommendation.account_id]
        budget_id, itself = recommendation.budget_id, recommendation.adjustment_id
        settings = self.settings(account, budget_id, proposer, rate)
        standing = self._standing(account, budget_id, local_day(at_utc, account.time_zone), itself)
        days = [day for each in self._served[budget_id] for day in self._known.days.get(each.id, ())]
        changes = [each for each in self._changes[budget_id] if each.id != itself and each.created_at_utc <= at_utc]
        forecast = (recommendation.roas_now, recommendation.confidence)
        evidence = evidence_of(account.platform, account.time_zone, at_utc, forecast, days, changes)
        day = local_day(at_utc, account.time_zone)
        paused = self._known.automation.paused
        evidence = replace(
            evidence,
            automatic_changes_today=self._ledger.totals(account.id, budget_id, day, itself).automatic_changes,
            paused_by="the workspace's kill switch" if paused else None,
        )
        change = _change(account, rate, recommendation.current_micros, recommendation.suggested_micros)
        return check(change, standing, evidence, settings)

    def _standing(self, account: AdAccount, budget_id: UUID, day: date, except_id: UUID | None) -> Standing:
        done = self._ledger.totals(account.id, budget_id, day, except_id)
        return Standing(
            changes_today=done.changes,
            account_moved_micros=done.moved_micros,
            account_budget_micros=self._totals.get(account.id, 0),
            platform_budget_reporting_micros=self._platform_total(account.platform),
            live=account.platform in self._known.live_platforms,
            live_sending=self._known.automation.live_sending,
        )

    def _platform_total(self, platform: Platform) -> int:
        """In reporting micros; an account without a rate is left out: its budgets are not proposed anyway."""
        total = Decimal(0)
        for account in self._known.accounts.values():
            if account.platform is not platform:
                continue
            try:
                rate = self._known.rates.lookup(
                    self._today[account.id], account.currency_code, self._known.reporting_currency
                ).rate
            except RateUnavailable:
                continue
            total += self._totals.get(account.id, 0) * rate
        return int(total.to_integral_value("ROUND_CEILING"))


def _change(account: AdAccount, rate: Decimal, current_micros: int, proposed_micros: int) -> Change:
    allowed = limits(account.platform, account.currency_code)
    return Change(
        ChangeKind.CHANGE, account.platform, account.currency_code, rate, current_micros, proposed_micros,
        allowed.min_daily_micros, allowed.step_micros,
    )  # fmt: skip
