"""Hints between processes: "tenant T is at N", "somebody came or went in workspace W". Owns their carriers only.

A hint may be lost, doubled or late and nothing is wrong: who listens looks into the database itself, at once on a hint
and about every second without one. So publishing never waits and never raises, and nothing here is stored.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from broadcaster import Broadcast

from kit.ids import new_id

logger = logging.getLogger("campaign_express.hints")

CHANNEL: Final = "campaign-express:hints"

#: Own messages that must come back within BEAT_LIMIT_SECONDS show that publishing and listening both work.
BEAT_SECONDS: Final = 1.0
BEAT_LIMIT_SECONDS: Final = 4.0
#: How long one exchange with the carrier may take before it counts as gone.
CARRIER_SECONDS: Final = 2.0
BACKOFF_SECONDS: Final = (0.1, 5.0)
#: Hints that wait for the carrier, one per tenant and one per workspace; beyond it the oldest is lost.
MAX_WAITING: Final = 10_000


@dataclass(frozen=True, slots=True)
class LogHint:
    """A tenant's log goes to `sequence` or further."""

    tenant_id: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class PresenceHint:
    """Somebody came, went or changed mode in a workspace."""

    tenant_id: UUID
    workspace_id: UUID


Hint = LogHint | PresenceHint
Listener = Callable[[Hint], None]


class Hints:
    """Hints within one process; a carrier, where there is one, takes them to the others and brings theirs."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def publish(self, tenant_id: UUID, sequence: int) -> None:
        """Say how far a tenant's log now goes. Never waits, never raises."""
        self._tell(LogHint(tenant_id, sequence))

    def publish_presence(self, tenant_id: UUID, workspace_id: UUID) -> None:
        """Say that presence changed in a workspace. Never waits, never raises."""
        self._tell(PresenceHint(tenant_id, workspace_id))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every hint, in the event loop; it must be quick. Returns what ends it."""
        self._listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return end

    def _tell(self, hint: Hint) -> None:
        self.deliver(hint)

    def deliver(self, hint: Hint) -> None:
        """Tell this process's listeners; one that breaks holds up neither the others nor the publisher."""
        for listener in tuple(self._listeners):
            try:
                listener(hint)
            except Exception:
                logger.exception("a listener to hints failed")


class CarriedHints(Hints):
    """Hints that also go to other processes over Redis, through one supervised subscription.

    The carrier's library ends its listener silently when the connection drops, so this process listens for its own
    beats and opens everything anew when they stay away.
    """

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self._redis_url = redis_url
        self._origin = new_id().hex
        # One hint per tenant and per workspace waits, the newest: what a hint says replaces what the last one said.
        self._waiting: dict[tuple[type[Hint], UUID], Hint] = {}
        self._filled = asyncio.Event()
        self._heard = 0.0
        self.sessions = 0

    async def supervise(self) -> None:
        """Carry hints until cancelled; every end of the subscription is followed by another, after a pause."""
        pause, longest = BACKOFF_SECONDS
        while True:
            started = self.sessions
            try:
                await self._session()
            except Exception as error:  # noqa: BLE001 - whatever broke, the carrier is opened anew
                logger.warning("the carrier of hints broke, opening it anew: %s", _reason(error))
            pause = BACKOFF_SECONDS[0] if self.sessions > started else min(pause * 2, longest)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects, no secret

    def _tell(self, hint: Hint) -> None:
        self.deliver(hint)
        place = hint.tenant_id if isinstance(hint, LogHint) else hint.workspace_id
        self._waiting[type(hint), place] = hint
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._filled.set()

    async def _session(self) -> None:
        broadcast = Broadcast(self._redis_url)
        subscription = AsyncExitStack()
        try:
            async with asyncio.timeout(CARRIER_SECONDS):
                await broadcast.connect()
                subscriber = await subscription.enter_async_context(broadcast.subscribe(CHANNEL))
            self.sessions += 1
            self._heard = asyncio.get_running_loop().time()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(broadcast))
                tasks.create_task(self._beat(broadcast))
                # Drained at once, because the library's queue has no bound.
                while True:
                    self._receive((await subscriber.get()).message)
        finally:
            await _end(broadcast, subscription)

    async def _send(self, broadcast: Broadcast) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                hint = self._waiting.pop(next(iter(self._waiting)))
                await self._publish(broadcast, _spell(hint))

    async def _beat(self, broadcast: Broadcast) -> None:
        now = asyncio.get_running_loop().time
        while True:
            await self._publish(broadcast, "beat")
            await asyncio.sleep(BEAT_SECONDS)
            if now() - self._heard > BEAT_LIMIT_SECONDS:
                raise ConnectionError("own beats no longer come back")

    async def _publish(self, broadcast: Broadcast, text: str) -> None:
        async with asyncio.timeout(CARRIER_SECONDS):
            await broadcast.publish(CHANNEL, f"{self._origin} {text}")

    def _receive(self, message: str) -> None:
        origin, _, text = message.partition(" ")
        if origin == self._origin:
            # Our own hints were delivered when they were published; coming back they only show that the way is open.
            self._heard = asyncio.get_running_loop().time()
            return
        hint = _read(text)
        if hint is not None:
            self.deliver(hint)


async def _end(broadcast: Broadcast, subscription: AsyncExitStack) -> None:
    """End what the library started, whatever state a broken connection left it in."""
    # A connect that fails leaves the library's listener running, and only its backend can end it.
    for end in (subscription.aclose, broadcast._backend.disconnect):  # noqa: SLF001 - see above
        with suppress(Exception):
            async with asyncio.timeout(CARRIER_SECONDS):
                await end()
    listener = getattr(broadcast, "_listener_task", None)
    if listener is not None:
        listener.cancel()


def _spell(hint: Hint) -> str:
    if isinstance(hint, LogHint):
        return f"log {hint.tenant_id} {hint.sequence}"
    return f"presence {hint.tenant_id} {hint.workspace_id}"


def _read(text: str) -> Hint | None:
    """The hint in a message; None for beats and for what another version of this program may say."""
    try:
        kind, tenant_id, detail = text.split(" ")
        if kind == "log":
            return LogHint(UUID(tenant_id), int(detail))
        if kind == "presence":
            return PresenceHint(UUID(tenant_id), UUID(detail))
    except ValueError:
        pass
    return None


def _reason(error: BaseException) -> str:
    """The first reason inside a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


@asynccontextmanager
async def open_hints(redis_url: str) -> AsyncIterator[Hints]:
    """Hints for one process: over Redis, or within the process alone when the address is empty."""
    if not redis_url:
        yield Hints()
        return
    hints = CarriedHints(redis_url)
    supervisor = asyncio.create_task(hints.supervise())
    try:
        yield hints
    finally:
        supervisor.cancel()
        with suppress(asyncio.CancelledError):
            await supervisor
