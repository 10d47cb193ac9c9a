"""One answer for all who ask the same at the same time. Keeps nothing once the answer is there."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Flights(Generic[V]):
    """Answers under way, by key."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[V]] = {}

    async def join(self, key: Hashable, load: Callable[[], Awaitable[V]]) -> V:
        """The answer under way, value or error; `load` makes it where there is none.

        Who makes it may be cancelled, because its client left: then one of those who wait makes it anew.
        """
        while (under_way := self._under_way.get(key)) is not None:
            await asyncio.wait((under_way,))
            if not under_way.cancelled():
                return under_way.result()
        answer = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            value = await load()
        except Exception as error:
            answer.set_exception(error)
            answer.exception()  # Seen: it is no mistake that nobody else waits for it.
            raise
        else:
            answer.set_result(value)
            return value
        finally:
            del self._under_way[key]
            answer.cancel()
