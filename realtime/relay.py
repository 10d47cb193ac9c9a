"""The relay: reads each followed tenant's log once and hands it to everybody who follows it. Must not write state.

One per process. A hint makes it look at once, a poll of all heads makes it look every second, and only what stands in
the log is ever handed on. The last events of a followed tenant are kept once, in a ring that all its followers share:
a follower is a number, so one that is slow costs no memory. Behind the ring it reads the log itself, and behind
BACKLOG_EVENTS it is told to reload. While a follower waits it holds no transaction and no connection.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from itertools import islice
from typing import Final, Self
from uuid import UUID

from domain.changes import Reload, ReloadReason, Watermark
from domain.log import LogEvent
from kit.time import Clock
from models import across_tenants, log
from models.scope import Database
from realtime.hints import Hint, Hints, LogHint
from realtime.presences import PresenceRooms

logger = logging.getLogger("campaign_express.relay")

#: How long a lost hint delays an event.
POLL_SECONDS: Final = 1.0
#: Recent events kept per followed tenant; a few kilobytes each.
RING_EVENTS: Final = 256
#: How far back a follower is served; from further back it must reload.
BACKLOG_EVENTS: Final = 1_000
#: Events read from the log at once.
PAGE_EVENTS: Final = 200
#: Events a follower takes at once: all that a paused one keeps alive.
BATCH_EVENTS: Final = 50
#: A follower whose filter passes nothing hears how far the log is after so many events or so long.
WATERMARK_EVENTS: Final = 100
WATERMARK_SECONDS: Final = 15.0
#: Tenants, and lagging followers, that read at the same time.
READERS: Final = 4
_PAUSE_AFTER_FAILURE_SECONDS: Final = 0.5


Message = LogEvent | Watermark | Reload
Keep = Callable[[LogEvent], bool]


class _Feed:
    """What the followers of one tenant share."""

    __slots__ = ("advanced", "followers", "opened", "ring", "sequence", "tenant_id")

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.followers = 0
        self.opened = False
        self.sequence = 0
        self.ring: deque[LogEvent] = deque(maxlen=RING_EVENTS)
        self.advanced = asyncio.Event()

    def wake(self) -> None:
        """Wake all who wait; the next wait is for the next advance."""
        self.advanced.set()
        self.advanced = asyncio.Event()

    def recent(self, after: int) -> list[LogEvent] | None:
        """The next events after a place, a batch of them; None when the ring no longer reaches back to it."""
        if after >= self.sequence:
            return []
        start = after + 1 - (self.sequence - len(self.ring) + 1)
        return None if start < 0 else list(islice(self.ring, start, start + BATCH_EVENTS))


class Relay:
    """Follows logs for one process. `presences` does the same for who is where."""

    def __init__(self, database: Database, hints: Hints, clock: Clock) -> None:
        self._database = database
        self.hints = hints
        self.presences = PresenceRooms(database, hints, clock)
        self._feeds: dict[UUID, _Feed] = {}
        self._behind: set[UUID] = set()
        self._wake = asyncio.Event()
        self._readers = asyncio.Semaphore(READERS)
        self._listeners: list[Callable[[LogEvent], None]] = []
        self._heads: dict[UUID, int] = {}
        self._changes = 0
        self._changed = asyncio.Event()
        self._waiting = 0
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def run(cls, database: Database, hints: Hints, clock: Clock) -> AsyncIterator[Self]:
        """A relay that works until the block ends; then its followers end too. `clock` says when presence lapses."""
        relay = cls(database, hints, clock)
        end_listening = hints.listen(relay._on_hint)
        pump = asyncio.create_task(relay._pump())
        try:
            async with relay.presences.run():
                yield relay
        finally:
            end_listening()
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump
            relay._close()

    async def follow(
        self, tenant_id: UUID, after: int | None = None, keep: Keep | None = None
    ) -> AsyncGenerator[Message, None]:
        """What happens in a tenant, in order, without a gap and without a repetition.

        First what was missed since `after`, if it is given, then a Watermark that says from where on the stream is
        live, then every event as it is committed. Close it (`contextlib.aclosing`) when done.

        Args:
            tenant_id: whose log.
            after: the last sequence number seen; None to begin now.
            keep: which events to hand on, all without it; watermarks pass for the others.
        """
        feed = self._join(tenant_id)
        try:
            async with aclosing(self._messages(feed, after, keep)) as messages:
                async for message in messages:
                    yield message
        finally:
            self._leave(feed)

    def followers(self, tenant_id: UUID) -> int:
        """How many follow a tenant here."""
        feed = self._feeds.get(tenant_id)
        return 0 if feed is None else feed.followers

    def era(self, tenant_id: UUID) -> object | None:
        """A token of one unbroken time of following a tenant, during which no event passes unheard; None outside."""
        feed = self._feeds.get(tenant_id)
        return feed if feed is not None and feed.opened else None

    def listen(self, listener: Callable[[LogEvent], None]) -> Callable[[], None]:
        """Call `listener` with every event of a followed tenant before any follower gets it, or a later one.

        For what must never lag behind the stream, such as cached memberships. It must be quick. Returns what ends it.
        """
        self._listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return end

    async def wait_for_change(self, seen: int, timeout_seconds: float) -> int:
        """Wait until any tenant's log grows, or the time is over.

        Args:
            seen: what the last call returned, 0 at first; a change since then returns at once, so none is missed.
            timeout_seconds: at most so long.

        Returns:
            The number to say next time; equal to `seen` when nothing changed.
        """
        self._waiting += 1
        try:
            if self._changes == seen and not self._closed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(timeout_seconds):
                        await self._changed.wait()
        finally:
            self._waiting -= 1
        return self._changes

    def _join(self, tenant_id: UUID) -> _Feed:
        feed = self._feeds.get(tenant_id)
        if feed is None:
            feed = self._feeds[tenant_id] = _Feed(tenant_id)
            self._look(tenant_id)
        feed.followers += 1
        return feed

    def _leave(self, feed: _Feed) -> None:
        feed.followers -= 1
        if not feed.followers and self._feeds.get(feed.tenant_id) is feed:
            del self._feeds[feed.tenant_id]

    async def _messages(self, feed: _Feed, after: int | None, keep: Keep | None) -> AsyncGenerator[Message, None]:
        while not (feed.opened or self._closed):
            await feed.advanced.wait()
        place = _Place(feed.sequence if after is None else after)
        if place.cursor > feed.sequence and place.cursor > (await log.head(self._database.read(feed.tenant_id)))[0]:
            # Not a number of this log: the database was restored since, or it is another tenant's.
            yield place.reload(ReloadReason.UNKNOWN_PLACE, feed.sequence)
        while not self._closed:
            if feed.sequence - place.cursor > BACKLOG_EVENTS:
                yield place.reload(ReloadReason.TOO_FAR_BEHIND, feed.sequence)
                continue
            for message in place.pass_on(await self._next(feed, place.cursor), keep):
                yield message
            if place.cursor < feed.sequence:
                continue
            if not place.live or place.is_due():
                yield place.watermark()
                continue
            await place.wait(feed.advanced)

    async def _next(self, feed: _Feed, cursor: int) -> list[LogEvent]:
        recent = feed.recent(cursor)
        if recent is not None:
            return recent
        async with self._readers:
            read = await log.events_after(self._database.read(feed.tenant_id), cursor, PAGE_EVENTS)
        # Nothing beyond the feed: what listens to the relay must have heard of an event before a follower does.
        return [event for event in read if event.entry.sequence <= feed.sequence]

    def _on_hint(self, hint: Hint) -> None:
        if not isinstance(hint, LogHint):
            return
        self._note_change()
        feed = self._feeds.get(hint.tenant_id)
        if feed is not None and (not feed.opened or hint.sequence > feed.sequence):
            self._look(hint.tenant_id)

    def _look(self, tenant_id: UUID) -> None:
        self._behind.add(tenant_id)
        self._wake.set()

    def _note_change(self) -> None:
        self._changes += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def _pump(self) -> None:
        now = asyncio.get_running_loop().time
        next_poll = now() + POLL_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(next_poll):
                    await self._wake.wait()
            self._wake.clear()
            try:
                if now() >= next_poll:
                    next_poll = now() + POLL_SECONDS
                    await self._poll()
                await self._advance_all()
            except Exception:
                logger.exception("the relay could not read; it goes on trying")
                await asyncio.sleep(_PAUSE_AFTER_FAILURE_SECONDS)

    async def _poll(self) -> None:
        """Compare all heads with what is known, unless nobody would care."""
        if not (self._feeds or self._waiting):
            return
        heads = await across_tenants.heads(self._database.system())
        if heads != self._heads:
            self._heads = heads
            self._note_change()
        for tenant_id, feed in self._feeds.items():
            if not feed.opened or heads.get(tenant_id, 0) > feed.sequence:
                self._behind.add(tenant_id)

    async def _advance_all(self) -> None:
        feeds = [feed for tenant_id in self._behind if (feed := self._feeds.get(tenant_id)) is not None]
        self._behind.clear()
        results = await asyncio.gather(*(self._advance(feed) for feed in feeds), return_exceptions=True)
        failures = [result for result in results if isinstance(result, Exception)]
        if failures:
            # The poll finds again what stayed behind.
            raise failures[0]

    async def _advance(self, feed: _Feed) -> None:
        scope = self._database.read(feed.tenant_id)
        async with self._readers:
            if not feed.opened:
                head, _ = await log.head(scope)
                feed.ring.extend(await log.events_after(scope, max(0, head - RING_EVENTS), min(head, RING_EVENTS)))
                feed.sequence, feed.opened = head, True
                feed.wake()
            while True:
                events = await log.events_after(scope, feed.sequence, PAGE_EVENTS)
                if events:
                    self._tell_listeners(events)
                    feed.ring.extend(events)
                    feed.sequence = events[-1].entry.sequence
                    feed.wake()
                if len(events) < PAGE_EVENTS:
                    return

    def _tell_listeners(self, events: list[LogEvent]) -> None:
        for listener in tuple(self._listeners):
            for event in events:
                try:
                    listener(event)
                except Exception:
                    logger.exception("a listener to the relay failed")

    def _close(self) -> None:
        self._closed = True
        for feed in self._feeds.values():
            feed.wake()
        self._note_change()


class _Place:
    """Where one follower is, and what it was told."""

    __slots__ = ("_due", "_now", "_skipped", "_told", "cursor", "live")

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self.live = False
        self._told = cursor
        self._skipped = 0
        self._now = asyncio.get_running_loop().time
        self._due = self._now() + WATERMARK_SECONDS

    def pass_on(self, events: list[LogEvent], keep: Keep | None) -> Iterator[Message]:
        """What the follower gets of the next events."""
        for event in events:
            self.cursor = event.entry.sequence
            if keep is None or keep(event):
                self._tell(self.cursor)
                yield event
            else:
                self._skipped += 1
                if self._skipped >= WATERMARK_EVENTS:
                    yield self._tell(self.cursor)

    def watermark(self) -> Watermark:
        """How far the follower is."""
        self.live = True
        return self._tell(self.cursor)

    def reload(self, reason: ReloadReason, sequence: int) -> Reload:
        """Leave out what lies before a place and go on from there."""
        self.cursor = sequence
        self._tell(sequence)
        return Reload(reason, sequence)

    def is_due(self) -> bool:
        """Whether the follower was left without a word for long while the log grew."""
        return self.cursor > self._told and self._now() >= self._due

    async def wait(self, advanced: asyncio.Event) -> None:
        """Until the log grows or a watermark is due."""
        if self.cursor == self._told:
            await advanced.wait()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._due):
                await advanced.wait()

    def _tell(self, sequence: int) -> Watermark:
        self._told, self._skipped = sequence, 0
        self._due = self._now() + WATERMARK_SECONDS
        return Watermark(sequence)
