"""Guardrails: what may run without a person, and what holds for everyone. Pure; stores nothing, sends nothing.

    values       a change, where it stands, what it rests on, and what was found
    settings     what can be set, where, and the source documents' defaults per proposer
    inheritance  which settings hold for one change
    evidence     what automation rests on, from stored days and changes
    ledger       what was moved on which account-zone day
    limits       hard limits, which nobody passes, and the room they leave a proposer
    thresholds   automation thresholds, which a person's approval passes

`check` judges by both. It is asked when a change is proposed, when it is approved and when it is sent, each time with
fresh values; who approves or sends a change as a person asks for the limits alone.
"""

from domain.guardrails.evidence import evidence_of
from domain.guardrails.inheritance import Subject, covers, effective
from domain.guardrails.ledger import DayTotals, Entry, Ledger
from domain.guardrails.limits import Bounds, bounds, check_limits, check_running
from domain.guardrails.settings import (
    DEFAULTS,
    KEPT_FOR_RESTORE,
    LEAST_HISTORY_DAYS,
    MAX_RULE_CHARACTERS,
    ActiveHours,
    HardLimits,
    Proposer,
    RuleSet,
    Scope,
    ScopeKind,
    Settings,
    Thresholds,
    defaults,
    validated,
)
from domain.guardrails.thresholds import check_thresholds
from domain.guardrails.values import (
    DATA_DAYS,
    HARD,
    PASSING,
    Change,
    ChangeKind,
    Evidence,
    Guardrail,
    GuardrailBlocked,
    Standing,
    Verdict,
    Violation,
)

__all__ = [
    "DATA_DAYS",
    "DEFAULTS",
    "HARD",
    "KEPT_FOR_RESTORE",
    "LEAST_HISTORY_DAYS",
    "MAX_RULE_CHARACTERS",
    "PASSING",
    "ActiveHours",
    "Bounds",
    "Change",
    "ChangeKind",
    "DayTotals",
    "Entry",
    "Evidence",
    "Guardrail",
    "GuardrailBlocked",
    "HardLimits",
    "Ledger",
    "Proposer",
    "RuleSet",
    "Scope",
    "ScopeKind",
    "Settings",
    "Standing",
    "Subject",
    "Thresholds",
    "Verdict",
    "Violation",
    "bounds",
    "check",
    "check_limits",
    "check_running",
    "check_thresholds",
    "covers",
    "defaults",
    "effective",
    "evidence_of",
    "validated",
]


def check(change: Change, standing: Standing, evidence: Evidence, settings: Settings) -> Verdict:
    """What both kinds of guardrail say of a change, `settings` as they hold for it (`effective`)."""
    return Verdict(check_limits(change, standing, settings.limits), check_thresholds(change, evidence, settings))
