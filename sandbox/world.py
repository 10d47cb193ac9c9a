"""The campaign world: what a budget really buys. Pure functions of seed, day and budget history; must do no I/O.

Every number a stand-in platform reports comes from here. A value depends only on its arguments: the random draws of a
campaign's day are seeded by (seed, campaign, day), so neither the order of questions nor a restart changes them.

    spend    follows the budget in force, time-weighted over the day, a little under-delivered, capped by demand
    revenue  Hill response of the day's spend rate, times weekday pattern, times log-normal noise of mean one
    reports  show only the share of revenue and conversions that attribution has delivered by now
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zlib import crc32

import numpy as np

from kit.money import step_micros
from kit.time import day_start_utc, local_day

#: Days of history that the oldest campaigns have behind them when the world starts.
HISTORY_DAYS: Final = 120

_LAST_KNOWN_AGE: Final = 3


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """An ad account of the world. `platform` is one of the roster's."""

    platform: str
    external_id: str
    name: str
    currency_code: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """A budget entity: who owns it and its amount when the world starts, account micros a day."""

    external_id: str
    account: AccountSpec
    initial_micros: int


@dataclass(frozen=True, slots=True)
class Response:
    """Hill response of a day's revenue to a day's spend: ceiling * s^slope / (half^slope + s^slope), micros."""

    ceiling_micros: int
    half_spend_micros: int
    slope: float = 1.0


@dataclass(frozen=True, slots=True)
class CampaignSpec:
    """A campaign and its hidden truth.

    Attributes:
        budget_share: the part of its budget entity this campaign gets, 0-1 (below 1 where the budget is shared).
        age_days: days of history when the world starts.
        weekday: seven revenue factors, Monday first, mean one.
        noise_sd: standard deviation of log revenue.
        delay_shares: share of a day's conversions reported after 0, 1, 2 and 3 days; they sum to one.
        demand_cap_micros: the most that can be spent a day, or None.
        order_value_micros, click_cost_micros: mean revenue per conversion and spend per click.
        click_rate: clicks per impression, 0-1.
    """

    external_id: str
    name: str
    budget: BudgetSpec
    response: Response
    budget_share: float
    age_days: int
    weekday: tuple[float, ...]
    noise_sd: float
    delay_shares: tuple[float, ...]
    demand_cap_micros: int | None
    order_value_micros: int
    click_cost_micros: int
    click_rate: float


@dataclass(frozen=True, slots=True)
class BudgetStep:
    """From this moment on the budget entity stands at this amount, account micros a day."""

    from_utc: datetime
    daily_budget_micros: int


@dataclass(frozen=True, slots=True)
class PauseStep:
    """From this moment on the campaign is paused, or runs again."""

    from_utc: datetime
    paused: bool


@dataclass(frozen=True, slots=True)
class CampaignDay:
    """What a platform reports of one campaign on one account-zone day, as of now. Money in whole account steps."""

    campaign_id: str
    day: date
    impressions: int
    clicks: int
    conversions: float
    spend_micros: int
    revenue_micros: int


@dataclass(frozen=True, slots=True)
class _Draws:
    """One campaign-day's luck: share of budget delivered, revenue, order value, click cost and click rate factors."""

    delivery: float
    revenue: float
    order_value: float
    click_cost: float
    click_rate: float


def true_daily_revenue_micros(campaign: CampaignSpec, spend_micros: int) -> int:
    """Expected revenue, account micros, of a mean weekday on which `spend_micros` (>= 0) are really spent.

    Demand limits what can be spent, so beyond `demand_cap_micros` the answer no longer grows.
    """
    cap = campaign.demand_cap_micros
    return round(_hill(campaign.response, spend_micros if cap is None else min(spend_micros, cap)))


def first_day(campaign: CampaignSpec, start_day: date) -> date:
    """The campaign's first day, given the day on which the world starts."""
    return start_day - timedelta(days=campaign.age_days)


def initial_steps(seed: int, budget: BudgetSpec, start_day: date) -> tuple[BudgetStep, ...]:
    """What the budget was before the world's start: it moved every 6 to 14 days, the last move 10 days before.

    Without such moves nobody could learn a response from history; with them the answer is in the data, if noisy.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, crc32(budget.external_id.encode())]))
    account, step = budget.account, step_micros(budget.account.currency_code)
    steps = []
    days_before = HISTORY_DAYS
    while days_before > 10:  # noqa: PLR2004 - the last ten days stand at the initial amount, as the docstring says
        amount = round(budget.initial_micros * float(rng.uniform(0.6, 1.3)) / step) * step
        steps.append(BudgetStep(_midnight(start_day - timedelta(days=days_before), account), amount))
        days_before -= int(rng.integers(6, 15))
    steps.append(BudgetStep(_midnight(start_day - timedelta(days=10), account), budget.initial_micros))
    return tuple(steps)


def with_pauses(steps: Sequence[BudgetStep], pauses: Sequence[PauseStep]) -> tuple[BudgetStep, ...]:
    """A campaign's budget history in which it has nothing to spend while it is paused. Both oldest first."""
    moments = sorted({step.from_utc for step in steps} | {pause.from_utc for pause in pauses})
    found = []
    for moment in moments:
        amount = next((step.daily_budget_micros for step in reversed(steps) if step.from_utc <= moment), 0)
        paused = next((pause.paused for pause in reversed(pauses) if pause.from_utc <= moment), False)
        found.append(BudgetStep(moment, 0 if paused else amount))
    return tuple(found)


def report_day(
    seed: int,
    campaign: CampaignSpec,
    day: date,
    *,
    steps: Sequence[BudgetStep],
    start_day: date,
    now_utc: datetime,
) -> CampaignDay | None:
    """The campaign's day as the platform reports it at `now_utc`; None before its first day and for days to come.

    Args:
        seed: the world's.
        campaign: whose day.
        day: an account-zone day.
        steps: its budget's history, oldest first.
        start_day: the day on which the world started.
        now_utc: today counts up to this moment, and attribution has arrived up to it.
    """
    account = campaign.budget.account
    begins, ends = _midnight(day, account), _midnight(day + timedelta(days=1), account)
    if day < first_day(campaign, start_day) or now_utc <= begins:
        return None
    draws = _draws(seed, campaign.external_id, day.toordinal(), campaign.noise_sd)
    weekday = campaign.weekday[day.weekday()]
    spend = revenue = 0.0
    for amount, share in _in_force(steps, begins, min(ends, now_utc), ends - begins):
        rate = amount * campaign.budget_share * draws.delivery
        if campaign.demand_cap_micros is not None:
            rate = min(rate, campaign.demand_cap_micros * draws.delivery)
        spend += rate * share
        revenue += _hill(campaign.response, rate) * share
    revenue *= weekday * draws.revenue * _reported_share(campaign, (local_day(now_utc, account.time_zone) - day).days)
    clicks = spend / (campaign.click_cost_micros * draws.click_cost)
    step = step_micros(account.currency_code)
    return CampaignDay(
        campaign_id=campaign.external_id,
        day=day,
        impressions=int(clicks / (campaign.click_rate * draws.click_rate)),
        clicks=int(clicks),
        conversions=round(revenue / (campaign.order_value_micros * draws.order_value), 2),
        spend_micros=round(spend / step) * step,
        revenue_micros=round(revenue / step) * step,
    )


def _midnight(day: date, account: AccountSpec) -> datetime:
    return day_start_utc(day, account.time_zone)


def _hill(response: Response, spend_micros: float) -> float:
    """Expected revenue of a spend, micros; zero spend earns nothing."""
    if spend_micros <= 0:
        return 0.0
    powered: float = spend_micros**response.slope
    half: float = response.half_spend_micros**response.slope
    return response.ceiling_micros * powered / (half + powered)


def _in_force(
    steps: Sequence[BudgetStep], begins: datetime, ends: datetime, whole_day: timedelta
) -> list[tuple[int, float]]:
    """(amount, share of the whole day) for each stretch between `begins` and `ends` with one amount in force."""
    stretches = []
    for index, step in enumerate(steps):
        since = max(step.from_utc, begins)
        until = min(steps[index + 1].from_utc, ends) if index + 1 < len(steps) else ends
        if until > since:
            stretches.append((step.daily_budget_micros, (until - since) / whole_day))
    return stretches


def _reported_share(campaign: CampaignSpec, age_days: int) -> float:
    """Share of a day's conversions that attribution has delivered `age_days` days later, 0-1."""
    return 1.0 if age_days >= _LAST_KNOWN_AGE else math.fsum(campaign.delay_shares[: age_days + 1])


@lru_cache(maxsize=65_536)
def _draws(seed: int, campaign_id: str, ordinal: int, noise_sd: float) -> _Draws:
    rng = np.random.default_rng(np.random.SeedSequence([seed, crc32(campaign_id.encode()), ordinal]))
    normals = rng.standard_normal(4)
    # exp(sd * z - sd^2 / 2) has mean one, so that noise adds no revenue over time.
    return _Draws(
        delivery=float(rng.uniform(0.94, 1.0)),
        revenue=math.exp(noise_sd * float(normals[0]) - noise_sd**2 / 2),
        order_value=math.exp(0.05 * float(normals[1])),
        click_cost=math.exp(0.06 * float(normals[2])),
        click_rate=math.exp(0.08 * float(normals[3])),
    )
