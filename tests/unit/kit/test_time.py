"""Time: UTC inside, zones only to say which day it is."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from kit.time import FixedClock, OffsetClock, SystemClock, day_start_utc, iso_utc, local_day, require_utc, zone


def test_a_moment_falls_on_different_days_in_different_zones() -> None:
    at = datetime(2026, 3, 10, 3, 30, tzinfo=UTC)
    assert local_day(at, "America/New_York") == date(2026, 3, 9)
    assert local_day(at, "Asia/Tokyo") == date(2026, 3, 10)


def test_the_day_the_clocks_change_has_23_or_25_hours() -> None:
    new_york = "America/New_York"
    spring = day_start_utc(date(2026, 3, 9), new_york) - day_start_utc(date(2026, 3, 8), new_york)
    autumn = day_start_utc(date(2026, 11, 2), new_york) - day_start_utc(date(2026, 11, 1), new_york)
    assert (spring, autumn) == (timedelta(hours=23), timedelta(hours=25))


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        require_utc(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "New York"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        zone(name)


def test_there_is_one_spelling_of_a_moment() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert iso_utc(at) == "2026-01-02T01:04:05.000000Z"


def test_clocks() -> None:
    fixed = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    fixed.advance(timedelta(hours=5))
    assert fixed.now_utc() == datetime(2026, 1, 1, 5, tzinfo=UTC)
    ahead = OffsetClock(lambda: timedelta(days=3)).now_utc() - SystemClock().now_utc()
    assert abs(ahead - timedelta(days=3)) < timedelta(seconds=5)
