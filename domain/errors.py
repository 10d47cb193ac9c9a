"""The tree of expected failures. Bugs are not here: they propagate and are masked at the edge.

DomainError                 code
├── NotFound                NOT_FOUND         also for what belongs to somebody else
├── InvalidInput            INVALID_INPUT     carries the field path
├── Unauthenticated         UNAUTHENTICATED
├── Forbidden               FORBIDDEN
├── VersionConflict         VERSION_CONFLICT  carries who changed it and when
├── InvalidTransition       INVALID_TRANSITION
├── PlanUnfunded            PLAN_UNFUNDED     carries the shortfall
├── BudgetChangedElsewhere  BUDGET_CHANGED_ELSEWHERE carries the amount that stands there now
├── GuardrailBlocked        GUARDRAIL_BLOCKED carries the violations (domain/guardrails)
├── IdempotencyMismatch     IDEMPOTENCY_KEY_REUSED
├── DeliveryError           DELIVERY_*        carries whether and when to try again
└── PlatformError           PLATFORM_*        carries whether and when to try again
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(eq=False)
class DomainError(Exception):
    """Something a caller did or met that has an answer. `code` is stable; clients branch on it."""

    message: str
    code: str = field(default="DOMAIN_ERROR", init=False)

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False)
class NotFound(DomainError):
    """No such thing for this tenant."""

    def __post_init__(self) -> None:
        self.code = "NOT_FOUND"


@dataclass(eq=False)
class InvalidInput(DomainError):
    """A value outside what is allowed; `path` names the input field, outermost first."""

    path: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.code = "INVALID_INPUT"


@dataclass(eq=False)
class Unauthenticated(DomainError):
    """Nobody is signed in, or the token is no longer good."""

    def __post_init__(self) -> None:
        self.code = "UNAUTHENTICATED"


@dataclass(eq=False)
class Forbidden(DomainError):
    """Known, but not allowed."""

    def __post_init__(self) -> None:
        self.code = "FORBIDDEN"


@dataclass(eq=False)
class VersionConflict(DomainError):
    """Somebody else changed it first."""

    subject_id: UUID
    expected_version: int
    current_version: int
    changed_by_id: str | None
    changed_at_utc: datetime | None

    def __post_init__(self) -> None:
        self.code = "VERSION_CONFLICT"


@dataclass(eq=False)
class InvalidTransition(DomainError):
    """The thing is in a state from which this step is not possible; `allowed` names those that are."""

    state: str = ""
    allowed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.code = "INVALID_TRANSITION"


@dataclass(eq=False)
class PlanUnfunded(DomainError):
    """Approving this would spend more than the approved decreases of its plan free. Amounts in reporting micros."""

    plan_id: UUID
    shortfall_micros: int
    currency_code: str

    def __post_init__(self) -> None:
        self.code = "PLAN_UNFUNDED"


@dataclass(eq=False)
class BudgetChangedElsewhere(DomainError):
    """What was to be decided rests on a budget that somebody changed elsewhere. The amount in account micros."""

    budget_id: UUID
    daily_budget_micros: int
    currency_code: str

    def __post_init__(self) -> None:
        self.code = "BUDGET_CHANGED_ELSEWHERE"


@dataclass(eq=False)
class IdempotencyMismatch(DomainError):
    """The idempotency key was used before with other arguments."""

    def __post_init__(self) -> None:
        self.code = "IDEMPOTENCY_KEY_REUSED"


@dataclass(eq=False)
class DeliveryError(DomainError):
    """A mail server, SMS or chat provider refused a message, failed, or did not answer.

    `outcome_known` is False when the message may have been taken all the same (a time-out, a cut reply).
    """

    retryable: bool = False
    outcome_known: bool = True
    retry_after_seconds: float | None = None

    def __post_init__(self) -> None:
        self.code = "DELIVERY_RETRYABLE" if self.retryable else "DELIVERY_REFUSED"


@dataclass(eq=False)
class PlatformError(DomainError):
    """An ad platform refused, failed, or did not answer.

    `outcome_known` is False when the request may have been applied (a time-out, a cut reply, a 5xx): read back
    before sending again.
    """

    platform_code: str = ""
    retryable: bool = False
    outcome_known: bool = True
    retry_after_seconds: float | None = None

    def __post_init__(self) -> None:
        self.code = "PLATFORM_RETRYABLE" if self.retryable else "PLATFORM_REFUSED"
