"""Slices: which items are kept of what was fetched, and what is known of the rest."""

import pytest

from kit.pagination import Slice

LIST = [1, 2, 3, 4, 5]


def fetched(place: Slice[int], items: list[int]) -> list[int]:
    """What a table would give for a slice, one item more than asked for if there is one."""
    between = [
        item
        for item in items
        if (place.after is None or item > place.after) and (place.before is None or item < place.before)
    ]
    far_end_first = between[::-1] if place.backwards else between
    return list(place.in_order(far_end_first[: place.fetch_limit]))


@pytest.mark.parametrize(
    ("place", "kept", "has_previous", "has_next"),
    [
        (Slice[int](2), [1, 2], False, True),
        (Slice(5), LIST, False, False),
        (Slice(6), LIST, False, False),
        (Slice(2, after=2), [3, 4], True, True),
        (Slice(3, after=2), [3, 4, 5], True, False),
        (Slice(2, after=5), [], True, False),
        (Slice(2, after=1, before=4), [2, 3], True, False),
        (Slice(1, after=1, before=4), [2], True, True),
        (Slice[int](2, backwards=True), [4, 5], True, False),
        (Slice(2, before=4, backwards=True), [2, 3], True, True),
        (Slice(3, before=4, backwards=True), [1, 2, 3], False, True),
        (Slice(1, after=1, before=4, backwards=True), [3], True, True),
        (Slice(2, before=1, backwards=True), [], False, True),
    ],
)
def test_a_slice_keeps_its_items_in_order_and_knows_its_neighbours(
    place: Slice[int], kept: list[int], *, has_previous: bool, has_next: bool
) -> None:
    found = fetched(place, LIST)
    assert list(place.kept(found)) == kept
    assert (place.has_previous(found), place.has_next(found)) == (has_previous, has_next)


def test_one_more_than_asked_for_is_fetched() -> None:
    assert Slice[int](7).fetch_limit == 8
