"""An adjustment's states, what a look at the budget means, and what a failed attempt leaves."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest

from domain.adjustments import (
    ALLOWED,
    SETTLED,
    STRAYS_WITHIN,
    AdjustmentStatus,
    Finding,
    after_failure,
    finding,
    moved,
    restoring,
    retried,
    strayed,
)
from domain.errors import InvalidTransition, PlatformError
from domain.platforms import BudgetType, PlatformBudget
from domain.retries import MAX_ATTEMPTS
from tests.unit.domain.pipeline_values import NOW, adjustment

S = AdjustmentStatus
TOKEN = UUID(int=7)


SETTLE = timedelta(seconds=10)


def sending(attempts: int = 1, **changes: object):
    return adjustment(
        status=S.SENDING, attempts=attempts, version=4, lease_token=TOKEN, lease_until_utc=NOW + timedelta(minutes=1),
        **changes,
    )  # fmt: skip


@pytest.mark.parametrize(("start", "end"), list(product(S, S)))
def test_only_the_documented_steps_are_possible(start: S, end: S) -> None:
    steps = {
        S.PENDING: {S.SENDING, S.FAILED},
        S.SENDING: {S.PENDING, S.APPLIED, S.CONFIRMED, S.FAILED, S.UNKNOWN},
        S.APPLIED: {S.SENDING, S.PENDING, S.CONFIRMED, S.UNKNOWN},
        S.CONFIRMED: {S.PENDING, S.REVERTED},
        S.REVERTED: set(),
        S.FAILED: {S.PENDING},
        S.UNKNOWN: {S.PENDING},
    }
    before = adjustment(status=start, version=4)
    if end in steps[start]:
        after = moved(before, end, failure_code="X")
        assert (after.status, after.version, after.failure_code) == (end, 5, "X")
    else:
        with pytest.raises(InvalidTransition) as refused:
            moved(before, end)
        assert refused.value.state == start.value
        assert set(refused.value.allowed) == {each.value for each in steps[start]}
    assert set(ALLOWED) == set(S)


def test_a_state_that_nobody_works_on_gives_the_lease_back() -> None:
    for end in (S.PENDING, S.CONFIRMED, S.FAILED, S.UNKNOWN):
        assert (moved(sending(), end).lease_token, moved(sending(), end).lease_until_utc) == (None, None)
    assert moved(sending(), S.APPLIED).lease_token == TOKEN
    assert frozenset({S.CONFIRMED, S.FAILED, S.UNKNOWN, S.REVERTED}) == SETTLED


@pytest.mark.parametrize(
    ("budget_type", "amount", "found"),
    [
        (BudgetType.DAILY, 100_000_000, Finding.SEND),
        (BudgetType.DAILY, 90_000_000, Finding.ALREADY_APPLIED),
        (BudgetType.DAILY, 99_990_000, Finding.CHANGED_ELSEWHERE),
        (BudgetType.LIFETIME, 100_000_000, Finding.NOT_DAILY),
        (BudgetType.LIFETIME, 90_000_000, Finding.NOT_DAILY),
    ],
)
def test_a_look_at_the_budget_says_what_to_do(budget_type: BudgetType, amount: int, found: Finding) -> None:
    assert finding(adjustment(-10_000_000), PlatformBudget("b", budget_type, amount)) is found


def test_a_refusal_fails_at_once_with_the_platforms_words() -> None:
    after = after_failure(sending(), PlatformError("too low", platform_code="1885272"), 0.5, NOW, SETTLE)
    assert (after.status, after.failure_code, after.failure_reason) == (S.FAILED, "1885272", "too low")
    assert after_failure(sending(), PlatformError("no"), 0.5, NOW, SETTLE).failure_code == "PLATFORM_REFUSED"


def test_what_may_work_later_is_queued_until_the_attempts_are_used_up() -> None:
    busy = PlatformError("busy", platform_code="17", retryable=True, retry_after_seconds=90)
    after = after_failure(sending(MAX_ATTEMPTS - 1), busy, 0.0, NOW, SETTLE)
    assert (after.status, after.not_before_utc, after.failure_reason) == (
        S.PENDING,
        NOW + timedelta(seconds=90),
        "busy",
    )
    assert after.attempts == MAX_ATTEMPTS - 1
    assert after_failure(sending(MAX_ATTEMPTS), busy, 0.5, NOW, SETTLE).status is S.FAILED


@pytest.mark.parametrize("retryable", [True, False])
def test_a_lost_answer_waits_for_the_platform_to_settle_and_is_unknown_once_nobody_tries_again(retryable: bool) -> None:
    lost = PlatformError("cut", retryable=retryable, outcome_known=False)
    intent = {"sent_at_utc": NOW, "send_key": TOKEN, "observed_micros": 100_000_000}
    after = after_failure(sending(1, **intent), lost, 0.5, NOW, SETTLE)
    assert (after.status, after.not_before_utc, after.sent_at_utc) == (S.PENDING, NOW + SETTLE, NOW)
    late = after_failure(sending(8, **intent), lost, 0.5, NOW, SETTLE)
    assert late.not_before_utc == NOW + timedelta(seconds=128)
    ended = after_failure(sending(MAX_ATTEMPTS, **intent), lost, 0.5, NOW, SETTLE)
    assert (ended.status, ended.not_before_utc) == (S.UNKNOWN, NOW + SETTLE)
    assert retried(ended, NOW).not_before_utc == NOW + SETTLE
    assert retried(ended, NOW + 2 * SETTLE).not_before_utc == NOW + 2 * SETTLE


def test_a_refusal_to_read_what_may_have_been_sent_leaves_it_unknown() -> None:
    after = after_failure(sending(2, sent_at_utc=NOW), PlatformError("gone"), 0.5, NOW, SETTLE)
    assert after.status is S.UNKNOWN


def shows(amount: int, budget_type: BudgetType = BudgetType.DAILY) -> PlatformBudget:
    return PlatformBudget("b", budget_type, amount)


def test_only_a_recent_change_of_ours_can_have_strayed() -> None:
    """Confirmed: 90 to 80. An older change of ours set the 90."""
    confirmed = adjustment(-20_000_000, S.CONFIRMED, before_micros=90_000_000, sent_at_utc=NOW)
    older = adjustment(-10_000_000, S.CONFIRMED, sent_at_utc=NOW - STRAYS_WITHIN)
    assert strayed(confirmed, shows(90_000_000), [older])
    assert not strayed(confirmed, shows(95_000_000), [older])
    assert not strayed(confirmed, shows(80_000_000), [older])
    assert not strayed(confirmed, shows(90_000_000, BudgetType.LIFETIME), [older])
    assert not strayed(confirmed, shows(90_000_000), [])
    assert not strayed(confirmed, shows(90_000_000), [replace(older, intended_micros=85_000_000)])
    assert not strayed(confirmed, shows(90_000_000), [replace(older, sent_at_utc=None)])
    too_old = NOW - STRAYS_WITHIN - timedelta(seconds=1)
    assert not strayed(confirmed, shows(90_000_000), [replace(older, sent_at_utc=too_old)])
    assert not strayed(replace(confirmed, sent_at_utc=None), shows(90_000_000), [older])


def test_a_restoring_change_goes_the_same_way_back() -> None:
    original = adjustment(
        -10_000_000, S.CONFIRMED, version=5, attempts=2, confirmed_at_utc=NOW, sent_at_utc=NOW, send_key=TOKEN,
        observed_micros=100_000_000, recheck_at_utc=NOW, platform_execution_id="x", dispatched_at_utc=NOW,
        auto_approved=True,
    )  # fmt: skip
    later = NOW + timedelta(hours=1)
    back = restoring(original, TOKEN, "ben", "it was wrong", later)
    assert back == replace(
        original, id=TOKEN, status=S.PENDING, version=1, before_micros=90_000_000, intended_micros=100_000_000,
        delta_reporting_micros=10_000_000, approved_by_id="ben", auto_approved=False, created_at_utc=later, attempts=0,
        not_before_utc=later, dispatched_at_utc=None, confirmed_at_utc=None, platform_execution_id=None,
        observed_micros=None, send_key=None, sent_at_utc=None, recheck_at_utc=None, restores_id=original.id,
        reason="it was wrong",
    )  # fmt: skip
    under = replace(original, id=TOKEN, before_micros=130_000_000, delta_reporting_micros=-30_000_000)
    elsewhere = replace(under, before_micros=150_000_000, delta_reporting_micros=-20_000_000, plan_id=TOKEN)
    both = restoring(original, TOKEN, "ben", "it was wrong", later, (under, elsewhere))
    assert both == replace(back, intended_micros=150_000_000, delta_reporting_micros=40_000_000)
    for status in set(S) - {S.CONFIRMED}:
        with pytest.raises(InvalidTransition):
            restoring(replace(original, status=status), TOKEN, "ben", "why", later)
