"""Slices of lists: what part of an ordered list is asked for. Knows no domain, no cursor's spelling and no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


# No slots: Python 3.11 cannot make `Slice[int](...)` of a frozen generic that has them.
@dataclass(frozen=True)
class Slice(Generic[K]):
    """At most `limit` items of a list between two keys, neither of which belongs to it.

    Attributes:
        limit: how many at most, at least 1.
        after: the key of the item that the slice follows, in the list's own order; None for the list's start.
        before: the key of the item that it comes before; None for the list's end.
        backwards: take the items nearest to `before`, not those nearest to `after`. The list's order stays.
    """

    limit: int
    after: K | None = None
    before: K | None = None
    backwards: bool = False

    @property
    def fetch_limit(self) -> int:
        """One more than asked for: the extra item says whether there are others."""
        return self.limit + 1

    def in_order(self, found: Sequence[V]) -> Sequence[V]:
        """What was fetched from the end that the slice is taken from, in the list's own order."""
        return found[::-1] if self.backwards else found

    def kept(self, found: Sequence[V]) -> Sequence[V]:
        """The slice itself, out of what `fetch_limit` gave in the list's own order."""
        return found[-self.limit :] if self.backwards else found[: self.limit]

    def has_next(self, found: Sequence[object]) -> bool:
        """Whether items follow the slice, as far as `fetch_limit` tells; going backwards, `before` is one."""
        return self.before is not None if self.backwards else len(found) > self.limit

    def has_previous(self, found: Sequence[object]) -> bool:
        """Whether items come before the slice, likewise; going forwards, `after` is one."""
        return len(found) > self.limit if self.backwards else self.after is not None
