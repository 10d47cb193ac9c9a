"""Review deadlines in wall time, over clock changes and in every zone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.workspaces import next_deadline_utc, parse_deadline
from tests.unit.domain.pipeline_values import WORKSPACE

ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "America/St_Johns",
    "UTC",
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.req("RB-1.4")
@pytest.mark.parametrize(
    ("now", "deadline"),
    [
        (utc(2026, 3, 10, 12), utc(2026, 3, 10, 16)),
        (utc(2026, 3, 10, 15, 59, 59), utc(2026, 3, 10, 16)),
        (utc(2026, 3, 10, 16), utc(2026, 3, 11, 16)),
        # It is still the 9th in New York.
        (utc(2026, 3, 10, 3), utc(2026, 3, 10, 16)),
        # Noon stays noon when clocks go forward on 8 March and back on 1 November.
        (utc(2026, 3, 7, 18), utc(2026, 3, 8, 16)),
        (utc(2026, 3, 6, 18), utc(2026, 3, 7, 17)),
        (utc(2026, 10, 31, 17), utc(2026, 11, 1, 17)),
    ],
)
def test_the_next_deadline_is_noon_in_the_workspaces_zone(now: datetime, deadline: datetime) -> None:
    assert next_deadline_utc(WORKSPACE, now) == deadline


def test_a_wall_time_that_a_clock_change_skips_or_repeats_still_comes_once_a_day() -> None:
    early = replace(WORKSPACE, review_deadline="02:30")
    # 02:30 does not exist on 8 March; its moment by the old offset, 03:30 by the new one, stands for it.
    assert next_deadline_utc(early, utc(2026, 3, 8, 5)) == utc(2026, 3, 8, 7, 30)
    twice = replace(WORKSPACE, review_deadline="01:30")
    # 01:30 comes twice on 1 November; the first counts.
    assert next_deadline_utc(twice, utc(2026, 11, 1, 5)) == utc(2026, 11, 1, 5, 30)
    assert next_deadline_utc(twice, utc(2026, 11, 1, 5, 30)) == utc(2026, 11, 2, 6, 30)


@given(
    days=st.integers(0, 8_700),
    seconds=st.integers(0, 86_399),
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_a_deadline_lies_ahead_by_about_a_day_at_most_and_shows_its_wall_time(
    days: int, seconds: int, zone: str, hour: int, minute: int
) -> None:
    now = utc(2011, 1, 1) + timedelta(days=days, seconds=seconds)
    place = replace(WORKSPACE, time_zone=zone, review_deadline=f"{hour:02}:{minute:02}")
    at = next_deadline_utc(place, now)
    assert timedelta() < at - now <= timedelta(hours=26)
    wall = at.astimezone(ZoneInfo(zone))
    off = (wall.hour * 60 + wall.minute) - (hour * 60 + minute)
    assert off in {0, 30, 60, -1380, -1410}  # later only by the hour (half an hour on Lord Howe) that was skipped


@pytest.mark.parametrize("text", ["", "noon", "24:00", "12:60", "12", "12:00:00", "-1:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time of day such as 12:00"):
        parse_deadline(text)
