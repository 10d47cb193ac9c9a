"""Budget changes among many budgets: what each did against those that nobody changed, and what all did together. Pure.

Budgets of different size are compared as multiples of their own mean over the baseline, so a large and a small one
count alike as witnesses; effects are given in money again. Money is reporting currency, in any unit.

It rests on two assumptions that data cannot prove: without the change the budget would have moved as the others did,
and the change did not reach the others (money that leaves one campaign may take its customers to a neighbour).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from domain.lift.differences import difference_in_differences, p_value, unit_changes
from domain.lift.student import critical
from domain.lift.synthetic import synthetic_control
from domain.lift.values import LEVEL, Bools, Floats, Lift, LiftMethod, Panel
from domain.lift.windows import Windows, WindowState, around
from domain.metric_periods import Period

Outcome = Literal["revenue", "spend"]

#: Fewer untouched budgets say too little about how much budgets vary by themselves.
MIN_UNTOUCHED: Final = 3
#: A synthetic control needs days to learn weights from and budgets to choose from; below, difference in differences.
SYNTHETIC_MIN_DAYS: Final = 28
SYNTHETIC_MIN_UNTOUCHED: Final = 8
#: The nearest witnesses suffice for a synthetic control, and its placebos cost their square.
SYNTHETIC_MAX_UNTOUCHED: Final = 40


@dataclass(frozen=True, slots=True)
class UnitDay:
    """What a budget's campaigns spent and earned on a day, reporting micros; revenue None where no source gave any."""

    unit_id: UUID
    day: date
    spend_micros: int
    revenue_micros: int | None


@dataclass(frozen=True, slots=True)
class DayTable:
    """Budgets by days. `spend` and `revenue` have shape (units, days), NaN where a day is not stored."""

    first: date
    unit_ids: tuple[UUID, ...]
    spend: Floats
    revenue: Floats

    @classmethod
    def of(cls, rows: Iterable[UnitDay], period: Period) -> "DayTable":
        """The table of a period's days; of one unit and day the rows are summed."""
        rows = [row for row in rows if row.day in period]
        unit_ids = tuple(sorted({row.unit_id for row in rows}))
        places = {unit_id: place for place, unit_id in enumerate(unit_ids)}
        at = np.array([(places[row.unit_id], (row.day - period.since).days) for row in rows], dtype=np.intp)
        at = at.reshape(len(rows), 2)
        spend = _summed(at, np.array([row.spend_micros for row in rows], dtype=float), len(unit_ids), period.days)
        # None becomes NaN: no source told what was earned.
        earned = np.array([row.revenue_micros for row in rows], dtype=float)
        told = np.isfinite(earned)
        return cls(period.since, unit_ids, spend, _summed(at[told], earned[told], len(unit_ids), period.days))

    def over(self, period: Period, outcome: Outcome) -> Floats:
        """The outcome over a period's days, shape (units, days of the period); NaN beyond the table."""
        whole = self.revenue if outcome == "revenue" else self.spend
        found = np.full((whole.shape[0], period.days), np.nan)
        offset = (period.since - self.first).days
        start, stop = max(offset, 0), min(offset + period.days, whole.shape[1])
        if start < stop:
            found[:, start - offset : stop - offset] = whole[:, start:stop]
        return found

    def roas(self, units: Bools, period: Period) -> float | None:
        """Blended revenue per unit spent of some units over the days that have revenue; None without either."""
        spend, revenue = self.over(period, "spend")[units], self.over(period, "revenue")[units]
        earning = np.isfinite(revenue)
        spent = float(spend[earning].sum())
        return float(revenue[earning].sum()) / spent if spent > 0 else None


def _summed(at: NDArray[np.intp], values: Floats, units: int, days: int) -> Floats:
    """Values added up at (unit, day), shape (units, days); NaN where there is none."""
    sums = np.full((units, days), np.nan)
    sums[at[:, 0], at[:, 1]] = 0.0
    np.add.at(sums, (at[:, 0], at[:, 1]), values)
    return sums


@dataclass(frozen=True, slots=True)
class Change:
    """An executed change of a budget; `day` in the account's zone."""

    id: UUID
    unit_id: UUID
    day: date


class ResultState(StrEnum):
    """Whether a change's effect could be measured, or why not."""

    NOT_EXECUTED = "NOT_EXECUTED"
    NOT_MATURE = "NOT_MATURE"
    CONFOUNDED = "CONFOUNDED"
    NO_DATA = "NO_DATA"
    NO_COMPARISON = "NO_COMPARISON"
    MEASURED = "MEASURED"


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """What followed a change.

    Attributes:
        windows: the days compared; None before they are mature.
        roas_before, roas_after: of the changed budget alone over these days; not lift.
        lift: revenue a day in reporting micros; None unless MEASURED.
    """

    state: ResultState
    windows: Windows | None = None
    roas_before: float | None = None
    roas_after: float | None = None
    lift: Lift | None = None


#: Days on which each budget was changed by anybody, each as often as it was.
Touches = Mapping[UUID, Sequence[date]]


def measure(table: DayTable, change: Change, touches: Touches, mature: date) -> ChangeResult:
    """What one executed change did to revenue.

    Args:
        table: reaching at least `MAX_BASELINE_WEEKS` before and `MAX_WEEKS` after the change, as far as days exist.
        change: which; its own day stands in `touches` too.
        touches: all changes of all budgets in these days.
        mature: the youngest day whose revenue has arrived.
    """
    state, windows = around(change.day, _others(change, touches), mature)
    if windows is None:
        return ChangeResult(ResultState(state.value))
    treated = _is(table, change.unit_id)
    before, after = (table.roas(treated, period) for period in (windows.before, windows.after))
    if state is WindowState.CONFOUNDED:
        return ChangeResult(ResultState.CONFOUNDED, windows, before, after)
    found = _indexed(table, change, windows, touches, "revenue")
    if found is None:
        return ChangeResult(ResultState.NO_DATA, windows, before, after)
    panel, base = found
    if panel is None:
        return ChangeResult(ResultState.NO_COMPARISON, windows, before, after)
    return ChangeResult(ResultState.MEASURED, windows, before, after, _scaled(_lift(panel), base))


def pooled(table: DayTable, changes: Iterable[Change], touches: Touches, mature: date, outcome: Outcome) -> Lift | None:
    """What all cleanly measurable changes did together: each by difference in differences over its own windows.

    `effect` is the mean per change and day; `treated_units` counts changes. The untouched budgets are mostly the same
    for all changes, so what they do by chance is taken as fully shared between them: the interval is rather too wide.
    None without a change that can be measured.
    """
    effects, bases, spreads, witnesses, counterfactuals, days = [], [], [], [], [], []
    for change in changes:
        state, windows = around(change.day, _others(change, touches), mature)
        if state is not WindowState.CLEAN or windows is None:
            continue
        found = _indexed(table, change, windows, touches, outcome)
        if found is None:
            continue
        panel, base = found
        if panel is None:
            continue
        one = difference_in_differences(panel)
        effects.append(one.effect * base)
        counterfactuals.append(one.counterfactual * base)
        bases.append(base)
        spreads.append(float(unit_changes(panel.untouched, panel.before).var(ddof=1)))
        witnesses.append(one.untouched_units)
        days.append((one.before_days, one.after_days))
    if not effects:
        return None
    n, m = len(effects), min(witnesses)
    effect = math.fsum(effects) / n
    error = (
        math.sqrt(float(np.mean(spreads)) * (math.fsum(each * each for each in bases) + math.fsum(bases) ** 2 / m)) / n
    )
    margin = critical(LEVEL, m - 1) * error
    return Lift(
        method=LiftMethod.DIFFERENCE_IN_DIFFERENCES,
        effect=effect,
        low=effect - margin,
        high=effect + margin,
        counterfactual=math.fsum(counterfactuals) / n,
        total=math.fsum(each * after for each, (_, after) in zip(effects, days, strict=True)),
        p_value=p_value(effect, error, m - 1),
        treated_units=n,
        untouched_units=m,
        before_days=min(before for before, _ in days),
        after_days=min(after for _, after in days),
    )


def _others(change: Change, touches: Touches) -> list[date]:
    days = list(touches.get(change.unit_id, ()))
    if change.day in days:
        days.remove(change.day)
    return days


def _is(table: DayTable, unit_id: UUID) -> Bools:
    return np.array([each == unit_id for each in table.unit_ids], dtype=bool)


def _indexed(
    table: DayTable, change: Change, windows: Windows, touches: Touches, outcome: Outcome
) -> tuple[Panel | None, float] | None:
    """The changed budget and its witnesses, each as multiples of its mean over the baseline, and the former's mean.

    None if the changed budget lacks a day or the outcome; no panel if there are too few witnesses.
    """
    treated = _is(table, change.unit_id)
    for baseline in _baselines(windows):
        whole = Period(baseline.since, windows.after.until)
        # The day of the change belongs to neither side.
        values = np.delete(table.over(whole, outcome), baseline.days, axis=1)
        means = values[:, : baseline.days].mean(axis=1)
        usable = np.isfinite(values).all(axis=1) & (means > 0)
        if bool((treated & usable).any()):
            break
    else:
        return None
    base = float(means[treated][0])
    still = np.array([not any(day in whole for day in touches.get(each, ())) for each in table.unit_ids], dtype=bool)
    witnesses = usable & still & ~treated
    if int(witnesses.sum()) < MIN_UNTOUCHED:
        return None, base
    scaled = values / np.where(usable, means, 1.0)[:, None]
    return Panel(scaled[treated], scaled[witnesses], baseline.days), base


def _baselines(windows: Windows) -> Iterator[Period]:
    """The baseline, then ever shorter ones down to the days before: a young campaign has no more."""
    since = windows.baseline.since
    while since <= windows.before.since:
        yield Period(since, windows.before.until)
        since += timedelta(days=7)


def _lift(panel: Panel) -> Lift:
    if panel.before < SYNTHETIC_MIN_DAYS or len(panel.untouched) < SYNTHETIC_MIN_UNTOUCHED:
        return difference_in_differences(panel)
    before = slice(0, panel.before)
    distances = ((panel.untouched[:, before] - panel.treated[:, before].mean(axis=0)) ** 2).sum(axis=1)
    nearest = np.sort(np.argsort(distances, kind="stable")[:SYNTHETIC_MAX_UNTOUCHED])
    return synthetic_control(Panel(panel.treated, panel.untouched[nearest], panel.before))


def _scaled(lift: Lift, base: float) -> Lift:
    """The same lift where one unit of the panel is worth `base`."""
    return replace(
        lift,
        effect=lift.effect * base,
        low=lift.low * base,
        high=lift.high * base,
        counterfactual=lift.counterfactual * base,
        total=lift.total * base,
    )
