"""Lazy views: computed from what they name, only when asked, and complete or refused."""

from dataclasses import dataclass
from typing import Any

import pytest
import strawberry

from schema.lazy import computed, lazily, over, reads, same


@dataclass(frozen=True)
class Value:
    first: int
    second: int
    others: tuple[int, ...] = ()


def test_a_view_computes_what_is_asked_and_names_what_it_read():
    made: list[int] = []

    def total(*of: int) -> int:
        made.append(sum(of))
        return sum(of)

    @lazily(
        {
            "plain": same("first"),
            "double": computed(lambda n: 2 * n, "first"),
            "total_of_both": computed(total, "first", "second"),
        },
        {"how_many": ("others",)},
    )
    @strawberry.type
    class Shown:
        plain: int
        double: int
        total_of_both: int
        value: strawberry.Private[Value]

        @strawberry.field
        def how_many(self) -> int:
            return len(self.value.others)

    view: Any = over(Shown, Value(2, 3))
    assert (view.plain, view.double, made) == (2, 4, [])
    assert (view.total_of_both, made) == (5, [5])
    assert reads(Shown) == {
        "plain": ("first",),
        "double": ("first",),
        "totalOfBoth": ("first", "second"),
        "howMany": ("others",),
    }


@pytest.mark.parametrize("fields", [{}, {"plain": same("first"), "more": same("second")}])
def test_a_field_that_is_forgotten_or_invented_is_refused(fields):
    @strawberry.type
    class Shown:
        plain: int
        value: strawberry.Private[Value]

    with pytest.raises(TypeError, match="not computed, or are none"):
        lazily(fields, {})(Shown)
