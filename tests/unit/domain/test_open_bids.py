"""Open bids: each token gives what it holds once, to its notice or to its end, whatever it looks like."""

from hypothesis import given
from hypothesis import strategies as st

from domain.open_bids import OpenBids
from kit.expiries import NEVER_S


def full(count: int, *, ends_s: float = 10.0, prefix: str = "ab-") -> OpenBids[int]:
    """Bids of one process, numbered from 1 on."""
    made: OpenBids[int] = OpenBids()
    for number in range(1, count + 1):
        made.add(f"{prefix}{number:x}", ends_s, number)
    return made


def test_every_token_of_a_process_gives_its_own() -> None:
    made = full(70_000)
    assert len(made) == 70_000
    for number in (1, 15, 16, 17, 255, 256, 257, 4_095, 4_096, 65_535, 65_536, 70_000):
        assert made.take(f"ab-{number:x}") == (number, None, None)
        assert made.take(f"ab-{number:x}") == (None, None, None)
    assert len(made) == 70_000 - 12


def test_a_token_that_only_looks_alike_takes_nothing() -> None:
    made = full(0x1100)
    for token in (
        "ac-100f", "ab-0100f", "ab-100F", "ab-1 0f", "ab-110f", "ab100f", "b-100f", "100f", "0f", "f", "", "ab-10\u0660f"
    ):  # fmt: skip
        assert made.take(token) == (None, None, None), token
    assert len(made) == 0x1100


def test_bids_end_at_their_second_and_in_pieces() -> None:
    made = full(1_000)
    made.add("ab-3e9", 9.0, 1_001)
    made.add("ab-3ea", 11.0, 1_002)
    assert made.next_s == 10.0
    assert made.over(9.9, 64) == []
    ended = [made.over(10.0, 64) for _ in range(17)]
    assert [len(each) for each in ended] == [64] * 15 + [41, 0]
    assert sorted(what for each in ended for what, _, _ in each) == list(range(1, 1_002))
    assert (len(made), made.next_s) == (1, 11.0)
    assert made.over(11.0, 64) == [(1_002, None, None)]
    assert (len(made), made.next_s) == (0, NEVER_S)
    made.add("ab-3eb", 11.0, 1_003)
    assert made.over(11.0, 64) == [(1_003, None, None)]


def test_no_call_passes_all_places_of_a_second_that_others_have_emptied() -> None:
    made = full(6_000)
    for number in range(1, 6_001):
        if number % 200:
            made.take(f"ab-{number:x}")
    calls = [len(made.over(10.0, 64)) for _ in range(7)]
    assert sum(calls) == 30
    assert max(calls) < 10


def test_what_is_settled_is_no_longer_held() -> None:
    made = full(100_000)
    for number in range(1, 99_001):
        made.take(f"ab-{number:x}")
    assert sum(len(page.cells) for page in made._pages.values()) <= 6 * 256
    assert sum(len(page.cells) for page in made._queue) <= 6 * 256


def test_tokens_that_are_no_numbers_take_no_page_each() -> None:
    made: OpenBids[int] = OpenBids()
    for number in range(2_000):
        made.add(f"{number * 2_654_435_761 % 2**32:08x}", 10.0, number)
    assert sum(len(page.cells) for page in made._pages.values()) < 2_000 * 32
    assert all(made.take(f"{number * 2_654_435_761 % 2**32:08x}")[0] == number for number in range(2_000))


def test_strays_that_were_settled_keep_no_other_from_ending() -> None:
    made: OpenBids[int] = OpenBids()
    for number in range(200):
        made.add(f"stray {number}", 10.0, number)
    for number in range(100, 200):
        made.take(f"stray {number}")
    assert [len(made.over(10.0, 64)) for _ in range(3)] == [64, 36, 0]


def test_a_book_for_three_gives_all_three() -> None:
    made: OpenBids[str] = OpenBids(three=True)
    for number in range(0x100, 0x300):
        made.add(f"p-{number:x}", 10.0, f"u{number}", f"k{number}", number / 2)
    made.add("a stray", 10.0, "u", "k", 0.5)
    assert made.take("p-1ff") == ("u511", "k511", 255.5)
    assert made.take("a stray") == ("u", "k", 0.5)
    ended = [one for _ in range(8) for one in made.over(10.0, 64)]
    assert ended == [(f"u{number}", f"k{number}", number / 2) for number in range(0x100, 0x300) if number != 0x1FF]


#: What a token begins with, and how far its number is from the last one's: small steps, a page's end, and one back.
TOKENS = st.tuples(st.sampled_from(["a-", "bb-", "x"]), st.sampled_from([1, 1, 1, 1, 2, 3, 20, 250, 300, -5]))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), TOKENS, st.integers(-2, 3)),
            st.tuples(st.just("take"), st.integers(0, 10**6), st.none()),
            st.tuples(st.just("over"), st.integers(0, 3), st.sampled_from([1, 3, 64])),
        ),
        max_size=120,
    ),
    st.integers(0, 300),
)  # fmt: skip
def test_it_does_what_a_dict_does(steps: list[tuple[str, object, object]], first: int) -> None:
    """Each step adds a token, ending 5 s later, more or less; takes one of all ever made; or lets time pass."""
    made: OpenBids[int] = OpenBids()
    model: dict[str, tuple[int, float]] = {}
    known: list[str] = []
    numbers = dict.fromkeys(["a-", "bb-", "x"], first)
    now_s, latest_s = 0.0, 0.0
    for at, (act, which, how) in enumerate(steps):
        if act == "add":
            assert isinstance(which, tuple)
            assert isinstance(how, int)
            prefix, step = which
            numbers[prefix] = max(0, numbers[prefix] + step)
            token = f"{prefix}{numbers[prefix]:x}"
            if token in known:
                continue
            latest_s = max(latest_s, now_s + 5 + how)
            made.add(token, now_s + 5 + how, at)
            model[token] = (at, latest_s)
            known.append(token)
        elif act == "take" and known:
            assert isinstance(which, int)
            token = known[which % len(known)]
            assert made.take(token)[0] == model.pop(token, (None,))[0]
        elif act == "over":
            assert isinstance(which, int)
            assert isinstance(how, int)
            now_s += which
            due = {what for what, ends_s in model.values() if ends_s <= now_s}
            assert not due or made.next_s <= now_s
            ended = [what for what, _, _ in made.over(now_s, how)]
            assert len(ended) == len(set(ended)) == min(how, len(due))
            assert set(ended) <= due
            model = {token: (what, ends_s) for token, (what, ends_s) in model.items() if what not in ended}
        assert len(made) == len(model)
    ended = [what for _ in range(200) for what, _, _ in made.over(1e9, 64)]
    assert sorted(ended) == sorted(what for what, _ in model.values())
