"""The holdout bench compares like with like, and moves no more money than there is."""

from datetime import date

import pytest

from bench.holdout import _RATES, DAYS, Half, halves, interval, run
from sandbox.roster import demo_roster


def funds(half: Half) -> float:
    return sum(
        steps[-1].daily_budget_micros * float(_RATES[budget.account.currency_code])
        for budget, steps in half.steps.items()
    )


def test_the_halves_are_twins_with_luck_of_their_own() -> None:
    one, other = halves(4)
    assert len(one.campaigns) == len(other.campaigns)
    assert funds(one) == pytest.approx(funds(other))
    assert one.true_revenue() == pytest.approx(other.true_revenue())
    names = [{each.external_id for each in half.campaigns} for half in (one, other)]
    assert names[0] & names[1] == set()
    assert {len(names[0]), len({each.removesuffix("-twin") for each in names[0]})} == {len(demo_roster().campaigns)}


@pytest.mark.req("RB-S3")
def test_the_rebalanced_half_is_told_against_the_holdout() -> None:
    found = run(0)
    assert found.difference == pytest.approx((1 + found.rebalanced) / (1 + found.holdout) - 1)
    assert found.changes >= DAYS
    assert found.expected > 0.05
    assert run(0) == found


def test_no_money_is_made_by_moving_it() -> None:
    half, _ = halves(1)
    before = funds(half)
    half.rebalance(date(2026, 3, 2), 0.3)
    assert half.changes > 0
    assert before * 0.99 <= funds(half) <= before + 1


def test_the_interval_is_students() -> None:
    """Of 1, 2, 3: mean 2, spread 1, on two degrees of freedom."""
    mean, low, high = interval([1.0, 2.0, 3.0])
    assert (mean, high - mean, mean - low) == pytest.approx((2, 2.919986 / 3**0.5, 2.919986 / 3**0.5), abs=1e-5)
