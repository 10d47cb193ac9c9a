"""The bid processes' snapshot as a file that is replaced whole. Implements services.bid_snapshots.SnapshotStore.

Must not know what is in a snapshot beyond its version.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from domain.bid_snapshot import HEAD_BYTES, SnapshotBroken, version_of


class FileSnapshots:
    """One file, and a lock beside it: several workers may write, each file is whole, and versions only rise."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path

    def is_there(self) -> bool:
        """Whether the file is there."""
        return self._path.exists()

    def publish(self, at_least: int, encode: Callable[[int], bytes]) -> int:
        """Write beside the file, flush to the disk, rename over it; returns the version.

        Raises:
            OSError: the folder cannot be written; the file is as it was.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            version = max(at_least, self._version() + 1)
            data = encode(version)
            fresh = self._path.with_suffix(".new")
            with fresh.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            self._flush_folder()
        return version

    def _version(self) -> int:
        """The version that stands there; -1 for none, and for what is no snapshot: that is to be replaced."""
        try:
            with self._path.open("rb") as file:
                return version_of(file.read(HEAD_BYTES))
        except (FileNotFoundError, SnapshotBroken):
            return -1

    def _flush_folder(self) -> None:
        """Or a loss of power could bring the file before back, whose version is lower."""
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
