"""Conditions of hand-written statements: every value is a numbered parameter, never text of the statement."""

from kit.pagination import Slice
from models.conditions import Conditions


def test_values_are_numbered_after_the_statements_own_and_a_slice_ends_it() -> None:
    where = Conditions("tenant", "workspace")
    where.among("status", ["OPEN", "DONE"])
    where.add("platform =", "META")
    assert where.newest_first("id", Slice(20, after=9, before=3)) == (
        " AND status IN ($3, $4) AND platform = $5 AND id < $6 AND id > $7 ORDER BY id DESC LIMIT 21"
    )
    assert where.parameters == ["tenant", "workspace", "OPEN", "DONE", "META", 9, 3]


def test_the_far_end_comes_first_going_backwards() -> None:
    where = Conditions()
    assert where.newest_first("e.sequence", Slice[int](2, backwards=True)) == " ORDER BY e.sequence ASC LIMIT 3"
    assert where.parameters == []


def test_among_nothing_is_nothing() -> None:
    where = Conditions("tenant")
    where.among("status", [])
    assert where.newest_first("id", Slice[int](1)) == " AND 1 = 0 ORDER BY id DESC LIMIT 2"
    assert where.parameters == ["tenant"]
