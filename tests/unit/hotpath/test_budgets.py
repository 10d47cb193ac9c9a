"""One process's books: what is spent, set aside and given back; days, expiries, the throttle and a new snapshot."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer
from hotpath.engine.budgets import PACE_EVERY_S, Budgets

DAY_S = 86_400.0
#: 00:00 UTC of some day.
MIDNIGHT = 20_000 * DAY_S
NOON = MIDNIGHT + DAY_S / 2
OFFER = Offer(offer_id="o", creatives=(Creative(creative_id="c", kind=CreativeKind.BANNER),))


def campaign(name: str = "k", budget: int = 10_000, spent: int = 0) -> Campaign:
    return Campaign(
        campaign_id=name, seat="s", offers=(OFFER,), bid_cpm_micros=1_000_000, daily_budget_micros=budget,
        spent_today_micros=spent,
    )  # fmt: skip


def books(*campaigns: Campaign, at_s: float = NOON) -> Budgets:
    made = Budgets()
    made.load(campaigns or (campaign(),), at_s, at_s)
    return made


def test_an_open_bid_counts_as_spent_until_it_is_lost_or_charged() -> None:
    made = books()
    for token in ("a", "b", "c"):
        made.reserve(token, "k", 3_000_000, expires_s=NOON + 60)
    assert made.standing("k")[:2] == (0, 9_000)
    assert made.affords("k", 1_000_000)
    assert not made.affords("k", 1_000_001)
    made.release("a")
    assert made.affords("k", 4_000_000)
    # Second price: less was paid than was set aside.
    made.charge("b", "k", 2_000_000)
    assert made.standing("k")[:2] == (2_000, 3_000)
    for token in ("a", "b", "never"):
        made.release(token)
    assert made.standing("k")[:2] == (2_000, 3_000)


def test_a_part_of_a_micro_is_rounded_up() -> None:
    made = books(campaign(budget=2))
    made.reserve("a", "k", 1_001, expires_s=NOON + 60)
    assert made.standing("k")[:2] == (0, 2)
    assert not made.affords("k", 1)


def test_what_nobody_answers_expires_at_its_second_and_may_still_be_charged() -> None:
    made = books()
    made.reserve("b", "k", 5_000_000, expires_s=NOON + 30)
    made.reserve("a", "k", 3_000_000, expires_s=NOON + 60)
    made.advance(NOON + 29.9)
    assert made.standing("k")[1] == 8_000
    made.advance(NOON + 30)
    assert made.standing("k")[1] == 3_000
    made.advance(NOON + 60)
    assert made.standing("k")[:2] == (0, 0)
    made.charge("b", "k", 5_000_000)
    assert made.standing("k")[:2] == (5_000, 0)


def test_a_new_day_begins_at_nothing_spent_and_keeps_what_is_open() -> None:
    made = books(at_s=MIDNIGHT - 10)
    made.reserve("a", "k", 3_000_000, expires_s=MIDNIGHT + 100)
    made.charge("x", "k", 4_000_000)
    assert made.standing("k")[:2] == (4_000, 3_000)
    made.advance(MIDNIGHT)
    assert made.standing("k")[:2] == (0, 3_000)
    made.charge("a", "k", 3_000_000)
    assert made.standing("k")[:2] == (3_000, 0)


def test_a_new_snapshot_keeps_money_and_takes_the_larger_count_of_spend() -> None:
    made = books(campaign("a"), campaign("b", spent=50), campaign("gone"))
    made.reserve("t", "a", 3_000_000, expires_s=NOON + 60)
    made.charge("u", "b", 2_000_000)
    made.reserve("v", "gone", 1_000_000, expires_s=NOON + 60)
    made.load((campaign("b", spent=60), campaign("a", budget=4_000, spent=900), campaign("new", spent=7)), NOON, NOON)
    assert made.standing("a")[:2] == (900, 3_000)
    assert made.standing("b")[:2] == (2_050, 0)
    assert made.standing("new")[:2] == (7, 0)
    assert made.affords("a", 100_000)
    assert not made.affords("a", 100_001)
    assert not made.affords("gone", 1)
    for token in ("v", "t"):
        made.release(token)
    made.charge("v", "gone", 1_000_000)
    assert made.standing("a")[:2] == (900, 0)


def test_a_campaign_that_comes_back_begins_with_what_the_snapshot_says() -> None:
    made = books(campaign(spent=100))
    made.load((), NOON, NOON)
    made.load((campaign(spent=300),), NOON, NOON)
    assert made.standing("k")[:2] == (300, 0)


def test_a_campaign_that_comes_back_finds_what_its_open_bids_hold() -> None:
    made = books(campaign(), campaign("other"))
    for token in ("won", "lost", "late"):
        made.reserve(token, "k", 1_000_000, expires_s=NOON + 300)
    made.load((campaign("other"),), NOON, NOON)
    made.release("lost")
    made.load((campaign("other"),), NOON, NOON)
    made.load((campaign(),), NOON, NOON)
    assert made.standing("k")[:2] == (0, 2_000)
    made.charge("won", "k", 1_000_000)
    made.advance(NOON + 300)
    assert made.standing("k")[:2] == (1_000, 0)
    made.load((), NOON + 300, NOON + 300)
    made.load((campaign(),), NOON + 300, NOON + 300)
    assert made.standing("k")[:2] == (0, 0)


def test_a_snapshot_of_yesterday_says_nothing_of_today() -> None:
    made = Budgets()
    made.load((campaign(spent=800),), MIDNIGHT - 1, MIDNIGHT + 1)
    assert made.standing("k")[0] == 0


def test_the_rate_moves_once_a_minute_toward_the_plan_and_a_swap_keeps_it() -> None:
    made = books(campaign(spent=9_000), campaign("slow"))
    made.advance(NOON)
    made.advance(NOON + PACE_EVERY_S - 0.1)
    assert made.standing("k")[2] == pytest.approx(0.9)
    made.advance(NOON + PACE_EVERY_S)
    assert (made.standing("k")[2], made.standing("slow")[2]) == (pytest.approx(0.81), 1.0)
    made.load((campaign(spent=9_000), campaign("slow")), NOON, NOON + PACE_EVERY_S)
    assert made.standing("k")[2] == pytest.approx(0.81)
    took = sum(made.takes_part("k", f"r{number}") for number in range(4_000))
    assert took / 4_000 == pytest.approx(0.81, abs=0.03)
    assert all(made.takes_part("slow", f"r{number}") for number in range(100))


@dataclass
class Model:
    """The same books, slowly: every bid ever made, and what became of it."""

    bids: dict[str, tuple[int, float, str]] = field(default_factory=dict)

    def standing(self, now_s: float) -> tuple[int, int]:
        spent = sum(cost for cost, _, state in self.bids.values() if state == "charged")
        held = sum(cost for cost, expires_s, state in self.bids.values() if state == "open" and expires_s > now_s)
        return spent, held


@given(
    st.lists(st.tuples(st.sampled_from(["bid", "lose", "charge"]), st.integers(0, 40), st.integers(1, 9)), max_size=50)
)
def test_no_day_ever_costs_more_than_its_budget(steps: list[tuple[str, int, int]]) -> None:
    made, model, now_s = books(campaign(budget=20)), Model(), NOON
    for number, (act, wait_s, price) in enumerate(steps):
        now_s += wait_s
        made.advance(now_s)
        live = [name for name, (_, expires_s, state) in model.bids.items() if state == "open" and expires_s > now_s]
        if act == "bid" and made.affords("k", price * 1_000):
            made.reserve(f"t{number}", "k", price * 1_000, expires_s=now_s + 60)
            model.bids[f"t{number}"] = (price, now_s + 60, "open")
        elif live:
            cost, expires_s, _ = model.bids[live[0]]
            model.bids[live[0]] = (cost, expires_s, "charged" if act == "charge" else "lost")
            if act == "charge":
                made.charge(live[0], "k", cost * 1_000)
            else:
                made.release(live[0])
        assert made.standing("k")[:2] == model.standing(now_s)
        assert sum(model.standing(now_s)) <= 20
