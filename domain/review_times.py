"""How long reviews take, in business hours of the workspace's zone (RB-S1). Pure.

Business hours are nine to five, Monday to Friday, by the wall clock: where clocks change, a morning stays a morning.
Public holidays are not known here and count as working days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from domain.recommendations import UNCOUNTED, RecommendationStatus
from kit.time import local_day, zone

OPENS: Final = time(9)
CLOSES: Final = time(17)
_SATURDAY: Final = 5
#: What a review should take at most (RB-S1 asks it of 90 %).
TARGET: Final = timedelta(hours=4)
#: Upper ends of the distribution's steps in business hours; beyond the last one is a step of its own.
STEPS_HOURS: Final = (1, 2, 4, 8)

_BY_PERSON: Final = frozenset({RecommendationStatus.APPROVED, RecommendationStatus.REJECTED})


@dataclass(frozen=True, slots=True)
class Reviewed:
    """When a recommendation was made and decided. `auto_approved`: guardrails let it pass, so nobody had to look."""

    status: RecommendationStatus
    created_at_utc: datetime
    decided_at_utc: datetime | None
    auto_approved: bool


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """Reviews that took at most `up_to_hours` business hours and more than the step before; None: longer than all."""

    up_to_hours: int | None
    count: int


@dataclass(frozen=True, slots=True)
class ReviewTimes:
    """How long reviews took.

    Attributes:
        due: recommendations for people that are decided, closed undecided, or older than the target. Superseded ones
            do not count: nobody could decide them any more.
        in_time: those that a person decided within four business hours.
        undecided: those due that nobody decided.
        waiting: younger than the target and open: neither in time nor late yet.
        median_seconds: of the decided ones, business time; None without any.
        steps: the decided ones by how long they took.
    """

    due: int
    in_time: int
    undecided: int
    waiting: int
    median_seconds: int | None
    steps: tuple[ReviewStep, ...]

    @property
    def share_in_time(self) -> float | None:
        """0 to 1; None when nothing was due."""
        return self.in_time / self.due if self.due else None


def business_time(since_utc: datetime, until_utc: datetime, zone_name: str) -> timedelta:
    """How much of a stretch lies in business hours of a zone; zero if it ends before it begins."""
    total = timedelta(0)
    day, last = local_day(since_utc, zone_name), local_day(until_utc, zone_name)
    while day <= last:
        if day.weekday() < _SATURDAY:
            opens, closes = (
                datetime.combine(day, wall, tzinfo=zone(zone_name)).astimezone(UTC) for wall in (OPENS, CLOSES)
            )
            total += max(min(closes, until_utc) - max(opens, since_utc), timedelta(0))
        day += timedelta(days=1)
    return total


def review_times(reviews: Iterable[Reviewed], zone_name: str, now_utc: datetime) -> ReviewTimes:
    """The distribution over recommendations for people."""
    taken: list[timedelta] = []
    undecided = waiting = 0
    for review in reviews:
        if review.auto_approved or review.status in UNCOUNTED:
            continue
        if review.status in _BY_PERSON and review.decided_at_utc is not None:
            taken.append(business_time(review.created_at_utc, review.decided_at_utc, zone_name))
        elif (
            review.status is RecommendationStatus.NEEDS_REVIEW
            and business_time(review.created_at_utc, now_utc, zone_name) <= TARGET
        ):
            waiting += 1
        else:
            undecided += 1
    taken.sort()
    return ReviewTimes(
        due=len(taken) + undecided,
        in_time=sum(each <= TARGET for each in taken),
        undecided=undecided,
        waiting=waiting,
        median_seconds=_median_seconds(taken),
        steps=_steps(taken),
    )


def _median_seconds(ordered: Sequence[timedelta]) -> int | None:
    if not ordered:
        return None
    middle = len(ordered) // 2
    low = ordered[middle] if len(ordered) % 2 else ordered[middle - 1]
    return round((low + ordered[middle]).total_seconds() / 2)


def _steps(taken: Sequence[timedelta]) -> tuple[ReviewStep, ...]:
    steps, below = [], 0
    for hours in STEPS_HOURS:
        reached = sum(each <= timedelta(hours=hours) for each in taken)
        steps.append(ReviewStep(hours, reached - below))
        below = reached
    return (*steps, ReviewStep(None, len(taken) - below))
