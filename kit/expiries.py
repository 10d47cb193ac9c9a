"""What ends when: keys in the order of their ends, those of one moment in no order. Must not read a clock."""

from collections import deque
from typing import Final

#: Later than any time, in seconds.
NEVER_S: Final = 1e300


class Expiries:
    """Ends never come before those of earlier calls, so that nothing has to be sorted."""

    def __init__(self) -> None:
        """Nothing ends."""
        self._ends: deque[tuple[float, list[str]]] = deque()

    @property
    def next_s(self) -> float:
        """When the first key ends, or has ended; NEVER_S without one."""
        return self._ends[0][0] if self._ends else NEVER_S

    def add(self, key: str, ends_s: float) -> None:
        """A key that ends at `ends_s`, or with the latest until now where that is later."""
        if self._ends and self._ends[-1][0] >= ends_s:
            self._ends[-1][1].append(key)
        else:
            self._ends.append((ends_s, [key]))

    def over(self, now_s: float, most: int) -> list[str]:
        """Keys that have ended by now, at most so many; each is given once, the others with the next calls."""
        ended: list[str] = []
        while self._ends and self._ends[0][0] <= now_s and len(ended) < most:
            keys = self._ends[0][1]
            ended.append(keys.pop())
            if not keys:
                self._ends.popleft()
        return ended
