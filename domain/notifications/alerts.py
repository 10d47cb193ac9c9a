"""Alerts: errors that somebody must acknowledge, and how long that took (RB-S4). Pure.

An alert is raised by one event and shared by all who were told. It is settled when one of them acknowledges it, or
when its subject recovers; else it escalates to the owners after 30 minutes, once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.notifications.notices import NoticeKind

ESCALATION_DELAY: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Alert:
    """An error that waits for somebody.

    Attributes:
        sequence: of the event that raised it.
        raised_at_utc: when that happened.
        acknowledged_by_id: the first person who said that they take care of it.
        resolved_at_utc: when its subject recovered.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    sequence: int
    kind: NoticeKind
    title: str
    subject_type: str
    subject_id: UUID
    raised_at_utc: datetime
    acknowledged_at_utc: datetime | None
    acknowledged_by_id: UUID | None
    resolved_at_utc: datetime | None
    escalated_at_utc: datetime | None
    version: int

    @property
    def settled_at_utc(self) -> datetime | None:
        """When somebody took care of it or it was over, whichever came first."""
        moments = [at for at in (self.acknowledged_at_utc, self.resolved_at_utc) if at is not None]
        return min(moments) if moments else None

    @property
    def answer_time(self) -> timedelta | None:
        """From the alert to its acknowledgement, or to its end where that came first; None while it is open."""
        settled = self.settled_at_utc
        return None if settled is None else max(settled - self.raised_at_utc, timedelta())


def acknowledged(alert: Alert, user_id: UUID, at_utc: datetime) -> Alert:
    """The alert after somebody took it; the first one stays."""
    if alert.acknowledged_at_utc is not None:
        return alert
    return replace(alert, acknowledged_at_utc=at_utc, acknowledged_by_id=user_id, version=alert.version + 1)


def resolved(alert: Alert, at_utc: datetime) -> Alert:
    """The alert after its subject recovered."""
    return alert if alert.resolved_at_utc else replace(alert, resolved_at_utc=at_utc, version=alert.version + 1)


def escalated(alert: Alert, at_utc: datetime) -> Alert:
    """The alert after its owners were told."""
    return alert if alert.escalated_at_utc else replace(alert, escalated_at_utc=at_utc, version=alert.version + 1)


def must_escalate(alert: Alert, now_utc: datetime) -> bool:
    """Whether it waited 30 minutes for somebody, and was not escalated yet."""
    waits = alert.settled_at_utc is None and alert.escalated_at_utc is None
    return waits and now_utc - alert.raised_at_utc >= ESCALATION_DELAY


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """How fast alerts were answered over a period.

    Attributes:
        raised, settled, escalated, open: counts; an escalated one may be settled later.
        in_time: settled or escalated within 31 minutes, as RB-S4 asks; a minute is the escalation's own slack.
        median_seconds, p90_seconds: from alert to acknowledgement (or recovery), of the settled ones; None for none.
    """

    raised: int
    settled: int
    escalated: int
    open: int
    in_time: int
    median_seconds: float | None
    p90_seconds: float | None


_SLACK: Final = timedelta(minutes=1)


def summary(alerts: Sequence[Alert]) -> AlertSummary:
    """How fast these alerts were answered."""
    times = sorted(each.answer_time.total_seconds() for each in alerts if each.answer_time is not None)
    return AlertSummary(
        raised=len(alerts),
        settled=len(times),
        escalated=sum(each.escalated_at_utc is not None for each in alerts),
        open=sum(each.settled_at_utc is None for each in alerts),
        in_time=sum(_was_in_time(each) for each in alerts),
        median_seconds=_quantile(times, 0.5),
        p90_seconds=_quantile(times, 0.9),
    )


def _was_in_time(alert: Alert) -> bool:
    moments = [at for at in (alert.settled_at_utc, alert.escalated_at_utc) if at is not None]
    return bool(moments) and min(moments) - alert.raised_at_utc <= ESCALATION_DELAY + _SLACK


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed."""
    if not ordered:
        return None
    return ordered[math.ceil(len(ordered) * share) - 1]
