"""Which days are compared around a change: mature, of equal weekdays, and free of other changes. Pure.

The day of the change itself belongs to neither side: it was half one, half the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from domain.metric_periods import Period

#: Complete days that still wait for attributed revenue, as the rebalancer counts them (RebalanceSettings).
MATURITY_DAYS: Final = 3
#: Longest comparison on either side of a change; one week is the shortest, so that weekdays are equal.
MAX_WEEKS: Final = 2
#: How far before a change days are used to learn how a budget moves with the others.
MAX_BASELINE_WEEKS: Final = 4

_WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)


class WindowState(StrEnum):
    """Whether days around a change can be compared."""

    CLEAN = "CLEAN"
    NOT_MATURE = "NOT_MATURE"
    CONFOUNDED = "CONFOUNDED"


@dataclass(frozen=True, slots=True)
class Windows:
    """Whole weeks around a change: `before` and `after` are equally long, `baseline` ends with `before`."""

    before: Period
    after: Period
    baseline: Period


def last_mature_day(today: date) -> date:
    """The youngest account-zone day whose revenue is taken as arrived."""
    return today - (MATURITY_DAYS + 1) * _DAY


def mature_on(day: date) -> date:
    """The first day on which a change of `day` has a week of mature days behind it."""
    return day + _WEEK + (MATURITY_DAYS + 1) * _DAY


def around(
    day: date, others: Sequence[date], mature: date, *, weeks: Iterable[int] = range(MAX_WEEKS, 0, -1)
) -> tuple[WindowState, Windows | None]:
    """The longest clean windows around a change.

    Args:
        day: on which the budget changed.
        others: days of all its other changes, whoever made them; they must not fall into the windows.
        mature: the youngest day whose revenue has arrived.
        weeks: lengths to try, the preferred one first.

    Returns:
        CLEAN with the windows; NOT_MATURE without; CONFOUNDED with one-week windows if those are mature, so that
        before and after can at least be shown.
    """
    week = _windows(day, 1, others)
    if _touched(week, others, day):
        return WindowState.CONFOUNDED, week if week.after.until <= mature else None
    for length in weeks:
        found = _windows(day, length, others)
        if found.after.until <= mature and not _touched(found, others, day):
            return WindowState.CLEAN, found
    return WindowState.NOT_MATURE, None


def _windows(day: date, weeks: int, others: Sequence[date]) -> Windows:
    since = day - weeks * _WEEK
    before = Period(since, day - _DAY)
    while since > day - MAX_BASELINE_WEEKS * _WEEK and not any(since - _WEEK <= each < since for each in others):
        since -= _WEEK
    return Windows(before, Period(day + _DAY, day + weeks * _WEEK), Period(since, day - _DAY))


def _touched(windows: Windows, others: Sequence[date], day: date) -> bool:
    whole = Period(windows.before.since, windows.after.until)
    return any(each in whole or each == day for each in others)
