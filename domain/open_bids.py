"""Bids that nobody has settled: what is kept of each until its notice comes or its time is over.

Millions are open where no exchange sends loss notices. A process numbers its bids (`4f1c…-1a2b`), so those whose tokens
differ in the last two digits only share a page, where the digits say the place: no token is hashed or kept, what is
held grows by a page at a time, and a page that is settled goes at once. Any other token is kept by itself. Must not
read a clock or know what is kept.
"""

from collections import deque
from typing import Any, Final, Generic, TypeVar

from kit.expiries import NEVER_S, Expiries

T = TypeVar("T")

#: How many places two hexadecimal digits name.
_PLACES: Final = 256
#: A page is begun only by one of its first places, so that tokens which are no numbers do not each take a page.
_FIRST_PLACES: Final = 16
#: Empty places that one call passes at most: no request is to wait for all of a second's.
_MOST_LOOKS: Final = 1_024
_DIGITS: Final = 2
#: Digits' code points. Literals: compiled, anything else is looked up each time.
_0: Final = 48
_9: Final = 57
_A: Final = 97
_F: Final = 102
_FROM_A: Final = 87


class _Page:
    """Places 0 to 255 of one stem: a bid's is free where its first cell is None."""

    def __init__(self, stem: str, first: int, width: int) -> None:
        self.stem = stem
        #: The number of its first place among those of all pages, in their order.
        self.first = first
        self.open = 0
        self.cells: list[Any] = [None] * (_PLACES * width)


class OpenBids(Generic[T]):
    """What each open bid holds, by its token: one thing, and two more in a book that is made for three.

    Not a tuple of three: millions of those are what such a book would mostly hold.
    """

    def __init__(self, *, three: bool = False) -> None:
        """Nothing is open."""
        #: Nothing ends before; a time that is far away, when nothing is open.
        self.next_s = NEVER_S
        self._width = 3 if three else 1
        self._newest = _Page("", -_PLACES, 0)
        #: The newest page's last place in use; as if it were full, so that the first bid begins another.
        self._place = _PLACES
        self._pages: dict[str, _Page] = {}
        self._queue: deque[_Page] = deque()
        self._kept = 0
        #: Since which place bids end when: those of one second, until the next one's first.
        self._runs: deque[tuple[float, int]] = deque()
        #: Of the first of them, the end and the place after its last; less than 0 where it is the latest.
        self._first_s = NEVER_S
        self._first_past = -1
        self._run_s = -NEVER_S
        self._latest_s = -NEVER_S
        #: The first place that was not looked at since its end.
        self._at = 0
        self._strays: dict[str, tuple[T, Any, Any]] = {}
        self._stray_ends = Expiries()
        self._stray_s = NEVER_S

    def __len__(self) -> int:
        return self._kept + len(self._strays)

    def add(self, token: str, ends_s: float, what: T, second: Any = None, third: Any = None) -> None:
        """Keep what an open bid holds, until it is taken, or over.

        Args:
            token: unlike any other's.
            ends_s: when it ends; with the latest until now where that is later.
            what: never None.
            second: in a book for three.
            third: as above.
        """
        self._latest_s = max(self._latest_s, ends_s)
        place, page = _place_of(token), self._newest
        if place <= self._place or len(token) != len(page.stem) + _DIGITS or not token.startswith(page.stem):
            if not self._turn(token, place):
                self._strays[token] = (what, second, third)
                self._stray_ends.add(token, self._latest_s)
                self._note_next()
                return
            page = self._newest
        self._place = place
        if self._run_s != self._latest_s:
            self._run_s = self._latest_s
            self._runs.append((self._run_s, page.first + place))
            self._note_next()
        cells = page.cells
        if self._width == 1:
            cells[place] = what
        else:
            cell = place * 3
            cells[cell], cells[cell + 1], cells[cell + 2] = what, second, third
        page.open += 1
        self._kept += 1

    def take(self, token: str) -> tuple[T | None, Any, Any]:
        """What a bid holds, which holds nothing from now on; None, where it does not or was never heard of."""
        place = _place_of(token)
        if place >= 0:
            page = self._pages.get(token[:-_DIGITS])
            if page is not None and page.cells[place * self._width] is not None:
                return self._taken(page, place)
        if self._strays:
            stray = self._strays.pop(token, None)
            if stray is not None:
                return stray
        return None, None, None

    def over(self, now_s: float, most: int) -> list[tuple[T, Any, Any]]:
        """What those hold that have ended by now, at most so many; each is given once, the others with the next calls.

        Nothing before `next_s`.
        """
        ended: list[tuple[T, Any, Any]] = []
        looks = _MOST_LOOKS
        while self._stray_s <= now_s and looks > 0 and len(ended) < most:
            for token in self._stray_ends.over(now_s, most - len(ended)):
                looks -= 1
                stray = self._strays.pop(token, None)
                if stray is not None:
                    ended.append(stray)
            self._note_next()
        while self._first_s <= now_s and looks > 0 and len(ended) < most:
            looks -= self._walk(most, looks, ended)
        return ended

    def _note_next(self) -> None:
        runs = self._runs
        self._stray_s = self._stray_ends.next_s
        self._first_s = runs[0][0] if runs else NEVER_S
        self._first_past = runs[1][1] if len(runs) > 1 else -1
        self.next_s = min(self._stray_s, self._first_s)

    def _walk(self, most: int, looks: int, ended: list[tuple[T, Any, Any]]) -> int:
        """Take what the first run still holds; how many places, or settled pages, were looked at for that."""
        at, end, looked = self._at, self._first_past, 0
        if end < 0:
            end = self._newest.first + self._place + 1
        while at < end and looked < looks and len(ended) < most:
            page = self._queue[0]
            past = page.first + _PLACES
            stop = min(past, end)
            while at < stop and page.open and looked < looks and len(ended) < most:
                place = at - page.first
                at += 1
                looked += 1
                if page.cells[place * self._width] is not None:
                    ended.append(self._taken(page, place))
            if not page.open:
                at = stop
                looked += 1
            if at == past:
                self._queue.popleft()
        self._at = at
        if at == end:
            self._runs.popleft()
            if not self._runs:
                # Another bid of the same second would need it again.
                self._run_s = -NEVER_S
            self._note_next()
        return looked

    def _taken(self, page: _Page, place: int) -> tuple[T, Any, Any]:
        cells, second, third = page.cells, None, None
        cell = place * self._width
        what: T = cells[cell]
        cells[cell] = None
        if self._width > 1:
            second, third = cells[cell + 1], cells[cell + 2]
            cells[cell + 1] = cells[cell + 2] = None
        self._kept -= 1
        page.open -= 1
        if not page.open and page is not self._newest:
            self._drop(page)
        return what, second, third

    def _turn(self, token: str, place: int) -> bool:
        """Begin the page of a token; False where it must be kept by itself."""
        if not 0 <= place < _FIRST_PLACES:
            return False
        stem = token[:-_DIGITS]
        if stem in self._pages:
            return False
        last = self._newest
        if not last.open:
            self._drop(last)
        self._newest = self._pages[stem] = page = _Page(stem, last.first + _PLACES, self._width)
        self._queue.append(page)
        self._place = -1
        return True

    def _drop(self, page: _Page) -> None:
        """Forget a page that is settled; its turn in the queue is still to come."""
        self._pages.pop(page.stem, None)
        page.cells = []


def _place_of(token: str) -> int:
    """What the last two digits say; less than 0 where they are none."""
    size = len(token)
    if size < _DIGITS:
        return -1
    return _value(ord(token[size - 2])) * 16 + _value(ord(token[size - 1]))


def _value(code: int) -> int:
    """A digit's; so far below 0 that the place is, too, for another character."""
    if _0 <= code <= _9:
        return code - _0
    return code - _FROM_A if _A <= code <= _F else -_PLACES
