"""What a stop puts back, in which order, and what it leaves to people."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.campaigns import Campaign
from domain.emergency_stops import (
    CUT_OFF_CODE,
    UNKNOWN_NOTE,
    EmergencyStop,
    StopItem,
    StopOutcome,
    StopPausing,
    budgets_in_reach,
    check_reason,
    check_window,
    left_to_pause,
    lifted,
    needs_person,
    next_steps,
    noted,
    widened,
)
from domain.errors import InvalidInput, InvalidTransition
from domain.log import ActorKind
from domain.platforms import CampaignStatus
from domain.status_changes import StatusChangeState
from kit.ids import new_id
from tests.unit.domain.pipeline_values import NOW, adjustment, status_change

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
    assert (steps.restore, steps.noted, steps.busy) == (((rise,), (late,), (cut,)), (), False)
    assert next_steps(replace(STOP, window_hours=0), [cut, rise, late]).restore == ()


def test_one_stroke_takes_a_budget_back_to_what_stood_before_its_oldest_change() -> None:
    budget = new_id()
    first = change(budget=budget, at=NOW - 3 * HOUR, before_micros=100, intended_micros=90)
    second = change(budget=budget, at=NOW - 2 * HOUR, before_micros=90, intended_micros=70)
    third = change(budget=budget, before_micros=70, intended_micros=75)
    assert next_steps(STOP, [first, third, second]).restore == ((third, second, first),)
    # Somebody else's edit lies under the second: what is below it is not overwritten.
    edited = replace(second, before_micros=95)
    assert next_steps(STOP, [first, edited, third]).restore == ((third, edited),)
    undone = [replace(each, status=AdjustmentStatus.REVERTED) for each in (edited, third)]
    assert next_steps(STOP, [first, *undone]).restore == ((first,),)
    # The newest stands and could not be put back: what lies under it stays.
    met = noted(STOP, [StopItem(third.id, StopOutcome.NEEDS_PERSON, note="edited elsewhere")])
    assert next_steps(met, [first, second, third]).restore == ()


@pytest.mark.parametrize("on_way", [AdjustmentStatus.PENDING, AdjustmentStatus.SENDING, AdjustmentStatus.APPLIED])
def test_what_is_on_its_way_settles_first_and_keeps_only_its_own_budget_waiting(on_way: AdjustmentStatus) -> None:
    budget, other = new_id(), change()
    steps = next_steps(STOP, [change(budget=budget), change(on_way, budget=budget), other])
    assert (steps.restore, steps.busy) == (((other,),), True)


def test_an_unknown_outcome_is_a_persons_and_is_told_once() -> None:
    unknown = change(AdjustmentStatus.UNKNOWN)
    (item,) = next_steps(STOP, [unknown]).noted
    assert (item.adjustment_id, item.outcome, item.note) == (unknown.id, StopOutcome.NEEDS_PERSON, UNKNOWN_NOTE)
    assert next_steps(noted(STOP, [item]), [unknown]) == next_steps(STOP, [])


def test_what_a_worker_cut_off_in_its_hand_is_noted_and_an_earlier_stops_is_not() -> None:
    mine = change(AdjustmentStatus.FAILED, failure_code=CUT_OFF_CODE, dispatched_at_utc=NOW - timedelta(minutes=1))
    older = replace(mine, id=new_id(), dispatched_at_utc=NOW - HOUR)
    refused = replace(mine, id=new_id(), failure_code="100/33")
    assert next_steps(STOP, [mine, older, refused]).noted == (StopItem(mine.id, StopOutcome.CUT_OFF),)


def test_what_came_to_wait_under_a_stop_is_cut_off_unless_it_restores_or_was_sent() -> None:
    waiting = change(AdjustmentStatus.PENDING)
    sent = change(AdjustmentStatus.PENDING, sent_at_utc=NOW)
    restoring = change(AdjustmentStatus.PENDING, restores_id=new_id())
    steps = next_steps(STOP, [waiting, sent, restoring])
    assert (steps.cut_off, steps.busy) == ((waiting,), True)


def test_a_change_needs_a_person_also_when_what_restores_it_does_not_go_through() -> None:
    item = StopItem(new_id(), StopOutcome.RESTORING, new_id())
    on_way, failed = change(AdjustmentStatus.PENDING), change(AdjustmentStatus.FAILED, failure_reason="edited")
    assert [needs_person(item, back) for back in (None, on_way, failed)] == [None, None, "edited"]
    assert needs_person(replace(item, outcome=StopOutcome.NEEDS_PERSON, note="spent"), None) == "spent"


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


def test_only_what_was_changed_or_may_have_been_is_affected() -> None:
    made, sending = change(), change(AdjustmentStatus.SENDING, sent_at_utc=NOW)
    waiting, cut = change(AdjustmentStatus.PENDING), change(AdjustmentStatus.FAILED, failure_code=CUT_OFF_CODE)
    lost = change(AdjustmentStatus.UNKNOWN, sent_at_utc=NOW)
    changes = [made, sending, waiting, cut, lost]
    assert budgets_in_reach(StopPausing.AFFECTED, changes) == sorted(
        [made.budget_id, sending.budget_id, lost.budget_id]
    )
    assert budgets_in_reach(StopPausing.NONE, changes) == []
    assert budgets_in_reach(StopPausing.ALL, changes) is None


def test_a_campaign_is_asked_to_pause_once_and_a_cut_off_restart_is_no_pause() -> None:
    first, second, third = (
        Campaign(new_id(), new_id(), new_id(), new_id(), new_id(), "c", "n", CampaignStatus.ENABLED, None)
        for _ in range(3)
    )
    pause = status_change(StatusChangeState.FAILED, campaign_id=first.id)
    restart = status_change(StatusChangeState.FAILED, CampaignStatus.ENABLED, campaign_id=second.id)
    assert left_to_pause([first, second, third], [pause, restart]) == [second, third]


@pytest.mark.parametrize(
    ("has", "wanted", "wider"),
    [("NONE", "NONE", False), ("NONE", "AFFECTED", True), ("AFFECTED", "ALL", True), ("ALL", "AFFECTED", False)],
)
def test_a_stop_pauses_more_and_never_less(has: str, wanted: str, wider: bool) -> None:
    stop = replace(STOP, pausing=StopPausing(has), still_at_utc=NOW)
    found = widened(stop, StopPausing(wanted))
    assert found == (replace(stop, pausing=StopPausing(wanted), still_at_utc=None, version=2) if wider else None)
