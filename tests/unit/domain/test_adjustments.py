"""An adjustment's states, what a look at the budget means, and what a failed attempt leaves."""

from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.adjustments import (
    ALLOWED,
    MAX_ATTEMPTS,
    SETTLED,
    AdjustmentStatus,
    Finding,
    after_failure,
    backoff,
    finding,
    moved,
)
from domain.errors import InvalidTransition, PlatformError
from domain.platforms import BudgetType, PlatformBudget
from tests.unit.domain.pipeline_values import NOW, adjustment

S = AdjustmentStatus
TOKEN = UUID(int=7)


def sending(attempts: int = 1):
    return adjustment(
        status=S.SENDING, attempts=attempts, version=4, lease_token=TOKEN, lease_until_utc=NOW + timedelta(minutes=1)
    )


@pytest.mark.parametrize(("start", "end"), list(product(S, S)))
def test_only_the_documented_steps_are_possible(start: S, end: S) -> None:
    steps = {
        S.PENDING: {S.SENDING, S.FAILED},
        S.SENDING: {S.PENDING, S.APPLIED, S.CONFIRMED, S.FAILED, S.UNKNOWN},
        S.APPLIED: {S.SENDING, S.CONFIRMED, S.UNKNOWN},
        S.CONFIRMED: set(),
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
    assert frozenset({S.CONFIRMED, S.FAILED, S.UNKNOWN}) == SETTLED


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


def test_the_wait_grows_twofold_up_to_five_minutes() -> None:
    assert [backoff(n, 0.5).total_seconds() for n in range(1, 11)] == [1, 2, 4, 8, 16, 32, 64, 128, 150, 150]
    assert backoff(3, 0.0) == timedelta()


@given(
    attempts=st.integers(1, 10_000),
    jitter=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.floats(0, 100_000),
)
def test_the_wait_is_never_under_what_the_platform_asked(attempts: int, jitter: float, asked: float | None) -> None:
    wait = backoff(attempts, jitter, asked).total_seconds()
    assert wait >= (asked or 0.0) - 1e-6
    assert wait <= max(300.0, asked or 0.0) + 1e-6


def test_a_refusal_fails_at_once_with_the_platforms_words() -> None:
    after = after_failure(sending(), PlatformError("too low", platform_code="1885272"), 0.5, NOW)
    assert (after.status, after.failure_code, after.failure_reason) == (S.FAILED, "1885272", "too low")
    assert after_failure(sending(), PlatformError("no"), 0.5, NOW).failure_code == "PLATFORM_REFUSED"


def test_what_may_work_later_is_queued_until_the_attempts_are_used_up() -> None:
    busy = PlatformError("busy", platform_code="17", retryable=True, retry_after_seconds=90)
    after = after_failure(sending(MAX_ATTEMPTS - 1), busy, 0.5, NOW)
    assert (after.status, after.not_before_utc, after.failure_reason) == (
        S.PENDING,
        NOW + timedelta(seconds=90),
        "busy",
    )
    assert after.attempts == MAX_ATTEMPTS - 1
    assert after_failure(sending(MAX_ATTEMPTS), busy, 0.5, NOW).status is S.FAILED


@pytest.mark.parametrize("retryable", [True, False])
def test_a_lost_answer_is_unknown_once_nobody_tries_again(retryable: bool) -> None:
    lost = PlatformError("cut", retryable=retryable, outcome_known=False)
    assert after_failure(sending(MAX_ATTEMPTS), lost, 0.5, NOW).status is S.UNKNOWN
