"""What a refused or failed call to a platform leaves of a change on its way: again later, failed, or unknown. Pure.

One decision for everything that is sent, whatever it changes. Must not know what a change is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import PlatformError

#: With backoff up to five minutes this is about half an hour of a platform that refuses everything.
MAX_ATTEMPTS: Final = 20


def backoff(attempts: int, jitter: float, retry_after_seconds: float | None = None) -> timedelta:
    """How long to wait before the next attempt: exponential with full jitter, never under what the platform asked.

    Args:
        attempts: attempts made so far, >= 1.
        jitter: uniform in [0, 1).
        retry_after_seconds: the platform's own wish, if it told one.
    """
    ceiling = min(300.0, 2.0 ** min(attempts, 10))
    return timedelta(seconds=max(ceiling * jitter, retry_after_seconds or 0.0))


class Ending(StrEnum):
    """The state that a call left a change in, in the words of every kind of change."""

    AGAIN = "PENDING"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What comes after a call that did not go well.

    Attributes:
        not_before_utc: the platform is left alone until then, also by a person who sends it again; None where nothing
            was ever sent and nothing will be.
        code, reason: why, for a program and for a person.
    """

    ending: Ending
    not_before_utc: datetime | None
    code: str
    reason: str


def after_call(
    error: PlatformError, attempts: int, jitter: float, now_utc: datetime, settle: timedelta, *, was_sent: bool
) -> Aftermath:
    """Where a refused or failed call leaves a change.

    An outcome that is not known is never final at once: the platform is given its settle time, then it is read.

    Args:
        error: what the platform did; without a known outcome only if it was asked to change something.
        attempts: made so far, this one included.
        jitter: uniform in [0, 1), for the backoff.
        now_utc: the moment.
        settle: the platform's settle time.
        was_sent: whether something was sent of which nobody knows yet what became.
    """
    code, reason = error.platform_code or error.code, error.message
    tries_left = attempts < MAX_ATTEMPTS
    wait = backoff(attempts, jitter, error.retry_after_seconds)
    if tries_left and not error.outcome_known:
        return Aftermath(Ending.AGAIN, now_utc + max(wait, settle), code, reason)
    if tries_left and error.retryable:
        return Aftermath(Ending.AGAIN, now_utc + wait, code, reason)
    if not was_sent:
        return Aftermath(Ending.FAILED, None, code, reason)
    return Aftermath(Ending.UNKNOWN, now_utc + settle, code, reason)
