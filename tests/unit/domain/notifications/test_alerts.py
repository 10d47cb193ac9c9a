"""Alerts are answered, end by themselves, or escalate after 30 minutes; and how long that took."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.notifications.alerts import Alert, AlertSummary, acknowledged, escalated, must_escalate, resolved, summary
from domain.notifications.notices import NoticeKind

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ANA, BEN = UUID(int=1), UUID(int=2)
ALERT = Alert(
    UUID(int=5), UUID(int=8), UUID(int=9), 7, NoticeKind.ADJUSTMENT_FAILED, "it failed", "adjustment", UUID(int=6),
    NOON, None, None, None, None, 1,
)  # fmt: skip


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.mark.req("RB-S4")
def test_an_alert_escalates_after_thirty_minutes_once_and_only_if_nobody_answered() -> None:
    assert not must_escalate(ALERT, after(30) - timedelta(microseconds=1))
    assert must_escalate(ALERT, after(30))
    assert not must_escalate(acknowledged(ALERT, ANA, after(29)), after(30))
    assert not must_escalate(resolved(ALERT, after(29)), after(30))
    assert not must_escalate(escalated(ALERT, after(30)), after(90))


def test_the_first_answer_stays() -> None:
    first = acknowledged(ALERT, ANA, after(3))
    assert (first.acknowledged_by_id, first.acknowledged_at_utc, first.version) == (ANA, after(3), 2)
    assert acknowledged(first, BEN, after(4)) is first
    over = resolved(first, after(5))
    assert (over.resolved_at_utc, over.version) == (after(5), 3)
    assert resolved(over, after(6)) is over
    told = escalated(over, after(7))
    assert escalated(told, after(8)) is told


@pytest.mark.req("RB-S4")
def test_the_time_runs_from_the_alert_to_its_answer_or_its_end_whichever_is_first() -> None:
    assert ALERT.answer_time is None
    assert acknowledged(ALERT, ANA, after(3)).answer_time == timedelta(minutes=3)
    assert resolved(acknowledged(ALERT, ANA, after(3)), after(2)).answer_time == timedelta(minutes=2)
    # A clock of another machine may lag; no answer takes less than no time.
    assert acknowledged(ALERT, ANA, after(-1)).answer_time == timedelta()


@pytest.mark.req("RB-S4")
def test_the_summary_counts_and_measures() -> None:
    answered = [acknowledged(ALERT, ANA, after(minutes)) for minutes in (1, 2, 3, 40)]
    late = escalated(acknowledged(ALERT, ANA, after(45)), after(30))
    waiting = replace(ALERT, id=UUID(int=99))
    assert summary([*answered, late, waiting]) == AlertSummary(
        raised=6, settled=5, escalated=1, open=1, in_time=4, median_seconds=180.0, p90_seconds=2_700.0
    )
    assert summary([]) == AlertSummary(0, 0, 0, 0, 0, None, None)
