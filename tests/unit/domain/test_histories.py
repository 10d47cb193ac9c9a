"""The history's rules by hand: who decided, money moved, roll-backs, a fortnight against the one before."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain.errors import InvalidInput
from domain.histories import (
    BlendedRoas,
    BlendedState,
    BudgetTouch,
    ExecutedChange,
    HistoryFilter,
    RoasDay,
    RoasPair,
    SpendMoved,
    asked_period,
    changes,
    filter_of,
    mature_until,
    performance,
    rolled_back,
    spend_moved,
    touches,
)
from domain.lift import Change, DayTable
from domain.lift.changes import UnitDay
from domain.metric_periods import Period
from domain.platforms import Platform
from domain.workspaces import Workspace

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
WORKSPACE = Workspace(
    UUID(int=1), UUID(int=2), "acme", "USD", "America/New_York", "12:00", 0, 0.3, dispatch_immediately=True, version=1
)
ACCOUNT, OTHER = UUID(int=11), UUID(int=12)


def executed(n: int, delta: int, at: datetime, *, budget: int = 1, auto: bool = False, account: UUID = ACCOUNT) -> ExecutedChange:  # fmt: skip
    """A change from 100 by so many micros, approved an hour before it was confirmed."""
    return ExecutedChange(
        UUID(int=n), UUID(int=budget), account, 100, 100 + delta, delta, auto, at - timedelta(hours=1), at
    )


# --- periods ----------------------------------------------------------------------------------------------------------


def test_thirty_days_unless_asked_otherwise() -> None:
    assert asked_period(WORKSPACE, None, None, NOON) == Period(date(2026, 2, 9), date(2026, 3, 10))
    year = asked_period(WORKSPACE, date(2025, 1, 1), date(2026, 1, 1), NOON)
    assert year.days == 366


@pytest.mark.parametrize(
    ("since", "until"),
    [(date(2026, 1, 1), None), (date(2026, 2, 1), date(2026, 1, 1)), (date(2025, 1, 1), date(2026, 1, 2))],
)
def test_a_period_has_two_ends_in_order_and_at_most_366_days(since: date, until: date | None) -> None:
    with pytest.raises(InvalidInput):
        asked_period(WORKSPACE, since, until, NOON)


def test_days_are_the_workspaces_also_where_clocks_change() -> None:
    """Sunday the eighth of March 2026 has 23 hours in New York."""
    found = filter_of(WORKSPACE, Period(date(2026, 3, 8), date(2026, 3, 8)), None)
    assert found == HistoryFilter(datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC))


# --- changes ----------------------------------------------------------------------------------------------------------


def test_changes_fall_on_their_accounts_days() -> None:
    """At three in the morning UTC it is still the day before in New York, not in Berlin."""
    early = datetime(2026, 3, 10, 3, tzinfo=UTC)
    zones = {ACCOUNT: "America/New_York", OTHER: "Europe/Berlin"}
    touched = [
        BudgetTouch(UUID(int=1), UUID(int=21), ACCOUNT, early, executed=True),
        BudgetTouch(UUID(int=2), UUID(int=22), OTHER, early, executed=True),
        BudgetTouch(UUID(int=3), UUID(int=21), ACCOUNT, NOON, executed=False),
    ]
    assert changes(touched, zones) == [
        Change(UUID(int=1), UUID(int=21), date(2026, 3, 9)),
        Change(UUID(int=2), UUID(int=22), date(2026, 3, 10)),
    ]
    assert touches(touched, zones) == {
        UUID(int=21): [date(2026, 3, 9), date(2026, 3, 10)],
        UUID(int=22): [date(2026, 3, 10)],
    }
    assert mature_until(zones.values(), early) == date(2026, 3, 5)


# --- money moved ------------------------------------------------------------------------------------------------------


@pytest.mark.req("RB-3.1")
def test_money_moved_by_day_and_platform() -> None:
    late = datetime(2026, 3, 11, 3, tzinfo=UTC)  # still the tenth in New York
    found = spend_moved(
        [
            executed(1, 30, NOON),
            executed(2, -20, late),
            executed(3, 5, NOON, account=OTHER),
            executed(4, -7, NOON + timedelta(days=1)),
        ],
        {ACCOUNT: Platform.META, OTHER: Platform.GOOGLE},
        "America/New_York",
    )
    assert found == [
        SpendMoved(date(2026, 3, 10), Platform.META, 2, 30, 20),
        SpendMoved(date(2026, 3, 10), Platform.GOOGLE, 1, 5, 0),
        SpendMoved(date(2026, 3, 11), Platform.META, 1, 0, 7),
    ]


# --- roll-backs -------------------------------------------------------------------------------------------------------

ALL = HistoryFilter(NOON - timedelta(days=30), NOON)


def back(n: int, at: datetime, *, budget: int = 1, auto: bool = False, to: int = 100) -> ExecutedChange:
    """A change of a budget that stood at 120 back to an amount."""
    return ExecutedChange(UUID(int=n), UUID(int=budget), ACCOUNT, 120, to, to - 120, auto, at, at)


@pytest.mark.req("RB-S5")
@pytest.mark.parametrize(
    ("later", "count"),
    [
        (back(2, NOON), 1),
        (back(2, NOON + timedelta(days=25)), 1),
        (back(2, NOON + timedelta(days=25, seconds=1)), 0),  # thirty days and a second after
        (back(2, NOON, auto=True), 0),  # not by a person
        (back(2, NOON, budget=2), 0),  # another budget
        (back(2, NOON, to=99), 0),  # not what stood there before
        (back(2, NOON - timedelta(days=6)), 0),  # before it
    ],
)
def test_a_roll_back_is_a_person_putting_back_what_was(later: ExecutedChange, count: int) -> None:
    automatic = executed(1, 20, NOON - timedelta(days=5), auto=True)
    assert rolled_back([automatic, later], ALL) == count


def test_only_automatic_changes_of_the_period_count_and_each_once() -> None:
    automatic = executed(1, 20, NOON - timedelta(days=5), auto=True)
    twice = [automatic, back(2, NOON - timedelta(days=4)), back(3, NOON - timedelta(days=3))]
    assert rolled_back(twice, ALL) == 1
    assert rolled_back(twice, HistoryFilter(NOON - timedelta(days=4), NOON)) == 0
    assert rolled_back([executed(1, 20, NOON - timedelta(days=5)), back(2, NOON)], ALL) == 0


# --- performance ------------------------------------------------------------------------------------------------------

DAY = date(2026, 3, 4)


def at(offset: int) -> date:
    return DAY + timedelta(days=offset)


def flat(n: int, before: int, after: int, spend: int = 100) -> list[UnitDay]:
    return [UnitDay(UUID(int=n), at(day), spend, before if day < 0 else after) for day in range(-28, 20)]


def table(*units: list[UnitDay]) -> DayTable:
    return DayTable.of([row for rows in units for row in rows], Period(at(-28), at(30)))


@pytest.mark.req("RB-S3")
def test_a_fortnight_against_the_one_before_with_the_untouched_beside() -> None:
    """One of four budgets is changed and goes from 2 to 3; the others from 4 to 5: all from 3.5 to 4.5."""
    rows = table(flat(1, 200, 300), *(flat(n, 400, 500) for n in (2, 3, 4)))
    made = [Change(UUID(int=9), UUID(int=1), DAY)]
    found = performance(rows, made, {UUID(int=1): [DAY]}, Period(DAY, at(1)), at(14))
    assert found.blended == BlendedRoas(
        BlendedState.MEASURED,
        Period(at(-14), at(-1)),
        Period(at(1), at(14)),
        RoasPair(4, 3.5, 4.5),
        RoasPair(1, 2.0, 3.0),
        RoasPair(3, 4.0, 5.0),
    )
    assert found.blended.changed is not None
    assert found.blended.changed.change_share == 0.5
    assert found.days == (
        RoasDay(DAY, mature=True, changed=3.0, untouched=5.0),
        RoasDay(at(1), mature=True, changed=3.0, untouched=5.0),
    )
    assert found.revenue is not None
    # Growth of 50 % against 25 %: a quarter of 200.
    assert found.revenue.effect == pytest.approx(50)
    assert found.spend is not None
    assert found.spend.effect == pytest.approx(0)


@pytest.mark.req("RB-F6")
def test_before_a_day_is_mature_its_roas_is_not_told() -> None:
    rows = table(flat(1, 200, 300), flat(2, 400, 500))
    made = [Change(UUID(int=9), UUID(int=1), DAY)]
    found = performance(rows, made, {UUID(int=1): [DAY]}, Period(DAY, at(1)), DAY)
    assert found.days[1] == RoasDay(at(1), mature=False, changed=None, untouched=None)
    assert found.blended.state is BlendedState.NOT_MATURE
    assert (found.blended.everything, found.revenue) == (None, None)


def test_what_may_have_changed_witnesses_nothing() -> None:
    """The second budget was sent a change of unknown outcome: it is neither changed nor untouched."""
    rows = table(flat(1, 200, 300), flat(2, 400, 900), flat(3, 400, 500))
    touched = {UUID(int=1): [DAY], UUID(int=2): [at(1)]}
    made = [Change(UUID(int=9), UUID(int=1), DAY)]
    found = performance(rows, made, touched, Period(DAY, at(1)), at(14))
    assert found.days[0] == RoasDay(DAY, mature=True, changed=3.0, untouched=5.0)
    assert found.blended.untouched == RoasPair(1, 4.0, 5.0)


def test_without_a_change_there_is_nothing_to_compare_around() -> None:
    found = performance(table(flat(1, 200, 300)), [], {}, Period(DAY, DAY), at(14))
    assert found.blended == BlendedRoas(BlendedState.NO_CHANGE)
    assert found.days == (RoasDay(DAY, mature=True, changed=None, untouched=3.0),)
