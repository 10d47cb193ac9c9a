"""The sandbox's switches: limits that the real platforms have and that are off until somebody asks for them.

Held in the state file, set through /control/options, 0 is off. Must not know how a platform words a refusal.
"""

from enum import StrEnum
from typing import Final


class Option(StrEnum):
    """A switch; its value is a whole number, 0 for off.

    META_CHANGES_PER_HOUR: budget changes that an entity takes within an hour.
    TIKTOK_MAX_CHANGE_PERCENT: the largest change of a budget, in percent of what stood there.
    LINKEDIN_CALLS_PER_DAY: calls taken between two midnights UTC.
    AMAZON_CALLS_PER_SECOND, MICROSOFT_CALLS_PER_MINUTE: calls taken in a second, in a minute.
    """

    META_CHANGES_PER_HOUR = "meta_changes_per_hour"
    TIKTOK_MAX_CHANGE_PERCENT = "tiktok_max_change_percent"
    LINKEDIN_CALLS_PER_DAY = "linkedin_calls_per_day"
    AMAZON_CALLS_PER_SECOND = "amazon_calls_per_second"
    MICROSOFT_CALLS_PER_MINUTE = "microsoft_calls_per_minute"


MAX_OPTION: Final = 1_000_000_000


class CallCounter:
    """Calls in the window that runs; a new window starts at nothing."""

    def __init__(self) -> None:
        self._window = ""
        self._calls = 0

    def count(self, window: str) -> int:
        """Count a call. Returns how many there were in this window, this one included."""
        self._calls = self._calls + 1 if window == self._window else 1
        self._window = window
        return self._calls
