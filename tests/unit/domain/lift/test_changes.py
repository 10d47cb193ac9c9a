"""Budget changes: which days count, which budgets witness, and the numbers by hand."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from domain.lift import Change, DayTable, LiftMethod, ResultState, last_mature_day, measure, pooled
from domain.lift.changes import UnitDay
from domain.lift.windows import Windows, WindowState, around, mature_on
from domain.metric_periods import Period

DAY = date(2026, 3, 4)
FIRST = DAY - timedelta(days=28)
LATE = DAY + timedelta(days=60)


def at(offset: int) -> date:
    return DAY + timedelta(days=offset)


def stretch(since: int, until: int) -> Period:
    return Period(at(since), at(until))


# --- windows ----------------------------------------------------------------------------------------------------------


def test_whole_weeks_on_both_sides_without_the_day_itself() -> None:
    state, windows = around(DAY, [], LATE)
    assert (state, windows) == (WindowState.CLEAN, Windows(stretch(-14, -1), stretch(1, 14), stretch(-28, -1)))


@pytest.mark.req("RB-F6")
def test_a_week_is_compared_as_soon_as_it_is_mature_and_two_later() -> None:
    """Eight days after the change and three that still wait for revenue: the eleventh day is the first."""
    assert mature_on(DAY) == at(11)
    assert around(DAY, [], last_mature_day(at(10)))[0] is WindowState.NOT_MATURE
    state, windows = around(DAY, [], last_mature_day(at(11)))
    assert (state, windows) == (WindowState.CLEAN, Windows(stretch(-7, -1), stretch(1, 7), stretch(-28, -1)))
    assert around(DAY, [], last_mature_day(at(17)))[1] == windows
    both = around(DAY, [], last_mature_day(at(18)))[1]
    assert both is not None
    assert both.after == stretch(1, 14)


@pytest.mark.parametrize("other", [-7, -1, 0, 1, 7])
def test_another_change_within_a_week_confounds(other: int) -> None:
    state, windows = around(DAY, [at(other)], LATE)
    assert state is WindowState.CONFOUNDED
    assert windows is not None
    assert (windows.before, windows.after) == (stretch(-7, -1), stretch(1, 7))
    assert around(DAY, [at(other)], at(3)) == (WindowState.CONFOUNDED, None)


@pytest.mark.parametrize("other", [-14, -8, 8, 14])
def test_another_change_in_the_second_week_shortens(other: int) -> None:
    state, windows = around(DAY, [at(other)], LATE)
    assert state is WindowState.CLEAN
    assert windows is not None
    assert (windows.before, windows.after) == (stretch(-7, -1), stretch(1, 7))


def test_the_baseline_begins_after_an_earlier_change() -> None:
    windows = around(DAY, [at(-22)], LATE)[1]
    assert windows is not None
    assert windows.baseline == stretch(-21, -1)


# --- one change, by hand ----------------------------------------------------------------------------------------------


def unit(n: int) -> UUID:
    return UUID(int=n)


def flat(n: int, before: tuple[int, int], after: tuple[int, int], days: range = range(-28, 15)) -> list[UnitDay]:
    """A budget that spends and earns so much a day before, and so much from the change on."""
    return [UnitDay(unit(n), at(day), *(before if day < 0 else after)) for day in days]


def table(*units: list[UnitDay]) -> DayTable:
    return DayTable.of([row for rows in units for row in rows], stretch(-28, 14))


CHANGE = Change(UUID(int=99), unit(1), DAY)
TOUCHED = {unit(1): [DAY]}
#: Three witnesses that grow by 0, 10 and 20 %.
WITNESSES = (
    flat(2, (50, 100), (50, 100)),
    flat(3, (50, 200), (50, 220)),
    flat(4, (50, 1_000), (50, 1_200)),
)


@pytest.mark.req("RB-F6")
def test_a_change_is_measured_against_what_nobody_changed() -> None:
    """From 400 to 600 a day is +50 %; the witnesses +10 %: 40 % of 400 is 160, on top of 440.

    They vary by a tenth, so the interval is 400 * 2.919986 * 0.1 * sqrt(1 + 1/3) on each side.
    """
    found = measure(table(flat(1, (100, 400), (120, 600)), *WITNESSES), CHANGE, TOUCHED, LATE)
    assert found.state is ResultState.MEASURED
    assert (found.roas_before, found.roas_after) == (4.0, 5.0)
    lift = found.lift
    assert lift is not None
    assert lift.effect == pytest.approx(160)
    assert lift.counterfactual == pytest.approx(440)
    assert lift.share == pytest.approx(160 / 440)
    assert lift.total == pytest.approx(160 * 14)
    margin = 400 * 2.919986 * 0.1 * (4 / 3) ** 0.5
    assert (lift.low, lift.high) == pytest.approx((160 - margin, 160 + margin), abs=1e-4)
    assert (lift.method, lift.untouched_units) == (LiftMethod.DIFFERENCE_IN_DIFFERENCES, 3)
    assert (lift.before_days, lift.after_days) == (28, 14)


def test_with_enough_witnesses_it_is_a_synthetic_control() -> None:
    many = [flat(n, (50, 100), (50, 100 + n)) for n in range(2, 10)]
    found = measure(table(flat(1, (100, 400), (120, 600)), *many), CHANGE, TOUCHED, LATE)
    assert found.lift is not None
    assert (found.lift.method, found.lift.untouched_units) == (LiftMethod.SYNTHETIC_CONTROL, 8)


def test_who_was_changed_is_no_witness() -> None:
    """The fourth was changed too, by whomever: two are left, too few."""
    touched = {**TOUCHED, unit(4): [at(-20)]}
    found = measure(table(flat(1, (100, 400), (120, 600)), *WITNESSES), CHANGE, touched, LATE)
    assert (found.state, found.lift) == (ResultState.NO_COMPARISON, None)
    assert (found.roas_before, found.roas_after) == (4.0, 5.0)


def test_who_lacks_a_day_is_no_witness_and_cannot_be_measured() -> None:
    mine = flat(1, (100, 400), (120, 600))
    gap = [row for row in WITNESSES[0] if row.day != at(5)]
    assert measure(table(mine, gap, *WITNESSES[1:]), CHANGE, TOUCHED, LATE).state is ResultState.NO_COMPARISON
    holed = [row for row in mine if row.day != at(-3)]
    assert measure(table(holed, *WITNESSES), CHANGE, TOUCHED, LATE).state is ResultState.NO_DATA
    unpriced = [UnitDay(row.unit_id, row.day, row.spend_micros, None) for row in mine]
    found = measure(table(unpriced, *WITNESSES), CHANGE, TOUCHED, LATE)
    assert (found.state, found.roas_before) == (ResultState.NO_DATA, None)


def test_a_young_campaign_is_measured_on_what_it_has() -> None:
    young = flat(1, (100, 400), (120, 600), range(-16, 15))
    found = measure(table(young, *WITNESSES), CHANGE, TOUCHED, LATE)
    assert found.lift is not None
    assert (found.lift.before_days, found.lift.effect) == (14, pytest.approx(160))


def test_before_the_days_are_mature_nothing_is_told() -> None:
    found = measure(table(flat(1, (100, 400), (120, 600)), *WITNESSES), CHANGE, TOUCHED, at(6))
    assert found == type(found)(ResultState.NOT_MATURE)


def test_overlapping_changes_are_told_apart_from_lift() -> None:
    found = measure(
        table(flat(1, (100, 400), (120, 600)), *WITNESSES), CHANGE, {unit(1): [DAY, at(4)]}, LATE
    )  # fmt: skip
    assert (found.state, found.lift) == (ResultState.CONFOUNDED, None)
    assert (found.roas_before, found.roas_after) == (4.0, 5.0)


def test_the_day_of_the_change_does_not_count() -> None:
    mine = [
        UnitDay(row.unit_id, row.day, 9_999, 0) if row.day == DAY else row for row in flat(1, (100, 400), (120, 600))
    ]
    found = measure(table(mine, *WITNESSES), CHANGE, TOUCHED, LATE)
    assert (found.roas_before, found.roas_after) == (4.0, 5.0)
    assert found.lift is not None
    assert found.lift.effect == pytest.approx(160)


# --- several changes --------------------------------------------------------------------------------------------------


def test_rows_of_one_budget_and_day_are_summed() -> None:
    both = DayTable.of([UnitDay(unit(1), DAY, 3, 5), UnitDay(unit(1), DAY, 4, None)], Period(DAY, DAY))
    assert (both.spend.tolist(), both.revenue.tolist()) == ([[7.0]], [[5.0]])


@pytest.mark.req("RB-F6")
def test_changes_are_pooled_in_money() -> None:
    """Up by 40 % of 400 and down by 30 % of 100 against witnesses at +10 %: 160 - 30 = 130 over two changes.

    Spread 0.1; bases 400 and 100: the error is 0.1 * sqrt(400^2 + 100^2 + 500^2 / 3) / 2.
    """
    grown, shrunk = flat(1, (100, 400), (120, 600)), flat(5, (40, 100), (20, 80))
    touched = {unit(1): [DAY], unit(5): [DAY]}
    changes = [CHANGE, Change(UUID(int=98), unit(5), DAY)]
    found = pooled(table(grown, shrunk, *WITNESSES), changes, touched, LATE, "revenue")
    assert found is not None
    assert (found.effect, found.counterfactual) == (pytest.approx(65), pytest.approx((440 + 110) / 2))
    assert found.total == pytest.approx(130 * 14)
    margin = 2.919986 * 0.1 * (400**2 + 100**2 + 500**2 / 3) ** 0.5 / 2
    assert (found.low, found.high) == pytest.approx((65 - margin, 65 + margin), abs=1e-4)
    assert (found.treated_units, found.untouched_units, found.before_days, found.after_days) == (2, 3, 28, 14)
    spend = pooled(table(grown, shrunk, *WITNESSES), changes, touched, LATE, "spend")
    assert spend is not None
    assert (spend.effect, spend.low, spend.high) == (pytest.approx(0), pytest.approx(0), pytest.approx(0))


def test_what_cannot_be_measured_is_left_out_of_the_pool() -> None:
    twice = {unit(1): [DAY, at(2)]}
    assert pooled(table(flat(1, (100, 400), (120, 600)), *WITNESSES), [CHANGE], twice, LATE, "revenue") is None
    assert pooled(table(flat(1, (100, 400), (120, 600)), *WITNESSES), [], {}, LATE, "revenue") is None
