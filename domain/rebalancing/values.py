"""What the rebalancer takes and gives: candidates and settings in, a plan out. Values only, no rules.

Money: `_micros` alone means the account's currency; `_reporting_micros` the workspace's. Shares are 0..1, ROAS is
revenue per unit spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal
from uuid import UUID

from domain.errors import InvalidInput
from domain.metrics import DailyMetric
from domain.platforms import Platform
from domain.response_curves import ResponseCurve

Direction = Literal["UP", "DOWN"]


@dataclass(frozen=True, slots=True)
class BudgetCandidate:
    """One budget entity; it may serve several campaigns, whose metrics are then summed.

    Attributes:
        campaign_id: the campaign shown for it (the first, where it serves several).
        currency_code: the account's currency.
        rate_to_reporting: one account unit in units of the reporting currency, > 0.
        daily_budget_micros: as it stands now, account micros, > 0.
        metrics: account micros by account-zone day, any order, gaps allowed; several rows of a day are summed. Rows of
            `today` and later are ignored: they are not complete.
        today: the account zone's day at the plan's `now_utc`.
        product_margin: share of revenue kept as margin, 0..1, None where not known.
        frozen: may not be changed (learning phase, open adjustment, paused); `frozen_reason` says why.
        blocked_direction: the direction a person rejected in this period.
        min_daily_micros, max_daily_micros: hard floor and cap, account micros.
        step_micros: the platform's step, account micros, > 0.
    """

    budget_id: UUID
    campaign_id: UUID
    name: str
    platform: Platform
    currency_code: str
    rate_to_reporting: Decimal
    daily_budget_micros: int
    metrics: Sequence[DailyMetric]
    today: date
    product_margin: Decimal | None = None
    frozen: bool = False
    frozen_reason: str | None = None
    blocked_direction: Direction | None = None
    min_daily_micros: int = 0
    max_daily_micros: int | None = None
    step_micros: int = 10_000

    def __post_init__(self) -> None:
        """Refuse what no account can say."""
        if not (self.rate_to_reporting.is_finite() and self.rate_to_reporting > 0):
            raise InvalidInput("the exchange rate must be above zero", ("rate_to_reporting",))
        if self.step_micros <= 0:
            raise InvalidInput("the budget step must be above zero", ("step_micros",))
        if self.daily_budget_micros <= 0:
            raise InvalidInput("the daily budget must be above zero", ("daily_budget_micros",))
        if self.product_margin is not None and not 0 <= self.product_margin <= 1:
            raise InvalidInput("the product margin is a share from 0 to 1", ("product_margin",))


@dataclass(frozen=True, slots=True)
class RebalanceSettings:
    """How bold a plan may be.

    Attributes:
        reporting_currency_code: the currency of a plan's totals.
        max_change_share: largest change of one budget in one plan, as a share of it now.
        min_change_share: smaller moves are left out: they cost a review and, on some platforms, a learning phase.
        min_history_days: complete days with spend below which nothing is proposed for a budget.
        attribution_delay_days: how many of the last complete days still wait for revenue; they are left out.
        history_days: how far back days count.
        half_life_days: after how many days a day counts half.
        min_confidence: least probability that a move helps; less is left out. Chosen on
            synthetic worlds and checked on others: where nothing is to be gained, 0.6 makes a plan from noise nearly
            always, 0.7 in one world of five and then a small one, for the same uplift elsewhere
            (`bench/rebalancing.py`).
        draws: samples of the fitted curves behind intervals and probabilities.
        seed: of those samples.
        expires_after: how long a plan may be decided.
    """

    reporting_currency_code: str = "USD"
    max_change_share: float = 0.30
    min_change_share: float = 0.02
    min_history_days: int = 7
    attribution_delay_days: int = 3
    history_days: int = 90
    half_life_days: float = 30.0
    min_confidence: float = 0.70
    draws: int = 400
    seed: int = 0
    expires_after: timedelta = timedelta(hours=24)

    def __post_init__(self) -> None:
        """Refuse settings under which no plan makes sense."""
        shares = ("max_change_share", "min_change_share", "min_confidence")
        for name in shares:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InvalidInput(f"{name} is a share from 0 to 1", (name,))
        for name in ("min_history_days", "history_days", "half_life_days", "draws"):
            if getattr(self, name) <= 0:
                raise InvalidInput(f"{name} must be above zero", (name,))
        if self.attribution_delay_days < 0:
            raise InvalidInput("attribution_delay_days must not be negative", ("attribution_delay_days",))


class SkipReason(StrEnum):
    """Why a budget has no proposal."""

    FROZEN = "FROZEN"
    INSUFFICIENT_HISTORY = "INSUFFICIENT_HISTORY"
    STALE_DATA = "STALE_DATA"
    OUTSIDE_LIMITS = "OUTSIDE_LIMITS"
    NO_ROOM = "NO_ROOM"
    NO_COUNTERPART = "NO_COUNTERPART"
    DIRECTION_BLOCKED = "DIRECTION_BLOCKED"
    CHANGE_TOO_SMALL = "CHANGE_TOO_SMALL"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"
    NO_GAIN = "NO_GAIN"


@dataclass(frozen=True, slots=True)
class SkippedCandidate:
    """A budget left as it is, with a sentence a marketing lead can read."""

    budget_id: UUID
    campaign_id: UUID
    reason: SkipReason
    sentence: str


@dataclass(frozen=True, slots=True)
class Interval:
    """A 90 % interval of an estimate with its median, lo <= mid <= hi; of the expected value, not of one noisy day."""

    lo: float
    mid: float
    hi: float


@dataclass(frozen=True, slots=True)
class MoneyInterval:
    """The same in reporting micros a day."""

    lo_micros: int
    mid_micros: int
    hi_micros: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """One budget's move.

    Attributes:
        current_micros, proposed_micros, delta_micros: account micros a day; the proposed budget is a multiple of the
            step.
        delta_reporting_micros: the same move in the reporting currency; over a plan these sum to
            `-unallocated_micros`.
        roas_now, roas_expected: revenue per unit spent by the fitted curve, at the present and the proposed budget,
            late revenue included, averaged over the week.
        roas_change: expected change of that ROAS, 90 % interval.
        revenue_change: expected change of this budget's revenue a day, reporting micros, 90 % interval.
        confidence: probability (0..1) that the money earns more margin with this move than where the plan takes it
            from or sends it to.
        rationale: sentences a marketing lead can read.
        curve: the fitted curve about both budgets.
    """

    budget_id: UUID
    campaign_id: UUID
    platform: Platform
    currency_code: str
    current_micros: int
    proposed_micros: int
    delta_micros: int
    delta_reporting_micros: int
    roas_now: float
    roas_expected: float
    roas_change: Interval
    revenue_change: MoneyInterval
    confidence: float
    rationale: str
    curve: ResponseCurve


@dataclass(frozen=True, slots=True)
class RebalancePlan:
    """What to change together, or why nothing.

    Attributes:
        proposals: largest move first; empty when nothing is worth changing.
        skipped: every other candidate, by budget id.
        currency_code: the reporting currency of all plan amounts.
        total_before_micros, total_after_micros: all candidates' budgets a day; they differ by `unallocated_micros`.
        unallocated_micros: freed and not placed, >= 0; `unallocated_reason` says why, None when it is 0.
        revenue_change, margin_change: expected change a day of all moves together; the margin is what is maximised.
        confidence: probability that the plan raises the margin; 0 without proposals.
        explanation: the plan in a few sentences, also when it changes nothing.
    """

    created_at_utc: datetime
    expires_at_utc: datetime
    currency_code: str
    proposals: tuple[Proposal, ...]
    skipped: tuple[SkippedCandidate, ...]
    total_before_micros: int
    total_after_micros: int
    unallocated_micros: int
    unallocated_reason: str | None
    revenue_change: MoneyInterval
    margin_change: MoneyInterval
    confidence: float
    explanation: str
