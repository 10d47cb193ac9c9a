"""The ad platforms' vocabulary: what an account, a campaign, a day of metrics and a budget are. No transport.

A budget entity is what carries the money and may be shared: Google's CampaignBudget serves several campaigns; on all
other platforms the budgets that are changed here sit on the campaign itself.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from kit.money import MICROS_PER_UNIT, step_micros


class Platform(StrEnum):
    """An advertising platform whose budgets the system can read and change."""

    META = "META"
    GOOGLE = "GOOGLE"
    TIKTOK = "TIKTOK"
    LINKEDIN = "LINKEDIN"
    AMAZON = "AMAZON"
    MICROSOFT = "MICROSOFT"


class CampaignStatus(StrEnum):
    """Whether a campaign may spend, in the platforms' common terms."""

    ENABLED = "ENABLED"
    PAUSED = "PAUSED"
    REMOVED = "REMOVED"


class BudgetType(StrEnum):
    """How the platform spreads the amount. Only DAILY budgets are changed; the type is read back with the amount."""

    DAILY = "DAILY"
    LIFETIME = "LIFETIME"


@dataclass(frozen=True, slots=True)
class PlatformAccount:
    """An ad account as its platform tells it."""

    external_id: str
    name: str
    currency_code: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class PlatformCampaign:
    """A campaign as its platform tells it. `budget_external_id` names the budget entity; amounts in account micros."""

    external_id: str
    name: str
    status: CampaignStatus
    budget_external_id: str
    budget_type: BudgetType
    daily_budget_micros: int


@dataclass(frozen=True, slots=True)
class PlatformDailyMetric:
    """One campaign on one day of the account's zone. Money in account micros; conversions may be fractional."""

    campaign_external_id: str
    day: date
    impressions: int
    clicks: int
    conversions: float
    spend_micros: int
    revenue_micros: int


@dataclass(frozen=True, slots=True)
class PlatformBudget:
    """A budget entity as read back just now."""

    external_id: str
    budget_type: BudgetType
    daily_budget_micros: int


@dataclass(frozen=True, slots=True)
class BudgetReceipt:
    """What the platform answered to a budget change; `execution_id` is its own id for the request, for support."""

    execution_id: str


@dataclass(frozen=True, slots=True)
class StatusReceipt:
    """What the platform answered to a campaign's pause or start; `execution_id` is its own id for the request."""

    execution_id: str


@dataclass(frozen=True, slots=True)
class PlatformLimits:
    """What a platform accepts as a daily budget: `min_daily_micros` and the multiple `step_micros`, account micros."""

    min_daily_micros: int
    step_micros: int


#: Smallest daily budget per platform in hundredths of the currency unit (sources: the platforms' help pages for US
#: dollars; TikTok documents 50 for a campaign, Meta 1 for impressions billing, Google one billable unit, LinkedIn 10,
#: Amazon 1 for Sponsored Products, Microsoft 0.05). In other currencies the platform itself has the last word.
_MIN_DAILY_HUNDREDTHS = {
    Platform.META: 100,
    Platform.GOOGLE: 100,
    Platform.TIKTOK: 5_000,
    Platform.LINKEDIN: 1_000,
    Platform.AMAZON: 100,
    Platform.MICROSOFT: 5,
}

#: Currencies that Meta counts in whole units; it counts all others in hundredths, whatever ISO 4217 says: Meta's forint
#: has no fillér and its dinar a hundredth (source: Marketing API reference, "Currencies").
_META_WHOLE_UNITS = frozenset(("CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"))


def limits(platform: Platform, currency_code: str) -> PlatformLimits:
    """A platform's daily-budget minimum and step in a currency, account micros."""
    step = step_micros(currency_code)
    if platform is Platform.META:
        step = MICROS_PER_UNIT if currency_code in _META_WHOLE_UNITS else MICROS_PER_UNIT // 100
    least = _MIN_DAILY_HUNDREDTHS[platform] * MICROS_PER_UNIT // 100
    return PlatformLimits(max(least, step), step)


class AdPlatform(Protocol):
    """The port every platform adapter fills. `account` is the account's external id on that platform.

    All methods raise PlatformError and nothing else for what the platform does: refusals, quotas, time-outs.
    """

    platform: Platform

    async def fetch_account(self, account: str) -> PlatformAccount:
        """The account's name, currency and time zone."""

    async def fetch_campaigns(self, account: str) -> list[PlatformCampaign]:
        """Every campaign that is not removed, all pages."""

    async def fetch_daily_metrics(self, account: str, since: date, until: date) -> list[PlatformDailyMetric]:
        """Metrics of every campaign per account-zone day, `since` and `until` included, all pages."""

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        """The budget entity as it stands now."""

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        """Set the absolute daily budget in account micros (a whole number of the platform's step)."""

    async def read_campaign_status(self, account: str, campaign_external_id: str) -> CampaignStatus:
        """Whether one campaign may spend, as it stands now."""

    async def set_campaign_status(
        self, account: str, campaign_external_id: str, status: CampaignStatus
    ) -> StatusReceipt:
        """Pause a campaign or let it run: `status` is PAUSED or ENABLED, all else a programming error (KeyError)."""
