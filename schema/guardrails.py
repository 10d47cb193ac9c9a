"""Guardrails as clients see them: what is set, what a change violates, what settings would have done. No logic."""

from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from domain.guardrails import DEFAULTS, HARD, ScopeKind
from domain.guardrails import ActiveHours as HoursValue
from domain.guardrails import Guardrail as Name
from domain.guardrails import HardLimits as LimitsValue
from domain.guardrails import RuleSet as Value
from domain.guardrails import Scope as ScopeValue
from domain.guardrails import Thresholds as ThresholdsValue
from domain.guardrails import Violation as ViolationValue
from kit.money import to_decimal
from schema.base import CurrencyCode, Money, Node, UserError, camel, global_id
from schema.conflicts import VersionConflict
from schema.context import Info
from schema.enums import describe_enum
from schema.nodes import shows, view
from schema.platforms import Platform

if TYPE_CHECKING:
    from schema.campaigns import Campaign

describe_enum(
    Name,
    "A guardrail. The hard ones hold for everyone; a person's approval passes the others.",
    {
        Name.MAX_DAILY_BUDGET: "Hard: the cap of a daily budget.",
        Name.MIN_DAILY_BUDGET: "Hard: the floor of a daily budget, the platform's own minimum included.",
        Name.ACCOUNT_DAILY_CHANGE: "Hard: how much may be moved in an account on one of its days, both ways added.",
        Name.ACCOUNT_DAILY_BUDGET: "Hard: an account's daily budgets added up.",
        Name.PLATFORM_DAILY_BUDGET: "Hard: a platform's daily budgets in the workspace added up.",
        Name.CHANGES_PER_DAY: "Hard: changes of one budget on one day, by all proposers; one is kept for restoring.",
        Name.PLATFORM_LISTS: "Hard: which platforms may change.",
        Name.CHANGES_DENIED: "Hard: nothing changes here.",
        Name.LIVE_SENDING: "Hard: real platforms only after the owner has switched live sending on.",
        Name.CHANGE_SHARE: "How large a share of a budget moves alone.",
        Name.CHANGE_AMOUNT: "How much moves alone, either way.",
        Name.INCREASE_AMOUNT: "How much a budget grows alone.",
        Name.NEW_BUDGET: "Up to which budget a rise runs alone.",
        Name.ROAS: "The least revenue per unit spent of a budget that gets more.",
        Name.IMPRESSIONS: "The fewest impressions of the last seven complete days.",
        Name.SPEND: "The least spend of the last seven complete days.",
        Name.CONVERSIONS: "The fewest conversions of the last seven complete days.",
        Name.HISTORY_DAYS: "The fewest complete days with spend; for a rise never under seven.",
        Name.COOL_DOWN: "How long a changed budget rests.",
        Name.LEARNING_PHASE: "No automatic change while the platform learns from the last one.",
        Name.ACTIVE_HOURS: "When automation acts.",
        Name.CONFIDENCE: "The least probability that the change helps.",
        Name.AUTOMATIC_CHANGES_PER_DAY: "Automatic changes of one budget on one day.",
        Name.AUTOMATION_PAUSED: "A kill switch is on.",
        Name.EMERGENCY_STOP: "An emergency stop is in force: only what restores an earlier change is sent.",
        Name.FUNDING: "The plan's decreases do not pay for the increase.",
    },
    name="GuardrailName",
)
describe_enum(
    ScopeKind,
    "For what guardrails hold. Of thresholds the narrowest wins, of hard limits the tightest.",
    {
        ScopeKind.WORKSPACE: "The whole workspace.",
        ScopeKind.PLATFORM: "One platform.",
        ScopeKind.RULE: "What one rule or proposer suggests.",
        ScopeKind.CAMPAIGN: "One campaign; narrower than a rule.",
    },
    name="GuardrailScopeKind",
)


@strawberry.type(description="A guardrail that a change does not keep.")
class GuardrailViolation:
    """A violation."""

    guardrail: Name = strawberry.field(description="Which one.")
    hard: bool = strawberry.field(description="Whether it holds for everyone, a person's approval included.")
    limit: str = strawberry.field(description="What it asks, with its unit.")
    actual: str = strawberry.field(description="What the change is.")
    would_pass: str = strawberry.field(description="What would keep it.")
    message: str = strawberry.field(description="All three in a sentence, with by how much.")
    would_pass_budget: Money | None = strawberry.field(
        description="The daily budget nearest to the wanted one that keeps it; null where no other amount helps."
    )

    @classmethod
    def of(cls, value: ViolationValue, currency_code: str) -> Self:
        """The clients' view of a value, amounts in the account's currency."""
        amount = value.passing_micros
        return cls(
            guardrail=value.guardrail,
            hard=value.guardrail in HARD,
            limit=value.limit,
            actual=value.actual,
            would_pass=value.passing,
            message=value.message,
            would_pass_budget=None if amount is None else Money.of(amount, currency_code),
        )


@strawberry.type(description="A hard limit forbids it, whoever asks; nothing changed.")
class GuardrailBlocked(UserError):
    """A blocked change."""

    violations: list[GuardrailViolation] = strawberry.field(description="Each limit it breaks; at most one of a kind.")


@strawberry.type(description="Wall hours in the account's time zone, from start up to, not at, end.")
class ActiveHours:
    """Active hours."""

    start: int = strawberry.field(description="0 to 23.")
    end: int = strawberry.field(description="1 to 24; not after start means on the next day.")


@strawberry.type(description="What may run without a person; an approval passes all of it. Null is not set here.")
class AutomationThresholds:
    """Thresholds."""

    max_change_share: Decimal | None = strawberry.field(description="Largest change, as a share of the budget.")
    max_change: Money | None = strawberry.field(description="Largest change a day, either way.")
    max_increase: Money | None = strawberry.field(description="Largest increase a day.")
    max_new_budget: Money | None = strawberry.field(description="Largest daily budget a rise may lead to.")
    min_roas: Decimal | None = strawberry.field(description="Least revenue per unit spent of a budget that gets more.")
    min_impressions: int | None = strawberry.field(description="In the last seven complete days.")
    min_spend: Money | None = strawberry.field(description="In the last seven complete days.")
    min_conversions: Decimal | None = strawberry.field(description="In the last seven complete days.")
    min_history_days: int | None = strawberry.field(description="Complete days with spend; for a rise at least seven.")
    cool_down_hours: int | None = strawberry.field(description="Since the budget was last changed.")
    respects_learning: bool | None = strawberry.field(description="Whether it waits while the platform learns.")
    active_hours: ActiveHours | None = strawberry.field(description="When automation acts.")
    min_confidence: Decimal | None = strawberry.field(description="Probability, 0 to 1, that the change helps.")
    max_automatic_changes: int | None = strawberry.field(description="Of one budget on one day of its account.")

    @classmethod
    def of(cls, value: ThresholdsValue, currency_code: str) -> Self:
        """The clients' view of a value."""
        hours = value.active_hours
        return cls(
            max_change_share=value.max_change_share,
            max_change=_money(value.max_change_micros, currency_code),
            max_increase=_money(value.max_increase_micros, currency_code),
            max_new_budget=_money(value.max_new_budget_micros, currency_code),
            min_roas=value.min_roas,
            min_impressions=value.min_impressions,
            min_spend=_money(value.min_spend_micros, currency_code),
            min_conversions=value.min_conversions,
            min_history_days=value.min_history_days,
            cool_down_hours=value.cool_down_hours,
            respects_learning=value.respects_learning,
            active_hours=None if hours is None else ActiveHours(start=hours.start, end=hours.end),
            min_confidence=value.min_confidence,
            max_automatic_changes=value.max_automatic_changes,
        )


@strawberry.type(description="What holds for everyone, whoever approves. Null is not set here.")
class HardLimits:
    """Hard limits."""

    max_daily_budget: Money | None = strawberry.field(description="Cap of each daily budget.")
    min_daily_budget: Money | None = strawberry.field(description="Floor of each daily budget.")
    max_account_change: Money | None = strawberry.field(
        description="What may be moved in one account on one of its days, both ways added."
    )
    max_account_budget: Money | None = strawberry.field(description="An account's daily budgets added up.")
    max_platform_budget: Money | None = strawberry.field(
        description="A platform's daily budgets in the workspace added up, reporting currency."
    )
    max_changes: int | None = strawberry.field(
        description="Of one budget on one day, across all proposers; one of them is kept for restoring."
    )
    allowed_platforms: list[Platform] | None = strawberry.field(
        description="Only these may change, at most one entry a platform; null is all."
    )
    denied_platforms: list[Platform] = strawberry.field(description="These may not; at most one entry a platform.")
    changes_denied: bool = strawberry.field(description="Whether nothing changes here.")

    @classmethod
    def of(cls, value: LimitsValue, currency_code: str) -> Self:
        """The clients' view of a value."""
        return cls(
            max_daily_budget=_money(value.max_daily_micros, currency_code),
            min_daily_budget=_money(value.min_daily_micros, currency_code),
            max_account_change=_money(value.max_account_change_micros, currency_code),
            max_account_budget=_money(value.max_account_budget_micros, currency_code),
            max_platform_budget=_money(value.max_platform_budget_micros, currency_code),
            max_changes=value.max_changes,
            allowed_platforms=None if value.allowed_platforms is None else sorted(value.allowed_platforms),
            denied_platforms=sorted(value.denied_platforms),
            changes_denied=value.changes_denied,
        )


def _money(micros: int | None, currency_code: str) -> Money | None:
    return None if micros is None else Money.of(micros, currency_code)


@strawberry.type(description="For what guardrails hold: the workspace, or the one thing named here.")
class GuardrailScope:
    """A scope."""

    kind: ScopeKind = strawberry.field(description="How wide it is.")
    platform: Platform | None = strawberry.field(description="The platform, if it is one's.")
    rule: str | None = strawberry.field(description="The rule or proposer, if it is one's, such as rebalancer.")
    value: strawberry.Private[ScopeValue]

    @strawberry.field(description="The campaign, if it is one's.")
    async def campaign(self, info: Info) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None:
        """The campaign."""
        if self.value.kind is not ScopeKind.CAMPAIGN:
            return None
        found: Campaign | None = view(await info.context.loaders.campaign(UUID(self.value.key)))
        return found

    @classmethod
    def of(cls, value: ScopeValue) -> Self:
        """The clients' view of a value."""
        return cls(
            kind=value.kind,
            platform=Platform(value.key) if value.kind is ScopeKind.PLATFORM else None,
            rule=value.key if value.kind is ScopeKind.RULE else None,
            value=value,
        )


@shows(Value)
@strawberry.type(description="The guardrails of one scope.")
class Guardrail(Node):
    """A set of guardrails."""

    version: int = strawberry.field(description="Goes up with every change; send it back as expectedVersion.")
    scope: GuardrailScope = strawberry.field(description="For what they hold.")
    currency: CurrencyCode = strawberry.field(
        description="Of its amounts: a campaign's account's, else the reporting currency."
    )
    thresholds: AutomationThresholds = strawberry.field(description="What may run without a person.")
    limits: HardLimits = strawberry.field(description="What holds for everyone.")
    automation_paused: bool = strawberry.field(description="Its kill switch: nothing of it runs without a person.")

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("Guardrail", value.id),
            version=value.version,
            scope=GuardrailScope.of(value.scope),
            currency=CurrencyCode(value.currency_code),
            thresholds=AutomationThresholds.of(value.settings.thresholds, value.currency_code),
            limits=HardLimits.of(value.settings.limits, value.currency_code),
            automation_paused=value.settings.automation_paused,
        )


@strawberry.input(description="Which scope: at most one of the three; none of them is the whole workspace.")
class GuardrailScopeInput:
    """A scope."""

    platform: Platform | None = strawberry.field(default=None, description="One platform.")
    rule: str | None = strawberry.field(default=None, description="One rule or proposer, such as rebalancer.")
    campaign_id: strawberry.ID | None = strawberry.field(default=None, description="Global id of one campaign.")


@strawberry.input(description="Wall hours in the account's time zone, from start up to, not at, end.")
class ActiveHoursInput:
    """Active hours."""

    start: int = strawberry.field(description="0 to 23.")
    end: int = strawberry.field(description="1 to 24; not after start means on the next day.")

    def value(self) -> HoursValue:
        """The domain's value."""
        return HoursValue(self.start, self.end)


@strawberry.input(description="Thresholds; what is left out is not set here. Amounts in the guardrail's currency.")
class AutomationThresholdsInput:
    """Thresholds."""

    max_change_share: Decimal | None = strawberry.field(default=None, description="Share of the budget; 0.1 is 10 %.")
    max_change: Decimal | None = strawberry.field(default=None, description="Largest change a day, either way.")
    max_increase: Decimal | None = strawberry.field(default=None, description="Largest increase a day.")
    max_new_budget: Decimal | None = strawberry.field(default=None, description="Largest budget a rise may lead to.")
    min_roas: Decimal | None = strawberry.field(default=None, description="Of a budget that gets more.")
    min_impressions: int | None = strawberry.field(default=None, description="In the last seven complete days.")
    min_spend: Decimal | None = strawberry.field(default=None, description="In the last seven complete days.")
    min_conversions: Decimal | None = strawberry.field(default=None, description="In the last seven complete days.")
    min_history_days: int | None = strawberry.field(default=None, description="Complete days with spend, 0 to 90.")
    cool_down_hours: int | None = strawberry.field(default=None, description="Since the last change, 0 to 2160.")
    respects_learning: bool | None = strawberry.field(default=None, description="Wait while the platform learns.")
    active_hours: ActiveHoursInput | None = strawberry.field(default=None, description="When automation acts.")
    min_confidence: Decimal | None = strawberry.field(default=None, description="Probability, 0 to 1.")
    max_automatic_changes: int | None = strawberry.field(default=None, description="Of one budget a day, 0 to 100.")


@strawberry.input(description="Hard limits; what is left out is not set here. Amounts in the guardrail's currency.")
class HardLimitsInput:
    """Hard limits."""

    max_daily_budget: Decimal | None = strawberry.field(default=None, description="Cap of each daily budget.")
    min_daily_budget: Decimal | None = strawberry.field(default=None, description="Floor of each daily budget.")
    max_account_change: Decimal | None = strawberry.field(default=None, description="Moved in an account in a day.")
    max_account_budget: Decimal | None = strawberry.field(default=None, description="An account's daily budgets.")
    max_platform_budget: Decimal | None = strawberry.field(default=None, description="A platform's daily budgets.")
    max_changes: int | None = strawberry.field(default=None, description="Of one budget a day, 0 to 100.")
    allowed_platforms: list[Platform] | None = strawberry.field(default=None, description="Only these may change.")
    denied_platforms: list[Platform] | None = strawberry.field(default=None, description="These may not change.")
    changes_denied: bool = strawberry.field(default=False, description="Whether nothing changes here.")


@strawberry.input(description="All guardrails of a scope, in place of what is set there.")
class GuardrailChangeInput:
    """A whole set."""

    thresholds: AutomationThresholdsInput | None = strawberry.field(
        default=None, description="What may run without a person."
    )
    limits: HardLimitsInput | None = strawberry.field(default=None, description="What holds for everyone.")
    automation_paused: bool = strawberry.field(default=False, description="Stop automation here.")


@strawberry.type(description="Somebody else set these guardrails first.")
class GuardrailVersionConflict(VersionConflict):
    """The loser's answer."""

    current: Guardrail | None = strawberry.field(description="The guardrails as they are now.")


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class GuardrailPayload:
    """The payload of every mutation on guardrails."""

    guardrail: Guardrail | None = strawberry.field(description="As set, or as removed; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="What holds for one proposer where nobody set anything.")
class GuardrailDefault:
    """A default."""

    proposer: str = strawberry.field(description="Who suggests, such as rebalancer.")
    setting: str = strawberry.field(description="Path in GuardrailChangeInput, such as thresholds.maxChangeShare.")
    value: str = strawberry.field(
        description="As the input takes it: a decimal number, amounts in the account's currency, or true."
    )

    @classmethod
    def all(cls) -> list[Self]:
        """Every default of every proposer."""
        return [
            cls(proposer=proposer.value, setting=".".join(setting_path(name)[1:]), value=_told(name, value))
            for proposer, settings in DEFAULTS.items()
            for part in (settings.thresholds, settings.limits)
            for name, value in _set_in(part)
        ]


def setting_path(name: str) -> tuple[str, ...]:
    """Where a setting of the domain stands among a mutation's arguments, outermost first."""
    part = "thresholds" if name in ThresholdsValue.__slots__ else "limits"
    return ("change", part, camel(name.replace("daily_micros", "daily_budget").removesuffix("_micros")))


def _set_in(part: ThresholdsValue | LimitsValue) -> list[tuple[str, Decimal | int]]:
    found = [(each.name, getattr(part, each.name)) for each in fields(part)]
    return [(name, value) for name, value in found if isinstance(value, Decimal | int) and value is not False]


def _told(name: str, value: Decimal | int) -> str:
    if value is True:
        return "true"
    return str(to_decimal(int(value)) if name.endswith("_micros") else value)
