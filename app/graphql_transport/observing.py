"""Who watches operations run. Owns the Protocol and a watcher that does nothing; composition gives the real one."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(slots=True)
class Observed:
    """One operation, or one event of a subscription, while it runs.

    Attributes:
        name: as the client calls it; None for an anonymous one.
        kind: query, mutation or subscription.
        cost: in points.
        request_id: the correlation id of its errors.
        codes: of its errors, once it has run.
    """

    name: str | None
    kind: str
    cost: int
    request_id: str
    codes: list[str] = field(default_factory=list)


class Observer(Protocol):
    """Watches operations."""

    def running(self, operation: Observed) -> AbstractContextManager[None]:
        """Around the execution; `codes` are there when the block ends."""

    def refused(self, code: str) -> None:
        """A request was not executed, for this reason."""


class NoObserver:
    """Looks away."""

    def running(self, operation: Observed) -> AbstractContextManager[None]:
        """Around the execution."""
        del operation
        return nullcontext()

    def refused(self, code: str) -> None:
        """A request was not executed."""
