"""Who is where, live: one read per workspace for all who watch it. Must not write state.

Presence is short-lived and frequent, so it does not go through the log: a hint makes a watched workspace be read at
once, and a poll finds what lapsed and what a lost hint would have told. What watchers get is the newest state, never a
queue of older ones, so a slow watcher costs nothing and misses nothing that still holds.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from domain.presences import Presence
from kit.time import Clock
from models.presences import presences_in
from models.scope import Database
from realtime.hints import Hint, Hints, PresenceHint

logger = logging.getLogger("campaign_express.presences")

#: How long a lapsed presence, or a lost hint, stays unseen at most.
POLL_SECONDS: Final = 1.5

Items = Mapping[UUID, tuple[Presence, ...]]


@dataclass(frozen=True, slots=True)
class PresenceState:
    """Who is at which item now. `whole` is the first answer; later ones name only items where something changed."""

    whole: bool
    items: Items


@dataclass(eq=False)
class _Room:
    """What the watchers of one workspace share."""

    tenant_id: UUID
    workspace_id: UUID
    watchers: int = 0
    items: Items | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class PresenceRooms:
    """The watched workspaces of one process."""

    def __init__(self, database: Database, hints: Hints, clock: Clock) -> None:
        self._database = database
        self._hints = hints
        self._clock = clock
        self._rooms: dict[tuple[UUID, UUID], _Room] = {}
        self._stale: set[tuple[UUID, UUID]] = set()
        self._wake = asyncio.Event()
        self._closed = False

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep the rooms up to date until the block ends; then all watchers end too."""
        end_listening = self._hints.listen(self._on_hint)
        pump = asyncio.create_task(self._pump())
        try:
            yield
        finally:
            end_listening()
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump
            self._closed = True
            for room in self._rooms.values():
                room.wake()

    async def watch(self, tenant_id: UUID, workspace_id: UUID) -> AsyncGenerator[PresenceState, None]:
        """Who is at which item of a workspace: everybody first, then each item that changed, as it is now.

        A renewal is no change. Close it (`contextlib.aclosing`) when done.
        """
        room = self._enter(tenant_id, workspace_id)
        known: Items | None = None
        try:
            while not self._closed:
                if room.items is None or room.items is known:
                    await room.changed.wait()
                    continue
                before, known = known, room.items
                if before is None:
                    yield PresenceState(whole=True, items=known)
                elif changed := _difference(before, known):
                    yield PresenceState(whole=False, items=changed)
        finally:
            self._exit(room)

    def watchers(self, tenant_id: UUID, workspace_id: UUID) -> int:
        """How many watch a workspace here."""
        room = self._rooms.get((tenant_id, workspace_id))
        return 0 if room is None else room.watchers

    def _enter(self, tenant_id: UUID, workspace_id: UUID) -> _Room:
        place = (tenant_id, workspace_id)
        room = self._rooms.get(place)
        if room is None:
            room = self._rooms[place] = _Room(tenant_id, workspace_id)
            self._look(place)
        room.watchers += 1
        return room

    def _exit(self, room: _Room) -> None:
        room.watchers -= 1
        place = (room.tenant_id, room.workspace_id)
        if not room.watchers and self._rooms.get(place) is room:
            del self._rooms[place]

    def _on_hint(self, hint: Hint) -> None:
        if isinstance(hint, PresenceHint) and (hint.tenant_id, hint.workspace_id) in self._rooms:
            self._look((hint.tenant_id, hint.workspace_id))

    def _look(self, place: tuple[UUID, UUID]) -> None:
        self._stale.add(place)
        self._wake.set()

    async def _pump(self) -> None:
        now = asyncio.get_running_loop().time
        next_poll = now() + POLL_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(next_poll):
                    await self._wake.wait()
            self._wake.clear()
            if now() >= next_poll:
                next_poll = now() + POLL_SECONDS
                self._stale.update(self._rooms)
            places, self._stale = self._stale, set()
            try:
                for place in places:
                    await self._read(place)
            except Exception:
                # The poll looks at every room again.
                logger.exception("presence could not be read; the next poll tries again")

    async def _read(self, place: tuple[UUID, UUID]) -> None:
        room = self._rooms.get(place)
        if room is None:
            return
        found = await presences_in(self._database.read(room.tenant_id), room.workspace_id, self._clock.now_utc())
        items = _by_item(found)
        if room.items is None or _difference(room.items, items):
            room.items = items
            room.wake()


def _by_item(found: list[Presence]) -> Items:
    items: dict[UUID, tuple[Presence, ...]] = {}
    for presence in found:
        items[presence.subject_id] = (*items.get(presence.subject_id, ()), presence)
    return items


def _difference(before: Items, after: Items) -> Items:
    """The items where somebody came, went or changed mode, as they are afterwards."""
    return {
        subject_id: after.get(subject_id, ())
        for subject_id in (*after, *(gone for gone in before if gone not in after))
        if _who(before.get(subject_id, ())) != _who(after.get(subject_id, ()))
    }


def _who(presences: tuple[Presence, ...]) -> set[tuple[UUID, str]]:
    return {(presence.user_id, presence.mode.value) for presence in presences}
