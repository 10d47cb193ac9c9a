"""A file of secrets that several processes share: mode 0600, replaced whole, changed under a lock beside it.

Owns the file, not what stands in it. Readers need no lock, because they see the text before a change or after it.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class SecretFile(Generic[T]):
    """One file, made when it is missing.

    Args:
        path: the file; its folder is made with mode 0700, and a lock file stands beside it.
        made: the text that a missing file gets.
        parse: what stands in the text; whatever it raises, every reading raises until the file changes.
    """

    def __init__(self, path: Path, made: Callable[[], str], parse: Callable[[str], T]) -> None:
        self._path = path
        self._made = made
        self._parse = parse
        self._held: tuple[tuple[int, int, int], T] | None = None

    def current(self) -> T:
        """What stands in the file now: one stat, and a reading only where the file changed since the last call."""
        seen = self._fingerprint()
        if seen is None:
            # Another process may make it while this one waits for the lock; then it stays as that one made it.
            self.change(lambda text: self._made() if text is None else text)
            seen = self._fingerprint()
        if self._held is None or self._held[0] != seen:
            # The fingerprint was taken before the read: a change in between is read now and read again next time.
            parsed = self._parse(self._path.read_text("utf-8"))
            if seen is None:  # Removed since: what was read counts this once.
                return parsed
            self._held = seen, parsed
        return self._held[1]

    def change(self, changed: Callable[[str | None], str]) -> None:
        """Replace the text by what `changed` makes of it (None: no file yet), while no other process can."""
        with self._locked():
            text = self._path.read_text("utf-8") if self._path.exists() else None
            after = changed(text)
            if after != text:
                self._write(after)

    def _fingerprint(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, text: str) -> None:
        folder, name = self._path.parent, self._path.name
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")  # mkstemp makes it 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
