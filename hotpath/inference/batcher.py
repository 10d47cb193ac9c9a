"""Single requests gathered into batches: at the end of the loop's tick when the backend is idle, else by count or time.

Must not know what a backend does with a batch, nor wait when there is nothing to wait for.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from hotpath.inference.requests import InferenceRequest

logger = logging.getLogger("campaign_express.bid")

MOST_ITEMS: Final = 16
MOST_WAIT_S: Final = 0.0005

#: Of one request, in the order of its offers.
Scores = list[float]
#: Told them, or why there are none.
Answer = Callable[[Scores | Exception], None]
#: Told the scores of a whole batch, or why there are none.
BatchAnswer = Callable[[list[Scores] | Exception], None]
#: A backend call: starts it, and calls back once, at once or later, on the loop's thread.
Backend = Callable[[Sequence[InferenceRequest], BatchAnswer], None]


class Handle(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Do not call."""
        ...


class Scheduler(Protocol):
    """The part of an event loop that is needed; asyncio's and uvloop's have it."""

    def call_soon(self, callback: Callable[[], None]) -> Handle:
        """Call after everything that is ready now."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Handle:
        """Call after `delay` seconds."""
        ...


class InferenceBatcher:
    """Nagle's idea for inference: never more than 16 in a batch, none waiting over 500 us for the batch to fill.

    With no call in flight a batch goes at the end of the tick, with all that the tick brought. With one in flight the
    next goes when that returns, when 16 wait, or 500 us after the first came, whichever is first.
    """

    def __init__(
        self, loop: Scheduler, backend: Backend, *, most_items: int = MOST_ITEMS, most_wait_s: float = MOST_WAIT_S
    ) -> None:
        """Gather for one backend; `most_items` is also to be within its `max_batch_size`."""
        self._loop = loop
        self._backend = backend
        self._most_items = most_items
        self._most_wait_s = most_wait_s
        self._waiting: list[tuple[InferenceRequest, Answer]] = []
        self._planned: Handle | None = None
        self._in_flight = 0

    def submit(self, request: InferenceRequest, answer: Answer) -> None:
        """Have a request scored; `answer` is called once, never from within this call unless the batch is full."""
        self._waiting.append((request, answer))
        if len(self._waiting) >= self._most_items:
            self._flush()
        elif self._planned is None:
            self._planned = (
                self._loop.call_later(self._most_wait_s, self._flush)
                if self._in_flight
                else self._loop.call_soon(self._flush)
            )

    def _flush(self) -> None:
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        self._in_flight += 1
        outcomes: list[list[Scores] | Exception] = []
        answer: BatchAnswer = outcomes.append

        def told(outcome: list[Scores] | Exception) -> None:
            answer(outcome)

        try:
            self._backend([request for request, _ in batch], told)
        except Exception as error:  # noqa: BLE001 - whatever a backend raises belongs to the batch's requests
            outcomes.append(error)
        # Behind the fence: what an asker raises is not the backend's failure, and must not answer its batch twice.
        if outcomes:
            self._settle(batch, outcomes[0])
        else:
            answer = partial(self._settle, batch)

    def _settle(self, batch: list[tuple[InferenceRequest, Answer]], outcome: list[Scores] | Exception) -> None:
        self._in_flight -= 1
        told: Sequence[Scores | Exception] = [outcome] * len(batch) if isinstance(outcome, Exception) else outcome
        for (_, answer), scores in zip(batch, told, strict=True):
            try:
                answer(scores)
            except Exception:
                # One asker's fault must not leave the others of its batch without an answer.
                logger.exception("the scores of a request could not be told")
        if not self._in_flight and self._waiting:
            self._flush()
