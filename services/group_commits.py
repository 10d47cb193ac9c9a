"""Steps of the same kind that come at about the same time, written in one transaction. Must not know any step.

While one group is being written, those who come wait and make up the next one: a lock, a log's head and a sync of the
disk are paid once for all of them, and nobody waits for company. Who asked is answered when the transaction has been
committed, never before. If anything in it fails, nothing of it stands, and each goes alone: a bad step fails for itself
only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

I = TypeVar("I")  # noqa: E741 - what is asked
O = TypeVar("O")  # noqa: E741 - what is answered

#: So many in one transaction at most: whoever else wants its locks waits for all of them.
_AT_MOST: Final = 32


class GroupCommit(Generic[I, O]):
    """Hands what is asked of it to `write`, in groups.

    Args:
        write: one transaction for a group: its answers, in the order in which it was asked. It is called once more for
            each alone if it raised, so it must leave nothing behind but what it commits.
    """

    def __init__(self, write: Callable[[Sequence[I]], Awaitable[Sequence[O]]]) -> None:
        self._write = write
        self._waiting: list[tuple[I, asyncio.Future[O]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, asked: I) -> O:
        """The answer, once it is durable. Raises what `write` raises for this one alone."""
        answer: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._writer is None:
            # A task of its own: that one of those who wait is cancelled must not roll back the others.
            self._writer = asyncio.create_task(self._write_all())
        return await answer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:_AT_MOST], self._waiting[_AT_MOST:]
                await self._write_group([each for each in group if not each[1].done()])
        finally:
            self._writer = None

    async def _write_group(self, group: list[tuple[I, "asyncio.Future[O]"]]) -> None:
        try:
            answers = await self._write([asked for asked, _ in group]) if group else ()
        except Exception as error:  # noqa: BLE001 - it is raised where the step was asked for
            if len(group) > 1:
                for each in group:
                    await self._write_group([each])
            elif not group[0][1].done():
                group[0][1].set_exception(error)
        except BaseException:
            for _, answer in group:
                answer.cancel()
            raise
        else:
            for (_, answer), value in zip(group, answers, strict=True):
                if not answer.done():
                    answer.set_result(value)
