"""Sentences a marketing lead can read. Every number comes in computed; nothing is decided here."""

from dataclasses import dataclass
from decimal import Decimal

from domain.platforms import Platform
from domain.rebalancing.values import MoneyInterval
from kit.money import minor_digits

_PLATFORM_NAMES = {
    Platform.META: "Meta",
    Platform.GOOGLE: "Google",
    Platform.TIKTOK: "TikTok",
    Platform.LINKEDIN: "LinkedIn",
    Platform.AMAZON: "Amazon",
    Platform.MICROSOFT: "Microsoft",
}
#: Below this share of own evidence a curve is mostly the other campaigns'.
_BORROWED = 0.25
#: Above this, samples do not tell a probability from certainty.
_NEARLY_CERTAIN = 0.99


@dataclass(frozen=True, slots=True)
class MoveFacts:
    """What a rationale tells of one move. Money in account micros a day unless said; ROAS revenue per unit spent.

    Attributes:
        recent_spend_micros, recent_revenue_micros: sums over the last `recent_days` mature days.
        marginal_now: what the next unit of this budget returns now.
        marginal_elsewhere: what a unit returns, on average, on the other side of the plan.
        counts_margin: whether these two are margin (else revenue).
        margin: share of revenue kept, None where not known; `assumed_margin` stands in then.
        evidence: share of the curve that the campaign's own days carry.
        idle_share: part of the present budget that is not spent.
    """

    name: str
    platform: Platform
    currency_code: str
    reporting_currency_code: str
    current_micros: int
    proposed_micros: int
    recent_days: int
    recent_spend_micros: int
    recent_revenue_micros: int
    roas_now: float
    roas_expected: float
    marginal_now: float
    marginal_elsewhere: float
    counts_margin: bool
    margin: Decimal | None
    assumed_margin: float
    confidence: float
    revenue_change: MoneyInterval
    evidence: float
    idle_share: float
    immature_days: int
    weekday_note: str


def money(micros: int, currency_code: str) -> str:
    """An amount with its code, to the currency's smallest unit: 'USD 1,234.50'."""
    return f"{currency_code} {Decimal(micros).scaleb(-6):,.{minor_digits(currency_code)}f}"


def signed_money(micros: int, currency_code: str) -> str:
    """The same with its sign: 'USD +12.00'."""
    return f"{currency_code} {Decimal(micros).scaleb(-6):+,.{minor_digits(currency_code)}f}"


def likelihood(probability: float) -> str:
    """A probability (0..1) in words that never claim certainty: '94% likely', 'over 99% likely'."""
    return "over 99% likely" if probability > _NEARLY_CERTAIN else f"{probability:.0%} likely"


def platform_name(platform: Platform) -> str:
    """A platform as people write it."""
    return _PLATFORM_NAMES[platform]


def describe_move(facts: MoveFacts) -> str:
    """The whole rationale of one move."""
    parts = (_headline(facts), _record(facts), _why(facts), _expectation(facts), _margin(facts), _caveats(facts))
    return " ".join(part for part in parts if part)


def _headline(facts: MoveFacts) -> str:
    verb = "Raise" if facts.proposed_micros > facts.current_micros else "Lower"
    change = abs(facts.proposed_micros / facts.current_micros - 1.0)
    now, then = (money(micros, facts.currency_code) for micros in (facts.current_micros, facts.proposed_micros))
    return f"{verb} {facts.name} on {platform_name(facts.platform)} by {change:.1%}, from {now} to {then} a day."


def _record(facts: MoveFacts) -> str:
    spend = money(facts.recent_spend_micros, facts.currency_code)
    revenue = money(facts.recent_revenue_micros, facts.currency_code)
    roas = facts.recent_revenue_micros / facts.recent_spend_micros if facts.recent_spend_micros else 0.0
    return (
        f"In the last {facts.recent_days} days with settled revenue it spent {spend} and brought back {revenue} "
        f"(ROAS {roas:.2f})."
    )


def _why(facts: MoveFacts) -> str:
    if facts.idle_share > 0.0:
        return f"It leaves {facts.idle_share:.0%} of its budget unspent, and that part earns nothing here."
    kind = "margin" if facts.counts_margin else "revenue"
    raised = facts.proposed_micros > facts.current_micros
    other = "the budgets that give" if raised else "the budgets that receive"
    return (
        f"The next {facts.currency_code} 1 here brings about {facts.marginal_now:.2f} in {kind}, against "
        f"{facts.marginal_elsewhere:.2f} in {other}."
    )


def _expectation(facts: MoveFacts) -> str:
    code, change = facts.reporting_currency_code, facts.revenue_change
    return (
        f"Expected: {signed_money(change.mid_micros, code)} revenue a day here (90 % interval "
        f"{signed_money(change.lo_micros, code)} to {signed_money(change.hi_micros, code)}), ROAS from "
        f"{facts.roas_now:.2f} to {facts.roas_expected:.2f}; {likelihood(facts.confidence)} to pay off."
    )


def _margin(facts: MoveFacts) -> str:
    if facts.margin is not None:
        return f"Counted with its product margin of {facts.margin:.0%}."
    if facts.assumed_margin < 1.0:
        return f"Its product margin is not known; the mean of the others, {facts.assumed_margin:.0%}, stands in."
    return "Product margins are not known, so revenue alone is compared."


def _caveats(facts: MoveFacts) -> str:
    parts = []
    if facts.immature_days:
        parts.append(f"The last {facts.immature_days} days and today are left out because revenue still arrives.")
    parts.append(facts.weekday_note)
    if facts.evidence < _BORROWED:
        parts.append("Its spend hardly varied, so how fast returns fall is taken mostly from similar campaigns.")
    return " ".join(part for part in parts if part)
