"""Business hours by the wall clock, and how long reviews took in them."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.recommendations import RecommendationStatus as Status
from domain.review_times import Reviewed, ReviewStep, business_time, review_times

NEW_YORK = "America/New_York"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-03-03 15:00", "2026-03-03 17:00", 2),  # Tuesday, ten to noon in winter time (UTC-5)
        ("2026-03-03 12:00", "2026-03-03 15:00", 1),  # opens at nine
        ("2026-03-03 21:00", "2026-03-04 15:00", 2),  # an evening and a night between
        ("2026-03-06 20:00", "2026-03-09 14:00", 3),  # Friday afternoon to Monday morning, clocks changed on Sunday
        ("2026-03-07 15:00", "2026-03-08 20:00", 0),  # a weekend
        ("2026-03-03 17:00", "2026-03-03 15:00", 0),  # backwards
        ("2026-03-02 00:00", "2026-03-09 00:00", 40),  # a week
    ],
)
def test_business_time(since: str, until: str, hours: float) -> None:
    assert business_time(utc(since), utc(until), NEW_YORK) == timedelta(hours=hours)


TUESDAY = utc("2026-03-03 14:00")  # nine in New York
NOW = utc("2026-03-05 14:00")


def review(status: Status, hours: float | None, made: datetime = TUESDAY, *, auto: bool = False) -> Reviewed:
    return Reviewed(status, made, None if hours is None else made + timedelta(hours=hours), auto)


@pytest.mark.req("RB-S1")
def test_the_distribution_by_hand() -> None:
    """Six for people that are due: half an hour, two, four, a minute over four, a day (8 + 1 h), and one expired."""
    found = review_times(
        [
            review(Status.APPROVED, 0.5),
            review(Status.REJECTED, 2),
            review(Status.APPROVED, 4),
            review(Status.APPROVED, 4 + 1 / 60),
            review(Status.REJECTED, 25),
            review(Status.EXPIRED, 26),
            review(Status.NEEDS_REVIEW, None, NOW - timedelta(hours=16)),  # four in the afternoon: an hour ago
            review(Status.SUPERSEDED, 1),
            review(Status.APPROVED, 0, auto=True),
        ],
        NEW_YORK,
        NOW,
    )
    assert (found.due, found.in_time, found.undecided, found.waiting) == (6, 3, 1, 1)
    assert found.share_in_time == 0.5
    assert found.median_seconds == 4 * 3600
    assert found.steps == (
        ReviewStep(1, 1),
        ReviewStep(2, 1),
        ReviewStep(4, 1),
        ReviewStep(8, 1),
        ReviewStep(None, 1),
    )


def test_what_is_left_open_for_more_than_four_hours_is_late() -> None:
    found = review_times([review(Status.NEEDS_REVIEW, None)], NEW_YORK, NOW)
    assert (found.due, found.in_time, found.undecided, found.waiting) == (1, 0, 1, 0)


def test_an_even_number_has_its_median_between() -> None:
    found = review_times([review(Status.APPROVED, 1), review(Status.APPROVED, 2)], NEW_YORK, NOW)
    assert found.median_seconds == 5400


def test_nothing_due_has_no_share() -> None:
    found = review_times([], NEW_YORK, NOW)
    assert (found.due, found.share_in_time, found.median_seconds) == (0, None, None)
