"""An ad platform in memory behind the AdPlatform port: its campaigns, days and budgets are plain lists a test can set."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from domain.errors import PlatformError
from domain.platforms import (
    BudgetReceipt,
    BudgetType,
    CampaignStatus,
    Platform,
    PlatformAccount,
    PlatformBudget,
    PlatformCampaign,
    PlatformDailyMetric,
    StatusReceipt,
)


@dataclass
class FakePlatform:
    """Answers from its fields; `calls` remembers what was asked. Set `before_call` to look on, or to fail."""

    platform: Platform = Platform.META
    account: PlatformAccount = field(
        default_factory=lambda: PlatformAccount("1", "Acme shop", "USD", "America/New_York")
    )
    campaigns: list[PlatformCampaign] = field(default_factory=list)
    days: list[PlatformDailyMetric] = field(default_factory=list)
    failures: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    before_call: Callable[[str], Awaitable[None]] | None = None

    async def fetch_account(self, account: str) -> PlatformAccount:
        await self._called("fetch_account", account)
        return self.account

    async def fetch_campaigns(self, account: str) -> list[PlatformCampaign]:
        await self._called("fetch_campaigns", account)
        return list(self.campaigns)

    async def fetch_daily_metrics(self, account: str, since: date, until: date) -> list[PlatformDailyMetric]:
        await self._called("fetch_daily_metrics", account, since, until)
        return [row for row in self.days if since <= row.day <= until]

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        await self._called("read_budget", account, budget_external_id)
        row = next(row for row in self.campaigns if row.budget_external_id == budget_external_id)
        return PlatformBudget(budget_external_id, row.budget_type, row.daily_budget_micros)

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        await self._called("set_daily_budget", account, budget_external_id, daily_budget_micros)
        self.set_budget(budget_external_id, daily_budget_micros)
        return BudgetReceipt(f"receipt-{len(self.calls)}")

    async def read_campaign_status(self, account: str, campaign_external_id: str) -> CampaignStatus:
        await self._called("read_campaign_status", account, campaign_external_id)
        return next(row.status for row in self.campaigns if row.external_id == campaign_external_id)

    async def set_campaign_status(
        self, account: str, campaign_external_id: str, status: CampaignStatus
    ) -> StatusReceipt:
        await self._called("set_campaign_status", account, campaign_external_id, status)
        self.campaigns = [
            replace(row, status=status) if row.external_id == campaign_external_id else row for row in self.campaigns
        ]
        return StatusReceipt(f"receipt-{len(self.calls)}")

    def set_budget(self, budget_external_id: str, daily_budget_micros: int) -> None:
        self.campaigns = [
            replace(row, daily_budget_micros=daily_budget_micros)
            if row.budget_external_id == budget_external_id
            else row
            for row in self.campaigns
        ]

    def calls_of(self, name: str) -> list[tuple[object, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    async def _called(self, name: str, *arguments: object) -> None:
        self.calls.append((name, *arguments))
        if self.before_call is not None:
            await self.before_call(name)
        waiting = self.failures.get(name)
        if waiting:
            raise waiting.pop(0)


def campaign(number: int, budget_micros: int = 100_000_000, **changes: object) -> PlatformCampaign:
    """Campaign `number` with a budget of its own."""
    made = PlatformCampaign(
        f"c{number}", f"Campaign {number}", CampaignStatus.ENABLED, f"b{number}", BudgetType.DAILY, budget_micros
    )
    return replace(made, **changes)


def days_of(
    number: int, last_day: date, count: int, *, budget_micros: int = 100_000_000, ceiling: float = 500.0
) -> list[PlatformDailyMetric]:
    """`count` days up to `last_day` of a campaign whose revenue saturates at `ceiling` units a day.

    Spend swings by a fifth over the days, so that the curve can be seen; there is no chance in it.
    """
    rows = []
    for back in range(count):
        day = last_day - timedelta(days=back)
        spend = round(budget_micros / 1e6 * (1.0 + 0.2 * math.sin(day.toordinal() * 1.7 + number)), 2)
        revenue = round(ceiling * spend / (spend + 100.0), 2)
        rows.append(
            PlatformDailyMetric(
                f"c{number}", day, 10_000, 200, 8.25, round(spend * 100) * 10_000, round(revenue * 100) * 10_000
            )
        )
    return rows


def refused(message: str = "no", **facts: object) -> PlatformError:
    """A refusal; `facts` as PlatformError takes them."""
    return PlatformError(message, **facts)
