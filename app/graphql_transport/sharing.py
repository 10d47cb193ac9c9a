"""One response for all subscribers who would get the same. Owns what is kept for it: a second long, bounded in bytes.

Must not decide who gets the same: the backend says who is one audience, and which event is the same for it. Each
subscriber's own right to an event is asked before it comes here.
"""

import asyncio
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, NewType

import orjson

from app.graphql_transport.requests import GraphQLRequest
from realtime.flights import Flights

#: Below an event's own fields a response shows the present, so it does not stand for later ones.
_KEPT_SECONDS: Final = 1.0

#: An audience and what it asked for; None where nothing is shared.
Audience = NewType("Audience", tuple[Hashable, bytes])


def audience_of(viewers: Hashable | None, request: GraphQLRequest) -> Audience | None:
    """The audience of one operation: viewers of whom the backend says that they are one, and the same request."""
    if viewers is None:
        return None
    asked = [request.query, request.operation_name, request.variables, request.extensions]
    return Audience((viewers, hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).digest()))


class SharedResponses:
    """The responses of one process. `limit_bytes` bounds what is kept."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._members: Counter[Audience] = Counter()
        self._flights: Flights[str] = Flights()
        self._kept: OrderedDict[Hashable, tuple[float, str]] = OrderedDict()
        self._kept_bytes = 0

    def enter(self, audience: Audience | None) -> None:
        """A subscription of this audience begins."""
        if audience is not None:
            self._members[audience] += 1

    def leave(self, audience: Audience | None) -> None:
        """A subscription of this audience ended."""
        if audience is not None:
            self._members[audience] -= 1
            if not self._members[audience]:
                del self._members[audience]

    def has_company(self, audience: Audience | None) -> bool:
        """Whether more than one subscription is of this audience."""
        return audience is not None and self._members[audience] > 1

    async def get(self, audience: Audience | None, event: Hashable, execute: Callable[[], Awaitable[str]]) -> str:
        """The response to an event: another subscriber's, if it is the same, else executed; always, for event None."""
        if audience is None or event is None:
            return await execute()
        key = (audience, event)
        kept = self._kept.get(key)
        if kept is not None and asyncio.get_running_loop().time() - kept[0] < _KEPT_SECONDS:
            return kept[1]
        return await self._flights.join(key, lambda: self._execute(key, execute))

    async def _execute(self, key: Hashable, execute: Callable[[], Awaitable[str]]) -> str:
        started = asyncio.get_running_loop().time()
        response = await execute()
        self._drop(key)
        self._kept[key] = (started, response)
        self._kept_bytes += len(response)
        while self._kept_bytes > self._limit_bytes:
            self._drop(next(iter(self._kept)))
        return response

    def _drop(self, key: Hashable) -> None:
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self._kept_bytes -= len(dropped[1])
