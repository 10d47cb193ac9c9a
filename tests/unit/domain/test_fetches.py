"""What one sync may ask for, and how far its figures reach."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fetches import CALLS_PER_HOUR, FETCHES, ONE_SYNC, figures_until_utc, last_day, reported_day
from domain.quotas import QuotaUsage, admit, given_back

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("campaigns", "calls_left", "days"),
    [(0, 50, 91), (1, 50, 91), (1_000, 47, 18), (1_000, 50, 20), (20_000, 50, 1), (1_000_000, 50, 1), (10, 0, 50)],
)
def test_as_many_days_as_fit_into_the_calls_left_and_one_at_least(campaigns: int, calls_left: int, days: int) -> None:
    assert last_day(DAY, DAY + timedelta(days=90), campaigns, calls_left) == DAY + timedelta(days=days - 1)


def test_figures_reach_to_five_minutes_before_the_look_or_to_the_end_of_the_last_day_fetched() -> None:
    assert figures_until_utc(DAY, NOON, "UTC") == datetime(2026, 3, 10, 11, 55, tzinfo=UTC)
    assert figures_until_utc(DAY - timedelta(days=3), NOON, "America/New_York") == datetime(2026, 3, 8, 5, tzinfo=UTC)


@pytest.mark.req("RO-04")
def test_yesterday_still_grows_for_five_minutes_after_midnight() -> None:
    midnight = datetime(2026, 3, 10, 4, tzinfo=UTC)  # in New York
    assert reported_day(midnight + timedelta(minutes=4, seconds=59), "America/New_York") == date(2026, 3, 9)
    assert reported_day(midnight + timedelta(minutes=5), "America/New_York") == date(2026, 3, 10)


@pytest.mark.req("RO-04")
@given(st.lists(st.tuples(st.integers(0, 1_800), st.integers(0, 50)), min_size=1, max_size=80))
def test_no_hour_ever_holds_more_than_two_hundred_calls(syncs: list[tuple[int, int]]) -> None:
    usage, at, made = QuotaUsage(0.0, NOON), NOON, []
    for pause, used in syncs:
        at += timedelta(seconds=pause)
        answer = admit(FETCHES, usage, ONE_SYNC, at)
        if isinstance(answer, datetime):
            continue
        made.append((at, used))
        usage = given_back(answer, ONE_SYNC.reads - used)
    for start, _ in made:
        inside = [used for moment, used in made if start <= moment < start + timedelta(hours=1)]
        assert sum(inside) <= CALLS_PER_HOUR
