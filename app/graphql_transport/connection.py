"""The tasks of one long-lived connection, socket or event stream: whichever finds a reason to end it ends the others.

Owns their life and the reason; must not know what they say. Nothing outlives the connection.
"""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Scope

from app.graphql_transport import messages
from app.graphql_transport.messages import Close, CloseSocketError

logger = logging.getLogger("campaign_express.graphql")

#: Where the server tells an ASGI application of the connection below a request (see `server`).
EXTENSION: Final = "campaign_express.connection"

#: Makes a coroutine when its task really starts: one made before would never be awaited if the task is cancelled first.
Work = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class HTTPConnection:
    """What the server adds to a request's scope, since ASGI does not tell it.

    `cut` ends the connection at once; `stopping` is set when the server wants it to end.
    """

    cut: Callable[[], None]
    stopping: asyncio.Event


def http_connection(scope: Scope) -> HTTPConnection:
    """The connection below a request; under a server that tells nothing, one that never stops and cannot be cut."""
    known = scope.get("extensions", {}).get(EXTENSION)
    return HTTPConnection(lambda: None, asyncio.Event()) if known is None else HTTPConnection(**known)


class ConnectionTasks:
    """Each task runs in a copy of the context variables as they were in the beginning, so none sees another's."""

    def __init__(self, close_seconds: float) -> None:
        self._close_seconds = close_seconds
        self._closed: asyncio.Future[Close | None] = asyncio.get_running_loop().create_future()
        self._clean = contextvars.copy_context()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Work) -> asyncio.Task[None]:
        """Run something until it or the connection ends; what it raises ends the connection."""
        task = asyncio.create_task(self._guarded(work), context=self._clean.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def close(self, close: Close | None) -> None:
        """Give a reason to end; the first one counts. None: the peer has left, or all is said."""
        if not self._closed.done():
            self._closed.set_result(close)

    async def end(self) -> Close | None:
        """Wait for a reason, end every task, and give the reason."""
        try:
            return await self._closed
        finally:
            await self._end_tasks()

    async def _guarded(self, work: Work) -> None:
        try:
            await work()
        except CloseSocketError as error:
            self.close(error.close)
        except Exception:
            if not self._closed.done():
                logger.exception("a connection's task failed")
                self.close(messages.TRY_AGAIN)

    async def _end_tasks(self) -> None:
        self.close(None)
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            _, unwilling = await asyncio.wait(tasks, timeout=self._close_seconds)
            if unwilling:
                logger.error("%d tasks of a connection did not end when cancelled", len(unwilling))
