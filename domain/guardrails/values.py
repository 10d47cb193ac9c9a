"""What the guardrails know and say: a change, where it stands, what it rests on, and the violations found. No rules.

Money: `_micros` alone means the account's currency, `_reporting_micros` the workspace's. Shares are 0..1.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

from domain.errors import DomainError
from domain.platforms import Platform


class Guardrail(StrEnum):
    """Each guardrail by name. What is in HARD holds for everyone; the others say what may run without a person."""

    MAX_DAILY_BUDGET = "MAX_DAILY_BUDGET"
    MIN_DAILY_BUDGET = "MIN_DAILY_BUDGET"
    ACCOUNT_DAILY_CHANGE = "ACCOUNT_DAILY_CHANGE"
    ACCOUNT_DAILY_BUDGET = "ACCOUNT_DAILY_BUDGET"
    PLATFORM_DAILY_BUDGET = "PLATFORM_DAILY_BUDGET"
    CHANGES_PER_DAY = "CHANGES_PER_DAY"
    PLATFORM_LISTS = "PLATFORM_LISTS"
    CHANGES_DENIED = "CHANGES_DENIED"
    LIVE_SENDING = "LIVE_SENDING"
    EMERGENCY_STOP = "EMERGENCY_STOP"

    CHANGE_SHARE = "CHANGE_SHARE"
    CHANGE_AMOUNT = "CHANGE_AMOUNT"
    INCREASE_AMOUNT = "INCREASE_AMOUNT"
    NEW_BUDGET = "NEW_BUDGET"
    ROAS = "ROAS"
    IMPRESSIONS = "IMPRESSIONS"
    SPEND = "SPEND"
    CONVERSIONS = "CONVERSIONS"
    HISTORY_DAYS = "HISTORY_DAYS"
    COOL_DOWN = "COOL_DOWN"
    LEARNING_PHASE = "LEARNING_PHASE"
    ACTIVE_HOURS = "ACTIVE_HOURS"
    CONFIDENCE = "CONFIDENCE"
    AUTOMATIC_CHANGES_PER_DAY = "AUTOMATIC_CHANGES_PER_DAY"
    AUTOMATION_PAUSED = "AUTOMATION_PAUSED"
    FUNDING = "FUNDING"


HARD: Final = frozenset(
    {
        Guardrail.MAX_DAILY_BUDGET,
        Guardrail.MIN_DAILY_BUDGET,
        Guardrail.ACCOUNT_DAILY_CHANGE,
        Guardrail.ACCOUNT_DAILY_BUDGET,
        Guardrail.PLATFORM_DAILY_BUDGET,
        Guardrail.CHANGES_PER_DAY,
        Guardrail.PLATFORM_LISTS,
        Guardrail.CHANGES_DENIED,
        Guardrail.LIVE_SENDING,
        Guardrail.EMERGENCY_STOP,
    }
)

#: What time alone may lift while a recommendation is still open: automation looks again instead of asking a person.
PASSING: Final = frozenset({Guardrail.ACTIVE_HOURS})


@dataclass(frozen=True, slots=True)
class Violation:
    """One guardrail that a change does not keep.

    Attributes:
        limit, actual, passing: in words with their units, such as "100.00 USD", "30 %", "4 changes".
        message: all three in a sentence, with by how much.
        passing_micros: the daily budget nearest to the wanted one that keeps this guardrail, account micros; None
            where no other amount would help.
    """

    guardrail: Guardrail
    limit: str
    actual: str
    passing: str
    message: str
    passing_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What both kinds say of a change. `limits` hold for everyone; `thresholds` only for automation."""

    limits: tuple[Violation, ...]
    thresholds: tuple[Violation, ...]

    @property
    def automatic(self) -> bool:
        """Whether it may run without a person."""
        return not self.limits and not self.thresholds

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All of them, hard limits first."""
        return (*self.limits, *self.thresholds)


@dataclass(eq=False)
class GuardrailBlocked(DomainError):
    """A hard limit forbids this, whoever asks.

    `violations` says which, by how much, and what would pass; their amounts are in `currency_code`.
    """

    violations: tuple[Violation, ...] = ()
    currency_code: str = ""

    def __post_init__(self) -> None:
        self.code = "GUARDRAIL_BLOCKED"

    @classmethod
    def by(cls, violations: tuple[Violation, ...], currency_code: str) -> Self:
        """The refusal that names all of them."""
        told = "; ".join(each.message for each in violations)
        return cls(told, violations=violations, currency_code=currency_code)


class ChangeKind(StrEnum):
    """A new amount, or an earlier one put back."""

    CHANGE = "CHANGE"
    RESTORE = "RESTORE"


@dataclass(frozen=True, slots=True)
class Change:
    """A daily budget about to change, account micros a day.

    Attributes:
        current_micros: as the budget was read last, >= 0.
        rate_to_reporting: one account unit in units of the reporting currency, > 0.
        minimum_micros, step_micros: what the platform accepts at least, and its step, > 0.
    """

    kind: ChangeKind
    platform: Platform
    currency_code: str
    rate_to_reporting: Decimal
    current_micros: int
    proposed_micros: int
    minimum_micros: int
    step_micros: int

    @property
    def delta_micros(self) -> int:
        """What would change; negative frees money."""
        return self.proposed_micros - self.current_micros


@dataclass(frozen=True, slots=True)
class Standing:
    """What was done in the account and to the budget on this account-zone day, the change itself left out.

    Attributes:
        changes_today: changes of the budget, whoever proposed them.
        account_moved_micros: sum of all amounts moved in the account, either way, >= 0.
        account_budget_micros: the account's daily budgets that may be spent, this one as it is now included.
        platform_budget_reporting_micros: the same over the workspace's accounts on the platform.
        live: whether sending would reach a real platform.
        live_sending: whether the workspace's owner has switched that on.
    """

    changes_today: int = 0
    account_moved_micros: int = 0
    account_budget_micros: int = 0
    platform_budget_reporting_micros: int = 0
    live: bool = False
    live_sending: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What automation rests on.

    Attributes:
        now_utc, time_zone: the moment, and the account's zone.
        roas: revenue per unit spent at the present budget.
        confidence: probability that the change helps.
        impressions, spend_micros, conversions: of the last DATA_DAYS complete account-zone days.
        history_days: complete account-zone days with spend.
        changed_at_utc: when the budget was last changed by us; None if that is not known.
        learns_until: the account-zone day until which the platform learns from that change; None if it does not.
        automatic_changes_today: changes of the budget on this account-zone day that no person approved.
        paused_by: which switch stops automation, in words; None if none does.
    """

    now_utc: datetime
    time_zone: str
    roas: float
    confidence: float
    impressions: int
    spend_micros: int
    conversions: Decimal
    history_days: int
    changed_at_utc: datetime | None = None
    learns_until: date | None = None
    automatic_changes_today: int = 0
    paused_by: str | None = None


#: How far back impressions, spend and conversions are counted: a week, so that no weekday weighs more than another.
DATA_DAYS: Final = 7
