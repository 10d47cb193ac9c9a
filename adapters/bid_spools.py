"""Reads the spools of bid processes and removes those that are done. Implements services.bid_events.BidSpools.

A spool is a SQLite file in one folder; a lock beside it is held by the process that writes it. Must not write into one.
"""

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from domain.bid_events import NoticeEvent, decode_notices
from domain.bid_spools import BIDS, NOTICES, Chunk

logger = logging.getLogger("campaign_express.bid_spools")

_READ: Final = "SELECT id, events, data FROM chunks WHERE id > ? ORDER BY id LIMIT ?"
_KEPT: Final = "SELECT data FROM chunks WHERE keep_until_s >= ? ORDER BY id"
_ENDS: Final = "SELECT COALESCE(MAX(id), 0), COALESCE(MAX(keep_until_s), 0) FROM chunks"
_BUSY_S: Final = 5.0


class FileSpools:
    """The spools of one folder, which bid processes and workers of one machine share."""

    def __init__(self, folder: Path) -> None:
        """Nothing is opened; the folder may be missing."""
        self._folder = folder

    def names(self) -> list[str]:
        """All spools, the oldest first of each kind."""
        return sorted(path.stem for path in self._folder.glob("*.db") if path.stem.split("-")[0] in {BIDS, NOTICES})

    def read(self, name: str, after: int, limit: int) -> list[Chunk]:
        """The next chunks of a spool behind a number, in order; none for one that has just been begun.

        Raises:
            sqlite3.Error: it is damaged.
        """
        with closing(self._opened(name)) as connection:
            try:
                rows = connection.execute(_READ, (after, limit)).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []
                raise
        return [Chunk(*row) for row in rows]

    def remove(self, name: str, moved_to: int, now_s: float) -> bool:
        """Remove a spool whose writer is gone, of which nothing is left to move, and that need not be kept longer."""
        path = self._path(name)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with closing(self._opened(name)) as connection:
                try:
                    last, keep_until_s = connection.execute(_ENDS).fetchone()
                except sqlite3.OperationalError as error:
                    if "no such table" not in str(error):
                        raise
                    last = keep_until_s = 0
            if last > moved_to or keep_until_s >= now_s:
                return False
            for suffix in (".db", ".db-wal", ".db-shm", ".lock"):
                path.with_suffix(suffix).unlink(missing_ok=True)
        except BlockingIOError:
            return False
        finally:
            os.close(lock)
        return True

    def notices_since(self, now_s: float) -> Iterator[NoticeEvent]:
        """Every notice on disk that may still come again. What cannot be read is told and left out."""
        for name in self.names():
            if not name.startswith(NOTICES):
                continue
            try:
                with closing(self._opened(name)) as connection:
                    chunks = [data for (data,) in connection.execute(_KEPT, (int(now_s),))]
            except sqlite3.Error:
                logger.exception("the notices in %s cannot be read; one of them may be counted again", name)
                continue
            for data in chunks:
                yield from (notice for notice in decode_notices(data) if notice.expires_s >= now_s)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.db"

    def _opened(self, name: str) -> sqlite3.Connection:
        # Read and write: a log that a killed process left is recovered by whoever opens the file next.
        return sqlite3.connect(
            f"{self._path(name).absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_S, isolation_level=None
        )
