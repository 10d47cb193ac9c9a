"""The snapshot's file, looked at each second: a new one is read, checked and indexed off the loop, then swapped in.

What is broken, or not newer than what is in use, is refused whole, told in one line and counted; what is in use stays.
Must not bid, nor change the file.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from domain.bid_snapshot import Snapshot, SnapshotBroken, SnapshotOutdated, SpikingModel, decode_snapshot
from hotpath.engine.engine import Prepared, prepared
from hotpath.inference.provider import CoLaNetProvider

logger = logging.getLogger("campaign_express.bid")

LOOK_EVERY_S: Final = 1.0
#: Entries and campaigns that are dropped in a tenth of a millisecond.
_PIECES: Final = 64
#: Of its time, how much a load takes while something is bid with.
SHARE: Final = 0.25
#: What a process bids with before it has a snapshot: nothing.
NOTHING: Final = Snapshot(
    version=0,
    compiled_at_utc=datetime(1970, 1, 1, tzinfo=UTC),
    currency="USD",
    campaigns=(),
    model=SpikingModel(name="none", offer_ids=(), weights=b"", scales=(), biases=()),
)

#: Which file it is, when it was written, and how long it is: what differs after each rename.
_Mark = tuple[int, int, int]


class Breaks:
    """A thread that works only for a share of its time, so that the loop beside it gets the interpreter."""

    def __init__(self, share: float) -> None:
        """`share` is in (0, 1]; the work begins now."""
        self._idle = 1 / share - 1
        # The thread's own time: what it waits for is no work, and earns no rest.
        self._since_s = time.thread_time()

    def __call__(self) -> None:
        """Sleep for what the work since the last call has earned."""
        time.sleep((time.thread_time() - self._since_s) * self._idle)
        self._since_s = time.thread_time()


def no_break() -> None:
    """Go on at once."""


def let_go(replaced: list[Prepared], pause: Callable[[], None]) -> None:
    """Drop what the list holds piece by piece: dropped at once, 10,000 campaigns hold everything up for 15 to 30 ms."""
    while replaced:
        ready = replaced.pop()
        tables: list[object] = [*ready.index.tables]
        pieces: list[object] = [*ready.index.entries, *ready.snapshot.campaigns]
        del ready
        for held, at_once in ((tables, 1), (pieces, _PIECES)):
            while held:
                pause()
                del held[-at_once:]


class Swaps(Protocol):
    """The engine, as far as a loader needs it."""

    def use(self, ready: Prepared, now_s: float) -> None:
        """Bid with another snapshot from the next request on."""
        ...


@dataclass(slots=True)
class SnapshotCounts:
    """What the metrics read. `version` 0: none is in use yet.

    `refused` by reason: broken, outdated, unreadable (the file), unusable (no backend takes its model).
    """

    version: int = 0
    campaigns: int = 0
    compiled_at_s: float = 0.0
    loaded: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class SnapshotFile:
    """One file and the engine that bids with it."""

    def __init__(
        self,
        path: Path,
        engine: Swaps,
        provider_of: Callable[[SpikingModel], CoLaNetProvider],
        clock: Callable[[], float],
    ) -> None:
        """Nothing is read yet.

        Args:
            path: the file; it may come later.
            engine: bids with it.
            provider_of: a warm backend for a model.
            clock: seconds since 1970.
        """
        self.counts = SnapshotCounts()
        self._path = path
        self._engine = engine
        self._provider_of = provider_of
        self._clock = clock
        self._in_use: Prepared | None = None
        self._replaced: list[Prepared] = []
        self._seen: _Mark | None = None
        self._unreadable = ""

    @property
    def is_ready(self) -> bool:
        """Whether there is something to bid with."""
        return self.counts.version > 0

    async def look(self) -> bool:
        """Use the file if it is another than at the last look; whether it was. Whatever it holds, no error."""
        try:
            ready = await asyncio.to_thread(self._load)
        except SnapshotOutdated as error:
            self._refuse("outdated", error)
        except SnapshotBroken as error:
            self._refuse("broken", error)
        except OSError as error:
            # Met again each second while it lasts: told once.
            self._refuse("unreadable", error, tells=str(error) != self._unreadable)
            self._unreadable = str(error)
        except Exception as error:  # noqa: BLE001 - a model that a backend cannot take must not end the bidding
            self._refuse("unusable", error)
        else:
            self._unreadable = ""
            if ready is not None:
                self._use(ready)
                return True
        return False

    def _load(self) -> Prepared | None:
        """Read, check, index; None where the file is not there, or the same as before."""
        let_go(self._replaced, Breaks(SHARE))
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            self._seen = None
            return None
        with file:
            found = os.fstat(file.fileno())
            mark = found.st_ino, found.st_mtime_ns, found.st_size
            if mark == self._seen:
                return None
            # Whatever comes of it, it is not tried again: one line for each bad file.
            self._seen = mark
            data = file.read()
        # The first is wanted at once: there is nothing to bid with, so nobody to be held up.
        pause = Breaks(SHARE) if self.is_ready else no_break
        snapshot = decode_snapshot(data, newer_than=self.counts.version, pause=pause)
        return prepared(snapshot, self._provider_of(snapshot.model), pause)

    def _use(self, ready: Prepared) -> None:
        snapshot = ready.snapshot
        self._engine.use(ready, self._clock())
        if self._in_use is not None:
            # Still held here, so that the engine's letting go of it is no work for the loop; the next look's thread
            # takes it apart.
            self._replaced.append(self._in_use)
        self._in_use = ready
        self.counts.version, self.counts.campaigns = snapshot.version, len(snapshot.campaigns)
        self.counts.compiled_at_s = snapshot.compiled_at_utc.timestamp()
        self.counts.loaded += 1
        logger.info("bidding with snapshot %d of %d campaigns", snapshot.version, len(snapshot.campaigns))

    def _refuse(self, reason: str, error: Exception, *, tells: bool = True) -> None:
        self.counts.refused[reason] += 1
        if tells:
            why = error if str(error) else type(error).__name__
            logger.warning("the snapshot at %s is refused, the one in use stays: %s", self._path, why)


async def watch(file: SnapshotFile, *, every_s: float = LOOK_EVERY_S) -> None:
    """Look, again and again, until cancelled."""
    while True:
        await file.look()
        await asyncio.sleep(every_s)
