"""Requests between their reading and their answering, in the order in which they came. Must not know what they ask.

All sockets on which bytes lie are read at once; what they brought is worked off in small parts, with a look at the
sockets and the answers of each part written in between. So nobody's answer waits for those of a hundred others, for how
long a request has waited is known, and the kernel's code and ours drive each other out of the processor's caches once
a part and not once a request.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from hotpath.server.messages import HttpRequest
from hotpath.server.protocol import Application, Reply

#: Requests of one part: as many as are scored together.
_PART: Final = 16
#: Beyond, whoever brings a request has it answered at once: a client that sends faster than it is read must wait.
_MOST_WAITING: Final = 1_024


class Intake:
    """An application in front of another."""

    def __init__(self, application: Application, soon: Callable[[Callable[[], None]], object]) -> None:
        """`soon` is the loop's `call_soon`."""
        self._application = application
        self._soon = soon
        self._waiting: deque[tuple[HttpRequest, Reply]] = deque()

    def __call__(self, request: HttpRequest, reply: Reply) -> None:
        """Have a request answered behind those that came before it."""
        waiting = self._waiting
        waiting.append((request, reply))
        if len(waiting) == 1:
            self._soon(self._work)
        elif len(waiting) > _MOST_WAITING:
            self._answer()

    def _work(self) -> None:
        waiting = self._waiting
        try:
            for _ in range(min(_PART, len(waiting))):
                self._answer()
        finally:
            # Whatever one request does, the others are answered.
            if waiting:
                self._soon(self._work)

    def _answer(self) -> None:
        request, reply = self._waiting.popleft()
        self._application(request, reply)
