"""A plan's money: an increase is approved only as far as it is covered, and sent only from what is confirmed free."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.adjustments import SETTLED, Adjustment, AdjustmentStatus
from domain.plans import Funding, Plan, funding, shortfall_micros
from tests.unit.domain.pipeline_values import NOW, SOMEWHERE, adjustment

S = AdjustmentStatus
SPENDING = {S.SENDING, S.APPLIED, S.CONFIRMED, S.UNKNOWN, S.REVERTED}


def test_a_shortfall_is_what_would_be_spent_beyond_what_is_freed() -> None:
    plan = Plan(SOMEWHERE, SOMEWHERE, SOMEWHERE, "rebalancer", NOW, NOW, "USD", 0, "", (), 30, 50, 1)
    assert shortfall_micros(plan, 20, 0) == 0
    assert shortfall_micros(plan, 21, 0) == 1
    assert shortfall_micros(plan, 25, 10) == -5


def test_a_decrease_is_always_ready() -> None:
    assert funding(adjustment(-5), []) is Funding.READY
    assert funding(adjustment(0), []) is Funding.READY


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (S.CONFIRMED, Funding.READY),
        (S.REVERTED, Funding.READY),
        (S.PENDING, Funding.WAITING),
        (S.SENDING, Funding.WAITING),
        (S.APPLIED, Funding.WAITING),
        (S.FAILED, Funding.LOST),
        (S.UNKNOWN, Funding.LOST),
    ],
)
def test_an_increase_goes_as_its_decrease_went(status: S, expected: Funding) -> None:
    rise = adjustment(10)
    assert funding(rise, [rise, adjustment(-10, status)]) is expected
    assert funding(rise, [rise, adjustment(-9, status)]) is Funding.LOST


@pytest.mark.parametrize("status", sorted(SPENDING))
def test_money_that_another_increase_may_spend_is_taken(status: S) -> None:
    rise, freed = adjustment(6), adjustment(-10, S.CONFIRMED)
    assert funding(rise, [rise, freed, adjustment(4, status)]) is Funding.READY
    assert funding(rise, [rise, freed, adjustment(5, status)]) is Funding.LOST
    assert funding(rise, [rise, freed, adjustment(5, status), adjustment(-1)]) is Funding.WAITING


def test_an_increase_queued_again_keeps_its_money_because_its_answer_may_have_been_lost() -> None:
    rise, freed = adjustment(6), adjustment(-10, S.CONFIRMED)
    tried = adjustment(6, dispatched_at_utc=NOW, attempts=1)
    assert funding(rise, [rise, freed, tried]) is Funding.LOST
    assert funding(tried, [rise, freed, tried]) is Funding.READY
    assert funding(rise, [rise, freed, replace(tried, dispatched_at_utc=None)]) is Funding.READY
    assert funding(rise, [rise, freed, replace(tried, status=S.FAILED)]) is Funding.READY


def test_a_restored_increase_gives_its_money_back_and_a_restored_decrease_takes_it() -> None:
    down, up = adjustment(-10, S.CONFIRMED), adjustment(10, S.CONFIRMED)
    undo_down, undo_up = adjustment(10), adjustment(-10)
    assert funding(undo_up, [down, up, undo_up]) is Funding.READY
    assert funding(undo_down, [down, up, undo_down]) is Funding.LOST
    assert funding(undo_down, [down, up, undo_up, undo_down]) is Funding.WAITING
    done = [down, replace(up, status=S.REVERTED), replace(undo_up, status=S.CONFIRMED)]
    assert funding(undo_down, [*done, undo_down]) is Funding.READY
    both = [replace(down, status=S.REVERTED), *done[1:], replace(undo_down, status=S.CONFIRMED)]
    assert funding(adjustment(1), both) is Funding.LOST


@st.composite
def plans(draw: st.DrawFn) -> list[Adjustment]:
    """Approved changes whose increases are covered by their decreases."""
    downs = draw(st.lists(st.integers(1, 1_000), min_size=1, max_size=6))
    left, ups = sum(downs), []
    for wish in draw(st.lists(st.integers(1, 1_000), max_size=6)):
        if wish <= left:
            ups.append(wish)
            left -= wish
    return [adjustment(-each) for each in downs] + [adjustment(each) for each in ups]


def _sent(one: Adjustment, outcome: S) -> Adjustment:
    return replace(one, status=outcome, dispatched_at_utc=NOW)


@settings(max_examples=500)
@given(plan=plans(), data=st.data())
def test_whatever_the_order_and_outcomes_nothing_is_spent_that_was_not_freed(
    plan: list[Adjustment], data: st.DataObject
) -> None:
    """Send what is ready in any order with any outcome, a postponement whose answer was lost included."""
    applied: set[int] = set()  # positions of increases that the platform may have applied
    for _ in range(60):
        waiting = [n for n, one in enumerate(plan) if one.status is S.PENDING]
        movable = [n for n in waiting if funding(plan[n], plan) is not Funding.WAITING]
        if not movable:
            break
        chosen = data.draw(st.sampled_from(movable))
        if funding(plan[chosen], plan) is Funding.LOST:
            assert chosen not in applied
            plan[chosen] = replace(plan[chosen], status=S.FAILED)
            continue
        # A refusal after a lost answer would mean that the platform lost the change; it does not.
        outcomes = (
            [S.CONFIRMED, S.UNKNOWN, S.PENDING] if chosen in applied else [S.CONFIRMED, S.FAILED, S.UNKNOWN, S.PENDING]
        )
        plan[chosen] = _sent(plan[chosen], data.draw(st.sampled_from(outcomes)))
        if plan[chosen].delta_reporting_micros > 0 and plan[chosen].status is not S.FAILED:
            applied.add(chosen)
        freed = -sum(
            one.delta_reporting_micros for one in plan if one.delta_reporting_micros < 0 and one.status is S.CONFIRMED
        )
        assert sum(plan[n].delta_reporting_micros for n in applied) <= freed
    else:
        return  # postponed again and again: nothing more to show
    assert all(one.status in SETTLED for one in plan), "an increase waits only while a decrease is on its way"


@given(plan=plans())
def test_when_every_decrease_is_confirmed_every_increase_is_sent(plan: list[Adjustment]) -> None:
    for n, one in enumerate(plan):
        assert funding(one, plan) is Funding.READY
        plan[n] = _sent(one, S.CONFIRMED)
