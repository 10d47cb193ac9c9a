"""Waits for reports that a platform makes in its own time, and opens the files they come as. Must not parse them.

Waiting for a report is part of reading it: nothing was changed, so a report that does not come is a read that failed
and may be tried again.
"""

import asyncio
import io
import zipfile
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from domain.errors import PlatformError
from domain.platforms import Platform

#: Far more than three months of the largest account; a file that unpacks to more is not a report.
MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024

_GZIP: Final = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class ReportWait:
    """How long to wait before the first look and at most between two, and for the whole report; seconds."""

    first_seconds: float = 0.25
    longest_seconds: float = 15.0
    total_seconds: float = 900.0


USUAL_WAIT: Final = ReportWait()


async def wait_for_report(platform: Platform, look: Callable[[], Awaitable[str | None]], wait: ReportWait) -> str:
    """What `look` finds once the report is there; it is asked again, ever more seldom, while it finds None.

    Raises:
        PlatformError: whatever `look` raises, or REPORT_NOT_READY when `wait.total_seconds` have been waited.
    """
    pause, waited = wait.first_seconds, 0.0
    while waited < wait.total_seconds:
        await asyncio.sleep(pause)
        waited += pause
        found = await look()
        if found is not None:
            return found
        pause = min(pause * 2, wait.longest_seconds)
    message = f"{platform.value} did not finish a report within {wait.total_seconds:g} s"
    raise PlatformError(message, platform_code="REPORT_NOT_READY", retryable=True)


def report_failed(platform: Platform, status: str) -> PlatformError:
    """What to raise when the platform gave a report up; asking for a new one may succeed."""
    return PlatformError(f"{platform.value} gave up a report ({status})", platform_code="REPORT_FAILED", retryable=True)


def gunzip(data: bytes, *, limit: int = MAX_UNPACKED_BYTES) -> bytes:
    """The content of a gzip file. Raises ValueError: not one, cut short, or more than `limit` bytes."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise ValueError("the report is not a gzip file") from error
    if not unpacker.eof:
        raise ValueError("the report is cut short or too large")
    return content


def unzip(data: bytes, *, limit: int = MAX_UNPACKED_BYTES) -> bytes:
    """The one file in a zip file. Raises ValueError: not a zip of exactly one file, or more than `limit` bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            [entry] = archive.infolist()
            if entry.file_size > limit:
                raise ValueError("the report is too large")
            return archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError("the report is not a zip file") from error
