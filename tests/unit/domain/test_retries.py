"""How long a change waits after a call that did not go well, and when nobody tries again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PlatformError
from domain.retries import MAX_ATTEMPTS, Aftermath, Ending, after_call, backoff
from tests.unit.domain.pipeline_values import NOW

SETTLE = timedelta(seconds=10)


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


@pytest.mark.parametrize("was_sent", [True, False])
@pytest.mark.parametrize("attempts", [1, MAX_ATTEMPTS])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("retryable", [True, False])
def test_again_while_tries_are_left_and_then_only_what_was_never_sent_has_failed(
    retryable: bool, known: bool, attempts: int, was_sent: bool
) -> None:
    error = PlatformError("no", platform_code="17", retryable=retryable, outcome_known=known)
    left = after_call(error, attempts, 0.0, NOW, SETTLE, was_sent=was_sent)
    again = attempts < MAX_ATTEMPTS and (retryable or not known)
    ending = Ending.AGAIN if again else Ending.UNKNOWN if was_sent else Ending.FAILED
    waits = {Ending.AGAIN: timedelta() if known else SETTLE, Ending.UNKNOWN: SETTLE, Ending.FAILED: None}
    wait = waits[ending]
    assert left == Aftermath(ending, None if wait is None else NOW + wait, "17", "no")
