"""One answer for all who ask the same at the same time."""

import asyncio

import pytest

from realtime.flights import Flights


class Source:
    """Answers when it is let; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.let = asyncio.Event()
        self.error: Exception | None = None

    async def load(self) -> int:
        self.asked += 1
        mine = self.asked
        await self.let.wait()
        if self.error is not None:
            raise self.error
        return mine


async def test_who_asks_meanwhile_gets_the_same_answer_and_who_asks_later_a_new_one() -> None:
    flights, source, other = Flights[int](), Source(), Source()
    asking = [asyncio.create_task(flights.join("a", source.load)) for _ in range(5)]
    apart = asyncio.create_task(flights.join("b", other.load))
    await asyncio.sleep(0)
    source.let.set()
    other.let.set()
    assert await asyncio.gather(*asking) == [1] * 5
    assert (await apart, other.asked) == (1, 1)
    assert await flights.join("a", source.load) == 2
    assert not flights._under_way


async def test_an_error_is_everybodys_and_is_not_kept() -> None:
    flights, source = Flights[int](), Source()
    source.error = ValueError("no")
    asking = [asyncio.create_task(flights.join("a", source.load)) for _ in range(3)]
    await asyncio.sleep(0)
    source.let.set()
    assert await asyncio.gather(*asking, return_exceptions=True) == [source.error] * 3
    assert source.asked == 1
    source.error = None
    assert await flights.join("a", source.load) == 2


async def test_when_the_one_who_loads_is_cancelled_another_loads() -> None:
    flights, source = Flights[int](), Source()
    asking = [asyncio.create_task(flights.join("a", source.load)) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking[0]
    while source.asked < 2:  # noqa: ASYNC110 - a plain counter
        await asyncio.sleep(0)
    source.let.set()
    assert await asyncio.gather(*asking[1:]) == [2, 2]
    assert source.asked == 2


async def test_when_one_who_waits_is_cancelled_the_others_are_not() -> None:
    flights, source = Flights[int](), Source()
    asking = [asyncio.create_task(flights.join("a", source.load)) for _ in range(3)]
    await asyncio.sleep(0)
    asking[1].cancel()
    await asyncio.sleep(0)
    source.let.set()
    assert await asyncio.gather(asking[0], asking[2]) == [1, 1]
