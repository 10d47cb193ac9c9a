"""Who lives in the demo world: seven accounts, thirty campaigns, their hidden truths. Data only.

Amounts are in units of the account's currency a day. Some campaigns are over-funded (their next unit earns less than
it costs), some under-funded, some held by demand, two younger than a week: a rebalancer has something to find, and
something to keep its hands off.
"""

from dataclasses import dataclass
from typing import Final

from kit.money import MICROS_PER_UNIT
from sandbox.world import HISTORY_DAYS, AccountSpec, BudgetSpec, CampaignSpec, Response

META: Final = "META"
GOOGLE: Final = "GOOGLE"
TIKTOK: Final = "TIKTOK"
LINKEDIN: Final = "LINKEDIN"
AMAZON: Final = "AMAZON"
MICROSOFT: Final = "MICROSOFT"

PLATFORMS: Final = (META, GOOGLE, TIKTOK, LINKEDIN, AMAZON, MICROSOFT)

#: Share of a day's conversions that each platform reports after 0, 1, 2 and 3 days.
_DELAYS: Final = {
    META: (0.62, 0.22, 0.11, 0.05),
    GOOGLE: (0.70, 0.18, 0.08, 0.04),
    TIKTOK: (0.55, 0.25, 0.13, 0.07),
    LINKEDIN: (0.48, 0.27, 0.16, 0.09),
    AMAZON: (0.58, 0.24, 0.12, 0.06),
    MICROSOFT: (0.68, 0.19, 0.09, 0.04),
}

#: Revenue factors Monday to Sunday, mean one: shops sell at weekends, software on working days.
_SHOP_WEEK: Final = (0.92, 0.90, 0.94, 0.98, 1.02, 1.12, 1.12)
_OFFICE_WEEK: Final = (1.10, 1.12, 1.10, 1.06, 1.02, 0.78, 0.82)


@dataclass(frozen=True, slots=True)
class Roster:
    """Every account, budget entity and campaign of a world."""

    accounts: tuple[AccountSpec, ...]
    budgets: tuple[BudgetSpec, ...]
    campaigns: tuple[CampaignSpec, ...]


META_US: Final = AccountSpec(META, "1043380012345601", "Harbour & Pine US", "USD", "America/New_York")
META_EU: Final = AccountSpec(META, "1043380012345602", "Harbour & Pine EU", "EUR", "Europe/Berlin")
GOOGLE_US: Final = AccountSpec(GOOGLE, "4201987001", "Harbour & Pine", "USD", "America/New_York")
TIKTOK_US: Final = AccountSpec(TIKTOK, "7100000000000000001", "Harbour & Pine", "USD", "America/New_York")
#: LinkedIn reports every account's days in UTC.
LINKEDIN_US: Final = AccountSpec(LINKEDIN, "507100001", "Harbour & Pine", "USD", "UTC")
#: Amazon's days are those of the marketplace: the Pacific coast's in the United States.
AMAZON_US: Final = AccountSpec(AMAZON, "3312007700000001", "Harbour & Pine", "USD", "America/Los_Angeles")
MICROSOFT_US: Final = AccountSpec(MICROSOFT, "149000001", "Harbour & Pine", "USD", "America/New_York")


def _micros(units: float) -> int:
    return round(units * MICROS_PER_UNIT)


def _budget(account: AccountSpec, external_id: str, units: float) -> BudgetSpec:
    return BudgetSpec(external_id, account, _micros(units))


def _campaign(
    budget: BudgetSpec,
    external_id: str,
    name: str,
    *,
    ceiling: float,
    half: float,
    slope: float = 1.0,
    share: float = 1.0,
    cap: float | None = None,
    age_days: int = HISTORY_DAYS,
    week: tuple[float, ...] = _SHOP_WEEK,
    noise_sd: float = 0.15,
    order: float = 62.0,
    click: float = 0.85,
    click_rate: float = 0.014,
) -> CampaignSpec:
    return CampaignSpec(
        external_id=external_id,
        name=name,
        budget=budget,
        response=Response(_micros(ceiling), _micros(half), slope),
        budget_share=share,
        age_days=age_days,
        weekday=week,
        noise_sd=noise_sd,
        delay_shares=_DELAYS[budget.account.platform],
        demand_cap_micros=None if cap is None else _micros(cap),
        order_value_micros=_micros(order),
        click_cost_micros=_micros(click),
        click_rate=click_rate,
    )


def _own(account: AccountSpec, external_id: str, name: str, units: float) -> tuple[BudgetSpec, str, str]:
    """A campaign that carries its own budget, as on all but Google: the entity's id is the campaign's."""
    return _budget(account, external_id, units), external_id, name


def _meta() -> tuple[CampaignSpec, ...]:
    return (
        _campaign(*_own(META_US, "23850000000010001", "Prospecting | Broad", 400), ceiling=1500, half=250),
        _campaign(
            *_own(META_US, "23850000000010002", "Retargeting | 30 days", 300), ceiling=900, half=120, click_rate=0.022
        ),
        _campaign(*_own(META_US, "23850000000010003", "Lookalike | Purchasers", 120), ceiling=4000, half=500),
        _campaign(*_own(META_US, "23850000000010004", "Catalogue sales", 200), ceiling=2400, half=400, slope=1.1),
        _campaign(
            *_own(META_US, "23850000000010005", "Video views | Summer", 150),
            ceiling=520,
            half=200,
            cap=110,
            noise_sd=0.22,
        ),
        _campaign(*_own(META_US, "23850000000010006", "New collection launch", 80), ceiling=900, half=200, age_days=4),
        _campaign(*_own(META_EU, "23850000000020001", "Prospecting | DACH", 180), ceiling=1900, half=420),
        _campaign(
            *_own(META_EU, "23850000000020002", "Retargeting | DACH", 160), ceiling=480, half=90, click_rate=0.020
        ),
    )


def _google() -> tuple[CampaignSpec, ...]:
    search = _budget(GOOGLE_US, "9100000003", 350)
    return (
        _campaign(
            _budget(GOOGLE_US, "9100000001", 250),
            "17000000001",
            "Search | Brand",
            ceiling=2600,
            half=260,
            cap=140,
            week=_OFFICE_WEEK,
            click_rate=0.11,
        ),
        _campaign(
            _budget(GOOGLE_US, "9100000002", 220), "17000000002", "Shopping | All products", ceiling=4200, half=700
        ),
        _campaign(
            search, "17000000003", "Search | Generic", ceiling=1500, half=320, share=0.6, week=_OFFICE_WEEK, click=1.9
        ),
        _campaign(
            search,
            "17000000004",
            "Search | Competitors",
            ceiling=380,
            half=160,
            share=0.4,
            week=_OFFICE_WEEK,
            click=2.4,
        ),
        _campaign(_budget(GOOGLE_US, "9100000004", 450), "17000000005", "Performance Max", ceiling=1700, half=230),
    )


def _tiktok() -> tuple[CampaignSpec, ...]:
    return (
        _campaign(
            *_own(TIKTOK_US, "1780000000000001", "Spark ads | Creators", 130), ceiling=2300, half=450, noise_sd=0.2
        ),
        _campaign(
            *_own(TIKTOK_US, "1780000000000002", "In-feed | Prospecting", 260), ceiling=780, half=180, noise_sd=0.2
        ),
        _campaign(
            *_own(TIKTOK_US, "1780000000000003", "Catalogue | Retargeting", 110), ceiling=700, half=130, noise_sd=0.18
        ),
        _campaign(
            *_own(TIKTOK_US, "1780000000000004", "TopView | Holiday", 320),
            ceiling=1000,
            half=260,
            cap=280,
            noise_sd=0.2,
        ),
        _campaign(*_own(TIKTOK_US, "1780000000000005", "Creator test | Autumn", 90), ceiling=800, half=210, age_days=5),
    )


def _linkedin() -> tuple[CampaignSpec, ...]:
    return (
        _campaign(
            *_own(LINKEDIN_US, "330100001", "Sponsored content | Buyers", 180),
            ceiling=1600,
            half=380,
            week=_OFFICE_WEEK,
            order=240.0,
            click=6.4,
            click_rate=0.006,
        ),
        _campaign(
            *_own(LINKEDIN_US, "330100002", "Retargeting | Site visitors", 90),
            ceiling=1500,
            half=210,
            week=_OFFICE_WEEK,
            order=210.0,
            click=5.2,
            click_rate=0.008,
        ),
        _campaign(
            *_own(LINKEDIN_US, "330100003", "Document ads | Guide", 150),
            ceiling=300,
            half=110,
            week=_OFFICE_WEEK,
            order=180.0,
            click=4.8,
            click_rate=0.005,
            noise_sd=0.2,
        ),
        _campaign(
            *_own(LINKEDIN_US, "330100004", "Text ads | Always on", 60),
            ceiling=420,
            half=90,
            week=_OFFICE_WEEK,
            order=190.0,
            click=3.9,
            click_rate=0.0025,
        ),
    )


def _amazon() -> tuple[CampaignSpec, ...]:
    return (
        _campaign(
            *_own(AMAZON_US, "410200000000001", "Sponsored Products | Bestsellers", 240),
            ceiling=3600,
            half=420,
            order=38.0,
            click=0.9,
            click_rate=0.004,
        ),
        _campaign(
            *_own(AMAZON_US, "410200000000002", "Sponsored Products | Automatic", 160),
            ceiling=640,
            half=190,
            order=34.0,
            click=0.7,
            click_rate=0.003,
        ),
        _campaign(
            *_own(AMAZON_US, "410200000000003", "Sponsored Products | Brand terms", 120),
            ceiling=1100,
            half=110,
            cap=85,
            order=41.0,
            click=0.6,
            click_rate=0.012,
        ),
        _campaign(
            *_own(AMAZON_US, "410200000000004", "Sponsored Products | Category", 90),
            ceiling=1300,
            half=260,
            order=36.0,
            click=1.1,
            click_rate=0.0035,
            noise_sd=0.18,
        ),
    )


def _microsoft() -> tuple[CampaignSpec, ...]:
    return (
        _campaign(
            *_own(MICROSOFT_US, "520300001", "Search | Generic", 110),
            ceiling=980,
            half=170,
            week=_OFFICE_WEEK,
            click=1.4,
            click_rate=0.05,
        ),
        _campaign(
            *_own(MICROSOFT_US, "520300002", "Shopping | All products", 140), ceiling=620, half=120, click_rate=0.02
        ),
        _campaign(
            *_own(MICROSOFT_US, "520300003", "Search | Brand", 70),
            ceiling=760,
            half=80,
            cap=60,
            week=_OFFICE_WEEK,
            click=0.5,
            click_rate=0.12,
        ),
        _campaign(*_own(MICROSOFT_US, "520300004", "Audience | Remarketing", 80), ceiling=300, half=110, noise_sd=0.2),
    )


def demo_roster() -> Roster:
    """The demo world's accounts, budgets and campaigns, in a fixed order."""
    campaigns = (*_meta(), *_google(), *_tiktok(), *_linkedin(), *_amazon(), *_microsoft())
    budgets = tuple(dict.fromkeys(campaign.budget for campaign in campaigns))
    accounts = (META_US, META_EU, GOOGLE_US, TIKTOK_US, LINKEDIN_US, AMAZON_US, MICROSOFT_US)
    return Roster(accounts, budgets, campaigns)
