"""What a split of the pool would bring, and one move of it told as a proposal. Must not choose between splits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.rebalancing.curves import Floats
from domain.rebalancing.history import RECENT_DAYS
from domain.rebalancing.pools import Pool
from domain.rebalancing.rationale import MoveFacts, describe_move
from domain.rebalancing.told_curves import curve_of
from domain.rebalancing.values import Interval, MoneyInterval, Proposal, RebalanceSettings

_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
#: Weekdays nearer to the average than this are not worth a sentence.
_NOTABLE_WEEKDAY = 0.05
_QUANTILES = (0.05, 0.5, 0.95)


def interval(samples: Floats) -> MoneyInterval:
    """The 90 % interval and the median of sampled reporting micros, shape (draws,)."""
    lo, mid, hi = np.quantile(samples, _QUANTILES)
    return MoneyInterval(round(float(lo)), round(float(mid)), round(float(hi)))


@dataclass(frozen=True, slots=True)
class Outlook:
    """A split of the pool and its consequences. Arrays (n,) or (draws, n), reporting micros a day unless said.

    Attributes:
        proposed_micros, deltas_micros: account micros, 0 delta for who stays.
        proposed: the new budgets in reporting micros.
        sampled_revenue_change, sampled_margin_change: by draw and member.
        confidence: per member, the probability that its move pays against the other side of the plan; 0 if it stays.
        plan_confidence: probability that the whole split raises the margin.
        margin_gain: by the fitted curves themselves.
        raised_rate, lowered_rate: margin gained per unit placed and lost per unit taken, by the fitted curves.
    """

    pool: Pool
    proposed_micros: tuple[int, ...]
    deltas_micros: tuple[int, ...]
    proposed: Floats
    sampled_revenue_change: Floats
    sampled_margin_change: Floats
    confidence: Floats
    plan_confidence: float
    margin_gain: float
    raised_rate: float
    lowered_rate: float

    @classmethod
    def of(cls, pool: Pool, proposed_micros: Sequence[int]) -> "Outlook":
        """The consequences of new budgets, account micros, one per member of the pool."""
        present = [member.candidate.daily_budget_micros for member in pool.members]
        deltas = tuple(new - old for new, old in zip(proposed_micros, present, strict=True))
        rates = np.array([float(member.candidate.rate_to_reporting) for member in pool.members])
        proposed = rates * np.array(proposed_micros, dtype=np.float64)
        revenue = pool.sampled_revenue.value(proposed) - pool.sampled_revenue.value(pool.present)
        margin = revenue * pool.margins
        fitted = (pool.revenue.value(proposed) - pool.revenue.value(pool.present)) * pool.margins
        moved = proposed - pool.present
        raised, lowered = _rates(fitted[None, :], moved)
        return cls(
            pool=pool,
            proposed_micros=tuple(proposed_micros),
            deltas_micros=deltas,
            proposed=proposed,
            sampled_revenue_change=revenue,
            sampled_margin_change=margin,
            confidence=_confidence(margin, moved),
            plan_confidence=float(np.mean(margin.sum(axis=1) > 0.0)),
            margin_gain=float(fitted.sum()),
            raised_rate=float(raised[0]),
            lowered_rate=float(lowered[0]),
        )

    @property
    def price(self) -> float:
        """Margin of the next unit about where the plan ends: between what is taken and what is gained."""
        return (self.raised_rate + self.lowered_rate) / 2.0

    def change_share(self, position: int) -> float:
        """How far a member moves, as a share of its present budget."""
        return abs(self.deltas_micros[position]) / self.pool.members[position].candidate.daily_budget_micros


def _rates(gains: Floats, moved: Floats) -> tuple[Floats, Floats]:
    """Per draw: margin gained per unit placed, and margin lost per unit taken; 0 where nothing is."""
    up, down = np.maximum(moved, 0.0), np.maximum(-moved, 0.0)
    raised = np.where(up > 0.0, gains, 0.0).sum(axis=1) / max(up.sum(), 1.0)
    lowered = -np.where(down > 0.0, gains, 0.0).sum(axis=1) / max(down.sum(), 1.0)
    return raised, lowered


def _confidence(gains: Floats, moved: Floats) -> Floats:
    """Share of draws in which each move beats the average of the plan's other side, per unit of money."""
    raised, lowered = _rates(gains, moved)
    per_unit = np.divide(gains, moved, out=np.zeros_like(gains), where=moved != 0.0)
    pays = np.where(moved > 0.0, per_unit > lowered[:, None], per_unit < raised[:, None])
    return np.where(moved != 0.0, pays.mean(axis=0), 0.0)


def proposal_of(outlook: Outlook, position: int, delta_reporting: int, settings: RebalanceSettings) -> Proposal:
    """One member's move, with its numbers and its sentences."""
    pool = outlook.pool
    candidate = pool.members[position].candidate
    now, then = _spendable(pool, position, pool.present), _spendable(pool, position, outlook.proposed)
    roas_now = float(pool.revenue.value(pool.present)[position]) / now
    roas_expected = float(pool.revenue.value(outlook.proposed)[position]) / then
    sampled = (
        pool.sampled_revenue.value(outlook.proposed)[:, position] / then
        - pool.sampled_revenue.value(pool.present)[:, position] / now
    )
    lo, mid, hi = (float(value) for value in np.quantile(sampled, _QUANTILES))
    revenue_change = interval(outlook.sampled_revenue_change[:, position])
    facts = _facts(outlook, position, (roas_now, roas_expected), revenue_change, settings)
    return Proposal(
        budget_id=candidate.budget_id,
        campaign_id=candidate.campaign_id,
        platform=candidate.platform,
        currency_code=candidate.currency_code,
        current_micros=candidate.daily_budget_micros,
        proposed_micros=outlook.proposed_micros[position],
        delta_micros=outlook.deltas_micros[position],
        delta_reporting_micros=delta_reporting,
        roas_now=roas_now,
        roas_expected=roas_expected,
        roas_change=Interval(lo, mid, hi),
        revenue_change=revenue_change,
        confidence=float(outlook.confidence[position]),
        rationale=describe_move(facts),
        curve=curve_of(pool, position, outlook.proposed_micros[position], settings),
    )


def _spendable(pool: Pool, position: int, budgets: Floats) -> float:
    """What of a budget is really spent."""
    return float(min(budgets[position], pool.revenue.ceiling[position]))


def _facts(
    outlook: Outlook,
    position: int,
    roas: tuple[float, float],
    revenue_change: MoneyInterval,
    settings: RebalanceSettings,
) -> MoveFacts:
    pool = outlook.pool
    candidate, history = pool.members[position].candidate, pool.members[position].history
    elsewhere = outlook.lowered_rate if outlook.deltas_micros[position] > 0 else outlook.raised_rate
    margin = float(pool.margins[position])
    return MoveFacts(
        name=candidate.name,
        platform=candidate.platform,
        currency_code=candidate.currency_code,
        reporting_currency_code=settings.reporting_currency_code,
        current_micros=candidate.daily_budget_micros,
        proposed_micros=outlook.proposed_micros[position],
        recent_days=min(RECENT_DAYS, history.mature_days),
        recent_spend_micros=history.recent_spend_micros,
        recent_revenue_micros=history.recent_revenue_micros,
        roas_now=roas[0],
        roas_expected=roas[1],
        marginal_now=float(pool.revenue.marginal(pool.present)[position]) * margin,
        marginal_elsewhere=elsewhere,
        counts_margin=bool(np.any(pool.margins < 1.0)),
        margin=candidate.product_margin,
        assumed_margin=pool.assumed_margin,
        confidence=float(outlook.confidence[position]),
        revenue_change=revenue_change,
        evidence=float(pool.fit.evidence[position]),
        idle_share=max(0.0, 1.0 - _spendable(pool, position, pool.present) / float(pool.present[position])),
        immature_days=settings.attribution_delay_days,
        weekday_note=_weekday_note(pool.fit.weekday[position]),
    )


def _weekday_note(profile: Floats) -> str:
    """The weekday that stands out most, if one does."""
    day = int(np.argmax(np.abs(profile - 1.0)))
    difference = float(profile[day] - 1.0)
    if abs(difference) < _NOTABLE_WEEKDAY:
        return ""
    side = "more" if difference > 0.0 else "less"
    return (
        f"{_WEEKDAYS[day]} bring {abs(difference):.0%} {side} per unit spent than its average day; weeks are compared."
    )
