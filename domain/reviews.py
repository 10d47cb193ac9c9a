"""What a reviewer sees of a workspace at a glance: money per platform, and how today's review goes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.campaigns import Budget, Campaign, CampaignDay
from domain.fetches import reported_day
from domain.metric_periods import Period, cac_micros, last_complete_days, roas
from domain.platforms import BudgetType, CampaignStatus, Platform
from domain.recommendations import UNCOUNTED, Recommendation, RecommendationStatus
from domain.workspaces import Workspace, parse_deadline
from kit.money import to_decimal
from kit.time import local_day, zone

SUMMARY_DAYS: Final = 7
MAX_RATIONALE_LINES: Final = 100


@dataclass(frozen=True, slots=True)
class PlatformSummary:
    """One platform in a workspace. Money in micros of `currency_code`, the reporting currency.

    Attributes:
        daily_budget_micros: all daily budgets that pay for an enabled campaign, as they stand; None where an account's
            currency has no known rate.
        delta_micros: what the open recommendations would change a day, together.
        expected_revenue_change_micros: what they are expected to change in revenue a day.
        open_recommendations: how many wait for review.
        spend_micros, revenue_micros: over the last 7 complete days of each account's zone; revenue None if no source
            gave any.
        roas: revenue per unit spent over the days that have revenue; None without.
        conversions: as the platform's reports attribute them, over the same days.
        cac_micros: spend per conversion; None without one.
        rationale: a line for each open recommendation, the largest move first.
    """

    platform: Platform
    currency_code: str
    daily_budget_micros: int | None
    delta_micros: int
    expected_revenue_change_micros: int
    open_recommendations: int
    spend_micros: int
    revenue_micros: int | None
    roas: float | None
    conversions: Decimal
    cac_micros: int | None
    rationale: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkspaceFacts:
    """What the summaries are made of: everything of one workspace, `days` at least over `summary_period`."""

    workspace: Workspace
    accounts: Sequence[AdAccount]
    budgets: Sequence[Budget]
    campaigns: Sequence[Campaign]
    open_now: Sequence[Recommendation]
    days: Sequence[CampaignDay]


def summary_periods(accounts: Iterable[AdAccount], now_utc: datetime) -> dict[UUID, Period]:
    """Each account's last seven complete days: which day is today depends on its zone."""
    return {
        account.id: last_complete_days(reported_day(now_utc, account.time_zone), SUMMARY_DAYS) for account in accounts
    }


def platform_summaries(facts: WorkspaceFacts, now_utc: datetime) -> list[PlatformSummary]:
    """A summary for each platform with an account, in the order of the Platform enum."""
    used = {account.platform for account in facts.accounts}
    return [_summary(platform, facts, now_utc) for platform in Platform if platform in used]


def _summary(platform: Platform, facts: WorkspaceFacts, now_utc: datetime) -> PlatformSummary:
    accounts = {account.id: account for account in facts.accounts if account.platform is platform}
    campaigns = {each.id: each for each in facts.campaigns if each.account_id in accounts}
    moves = sorted(
        (r for r in facts.open_now if r.platform is platform), key=lambda r: (-abs(r.delta_reporting_micros), r.id)
    )
    periods = summary_periods(accounts.values(), now_utc)
    days = [
        day
        for day in facts.days
        if day.campaign_id in campaigns and day.day in periods[campaigns[day.campaign_id].account_id]
    ]
    earning = [day for day in days if day.revenue_micros is not None]
    revenue = sum(_reporting(d.revenue_micros or 0, d.rate_to_reporting) for d in earning) if earning else None
    spend = sum(_reporting(d.spend_micros, d.rate_to_reporting) for d in days)
    conversions = sum((d.conversions for d in days), Decimal(0))
    return PlatformSummary(
        platform=platform,
        currency_code=facts.workspace.reporting_currency,
        daily_budget_micros=_budget_total(facts, accounts, campaigns, days),
        delta_micros=sum(r.delta_reporting_micros for r in moves),
        expected_revenue_change_micros=sum(r.revenue_change_reporting_micros for r in moves),
        open_recommendations=len(moves),
        spend_micros=spend,
        revenue_micros=revenue,
        roas=roas(revenue, sum(_reporting(d.spend_micros, d.rate_to_reporting) for d in earning)),
        conversions=conversions,
        cac_micros=cac_micros(spend, conversions),
        rationale=tuple(_line(r) for r in moves[:MAX_RATIONALE_LINES]),
    )


def _budget_total(
    facts: WorkspaceFacts,
    accounts: Mapping[UUID, AdAccount],
    campaigns: Mapping[UUID, Campaign],
    days: Sequence[CampaignDay],
) -> int | None:
    spending = {each.budget_id for each in campaigns.values() if each.status is CampaignStatus.ENABLED}
    counted = [
        each
        for each in facts.budgets
        if each.account_id in accounts and each.budget_type is BudgetType.DAILY and each.id in spending
    ]
    rates = {account_id: Decimal(1) for account_id in accounts}
    for account in accounts.values():
        if account.currency_code != facts.workspace.reporting_currency:
            known = _newest_rate(account.id, facts.open_now, campaigns, days)
            if known is None:
                return None
            rates[account.id] = known
    return sum(_reporting(each.daily_budget_micros, rates[each.account_id]) for each in counted)


def _newest_rate(
    account_id: UUID,
    open_now: Iterable[Recommendation],
    campaigns: Mapping[UUID, Campaign],
    days: Iterable[CampaignDay],
) -> Decimal | None:
    """The rate of the account's newest day, else the one its open recommendations were made with."""
    of_days = [(day.day, day.rate_to_reporting) for day in days if campaigns[day.campaign_id].account_id == account_id]
    if of_days:
        return max(of_days)[1]
    return next((r.rate_to_reporting for r in open_now if r.account_id == account_id), None)


def _reporting(micros: int, rate: Decimal) -> int:
    return int((micros * rate).to_integral_value())


def _line(move: Recommendation) -> str:
    return f"{move.campaign_name}: {to_decimal(move.delta_micros):+f} {move.currency_code} a day. {move.rationale}"


@dataclass(frozen=True, slots=True)
class ReviewProgress:
    """How the review of one day's recommendations goes (RB-1.4).

    Attributes:
        deadline_utc: by when they should be decided: today's deadline in the workspace's zone, ahead or past.
        total: recommendations due by then: made since the deadline before it. Superseded ones do not count, because
            nobody could decide them any more.
        decided_in_time: how many a person approved or rejected by the deadline.
        waiting: how many still need review.
    """

    deadline_utc: datetime
    total: int
    decided_in_time: int
    waiting: int

    @property
    def share_decided_in_time(self) -> float | None:
        """0 to 1; None when nothing was due."""
        return self.decided_in_time / self.total if self.total else None


def deadline_utc(workspace: Workspace, day: date) -> datetime:
    """The review deadline of a day in the workspace's zone, in UTC."""
    wall = parse_deadline(workspace.review_deadline)
    return datetime.combine(day, wall, tzinfo=zone(workspace.time_zone)).astimezone(UTC)


def review_window(workspace: Workspace, now_utc: datetime) -> tuple[datetime, datetime]:
    """Yesterday's and today's deadline: what is made from the first up to the second is due by the second."""
    today = local_day(now_utc, workspace.time_zone)
    return deadline_utc(workspace, today - timedelta(days=1)), deadline_utc(workspace, today)


def review_progress(due: Iterable[Recommendation], deadline: datetime) -> ReviewProgress:
    """The progress of the recommendations due by a deadline (UTC)."""
    counted = [r for r in due if r.status not in UNCOUNTED]
    by_person = {RecommendationStatus.APPROVED, RecommendationStatus.REJECTED}
    in_time = [
        r for r in counted if r.status in by_person and r.decided_at_utc is not None and r.decided_at_utc <= deadline
    ]
    waiting = [r for r in counted if r.status is RecommendationStatus.NEEDS_REVIEW]
    return ReviewProgress(deadline, len(counted), len(in_time), len(waiting))
