"""Automation thresholds: the source documents' examples, each threshold at its edge, clock jumps, and restores."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.guardrails import (
    ActiveHours,
    ChangeKind,
    Guardrail,
    Proposer,
    Settings,
    Thresholds,
    check_thresholds,
    defaults,
)
from tests.unit.domain.guardrails.guardrail_values import NOW, UNIT, change, evidence, names


def found(to: float, settings: Settings, /, from_units: float = 100, **facts: Any) -> list[Guardrail]:
    return names(check_thresholds(change(to, from_units), evidence(**facts), settings))


def only(**thresholds: Any) -> Settings:
    return Settings(Thresholds(**thresholds))


@pytest.mark.req("RB-2.1")
@pytest.mark.parametrize(
    ("to", "facts", "expected"),
    [
        (110, {}, []),
        (90, {"roas": 0.5}, []),  # the one that pays is not asked for a good ROAS
        (110.01, {}, [Guardrail.CHANGE_SHARE]),
        (110, {"roas": 2.99}, [Guardrail.ROAS]),
        (110, {"confidence": 0.9499}, [Guardrail.CONFIDENCE]),
        (90, {"history_days": 6}, [Guardrail.HISTORY_DAYS]),
        (110, {"automatic_changes_today": 1}, [Guardrail.AUTOMATIC_CHANGES_PER_DAY]),
        (150, {"roas": float("nan"), "history_days": 0}, [
            Guardrail.CHANGE_SHARE, Guardrail.ROAS, Guardrail.HISTORY_DAYS]),
    ],
)  # fmt: skip
def test_the_rebalancers_defaults(to: float, facts: dict[str, Any], expected: list[Guardrail]) -> None:
    assert found(to, defaults(Proposer.REBALANCER), **facts) == expected


@pytest.mark.req("AS-05", "AS-06")
@pytest.mark.parametrize(
    ("from_units", "to", "facts", "expected"),
    [
        (200, 300, {}, []),
        (200, 300.01, {}, [Guardrail.CHANGE_SHARE, Guardrail.INCREASE_AMOUNT]),
        (450, 500, {}, []),
        (450, 510, {}, [Guardrail.NEW_BUDGET]),  # an increase within the limit is not enough
        (300, 420, {}, [Guardrail.INCREASE_AMOUNT]),  # nor is a budget under the threshold
        (900, 630, {}, []),  # a cut asks for neither
        (200, 240, {"impressions": 999}, [Guardrail.IMPRESSIONS]),
        (200, 140, {"impressions": 999}, [Guardrail.IMPRESSIONS]),
        (200, 240, {"impressions": 1_000}, []),
        (200, 140, {"history_days": 1}, []),
        (200, 240, {"history_days": 6}, [Guardrail.HISTORY_DAYS]),
    ],
)
def test_the_auto_scalers_defaults(
    from_units: int, to: float, facts: dict[str, Any], expected: list[Guardrail]
) -> None:
    assert found(to, defaults(Proposer.AUTO_SCALER), from_units, **facts) == expected


@pytest.mark.req("GO-10")
def test_the_optimizer_acts_alone_from_95_percent() -> None:
    assert found(110, defaults(Proposer.OPTIMIZER), confidence=0.9499) == [Guardrail.CONFIDENCE]
    assert found(110, defaults(Proposer.OPTIMIZER), confidence=0.95) == []


@pytest.mark.req("RB-E1")
@pytest.mark.parametrize("proposer", [*Proposer, "somebody new"])
def test_no_increase_runs_alone_before_seven_days_whoever_proposes_it(proposer: str) -> None:
    settings = defaults(proposer)
    assert Guardrail.HISTORY_DAYS in found(101, settings, history_days=6)
    assert Guardrail.HISTORY_DAYS in found(101, only(min_history_days=0), history_days=6)
    assert Guardrail.HISTORY_DAYS not in found(101, settings, history_days=7)


@pytest.mark.parametrize(
    ("thresholds", "facts", "expected"),
    [
        ({"max_change_micros": 10 * UNIT}, {}, [Guardrail.CHANGE_AMOUNT]),
        ({"max_change_micros": 20 * UNIT}, {}, []),
        ({"min_spend_micros": 1_000 * UNIT + 1}, {}, [Guardrail.SPEND]),
        ({"min_conversions": Decimal("100.5")}, {}, [Guardrail.CONVERSIONS]),
        ({"min_conversions": Decimal(100)}, {}, []),
        ({"cool_down_hours": 24}, {"changed_at_utc": NOW - timedelta(hours=24)}, []),
        ({"cool_down_hours": 24}, {"changed_at_utc": NOW - timedelta(hours=23, minutes=59)}, [Guardrail.COOL_DOWN]),
        ({"cool_down_hours": 24}, {"changed_at_utc": None}, []),
        ({"respects_learning": True}, {"learns_until": date(2026, 3, 11)}, [Guardrail.LEARNING_PHASE]),
        ({"respects_learning": True}, {"learns_until": date(2026, 3, 10)}, []),
        ({"respects_learning": False}, {"learns_until": date(2026, 3, 11)}, []),
        ({}, {"paused_by": "somebody"}, [Guardrail.AUTOMATION_PAUSED]),
    ],
)
def test_each_threshold_at_its_edge(
    thresholds: dict[str, Any], facts: dict[str, Any], expected: list[Guardrail]
) -> None:
    assert found(120, only(**thresholds), **facts) == expected


def test_a_kill_switch_of_a_rule_stops_automation() -> None:
    assert found(101, Settings(automation_paused=True)) == [Guardrail.AUTOMATION_PAUSED]


def test_a_change_in_the_future_still_rests() -> None:
    """The clock jumped back: what seems to happen later has not rested yet."""
    later = NOW + timedelta(days=3)
    assert found(120, only(cool_down_hours=24), changed_at_utc=later) == [Guardrail.COOL_DOWN]
    assert found(120, only(cool_down_hours=0), changed_at_utc=later) == [Guardrail.COOL_DOWN]


@pytest.mark.parametrize(
    ("hours", "at", "inside"),
    [
        (ActiveHours(9, 17), "2026-03-10T13:00", True),  # 09:00 in New York, summer time
        (ActiveHours(9, 17), "2026-03-10T12:59", False),
        (ActiveHours(9, 17), "2026-03-10T21:00", False),
        (ActiveHours(9, 17), "2026-03-06T13:59", False),  # 08:59, winter time still
        (ActiveHours(9, 17), "2026-03-06T14:00", True),
        (ActiveHours(22, 6), "2026-03-10T09:59", True),
        (ActiveHours(22, 6), "2026-03-10T10:00", False),
        (ActiveHours(0, 24), "2026-03-10T03:00", True),
    ],
)
def test_active_hours_are_wall_hours_of_the_account(hours: ActiveHours, at: str, inside: bool) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    expected = [] if inside else [Guardrail.ACTIVE_HOURS]
    assert found(101, only(active_hours=hours), now_utc=now) == expected


def test_a_restore_skips_rest_and_learning_and_the_days_count() -> None:
    settings = only(cool_down_hours=24, respects_learning=True, max_automatic_changes=1, max_change_micros=UNIT)
    facts = evidence(changed_at_utc=NOW, learns_until=date(2026, 3, 17), automatic_changes_today=5)
    assert names(check_thresholds(change(120), facts, settings)) == [
        Guardrail.CHANGE_AMOUNT, Guardrail.COOL_DOWN, Guardrail.LEARNING_PHASE, Guardrail.AUTOMATIC_CHANGES_PER_DAY,
    ]  # fmt: skip
    restore = change(120, kind=ChangeKind.RESTORE)
    assert names(check_thresholds(restore, facts, settings)) == [Guardrail.CHANGE_AMOUNT]


@pytest.mark.req("RB-2.2")
def test_a_violation_says_by_how_much_and_what_would_pass() -> None:
    settings = defaults(Proposer.REBALANCER)
    share, roas, days = check_thresholds(change(125.5), evidence(roas=2.5, history_days=4), settings)
    assert share.message == (
        "the change is 25.5 % of the budget, 15.5 % above the 10 % that runs alone; a change of 10.00 USD or less would"
    )
    assert (share.limit, share.actual, share.passing_micros) == ("10 %", "25.5 %", 110_000_000)
    assert roas.message == "2.5 where automation asks for a ROAS of 3: 0.5 short"
    assert days.message == "4 where automation asks for 7 complete days with spend: 3 short"
    [rest] = check_thresholds(
        change(101), evidence(changed_at_utc=NOW - timedelta(hours=1.55)), only(cool_down_hours=24)
    )
    assert rest.message == (
        "the budget changed 1.5 hours ago and rests for 24; from 2026-03-11T10:27:00.000000Z it would pass"
    )
