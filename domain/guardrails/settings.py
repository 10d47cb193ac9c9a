"""What can be set, where, and what holds where nothing is: the two kinds of settings, their scopes and the defaults.

The defaults are the source documents', per proposer. Amounts are in the account's currency (the documents name none);
"RB" is the AI budget rebalancer's document, "AS" the auto-scaler's, "GO" the global budget optimizer's, "RO" the
real-time optimisation's:

    setting                rebalancer         auto-scaler        ltv-cac            optimizer          rule
    change of a budget     10 % (RB story 2)  50 % (AS scaling)  20 % (GO safety 2) 20 %               20 % (learning)
    increase alone         -                  100 (AS safety 2)  -                  -                  -
    new budget alone up to -                  500 (AS safety 2)  -                  -                  -
    ROAS of an increase    3 (RB story 2)     -                  -                  -                  -
    impressions            -                  1,000 (AS 3)       -                  -                  -
    days of data           7 (RB edge cases)  0 to cut           0 to cut           0 to cut           0 to cut
    confidence             95 % (as GO's)     -                  -                  95 % (GO phase 2)  -
    cool-down              -                  24 h (its window)  -                  -                  -
    automatic a day        1 in all (RO gotchas, as read: 4 a day is the platform's, 1 the default for automation)
    changes a day          4 in all, one kept back for a restore (RO gotchas)
    daily budget           -                  10 to 1,000 (AS 1) -                  -                  -
    account's budgets      -                  5,000 (AS 1)       -                  -                  -

Where the documents contradict each other: all thresholds must hold, though RB story 2 says "under 10 % or ROAS above
3x"; 10 % for everyone would block each auto-scaling and LTV/CAC move, so that it is the rebalancer's only. An automatic
increase needs seven days of data whoever proposes it (RB edge cases); a cut that stops losses does not. A minimum ROAS
asks of the budget that gets more, not of the one that pays. A bound is kept when it is met exactly.
"""

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.errors import InvalidInput
from domain.platforms import Platform

#: No increase runs alone on fewer days, whatever is set.
LEAST_HISTORY_DAYS: Final = 7
#: Of the changes of a day, this many are left for putting back.
KEPT_FOR_RESTORE: Final = 1


@dataclass(frozen=True, slots=True)
class ActiveHours:
    """From `start` (0-23) up to, not at, `end` (1-24), wall hours in the account's zone; `end` may lie on the next day.

    22 to 6 is the night.
    """

    start: int
    end: int

    def contains(self, hour: int) -> bool:
        """Whether an hour of the day (0-23) lies inside."""
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end

    def __str__(self) -> str:
        return f"{self.start:02}:00 to {self.end:02}:00"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What may run without a person; a person's approval passes all of it. None: not set here.

    Attributes:
        max_change_share: of the budget as it is, above 0 up to 10.
        max_change_micros, max_increase_micros: either way, and upwards only.
        max_new_budget_micros: what a budget may become.
        min_roas: of a budget that gets more.
        min_impressions, min_spend_micros, min_conversions: over DATA_DAYS complete days.
        min_history_days: complete days with spend; for an increase never under LEAST_HISTORY_DAYS.
        cool_down_hours: since the budget was last changed.
        respects_learning: whether it waits while the platform learns from the last change.
        active_hours: when automation may act.
        min_confidence: probability, 0 to 1, that the change helps.
        max_automatic_changes: of one budget on one account-zone day.
    """

    max_change_share: Decimal | None = None
    max_change_micros: int | None = None
    max_increase_micros: int | None = None
    max_new_budget_micros: int | None = None
    min_roas: Decimal | None = None
    min_impressions: int | None = None
    min_spend_micros: int | None = None
    min_conversions: Decimal | None = None
    min_history_days: int | None = None
    cool_down_hours: int | None = None
    respects_learning: bool | None = None
    active_hours: ActiveHours | None = None
    min_confidence: Decimal | None = None
    max_automatic_changes: int | None = None


@dataclass(frozen=True, slots=True)
class HardLimits:
    """What holds for everyone, whoever approves. None: not set here.

    Attributes:
        max_daily_micros, min_daily_micros: cap and floor of each daily budget.
        max_account_change_micros: how much may be moved in one account on one account-zone day, both ways added.
        max_account_budget_micros: an account's daily budgets added up; blocks increases only.
        max_platform_budget_micros: a platform's daily budgets in the workspace added up, reporting currency; likewise.
        max_changes: of one budget on one account-zone day, across all proposers, KEPT_FOR_RESTORE included.
        allowed_platforms: only these may change; None is all.
        denied_platforms: these may not.
        changes_denied: nothing changes here.
    """

    max_daily_micros: int | None = None
    min_daily_micros: int | None = None
    max_account_change_micros: int | None = None
    max_account_budget_micros: int | None = None
    max_platform_budget_micros: int | None = None
    max_changes: int | None = None
    allowed_platforms: frozenset[Platform] | None = None
    denied_platforms: frozenset[Platform] = frozenset()
    changes_denied: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is set in one place. `automation_paused` is its kill switch: nothing of it runs without a person."""

    thresholds: Thresholds = Thresholds()
    limits: HardLimits = HardLimits()
    automation_paused: bool = False


class ScopeKind(StrEnum):
    """For what settings hold, from wide to narrow; a narrower threshold wins.

    A campaign's word is the narrowest, also against a rule's: who protects one campaign must not be overruled by a rule
    that acts on many.
    """

    WORKSPACE = "WORKSPACE"
    PLATFORM = "PLATFORM"
    RULE = "RULE"
    CAMPAIGN = "CAMPAIGN"


@dataclass(frozen=True, slots=True)
class Scope:
    """One place for settings. `key`: the platform, the rule's name or the campaign's id; empty for the workspace."""

    kind: ScopeKind
    key: str = ""

    def __post_init__(self) -> None:
        """Refuse a scope that names nothing, or what cannot be."""
        if (self.kind is ScopeKind.WORKSPACE) != (self.key == ""):
            raise InvalidInput("name one platform, rule or campaign, or none for the workspace", path=("scope",))
        if self.kind is ScopeKind.PLATFORM and self.key not in set(Platform):
            raise InvalidInput(f"{self.key!r} is no platform", path=("scope", "platform"))
        if self.kind is ScopeKind.RULE and not 1 <= len(self.key) <= MAX_RULE_CHARACTERS:
            raise InvalidInput(f"a rule's name has 1 to {MAX_RULE_CHARACTERS} characters", path=("scope", "rule"))
        if self.kind is ScopeKind.CAMPAIGN:
            UUID(self.key)


MAX_RULE_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The settings of one scope. Amounts in micros of `currency_code`.

    That is the account's currency for a campaign and the workspace's reporting currency for all else.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    scope: Scope
    currency_code: str
    settings: Settings
    version: int


# --- validation -------------------------------------------------------------------------------------------------------

_MAX_MICROS: Final = 10**15
#: setting: least, most. The least is 0 where "none at all" makes sense.
_RANGES: Final[dict[str, tuple[Decimal, Decimal]]] = {
    "max_change_share": (Decimal("0.0001"), Decimal(10)),
    "max_change_micros": (Decimal(0), Decimal(_MAX_MICROS)),
    "max_increase_micros": (Decimal(0), Decimal(_MAX_MICROS)),
    "max_new_budget_micros": (Decimal(0), Decimal(_MAX_MICROS)),
    "min_roas": (Decimal(0), Decimal(1_000)),
    "min_impressions": (Decimal(0), Decimal(10**12)),
    "min_spend_micros": (Decimal(0), Decimal(_MAX_MICROS)),
    "min_conversions": (Decimal(0), Decimal(10**9)),
    "min_history_days": (Decimal(0), Decimal(90)),
    "cool_down_hours": (Decimal(0), Decimal(24 * 90)),
    "min_confidence": (Decimal(0), Decimal(1)),
    "max_automatic_changes": (Decimal(0), Decimal(100)),
    "max_daily_micros": (Decimal(0), Decimal(_MAX_MICROS)),
    "min_daily_micros": (Decimal(0), Decimal(_MAX_MICROS)),
    "max_account_change_micros": (Decimal(0), Decimal(_MAX_MICROS)),
    "max_account_budget_micros": (Decimal(0), Decimal(_MAX_MICROS)),
    "max_platform_budget_micros": (Decimal(0), Decimal(_MAX_MICROS)),
    "max_changes": (Decimal(0), Decimal(100)),
}
#: What adds up over more than one campaign says nothing about one.
_NOT_OF_A_CAMPAIGN: Final = (
    "max_account_change_micros",
    "max_account_budget_micros",
    "max_platform_budget_micros",
    "allowed_platforms",
    "denied_platforms",
)


def validated(settings: Settings, scope: Scope) -> Settings:
    """The settings, if they may stand in a scope.

    Raises:
        InvalidInput: out of range, a floor above its cap, or a setting that the scope cannot have; the path begins
            with "change" and ends in the setting.
    """
    for part in (settings.thresholds, settings.limits):
        for name in (each.name for each in fields(part)):
            _check_range(name, getattr(part, name))
    limits, hours = settings.limits, settings.thresholds.active_hours
    if hours is not None and not (0 <= hours.start <= 23 and 1 <= hours.end <= 24 and hours.start != hours.end):  # noqa: PLR2004 - hours of a day
        raise InvalidInput("active hours go from 0-23 to 1-24 and are not empty", path=("change", "active_hours"))
    cap, floor = limits.max_daily_micros, limits.min_daily_micros
    if cap is not None and floor is not None and floor > cap:
        raise InvalidInput("the floor lies above the cap", path=("change", "min_daily_micros"))
    narrow = scope.kind in {ScopeKind.CAMPAIGN, ScopeKind.PLATFORM}
    for name in _NOT_OF_A_CAMPAIGN if scope.kind is ScopeKind.CAMPAIGN else _NOT_OF_A_CAMPAIGN[3:] if narrow else ():
        if getattr(limits, name) != getattr(HardLimits(), name):
            raise InvalidInput("this cannot be set for one campaign or platform alone", path=("change", name))
    return settings


def _check_range(name: str, value: Any) -> None:
    if value is None or name not in _RANGES:
        return
    least, most = _RANGES[name]
    number = Decimal(value)
    if not number.is_finite() or not least <= number <= most:
        scale = 1_000_000 if name.endswith("_micros") else 1
        raise InvalidInput(f"this lies from {least / scale:f} to {most / scale:f}", path=("change", name))


# --- defaults ---------------------------------------------------------------------------------------------------------


class Proposer(StrEnum):
    """Who proposes changes by itself, by the name that plans and rule scopes carry."""

    REBALANCER = "rebalancer"
    AUTO_SCALER = "auto-scaler"
    LTV_CAC = "ltv-cac"
    OPTIMIZER = "optimizer"
    RULE = "rule"


_UNIT: Final = 1_000_000
_EVERYONE: Final = Thresholds(min_history_days=0, respects_learning=True, max_automatic_changes=1)
_LIMITS: Final = HardLimits(max_changes=4)
_TWENTY: Final = replace(_EVERYONE, max_change_share=Decimal("0.20"))

DEFAULTS: Final[dict[Proposer, Settings]] = {
    Proposer.REBALANCER: Settings(
        replace(
            _EVERYONE,
            max_change_share=Decimal("0.10"),
            min_roas=Decimal(3),
            min_history_days=7,
            min_confidence=Decimal("0.95"),
        ),
        _LIMITS,
    ),
    Proposer.AUTO_SCALER: Settings(
        replace(
            _EVERYONE,
            max_change_share=Decimal("0.50"),
            max_increase_micros=100 * _UNIT,
            max_new_budget_micros=500 * _UNIT,
            min_impressions=1_000,
            cool_down_hours=24,
        ),
        replace(
            _LIMITS,
            max_daily_micros=1_000 * _UNIT,
            min_daily_micros=10 * _UNIT,
            max_account_budget_micros=5_000 * _UNIT,
        ),
    ),
    Proposer.LTV_CAC: Settings(_TWENTY, _LIMITS),
    Proposer.OPTIMIZER: Settings(replace(_TWENTY, min_confidence=Decimal("0.95")), _LIMITS),
    Proposer.RULE: Settings(_TWENTY, _LIMITS),
}


def defaults(proposer: str) -> Settings:
    """What holds for a proposer where nothing is set; one that no document knows is held like the rebalancer."""
    return DEFAULTS[Proposer(proposer)] if proposer in set(Proposer) else DEFAULTS[Proposer.REBALANCER]
