"""Caps: a place is taken at the bid, given back on loss or expiry, and a full ledger refuses."""

from hypothesis import given
from hypothesis import strategies as st

from domain.bid_caps import CapLedger


def bid(ledger: CapLedger, token: str, now_s: float, *, hourly: int = 0, daily: int = 0, user: str = "u") -> bool:
    allowed = ledger.allows(user, "k", now_s, hourly_cap=hourly, daily_cap=daily)
    if allowed:
        ledger.reserve(token, user, "k", now_s, expires_s=now_s + 60)
    return allowed


def test_open_bids_count_and_a_loss_gives_the_place_back() -> None:
    ledger = CapLedger()
    assert bid(ledger, "a", 0, hourly=2)
    assert bid(ledger, "b", 1, hourly=2)
    assert not bid(ledger, "c", 2, hourly=2)
    assert bid(ledger, "c", 2, hourly=2, user="other")
    ledger.release("a")
    ledger.release("a")
    assert bid(ledger, "d", 3, hourly=2)
    assert not bid(ledger, "e", 4, hourly=2)


def test_a_bid_nobody_answers_expires_and_a_shown_one_does_not() -> None:
    ledger = CapLedger()
    assert bid(ledger, "shown", 0, daily=2)
    assert bid(ledger, "silent", 0.5, daily=2)
    ledger.confirm("shown")
    assert not bid(ledger, "c", 60, daily=2)
    assert bid(ledger, "d", 60.5, daily=2)
    assert not bid(ledger, "e", 61, daily=2)
    assert ledger.open_bids == 1


def test_hours_and_days_slide() -> None:
    ledger = CapLedger()
    for number in range(3):
        assert bid(ledger, f"t{number}", number * 3_600.0, hourly=1, daily=3)
        ledger.confirm(f"t{number}")
        assert not bid(ledger, "no", number * 3_600.0 + 3_599, hourly=1, daily=3)
    assert not bid(ledger, "no", 86_399, hourly=1, daily=3)
    assert bid(ledger, "next day", 86_400, hourly=1, daily=3)


def test_a_full_ledger_refuses_new_pairs_until_a_day_has_passed() -> None:
    ledger = CapLedger(most_keys=2)
    for user in ("a", "b"):
        assert bid(ledger, user, 0, daily=2, user=user)
        ledger.confirm(user)
    assert not bid(ledger, "c", 1, daily=2, user="c")
    assert bid(ledger, "a2", 1, daily=2, user="a")
    ledger.confirm("a2")
    assert bid(ledger, "c", 86_400, daily=2, user="c")
    assert len(ledger) == 2


def test_no_cap_needs_no_place() -> None:
    assert CapLedger(most_keys=0).allows("u", "k", 0, hourly_cap=0, daily_cap=0)


@given(st.lists(st.tuples(st.integers(0, 4_000), st.sampled_from(["bid", "lose", "show"])), max_size=60))
def test_no_hour_ever_holds_more_than_the_cap(steps: list[tuple[int, str]]) -> None:
    ledger, now, held = CapLedger(), 0.0, dict[str, tuple[float, bool]]()
    for number, (wait, act) in enumerate(steps):
        now += wait
        if act == "bid" and bid(ledger, f"t{number}", now, hourly=2):
            held[f"t{number}"] = (now, False)
        elif act == "lose" and held:
            token, (_, shown) = held.popitem()
            if shown:
                held[token] = (_, shown)
            else:
                ledger.release(token)
        elif act == "show" and held:
            token = next(reversed(held))
            if held[token][0] + 60 > now:
                held[token] = (held[token][0], True)
                ledger.confirm(token)
        live = [at for at, shown in held.values() if at > now - 3_600 and (shown or at + 60 > now)]
        assert len(live) <= 2


def test_a_clock_that_goes_back_gives_no_place_away() -> None:
    ledger = CapLedger()
    for number, at in enumerate((7_200.0, 3_500.0, 7_201.0)):
        ledger.reserve(f"t{number}", "u", "k", at, expires_s=at + 1e6)

    assert not ledger.allows("u", "k", 7_300.0, hourly_cap=3, daily_cap=0)
    assert ledger.allows("u", "k", 7_300.0, hourly_cap=4, daily_cap=0)
    ledger.release("t1")
    assert ledger.allows("u", "k", 7_300.0, hourly_cap=3, daily_cap=0)
    assert not ledger.allows("u", "k", 7_300.0, hourly_cap=2, daily_cap=0)
