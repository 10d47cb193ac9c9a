"""When notices leave the app, and which leave together. Pure.

A delivery is one notice on one channel, at most one for each. Deliveries of one person, workspace, channel and pace
leave as one message: waiting ones gather until the oldest is due, and a storm of urgent ones is spaced.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.notifications.preferences import Channel, Pace
from domain.workspaces import parse_deadline
from kit.time import local_day, require_utc, zone

BATCH_WINDOW: Final = timedelta(minutes=10)
#: Between two messages at once to the same person by the same channel: a storm becomes a message every two minutes.
SPACING: Final = timedelta(minutes=2)
#: An event that was noticed later than this, after a long standstill, is shown in the app only.
MAX_AGE: Final = timedelta(hours=24)
MAX_NOTICES: Final = 100

LEASE: Final = timedelta(seconds=90)
MAX_ATTEMPTS: Final = 8
_LONGEST_WAIT_SECONDS: Final = 3_600.0
_FIRST_WAIT_SECONDS: Final = 15.0


class DeliveryStatus(StrEnum):
    """Where a delivery is. CANCELLED: it was no longer wanted when its time came."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way by one channel.

    Attributes:
        due_at_utc: not before then; moved on by each failed attempt.
        batch_id: the message it belongs to, once one was begun; a message that is tried again keeps its members.
        lease_until_utc: until when a worker has it in hand.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    user_id: UUID
    notice_id: UUID
    channel: Channel
    pace: Pace
    status: DeliveryStatus
    created_at_utc: datetime
    due_at_utc: datetime
    attempts: int
    batch_id: UUID | None
    lease_until_utc: datetime | None
    sent_at_utc: datetime | None
    failure_reason: str | None

    @property
    def group(self) -> tuple[UUID, UUID, Channel, Pace]:
        """What leaves together."""
        return self.workspace_id, self.user_id, self.channel, self.pace


def due_at(pace: Pace, now_utc: datetime, zone_name: str, daily_time: str) -> datetime:
    """When a new delivery is due: now, at the end of its window, or at the next daily time in a zone.

    Raises:
        ValueError: for Pace.OFF, which is never due.
    """
    match pace:
        case Pace.AT_ONCE:
            return now_utc
        case Pace.BATCHED:
            return now_utc + BATCH_WINDOW
        case Pace.DAILY:
            return _next_wall_time(now_utc, zone_name, daily_time)
        case Pace.OFF:
            raise ValueError("what is off is never due")


def _next_wall_time(now_utc: datetime, zone_name: str, wall_time: str) -> datetime:
    """Wall time, not a fixed distance: eight o'clock stays eight o'clock when clocks change."""
    today = local_day(now_utc, zone_name)
    wall = parse_deadline(wall_time)
    moments = (
        datetime.combine(today + timedelta(days=days), wall, tzinfo=zone(zone_name)).astimezone(UTC)
        for days in range(3)
    )
    return next(moment for moment in moments if moment > require_utc(now_utc))


def batches(
    waiting: Iterable[Delivery], last_sent: Mapping[tuple[UUID, UUID, Channel, Pace], datetime], now_utc: datetime
) -> list[list[Delivery]]:
    """The messages to send now, each as its deliveries, oldest first.

    Args:
        waiting: pending ones, and those whose worker's lease ran out.
        last_sent: when each group's last message at once left.
        now_utc: the moment.
    """
    begun: dict[UUID, list[Delivery]] = defaultdict(list)
    fresh: dict[tuple[UUID, UUID, Channel, Pace], list[Delivery]] = defaultdict(list)
    for each in sorted(waiting, key=lambda delivery: delivery.id):
        if each.batch_id is not None:
            begun[each.batch_id].append(each)
        else:
            fresh[each.group].append(each)
    # A message that is tried again waits as a whole.
    found = [its for its in begun.values() if all(_is_due(each, now_utc) for each in its)]
    for group, its in fresh.items():
        last = last_sent.get(group)
        spaced = group[3] is not Pace.AT_ONCE or last is None or now_utc - last >= SPACING
        if spaced and any(_is_due(each, now_utc) for each in its):
            found.append(its[:MAX_NOTICES])
    return found


def _is_due(delivery: Delivery, now_utc: datetime) -> bool:
    if delivery.status is DeliveryStatus.SENDING:
        return delivery.lease_until_utc is None or delivery.lease_until_utc < now_utc
    return delivery.due_at_utc <= now_utc


def next_attempt(attempts: int, jitter: float, retry_after_seconds: float | None = None) -> timedelta | None:
    """How long to wait after a failed attempt; None when it was the last.

    Exponential, half of it jittered, and never under what the provider asked for.

    Args:
        attempts: attempts made so far, >= 1.
        jitter: uniform in [0, 1).
        retry_after_seconds: the provider's own wish.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    ceiling = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** (attempts - 1))
    return timedelta(seconds=max(ceiling * (0.5 + jitter / 2), retry_after_seconds or 0.0))
