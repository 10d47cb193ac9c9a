"""How late the loop is, and which requests are turned away for it. Pure but for a clock; must not know a request.

A request waits twice: for the turn of the loop that its bytes come in, and then behind those before it. The second can
be measured. The first is, for who is first in line, as long as the turn before took or as the loop was held up, and the
shorter the later in line somebody is. Beyond a limit an answer would come too late to count, and would make those
behind it late as well; so it is refused before any work is done, and the others stay in time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

_BEAT_S: Final = 0.005
#: The shortest that loops count: the call comes in the next turn, behind the sockets of this one.
_ONE_TURN_S: Final = 0.001
#: A beat that is later than timers are by themselves: something held up the loop.
_HELD_UP_S: Final = 0.002
#: Over how long it is measured how densely requests come.
_MEMORY_S: Final = 0.05
#: How much of a wait the place in line says nothing of: sockets that were read in the last turn are read first.
_UNORDERED_S: Final = 0.003


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
        #: Of this turn: for how long the first in line may have waited for it, since when the last one was, and how
        #: many have come.
        self._held_s = 0.0
        self._since_s = 0.0
        self._place = 0
        #: When the last turn began, and whether the loop has looked for more since and found nothing.
        self._last_s = clock()
        self._is_idle = True
        #: How many came lately, within how long, and so how far apart.
        self._came = 0.0
        self._within_s = 0.0
        self._apart_s = 0.0
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

    def came_s(self) -> float:
        """When the bytes that are seen now came, as far as that can be told. Called once for each that are."""
        turn_s = self._turn_s
        if turn_s is None:
            turn_s = self._turn_s = self._clock()
            self._since_s = turn_s - self._last_s
            if not self._is_idle:
                self._held_s = self._since_s
            elif self._lag_s > _HELD_UP_S:
                # Since when is known to a beat.
                self._held_s = min(self._since_s, self._lag_s + _BEAT_S)
            else:
                # It turned when they came.
                self._held_s = 0.0
            self._place = 0
            self._loop.call_soon(self._turned)
        self._place += 1
        held_s = self._held_s
        return turn_s - max(held_s - self._place * self._apart_s, min(held_s, _UNORDERED_S))

    def take_worst_lag_s(self) -> float:
        """The longest time by which a turn began late since the last call."""
        worst, self._worst_s = self._worst_s, 0.0
        return worst

    def _turned(self) -> None:
        turn_s = self._turn_s
        if turn_s is None:
            return
        kept = _MEMORY_S / (_MEMORY_S + self._since_s)
        self._came = self._came * kept + self._place
        self._within_s = self._within_s * kept + self._since_s
        self._apart_s = self._within_s / self._came
        self._last_s = turn_s
        self._lag_s = 0.0
        self._turn_s = None
        self._is_idle = False
        # Comes behind the next look at the sockets, which does not wait for any.
        self._loop.call_soon(self._rested)

    def _rested(self) -> None:
        self._is_idle = self._turn_s is None

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
    early_s: float = 0.007
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
