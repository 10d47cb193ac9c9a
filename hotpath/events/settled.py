"""Which notices were counted: each is remembered for as long as its token is believed, and no longer.

What is remembered is bound by time, not by number, so that no repeated notice is counted because many others came in
between. Must not read a clock.
"""

from typing import Final

_SPAN_S: Final = 60


class SettledNotices:
    """Sets of notices by the minute in which their tokens end; a minute that is over is forgotten whole."""

    def __init__(self) -> None:
        """Nothing was counted."""
        self._minutes: dict[int, set[str]] = {}
        self._oldest = 0

    def __len__(self) -> int:
        return sum(map(len, self._minutes.values()))

    def has(self, kind: str, bid_id: str, expires_s: int) -> bool:
        """Whether this notice was counted."""
        held = self._minutes.get(expires_s // _SPAN_S)
        return held is not None and f"{kind} {bid_id}" in held

    def add(self, kind: str, bid_id: str, expires_s: int, now_s: float) -> None:
        """It is counted now; those that cannot come any more are forgotten."""
        minute = int(now_s) // _SPAN_S
        if minute != self._oldest:
            self._oldest = minute
            for past in [each for each in self._minutes if each < minute]:
                del self._minutes[past]
        self._minutes.setdefault(expires_s // _SPAN_S, set()).add(f"{kind} {bid_id}")
