"""Which settings hold for one change: defaults, then every scope the change lies in. Must not judge the change.

Thresholds: the narrowest scope that says something wins (workspace, platform, rule, campaign); a budget that serves
several campaigns keeps the most careful of theirs. Hard limits: the tightest of all that are set. A default holds only
where no scope sets that setting, because a limit nobody chose must not stop one that somebody did.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final
from uuid import UUID

from domain.guardrails.settings import HardLimits, RuleSet, ScopeKind, Settings, Thresholds, defaults
from domain.platforms import Platform

_ORDER: Final = tuple(ScopeKind)
#: Added up over accounts of several currencies, so it stays in the reporting currency.
_IN_REPORTING: Final = "max_platform_budget_micros"


@dataclass(frozen=True, slots=True)
class Subject:
    """What settings are looked up for: a budget of an account, and who wants to change it.

    Attributes:
        rule: the proposer's or rule's name; None for a person.
        campaign_ids: all campaigns that the budget pays for.
        currency_code: the account's.
        rate_to_reporting: one account unit in units of the reporting currency, > 0.
    """

    rule: str | None
    platform: Platform
    campaign_ids: frozenset[UUID]
    currency_code: str
    rate_to_reporting: Decimal


def covers(rules: RuleSet, subject: Subject) -> bool:
    """Whether a rule set holds for a subject."""
    match rules.scope.kind:
        case ScopeKind.WORKSPACE:
            return True
        case ScopeKind.PLATFORM:
            return rules.scope.key == subject.platform
        case ScopeKind.RULE:
            return rules.scope.key == subject.rule
        case ScopeKind.CAMPAIGN:
            return UUID(rules.scope.key) in subject.campaign_ids


def effective(rules: Iterable[RuleSet], subject: Subject) -> Settings:
    """The settings that hold for a subject, amounts in micros of the account's currency.

    Args:
        rules: a workspace's rule sets, any order.
        subject: the budget and the proposer.
    """
    mine = sorted((each for each in rules if covers(each, subject)), key=lambda each: _ORDER.index(each.scope.kind))
    told = [(each.scope.kind, _in_account_currency(each, subject)) for each in mine]
    base = defaults(subject.rule or "")
    thresholds = base.thresholds
    for kind in _ORDER:
        same = [settings.thresholds for its, settings in told if its is kind]
        if same:
            thresholds = _over(thresholds, _most_careful(same))
    limits = _tightest([settings.limits for _, settings in told])
    return Settings(
        thresholds=thresholds,
        limits=_over(base.limits, limits),
        automation_paused=any(settings.automation_paused for _, settings in told),
    )


def _over(under: Any, upper: Any) -> Any:
    """`under`, with all that `upper` sets."""
    said = {each.name: getattr(upper, each.name) for each in fields(upper)}
    return replace(under, **{name: value for name, value in said.items() if value is not None})


def _in_account_currency(rules: RuleSet, subject: Subject) -> Settings:
    if rules.currency_code == subject.currency_code:
        return rules.settings
    return replace(
        rules.settings,
        thresholds=_converted(rules.settings.thresholds, subject.rate_to_reporting),
        limits=_converted(rules.settings.limits, subject.rate_to_reporting),
    )


def _converted(part: Any, rate: Decimal) -> Any:
    """The amounts divided by the rate, rounded to the careful side: a cap down, a minimum up."""
    changes = {}
    for name in (each.name for each in fields(part)):
        value = getattr(part, name)
        if value is not None and name.endswith("_micros") and name != _IN_REPORTING:
            rounding = ROUND_CEILING if name.startswith("min_") else ROUND_FLOOR
            changes[name] = int((Decimal(value) / rate).to_integral_value(rounding))
    return replace(part, **changes)


def _most_careful(of: Sequence[Thresholds]) -> Thresholds:
    return Thresholds(
        **{
            each.name: _careful(each.name, [value for one in of if (value := getattr(one, each.name)) is not None])
            for each in fields(Thresholds)
        }
    )


def _careful(name: str, values: list[Any]) -> Any:
    """The most careful of several values of one threshold; of active hours the shortest."""
    if not values:
        return None
    if name == "active_hours":
        return min(values, key=lambda hours: ((hours.end - hours.start) % 24, hours.start))
    if name == "respects_learning":
        return any(values)
    return max(values) if name.startswith("min_") or name == "cool_down_hours" else min(values)


def _tightest(of: Sequence[HardLimits]) -> HardLimits:
    def pick(name: str, choose: Callable[[list[int]], int]) -> int | None:
        said = [value for one in of if (value := getattr(one, name)) is not None]
        return choose(said) if said else None

    allowed = [one.allowed_platforms for one in of if one.allowed_platforms is not None]
    return HardLimits(
        max_daily_micros=pick("max_daily_micros", min),
        min_daily_micros=pick("min_daily_micros", max),
        max_account_change_micros=pick("max_account_change_micros", min),
        max_account_budget_micros=pick("max_account_budget_micros", min),
        max_platform_budget_micros=pick("max_platform_budget_micros", min),
        max_changes=pick("max_changes", min),
        allowed_platforms=frozenset.intersection(*allowed) if allowed else None,
        denied_platforms=frozenset[Platform]().union(*(one.denied_platforms for one in of)),
        changes_denied=any(one.changes_denied for one in of),
    )
