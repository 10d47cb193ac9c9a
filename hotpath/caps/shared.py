"""One process's caps within those of all: its own ledger, exact by itself, and a store where every node takes places.

A bid on a capped campaign leaves once the store has granted its place. Where the store cannot say in time, the ledger
alone decides, and that is counted: n nodes may then show a user n times the cap, never more. Must not choose a bid.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from redis.exceptions import RedisError

from domain.bid_caps import EVERYTHING, CapLedger, History
from hotpath.caps.redis_store import Place, Settled, pair_of

logger = logging.getLogger("campaign_express.bid")

#: What an answer waits for the store at most.
WAIT_S: Final = 0.005
#: After a failure the store is left alone for so long.
REST_S: Final = 1.0
#: How long a pair without a free place is not asked for again. A loss that another node is told frees it that late.
FULL_S: Final = 5.0
_MOST_CALLS: Final = 4
_MOST_ITEMS: Final = 256
_MOST_KNOWN: Final = 100_000

#: Told which places were granted: once, now or later.
Granted = Callable[[Sequence[bool]], None]


class CapStore(Protocol):
    """Where all nodes take their places."""

    async def take(self, places: Sequence[Place]) -> list[bool]:
        """Which were free; those are taken. Raises RedisError, OSError."""
        ...

    async def settle(self, settled: Sequence[Settled]) -> None:
        """Lost bids' places go, shown ones' stay for a day. Raises RedisError, OSError."""
        ...


@dataclass(slots=True)
class CapCounts:
    """What the metrics read: places that the store granted or refused, and why it was not asked or heard.

    `alone` were decided while the store rested after a failure, `late` when it took too long, `failed` when it failed.
    `overshot` were late and refused afterwards: each may be one impression too many. `unsettled` were forgotten.
    """

    granted: int = 0
    refused: int = 0
    alone: int = 0
    late: int = 0
    failed: int = 0
    overshot: int = 0
    unsettled: int = 0


class _Ask:
    """One request's places on their way."""

    __slots__ = ("places", "timer", "told")

    def __init__(self, places: Sequence[Place], told: Granted) -> None:
        self.places = places
        #: None once it was told.
        self.told: Granted | None = told
        self.timer: asyncio.TimerHandle | None = None

    def tell(self, granted: Sequence[bool]) -> bool:
        """Tell, if nobody has; whether nobody had."""
        told, self.told = self.told, None
        if self.timer is not None:
            self.timer.cancel()
        if told is None:
            return False
        told(granted)
        return True


class SharedCaps:
    """The engine's ledger (`domain/bid_caps.py`), shared. All calls on one loop."""

    def __init__(
        self,
        store: CapStore,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float],
        *,
        wait_s: float = WAIT_S,
        rest_s: float = REST_S,
    ) -> None:
        """Nothing is asked yet.

        Args:
            store: of all nodes.
            loop: the running one.
            clock: seconds since 1970.
            wait_s: see WAIT_S.
            rest_s: see REST_S.
        """
        self.ledger = CapLedger()
        self.counts = CapCounts()
        self._store = store
        self._loop = loop
        self._clock = clock
        self._wait_s = wait_s
        self._rest_s = rest_s
        self._rests_until = 0.0
        self._asks: deque[_Ask] = deque()
        self._settled: deque[Settled] = deque()
        self._planned = False
        self._calls: set[asyncio.Task[None]] = set()
        self._full: OrderedDict[str, float] = OrderedDict()
        self._open: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.ledger)

    def allows(self, user: str, campaign: str, now_s: float, *, hourly_cap: int, daily_cap: int) -> bool:
        """Whether one more impression fits, as far as this node knows; a cap of 0 is none."""
        if not hourly_cap and not daily_cap:
            return True
        if self._full:
            until_s = self._full.get(pair_of(user, campaign))
            if until_s is not None and now_s < until_s:
                return False
        return self.ledger.allows(user, campaign, now_s, hourly_cap=hourly_cap, daily_cap=daily_cap)

    def history(self, user: str) -> History:
        """What this node knows the user to have seen; endless where the others may know more."""
        return EVERYTHING if self._full else self.ledger.history(user)

    def reserve(self, token: str, user: str, campaign: str, now_s: float, *, expires_s: float) -> None:
        """Take a place of this node's; `hold` takes one of all nodes'."""
        self.ledger.reserve(token, user, campaign, now_s, expires_s=expires_s)

    def confirm(self, token: str) -> None:
        """The bid's impression was shown, whichever node made the bid."""
        self.ledger.confirm(token)
        self._settle(token, shown=True)

    def release(self, token: str) -> None:
        """The bid was lost, whichever node made it."""
        self.ledger.release(token)
        self._settle(token, shown=False)

    def hold(self, places: Sequence[Place], told: Granted) -> None:
        """Take places of all nodes'; `told` which were granted within `wait_s`, or that this node decides alone."""
        for place in places:
            self._open[place.token] = (place.pair, place.expires_s)
        self._forget()
        if self._loop.time() < self._rests_until:
            self.counts.alone += len(places)
            told([True] * len(places))
            return
        ask = _Ask(places, told)
        ask.timer = self._loop.call_later(self._wait_s, self._give_up, ask)
        self._asks.append(ask)
        self._plan()

    def refuse(self, place: Place) -> None:
        """Give a place of this node's back, because the others have taken the last one."""
        self.ledger.release(place.token)
        self._open.pop(place.token, None)

    async def close(self) -> None:
        """Tell the store what it has not been told, as far as it can be told now."""
        while self._calls:
            await asyncio.wait(self._calls)
        # Unless it fails: then it rests.
        while self._settled and self._loop.time() >= self._rests_until:
            await self._call([], self._take_settled())

    def _settle(self, token: str, *, shown: bool) -> None:
        pair, _ = self._open.pop(token, ("", 0.0))
        self._settled.append(Settled(token, pair, shown, self._clock()))
        if len(self._settled) > _MOST_KNOWN:
            self._settled.popleft()
            self.counts.unsettled += 1
        self._plan()

    def _plan(self) -> None:
        """One call to the store at the end of the loop's tick, with all that the tick brought."""
        if self._planned or len(self._calls) >= _MOST_CALLS:
            return
        rest_s = self._rests_until - self._loop.time()
        self._planned = True
        if rest_s > 0:
            self._loop.call_later(rest_s, self._flush)
        else:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._planned = False
        asks: list[_Ask] = []
        while self._asks and len(asks) < _MOST_ITEMS:
            # Also those that were answered by now: their bids are out, and the other nodes are to know.
            asks.append(self._asks.popleft())
        settled = self._take_settled()
        if asks or settled:
            call = self._loop.create_task(self._call(asks, settled))
            self._calls.add(call)
            call.add_done_callback(self._called)

    def _take_settled(self) -> list[Settled]:
        return [self._settled.popleft() for _ in range(min(len(self._settled), _MOST_ITEMS))]

    def _called(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if self._asks or self._settled:
            self._plan()

    async def _call(self, asks: list[_Ask], settled: list[Settled]) -> None:
        try:
            if settled:
                await self._store.settle(settled)
                settled = []
            places = [place for ask in asks for place in ask.places]
            granted = await self._store.take(places) if places else []
        except (RedisError, OSError) as error:
            self._fail(error, asks, settled)
            return
        at = 0
        for ask in asks:
            self._answer(ask, granted[at : at + len(ask.places)])
            at += len(ask.places)

    def _answer(self, ask: _Ask, granted: Sequence[bool]) -> None:
        for place, free in zip(ask.places, granted, strict=True):
            if not free:
                self._full[place.pair] = place.now_s + FULL_S
                self._full.move_to_end(place.pair)
        if len(self._full) > _MOST_KNOWN:
            self._full.popitem(last=False)
        refused = len(granted) - sum(granted)
        if ask.tell(granted):
            self.counts.granted += len(granted) - refused
            self.counts.refused += refused
        else:
            self.counts.overshot += refused

    def _forget(self) -> None:
        """Whose place is past needs no name: it may still be shown, and the store then knows whose it was."""
        now_s = self._clock()
        while self._open:
            token, (_, expires_s) = next(iter(self._open.items()))
            if expires_s > now_s:
                break
            del self._open[token]

    def _give_up(self, ask: _Ask) -> None:
        if ask.tell([True] * len(ask.places)):
            self.counts.late += len(ask.places)

    def _fail(self, error: Exception, asks: list[_Ask], settled: list[Settled]) -> None:
        """Let the ledger decide alone for a while; what became of bids is told when the store is back."""
        if self._loop.time() >= self._rests_until:
            logger.warning("caps are kept by this node alone: Redis failed (%s)", error or type(error).__name__)
        self._rests_until = self._loop.time() + self._rest_s
        self._settled.extendleft(reversed(settled))
        for ask in (*asks, *self._asks):
            if ask.tell([True] * len(ask.places)):
                self.counts.failed += len(ask.places)
        self._asks.clear()
