"""Changes, standings and evidence for the guardrails' tests: complete, with only what matters given."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.guardrails import (
    Change,
    ChangeKind,
    Evidence,
    Guardrail,
    HardLimits,
    RuleSet,
    Scope,
    ScopeKind,
    Settings,
    Thresholds,
    Violation,
)
from domain.platforms import Platform

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SOMEWHERE = UUID(int=1)
UNIT = 1_000_000


def change(to_units: float, from_units: float = 100, kind: ChangeKind = ChangeKind.CHANGE, **more: Any) -> Change:
    """A budget in dollars, on Meta unless said otherwise."""
    made = Change(
        kind, Platform.META, "USD", Decimal(1), round(from_units * UNIT), round(to_units * UNIT), UNIT, 10_000
    )
    return replace(made, **more)


#: Good enough for every default.
GOOD = Evidence(
    now_utc=NOW, time_zone="America/New_York", roas=5.0, confidence=0.99, impressions=100_000,
    spend_micros=1_000 * UNIT, conversions=Decimal(100), history_days=60,
)  # fmt: skip


def evidence(**changes: Any) -> Evidence:
    return replace(GOOD, **changes)


def rules(
    kind: ScopeKind = ScopeKind.WORKSPACE,
    key: str = "",
    limits: HardLimits | None = None,
    currency: str = "USD",
    **thresholds: Any,
) -> RuleSet:
    """A rule set with thresholds by name, or with hard limits."""
    settings = Settings(Thresholds(**thresholds), limits or HardLimits())
    return RuleSet(UUID(int=2), SOMEWHERE, SOMEWHERE, Scope(kind, key), currency, settings, 1)


def names(violations: tuple[Violation, ...]) -> list[Guardrail]:
    return [each.guardrail for each in violations]
