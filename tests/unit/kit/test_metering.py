"""Meters: count what happens below, stop at the limit, and know nothing of each other."""

import asyncio

import pytest

from kit.metering import MeterUsedUp, count_call, metered


def test_without_a_meter_calls_are_free() -> None:
    count_call()


def test_the_call_beyond_the_limit_is_refused_and_not_counted() -> None:
    with metered(2) as meter:
        count_call()
        count_call()
        with pytest.raises(MeterUsedUp):
            count_call()
    assert meter.used == 2
    count_call()


async def test_a_meter_counts_in_tasks_started_under_it_and_in_no_other() -> None:
    async def call() -> None:
        await asyncio.sleep(0)
        count_call()

    async def use(calls: int) -> int:
        with metered(9) as meter:
            await asyncio.gather(*(call() for _ in range(calls)))
        return meter.used

    assert await asyncio.gather(use(3), use(5)) == [3, 5]
