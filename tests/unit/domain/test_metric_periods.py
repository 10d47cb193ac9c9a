"""Stretches of days and their sums."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from domain.campaigns import CampaignDay
from domain.errors import InvalidInput
from domain.metric_periods import Period, Totals, last_complete_days, period, roas, totals
from kit.ids import new_id

FIRST = date(2026, 3, 1)


def day(on: date, spend: int, revenue: int | None) -> CampaignDay:
    return CampaignDay(new_id(), new_id(), on, 10, 2, Decimal("0.5"), spend, revenue, None, Decimal(1))


def test_today_is_not_complete() -> None:
    assert last_complete_days(date(2026, 3, 10), 7) == Period(date(2026, 3, 3), date(2026, 3, 9))
    assert last_complete_days(date(2026, 3, 10), 7).days == 7


def test_a_period_spans_at_most_a_leap_year() -> None:
    assert period(FIRST, FIRST + timedelta(days=365)).days == 366
    with pytest.raises(InvalidInput, match=r"^ask for at most 366 days$"):
        period(FIRST, FIRST + timedelta(days=366))
    assert period(FIRST, FIRST).days == 1
    with pytest.raises(InvalidInput, match=r"^until lies before since$"):
        period(FIRST, FIRST - timedelta(days=1))


def test_totals_count_what_lies_inside_and_divide_only_days_that_told_revenue() -> None:
    over = Period(FIRST, FIRST + timedelta(days=2))
    days = [day(FIRST + timedelta(days=n - 1), 100, 300) for n in range(5)]
    days[2] = day(FIRST + timedelta(days=1), 700, None)
    assert totals(over, days) == Totals(over, 3, 30, 6, Decimal("1.5"), 900, 600, 3.0, 600)


def test_no_revenue_told_is_not_no_revenue() -> None:
    over = Period(FIRST, FIRST)
    told, untold = totals(over, [day(FIRST, 100, 0)]), totals(over, [day(FIRST, 100, None)])
    assert ((told.revenue_micros, told.roas), (untold.revenue_micros, untold.roas)) == ((0, 0.0), (None, None))
    assert totals(over, []) == Totals(over, 0, 0, 0, Decimal(0), 0, None, None, None)


def test_a_ratio_needs_spend() -> None:
    assert (roas(5, 0), roas(None, 5), roas(5, 2)) == (None, None, 2.5)
