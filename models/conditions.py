"""Further conditions of a hand-written SELECT, their values bound. Must not name a table: what it adds to, does.

For the lists that are read most. Tortoise's own conversion of 100 recommendations takes three times as long.
"""

from collections.abc import Sequence
from typing import TypeVar

from kit.pagination import Slice

K = TypeVar("K")


class Conditions:
    """Conditions after those that the statement spells out, whose parameters come first.

    Attributes:
        parameters: the statement's and its conditions', in the order of their numbers.
    """

    def __init__(self, *parameters: object) -> None:
        self.parameters = list(parameters)
        self._parts: list[str] = []

    def add(self, comparison: str, value: object) -> None:
        """Only rows that compare so with a value, such as `"status ="`."""
        self._parts.append(f" AND {comparison} {self._mark(value)}")

    def among(self, column: str, values: Sequence[object]) -> None:
        """Only rows with one of these values; none at all where there are none."""
        marks = ", ".join(self._mark(value) for value in values)
        self._parts.append(f" AND {column} IN ({marks})" if marks else " AND 1 = 0")

    def newest_first(self, key: str, place: Slice[K]) -> str:
        """The conditions with a slice's own, its order and its limit, of a list by falling keys: the statement's end.

        The rows come from the end that the slice is taken from; `place.in_order` turns them.
        """
        if place.after is not None:
            self.add(f"{key} <", place.after)
        if place.before is not None:
            self.add(f"{key} >", place.before)
        order = "ASC" if place.backwards else "DESC"
        return f"{''.join(self._parts)} ORDER BY {key} {order} LIMIT {int(place.fetch_limit)}"

    def _mark(self, value: object) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}"
