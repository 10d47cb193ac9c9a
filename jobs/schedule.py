"""Runs periodic work side by side until told to stop. Knows no job; must not decide what is due.

A run that fails is logged with its traceback and the loop goes on: one broken job must not stop the others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from kit.time import Clock

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger("campaign_express.jobs")

#: How long running jobs may take to finish once the process is told to stop; then they are cancelled.
GRACE_SECONDS: Final = 10.0
_CLOCK_LOOK_SECONDS: Final = 0.5

#: Waits at most so many seconds, less where there is reason to look again.
Wait = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Loop:
    """Work to repeat: `act`, then `wait` for up to `interval_seconds` (> 0), and again."""

    name: str
    interval_seconds: float
    act: Callable[[], Awaitable[object]]
    wait: Wait = asyncio.sleep


async def run_loops(loops: Sequence[Loop], stop: asyncio.Event, *, grace_seconds: float = GRACE_SECONDS) -> None:
    """Run loops until `stop` is set, then let running work finish within the grace, then cancel it."""
    tasks = [asyncio.create_task(_repeat(loop, stop), name=loop.name) for loop in loops]
    try:
        await stop.wait()
        await asyncio.wait(tasks, timeout=grace_seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(loop: Loop, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await loop.act()
        except Exception:
            logger.exception("%s failed; it runs again in at most %g s", loop.name, loop.interval_seconds)
        await _pause(loop, stop)


async def _pause(loop: Loop, stop: asyncio.Event) -> None:
    waiting = asyncio.ensure_future(loop.wait(loop.interval_seconds))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done() and waiting.exception() is not None:
            # A wait that fails at once would make the loop spin.
            logger.error("waiting for %s failed", loop.name, exc_info=waiting.exception())
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stopping), loop.interval_seconds)
    finally:
        waiting.cancel()
        stopping.cancel()
        await asyncio.gather(waiting, stopping, return_exceptions=True)


def by_clock(clock: Clock) -> Wait:
    """A wait by the product's clock instead of the machine's: days skipped on the sandbox's clock are over at once."""

    async def wait(seconds: float) -> None:
        since = clock.now_utc()
        while (clock.now_utc() - since).total_seconds() < seconds:  # noqa: ASYNC110 - a clock that jumps sets no event
            await asyncio.sleep(min(_CLOCK_LOOK_SECONDS, seconds))

    return wait


async def for_each(name: str, items: Sequence[T], act: Callable[[T], Awaitable[R]], *, concurrency: int) -> list[R]:
    """Do the same for many, so many at a time; what fails is logged and left out of the answers."""
    gate = asyncio.Semaphore(concurrency)

    async def one(item: T) -> list[R]:
        async with gate:
            try:
                return [await act(item)]
            except Exception:
                logger.exception("%s failed for %s", name, item)
                return []

    return [answer for answers in await asyncio.gather(*map(one, items)) for answer in answers]
