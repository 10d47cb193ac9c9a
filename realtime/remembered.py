"""Values that hold until their tenant's log says otherwise, for what each of a thousand followers would ask anew.

Exact for who follows: the relay tells its listeners of an event before any follower gets it or a later one, so what is
remembered here never lags behind the stream. For who does not follow it may lag by a hint, or by a poll where the hint
is lost: ask the database there. Must not remember what changes without an event, longer than `max_age_seconds`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar
from uuid import UUID

from domain.log import LogEvent
from realtime.flights import Flights
from realtime.relay import Relay

V = TypeVar("V")

#: Values kept per tenant; beyond it the oldest goes.
MAX_VALUES: Final = 20_000


class _Shelf(Generic[V]):
    """One tenant's values. It is thrown away whole, so that a load still under way puts its old value nowhere."""

    __slots__ = ("era", "flights", "values")

    def __init__(self, era: object) -> None:
        self.era = era
        self.values: dict[Hashable, tuple[float, V]] = {}
        self.flights: Flights[V] = Flights()


class Remembered(Generic[V]):
    """One kind of value of each followed tenant.

    Args:
        relay: which tenants are followed here, and what happens in them.
        subject_types: events about these make the tenant's values be loaded anew.
        max_age_seconds: how long a value is kept at most.
    """

    def __init__(self, relay: Relay, subject_types: frozenset[str], max_age_seconds: float) -> None:
        self._relay = relay
        self._subject_types = subject_types
        self._max_age_seconds = max_age_seconds
        self._shelves: dict[UUID, _Shelf[V]] = {}
        relay.listen(self._on_event)

    async def get(self, tenant_id: UUID, key: Hashable, load: Callable[[], Awaitable[V]]) -> V:
        """The value under a key, loaded where it is not remembered; always, while nobody here follows the tenant.

        Who asks while it is being loaded gets the same answer, or the same error.
        """
        era = self._relay.era(tenant_id)
        if era is None:
            self._shelves.pop(tenant_id, None)
            return await load()
        shelf = self._shelves.get(tenant_id)
        if shelf is None or shelf.era is not era:
            shelf = self._shelves[tenant_id] = _Shelf(era)
        found = shelf.values.get(key)
        if found is not None and asyncio.get_running_loop().time() - found[0] < self._max_age_seconds:
            return found[1]
        # A thousand followers are woken by one event and ask for the same name: one load answers them all.
        return await shelf.flights.join(key, lambda: self._load(shelf, key, load))

    @staticmethod
    async def _load(shelf: _Shelf[V], key: Hashable, load: Callable[[], Awaitable[V]]) -> V:
        asked_at = asyncio.get_running_loop().time()
        value = await load()
        shelf.values.pop(key, None)
        shelf.values[key] = (asked_at, value)
        if len(shelf.values) > MAX_VALUES:
            del shelf.values[next(iter(shelf.values))]
        return value

    def _on_event(self, event: LogEvent) -> None:
        if event.entry.subject_type in self._subject_types:
            self._shelves.pop(event.entry.tenant_id, None)
