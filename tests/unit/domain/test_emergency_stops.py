"""What a stop puts back, in which order, and what it leaves to people."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.emergency_stops import (
    EmergencyStop,
    StopItem,
    StopOutcome,
    check_reason,
    check_window,
    lifted,
    next_steps,
    noted,
)
from domain.errors import InvalidInput, InvalidTransition
from domain.log import ActorKind
from kit.ids import new_id
from tests.unit.domain.pipeline_values import NOW, adjustment

HOUR = timedelta(hours=1)
STOP = EmergencyStop(
    new_id(), new_id(), new_id(), 1, "it burns", 24, ActorKind.MEMBER, str(new_id()), NOW, None, None, None
)  # fmt: skip


def change(
    status: AdjustmentStatus = AdjustmentStatus.CONFIRMED,
    *,
    delta: int = -10,
    at: datetime = NOW - HOUR,
    budget: UUID | None = None,
    **facts: object,
) -> Adjustment:
    made = adjustment(status=status, delta_reporting_micros=delta)
    confirmed = at if status in {AdjustmentStatus.CONFIRMED, AdjustmentStatus.REVERTED} else None
    return replace(made, id=new_id(), budget_id=budget or new_id(), confirmed_at_utc=confirmed, **facts)


def test_what_was_confirmed_in_the_window_or_later_is_put_back_increases_first() -> None:
    cut, rise = change(delta=-30), change(delta=20)
    late = change(delta=-5, at=NOW + HOUR)
    old = change(at=NOW - 24 * HOUR - timedelta(microseconds=1))
    restoring = change(restores_id=new_id())
    steps = next_steps(STOP, [cut, rise, late, old, restoring, change(AdjustmentStatus.REVERTED)])
    assert (steps.restore, steps.needs_person, steps.busy) == ((rise, late, cut), (), False)
    assert next_steps(replace(STOP, window_hours=0), [cut, rise, late]).restore == ()


def test_a_budget_is_taken_one_change_at_a_time_the_newest_first() -> None:
    budget = new_id()
    first, second = change(budget=budget, at=NOW - 2 * HOUR), change(budget=budget)
    assert next_steps(STOP, [first, second]).restore == (second,)
    reverted = replace(second, status=AdjustmentStatus.REVERTED)
    assert next_steps(STOP, [first, reverted]).restore == (first,)
    # The newer one stands and could not be put back: what lies under it stays.
    met = noted(STOP, [StopItem(second.id, StopOutcome.NEEDS_PERSON, note="edited elsewhere")])
    assert next_steps(met, [first, second]).restore == ()


@pytest.mark.parametrize("on_way", [AdjustmentStatus.PENDING, AdjustmentStatus.SENDING, AdjustmentStatus.APPLIED])
def test_what_is_on_its_way_settles_first_and_keeps_only_its_own_budget_waiting(on_way: AdjustmentStatus) -> None:
    budget, other = new_id(), change()
    steps = next_steps(STOP, [change(budget=budget), change(on_way, budget=budget), other])
    assert (steps.restore, steps.busy) == ((other,), True)


def test_an_unknown_outcome_is_a_persons_and_is_told_once() -> None:
    unknown = change(AdjustmentStatus.UNKNOWN)
    assert next_steps(STOP, [unknown]).needs_person == (unknown,)
    met = noted(STOP, [StopItem(unknown.id, StopOutcome.NEEDS_PERSON, note="look")])
    assert next_steps(met, [unknown]) == next_steps(met, [])


def test_a_change_keeps_its_newest_outcome_and_the_version_counts() -> None:
    first = noted(STOP, [StopItem(STOP.id, StopOutcome.CUT_OFF)])
    second = noted(first, [StopItem(STOP.id, StopOutcome.NEEDS_PERSON)])
    assert (second.version, [item.outcome for item in second.items]) == (3, [StopOutcome.NEEDS_PERSON])


def test_a_stop_is_lifted_once() -> None:
    after = lifted(STOP, "ana", NOW + HOUR)
    assert (after.in_force, after.lifted_by_id, after.lifted_at_utc, after.version) == (False, "ana", NOW + HOUR, 2)
    with pytest.raises(InvalidTransition):
        lifted(after, "ben", NOW)


@pytest.mark.parametrize("hours", [-1, 169])
def test_windows_outside_a_week_are_refused(hours: int) -> None:
    with pytest.raises(InvalidInput):
        check_window(hours)


def test_a_reason_is_asked_for() -> None:
    assert check_reason(" it burns ") == "it burns"
    for text in ("  ", "x" * 501):
        with pytest.raises(InvalidInput):
            check_reason(text)
