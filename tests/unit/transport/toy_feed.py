"""What the toy schema counts, and the numbers that its streams tell."""

import asyncio
from collections.abc import AsyncIterator

LEDGER = {"price": 100, "opened": 0, "closed": 0, "loads": 0, "slow": 0}


class Feed:
    """Numbers that a test tells to all who follow."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget what was told; each test's loop needs an event of its own."""
        self.numbers: list[int] = []
        self.told = asyncio.Event()

    def tell(self, *numbers: int) -> None:
        self.numbers.extend(numbers)
        self.told.set()
        self.told = asyncio.Event()


FEED = Feed()


async def followed() -> AsyncIterator[int]:
    """The numbers that are told from now on."""
    LEDGER["opened"] += 1
    place = len(FEED.numbers)
    try:
        while True:
            for number in FEED.numbers[place:]:
                place += 1
                yield number
            await FEED.told.wait()
    finally:
        LEDGER["closed"] += 1
