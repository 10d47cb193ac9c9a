"""Expiries: each key once, in its order, not before its end."""

from hypothesis import given
from hypothesis import strategies as st

from kit.expiries import Expiries


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2, 100])), max_size=60))
def test_a_key_ends_once_and_in_time(steps: list[tuple[int, int]]) -> None:
    """Each step lets time pass, then adds a key (0) or takes so many."""
    expiries, now_s = Expiries(), 0
    waiting: dict[str, int] = {}
    for number, (passed_s, most) in enumerate(steps):
        now_s += passed_s
        if not most:
            expiries.add(str(number), now_s + 5)
            waiting[str(number)] = now_s + 5
            continue
        due = {key for key, ends_s in waiting.items() if ends_s <= now_s}
        ended = expiries.over(now_s, most)
        assert len(ended) == len(set(ended)) == min(most, len(due))
        assert set(ended) <= due
        left = due - set(ended)
        assert not left or max(waiting[key] for key in ended) <= min(waiting[key] for key in left)
        for key in ended:
            del waiting[key]


def test_an_end_before_an_earlier_one_waits_for_it() -> None:
    expiries = Expiries()
    expiries.add("a", 10)
    expiries.add("b", 9)
    assert expiries.over(9.5, 5) == []
    assert sorted(expiries.over(10, 5)) == ["a", "b"]
    assert expiries.over(20, 5) == []
