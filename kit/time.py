"""Clocks and account-zone days. UTC everywhere; a zone enters only to say which day it is. Knows no domain."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Clock(Protocol):
    """Tells the time. Passed in, so that tests and simulations own it."""

    def now_utc(self) -> datetime:
        """The moment, time zone UTC."""


class SystemClock:
    """The machine's clock."""

    def now_utc(self) -> datetime:
        """The moment, time zone UTC."""
        return datetime.now(UTC)


class OffsetClock:
    """A clock a fixed or looked-up distance from the machine's: the sandbox's time, for demos that skip days."""

    def __init__(self, offset: Callable[[], timedelta]) -> None:
        self._offset = offset

    def now_utc(self) -> datetime:
        """The moment, time zone UTC."""
        return datetime.now(UTC) + self._offset()


class FixedClock:
    """A clock that stands still until told to move; for tests and simulations."""

    def __init__(self, at_utc: datetime) -> None:
        self._at_utc = require_utc(at_utc)

    def now_utc(self) -> datetime:
        """The moment, time zone UTC."""
        return self._at_utc

    def advance(self, by: timedelta) -> None:
        """Move forward (or back) by a distance."""
        self._at_utc += by


def require_utc(at: datetime) -> datetime:
    """The same moment in UTC. Raises ValueError on a naive datetime: it says no moment at all."""
    if at.tzinfo is None:
        raise ValueError("a datetime without a time zone says no moment; give it UTC")
    return at.astimezone(UTC)


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises ValueError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone") from error


def local_day(at_utc: datetime, zone_name: str) -> date:
    """Which day a moment falls on in a zone: an ad account's 'today'."""
    return require_utc(at_utc).astimezone(zone(zone_name)).date()


def day_start_utc(day: date, zone_name: str) -> datetime:
    """When a zone's day begins, in UTC; 23 or 25 hours before the next one where clocks change."""
    return datetime.combine(day, time.min, tzinfo=zone(zone_name)).astimezone(UTC)


def iso_utc(at: datetime) -> str:
    """One spelling of a moment, microseconds always there: the log hashes it and both databases return it."""
    return require_utc(at).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
