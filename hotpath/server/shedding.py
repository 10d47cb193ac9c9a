"""How late the loop is, and which requests are turned away for it. Pure but for a clock; must not know a request.

A request waits in two places that can be seen: behind those whose bytes came in the same turn of the loop, and behind a
turn that itself began late. Beyond a limit an answer would come too late to count, and would make those behind it late
as well; so it is refused before any work is done, and the others stay in time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

_BEAT_S: Final = 0.005
#: The shortest that loops count: the call comes in the next turn, behind the sockets of this one.
_ONE_TURN_S: Final = 0.001


class Handle(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Do not call."""
        ...


class Loop(Protocol):
    """The part of an event loop that is needed; asyncio's and uvloop's have it."""

    def call_soon(self, callback: Callable[[], object]) -> object:
        """Call once everything that is ready now was called."""
        ...

    def call_later(self, delay: float, callback: Callable[[], object]) -> Handle:
        """Call after `delay` seconds."""
        ...


class Lateness:
    """Measures one loop. `beat_s` is when it last turned, `worst_lag_s` its longest delay since that was last read."""

    def __init__(self, loop: Loop, clock: Callable[[], float]) -> None:
        """`clock` gives the moment at each call, which uvloop's own does only once a turn."""
        self._loop = loop
        self._clock = clock
        self._turn_s: float | None = None
        self._lag_s = 0.0
        self._due_s = clock() + _BEAT_S
        self._handle: Handle | None = None
        self.beat_s = clock()
        self._worst_s = 0.0

    def start(self) -> None:
        """Begin to beat."""
        self._due_s = self._clock() + _BEAT_S
        self._handle = self._loop.call_later(_BEAT_S, self._beat)

    def stop(self) -> None:
        """End the beat."""
        if self._handle is not None:
            self._handle.cancel()

    def turn_s(self) -> float:
        """When the first bytes of this turn were seen: now, if nobody's were."""
        if self._turn_s is None:
            self._turn_s = self._clock()
            self._loop.call_soon(self._turned)
        return self._turn_s

    def delay_s(self) -> float:
        """For how long whoever is at the front now has waited."""
        turn_s = self._turn_s
        return self._lag_s if turn_s is None else self._clock() - turn_s + self._lag_s

    def take_worst_lag_s(self) -> float:
        """The longest time by which a turn began late since the last call."""
        worst, self._worst_s = self._worst_s, 0.0
        return worst

    def _turned(self) -> None:
        self._turn_s = None

    def _beat(self) -> None:
        now_s = self._clock()
        # uvloop calls timers before the sockets of the same turn: what those bring has waited at least as long.
        self._lag_s = max(0.0, now_s - self._due_s)
        self._worst_s = max(self._worst_s, self._lag_s)
        self._loop.call_later(_ONE_TURN_S, self._caught_up)
        self.beat_s = now_s
        self._due_s = now_s + _BEAT_S
        self._handle = self._loop.call_later(_BEAT_S, self._beat)

    def _caught_up(self) -> None:
        self._lag_s = 0.0


@dataclass(frozen=True)
class SheddingSettings:
    """What an operator may turn, in seconds.

    Nothing is refused until one request is `late_s` late; from then on whatever is more than `early_s` late is refused,
    until nothing was for `calm_s`.
    """

    late_s: float = 0.008
    early_s: float = 0.006
    calm_s: float = 0.1


class Shedder:
    """Decides, request by request, whether there is still time to do it."""

    def __init__(self, settings: SheddingSettings) -> None:
        """Nothing is late."""
        self._settings = settings
        self._late_s = 0.0
        self.is_shedding = False

    def sheds(self, delay_s: float, now_s: float) -> bool:
        """Whether to refuse a request that has waited for so long. `now_s` never goes back."""
        settings = self._settings
        if delay_s > (settings.early_s if self.is_shedding else settings.late_s):
            self.is_shedding = True
            self._late_s = now_s
            return True
        if self.is_shedding and now_s - self._late_s >= settings.calm_s:
            self.is_shedding = False
        return False
