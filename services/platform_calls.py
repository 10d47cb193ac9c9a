"""Calls to ad platforms that end in time. Must not decide what is called, or what an answer means."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.errors import PlatformError
from domain.platforms import Platform

T = TypeVar("T")


class TooLate(Exception):
    """There was no time left to call; nothing was sent."""


async def in_time(platform: Platform, seconds: float, call: Callable[[], Awaitable[T]], *, writes: bool) -> T:
    """Make a call, and give it up after `seconds` (nothing is sent when they are not above 0).

    Raises:
        TooLate: nothing was sent.
        PlatformError: as the platform's adapter says; after a write that was given up its outcome is not known.
    """
    if seconds <= 0:
        raise TooLate
    try:
        async with asyncio.timeout(seconds):
            return await call()
    except TimeoutError as error:
        raise PlatformError(
            f"{platform.value} did not answer within {seconds:.0f} s",
            platform_code="TIMED_OUT",
            retryable=True,
            outcome_known=not writes,
        ) from error
