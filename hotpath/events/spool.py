"""One series of SQLite files that a thread of its own writes: what came since the last commit goes in one row.

A row holds many events, because a statement costs the interpreter lock twice, and a busy loop gives it up late. WAL and
synchronous=FULL: what is committed outlives the process and the machine. What a file's log holds is left there, also
when the file is full: whoever reads it next copies it into the file, or need not, where all is read and the file goes.
A lock file beside each says that its writer lives (`adapters/bid_spools.py` reads).
Must not know what an event is.
"""

import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.bid_events import packed
from kit.ids import new_id

logger = logging.getLogger("campaign_express.spool")

_CREATE: Final = (
    "CREATE TABLE chunks (id INTEGER PRIMARY KEY, events INTEGER NOT NULL, keep_until_s INTEGER NOT NULL, "
    "data BLOB NOT NULL)"
)
_INSERT: Final = "INSERT INTO chunks (events, keep_until_s, data) VALUES (?, ?, ?)"
_RETRY_S: Final = 0.25
#: More than are decided at once: a batch of inference, and those who wait some milliseconds for a place of all nodes'.
_UNDER_WAY: Final = 512
_CLOSE_S: Final = 10.0
#: A full disk fails four times a second; one line in 25 s says so.
_TOLD_EVERY: Final = 100


@dataclass(frozen=True)
class SpoolSettings:
    """What an operator may turn.

    `most_waiting` is how many events may wait for the disk; `gather_s` for how long they are gathered before a commit,
    which is also what a killed process loses at most, besides the commit under way (20 ms instead of 50 take a
    twentieth from what a busy core bids); `file_bytes` when a new file is begun; `most_chunk` how many events one row
    takes.
    """

    most_waiting: int = 50_000
    gather_s: float = 0.05
    file_bytes: int = 64 * 1024 * 1024
    most_chunk: int = 4_096


class SpoolFile:
    """One file and its lock. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Take the lock first: whoever sees the file must see that it is in use. Raises OSError, sqlite3.Error."""
        self.path = path
        self.bytes = 0
        self._to_read = f"{path.absolute().as_uri()}?mode=ro"
        self._lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Made by us, because SQLite would let others read it; its log gets the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in (
            # A commit rewrites two pages besides the row's own, and writes each page by itself: on pages of 64 KiB 2.5
            # times what it has to, on 4 KiB in twice as many calls.
            "PRAGMA page_size = 8192",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA wal_autocheckpoint = 0",
            _CREATE,
        ):
            self._connection.execute(statement)

    def write(self, events: list[bytes], keep_until_s: int) -> None:
        """One row, committed and flushed when this returns. Raises sqlite3.Error: nothing was written."""
        data = packed(events)
        self._connection.execute(_INSERT, (len(events), keep_until_s, data))
        self.bytes += len(data)

    def close(self) -> None:
        """Let go of the file, its log as it is.

        Whoever closes a database last copies its log into it, which takes 0.4 s of a processor that has bids to make;
        except who only reads. So a reader is opened, and closed last. Without one the log is copied: nothing is lost.
        """
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._to_read, uri=True)) as reader:
            # The log is opened with the first statement.
            reader.execute("SELECT id FROM chunks LIMIT 1").fetchone()
            self._connection.close()
        self._connection.close()
        os.close(self._lock)


class Spool:
    """A bounded queue and the thread that empties it."""

    def __init__(
        self,
        folder: Path,
        name: str,
        settings: SpoolSettings,
        *,
        open_file: Callable[[Path], SpoolFile] = SpoolFile,
    ) -> None:
        """Open the first file and start the thread.

        Args:
            folder: made where it is missing, for its owner alone.
            name: what the files' names begin with.
            settings: see there.
            open_file: makes a file at a path.

        Raises:
            OSError: the folder cannot be written.
            sqlite3.Error: no database can be made there.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._name, self._settings, self._open_file = folder, name, settings, open_file
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._until_s = float("inf")
        self.in_hand = 0
        self.spooled = self.dropped = self.commits = self.failures = self.lost = 0
        self._file = self._next_file()
        self._writer = threading.Thread(target=self._run, name=f"spool {name}", daemon=True)
        self._writer.start()

    @property
    def waiting(self) -> int:
        """Events that no commit holds yet."""
        return len(self._waiting) + self.in_hand

    @property
    def has_room(self) -> bool:
        """Whether an auction may begin: its event, and those of the auctions under way, will find a place."""
        return len(self._waiting) + self.in_hand + _UNDER_WAY < self._settings.most_waiting

    def put(self, event: bytes, *, keep_until_s: int = 0) -> bool:
        """Have an event written soon; False, and counted as dropped, without room for it. Never waits.

        Args:
            event: encoded.
            keep_until_s: until when, in seconds since 1970, its file must stay after it was read.
        """
        if len(self._waiting) + self.in_hand >= self._settings.most_waiting:
            self.dropped += 1
            return False
        self._waiting.append((event, keep_until_s))
        if not self._wake.is_set():
            self._wake.set()
        return True

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """Write what waits, close the file, end the thread. What the disk does not take in time is lost, and told."""
        self._until_s = time.monotonic() + timeout_s
        self._stop.set()
        self._wake.set()
        self._writer.join()
        if self.lost:
            logger.error("%d events of %s could not be written and are lost", self.lost, self._name)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._stop.wait(self._settings.gather_s)
            # Cleared before the queue is read: what comes after this wakes the thread again.
            self._wake.clear()
            if self._waiting:
                self._write_group()
            while len(self._waiting) >= self._settings.most_chunk:
                self._write_group()
            # What came during the commit is gathered anew: by itself it would make one of a few events.
            if self._waiting:
                self._wake.set()
        while self._waiting:
            self._write_group()
        self._file.close()

    def _write_group(self) -> None:
        count = min(len(self._waiting), self._settings.most_chunk)
        # In this order, or there would seem to be room in between.
        self.in_hand = count
        group = [self._waiting.popleft() for _ in range(count)]
        events, keep_until_s = [event for event, _ in group], max(until for _, until in group)
        while not self._written(events, keep_until_s):
            if self._stop.is_set() and time.monotonic() > self._until_s:
                self.lost += count
                break
            time.sleep(_RETRY_S)
        self.in_hand = 0
        if self._file.bytes >= self._settings.file_bytes:
            self._turn_over()

    def _written(self, events: list[bytes], keep_until_s: int) -> bool:
        try:
            self._file.write(events, keep_until_s)
        except sqlite3.Error:
            self.failures += 1
            if self.failures % _TOLD_EVERY == 1:
                logger.exception("%s cannot be written, failure %d", self._file.path, self.failures)
            return False
        self.commits += 1
        self.spooled += len(events)
        return True

    def _turn_over(self) -> None:
        """Go on in a new file."""
        full = self._file
        try:
            self._file = self._next_file()
        except (OSError, sqlite3.Error):
            self.failures += 1
            logger.exception("no new file for %s; the old one goes on", self._name)
            return
        full.close()

    def _next_file(self) -> SpoolFile:
        return self._open_file(self._folder / f"{self._name}-{new_id().hex}.db")
