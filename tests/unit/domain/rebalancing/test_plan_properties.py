"""What holds for every plan, whatever the candidates: limits, sums, order, scale, and never worse than no change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.metrics import DailyMetric
from domain.platforms import Platform
from domain.rebalancing import BudgetCandidate, RebalancePlan, RebalanceSettings, propose_plan

_TODAY = date(2026, 3, 30)
_RATES = {"USD": Decimal(1), "EUR": Decimal("1.083717"), "JPY": Decimal("0.006713"), "KWD": Decimal("3.2571")}
_STEPS = {"USD": 10_000, "EUR": 10_000, "JPY": 1_000_000, "KWD": 1_000}
_SETTINGS = RebalanceSettings(draws=50)
_SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def _candidate(draw: st.DrawFn, currencies: tuple[str, ...], magnitude: float) -> dict[str, Any]:
    currency = draw(st.sampled_from(currencies))
    step = _STEPS[currency]
    units = 10 ** (magnitude + draw(st.floats(0.0, 1.0)))
    budget = max(step, int(units * 1e6 / float(_RATES[currency])) // step * step)
    lower = draw(st.sampled_from([0, 0, 0, step, budget // 2, budget * 9 // 10, budget * 2]))
    upper = draw(st.sampled_from([None, None, None, budget * 3, budget * 11 // 10, budget // 2]))
    return {
        "currency_code": currency,
        "rate_to_reporting": _RATES[currency],
        "step_micros": step,
        "daily_budget_micros": budget,
        "min_daily_micros": lower,
        "max_daily_micros": upper,
        "platform": draw(st.sampled_from(list(Platform))),
        "product_margin": draw(st.sampled_from([None, Decimal("0.2"), Decimal("0.55")])),
        "frozen": draw(st.sampled_from([False, False, False, False, False, True])),
        "blocked_direction": draw(st.sampled_from([None, None, None, None, "UP", "DOWN"])),
        "metrics": _days(
            budget, draw(st.sampled_from([4, 7, 8, 20, 60])), draw(st.floats(0.0, 6.0)), draw(st.integers(0, 99))
        ),
    }


def _days(budget: int, count: int, roas: float, seed: int) -> list[DailyMetric]:
    rng = np.random.default_rng(seed)
    spend = rng.uniform(0.5, 1.1, count) * budget
    revenue = spend * roas * rng.gamma(9.0, 1.0 / 9.0, count)
    return [
        DailyMetric(_TODAY - timedelta(days=age), 100, 10, 1.0, int(spend[age]), int(revenue[age]))
        for age in range(count)
    ]


def _pools(*currencies: str) -> st.SearchStrategy[list[BudgetCandidate]]:
    def number(fields: list[dict[str, Any]]) -> list[BudgetCandidate]:
        return [
            BudgetCandidate(
                budget_id=UUID(int=place), campaign_id=UUID(int=place), name=f"C{place}", today=_TODAY, **one
            )
            for place, one in enumerate(fields, start=1)
        ]

    def pool(magnitude: float) -> st.SearchStrategy[list[BudgetCandidate]]:
        return st.lists(_candidate(currencies, magnitude), min_size=3, max_size=9).map(number)

    return st.floats(0.0, 6.0).flatmap(pool)


def _check_limits(candidates: list[BudgetCandidate], plan: RebalancePlan) -> None:
    by_id = {one.budget_id: one for one in candidates}
    assert {one.budget_id for one in plan.proposals} | {one.budget_id for one in plan.skipped} == set(by_id)
    assert len(plan.proposals) + len(plan.skipped) == len(by_id)
    for proposal in plan.proposals:
        one = by_id[proposal.budget_id]
        delta = proposal.proposed_micros - proposal.current_micros
        assert proposal.current_micros == one.daily_budget_micros
        assert proposal.delta_micros == delta != 0
        assert not one.frozen
        assert one.blocked_direction != ("UP" if delta > 0 else "DOWN")
        assert proposal.proposed_micros % one.step_micros == 0
        assert one.min_daily_micros <= proposal.proposed_micros <= (one.max_daily_micros or proposal.proposed_micros)
        assert 0.02 * one.daily_budget_micros <= abs(delta) <= 0.3 * one.daily_budget_micros + 1
        assert abs(proposal.delta_reporting_micros - delta * float(one.rate_to_reporting)) < 1.0 + abs(delta) * 1e-9
        assert sum((row.spend_micros > 0) and (row.day < one.today) for row in one.metrics) >= 7
        assert _SETTINGS.min_confidence <= proposal.confidence <= 1.0
        assert (
            proposal.revenue_change.lo_micros <= proposal.revenue_change.mid_micros <= proposal.revenue_change.hi_micros
        )
        assert proposal.rationale


@_SLOW
@given(candidates=_pools("USD"))
def test_in_one_currency_limits_hold_and_the_moves_sum_to_zero_to_the_micro(candidates: list[BudgetCandidate]) -> None:
    plan = propose_plan(candidates, _SETTINGS, _noon())
    _check_limits(candidates, plan)
    assert sum(proposal.delta_micros for proposal in plan.proposals) == 0
    assert sum(proposal.delta_reporting_micros for proposal in plan.proposals) == plan.unallocated_micros == 0
    assert plan.total_after_micros == plan.total_before_micros
    if plan.proposals:
        assert plan.margin_change.mid_micros >= 0
        assert plan.confidence >= _SETTINGS.min_confidence
    else:
        assert plan.explanation.startswith("No change: ")


@_SLOW
@given(candidates=_pools("USD", "EUR", "JPY", "KWD"))
def test_in_mixed_currencies_limits_hold_and_nothing_is_overspent(candidates: list[BudgetCandidate]) -> None:
    plan = propose_plan(candidates, _SETTINGS, _noon())
    _check_limits(candidates, plan)
    total = sum(proposal.delta_reporting_micros for proposal in plan.proposals)
    assert total == -plan.unallocated_micros <= 0
    assert (plan.unallocated_reason is None) == (plan.unallocated_micros == 0)
    assert plan.total_after_micros <= plan.total_before_micros


def test_budgets_between_two_steps_land_on_steps_and_the_fraction_is_named(
    make: Callable[..., BudgetCandidate], now_utc: datetime
) -> None:
    candidates = [
        make(number, roas=roas, daily_budget_micros=100_003_700 + number) for number, roas in ((1, 4.0), (2, 1.0))
    ]
    plan = propose_plan(candidates, RebalanceSettings(), now_utc)
    assert sorted(proposal.proposed_micros for proposal in plan.proposals) == [70_010_000, 129_990_000]
    assert plan.unallocated_micros == 7_403
    assert plan.unallocated_reason == (
        "USD 0.007403 a day stays unallocated: it is less than the smallest step of any budget that could still take "
        "it, and a plan never spends more than before."
    )


@_SLOW
@given(candidates=_pools("USD", "EUR"), data=st.data())
def test_the_order_of_candidates_and_of_their_days_does_not_matter(
    candidates: list[BudgetCandidate], data: st.DataObject
) -> None:
    shuffled = [replace(one, metrics=list(reversed(one.metrics))) for one in data.draw(st.permutations(candidates))]
    assert propose_plan(shuffled, _SETTINGS, _noon()) == propose_plan(candidates, _SETTINGS, _noon())


@pytest.mark.parametrize("units", [1.0, 100.0, 10_000.0, 10_000_000.0])
def test_the_answer_is_the_same_share_for_budgets_of_1_to_10_000_000(
    make: Callable[..., BudgetCandidate], now_utc: datetime, units: float
) -> None:
    candidates = [make(number, budget=units, roas=roas) for number, roas in enumerate((4.0, 1.0, 2.2, 1.9), start=1)]
    plan = propose_plan(candidates, RebalanceSettings(), now_utc)
    shares = {proposal.budget_id.int: proposal.delta_micros / (units * 1e6) for proposal in plan.proposals}
    assert shares[1] == 0.3
    assert shares[2] == -0.3
    assert sum(proposal.delta_micros for proposal in plan.proposals) == 0
    reference = propose_plan(
        [make(number, budget=100.0, roas=roas) for number, roas in enumerate((4.0, 1.0, 2.2, 1.9), start=1)],
        RebalanceSettings(),
        now_utc,
    )
    expected = {proposal.budget_id.int: proposal.delta_micros / 1e8 for proposal in reference.proposals}
    assert shares == pytest.approx(expected, abs=0.011)  # one cent of a budget of one unit


def test_another_seed_moves_intervals_but_not_amounts(make: Callable[..., BudgetCandidate], now_utc: datetime) -> None:
    candidates = [make(1, roas=4.0), make(2, roas=1.0)]
    one, same, other = (propose_plan(candidates, RebalanceSettings(seed=seed), now_utc) for seed in (1, 1, 2))
    assert one == same
    assert one.revenue_change != other.revenue_change
    assert [proposal.delta_micros for proposal in one.proposals] == [
        proposal.delta_micros for proposal in other.proposals
    ]


def _noon() -> datetime:
    return datetime.fromisoformat("2026-03-30T12:00:00+00:00")
