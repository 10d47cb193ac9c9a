"""The rules of a plan, one by one: who moves, who stays and why, and what is said about it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from domain.errors import InvalidInput
from domain.metrics import DailyMetric
from domain.platforms import Platform
from domain.rebalancing import BudgetCandidate, RebalancePlan, RebalanceSettings, SkipReason, propose_plan

Make = Callable[..., BudgetCandidate]
_SETTINGS = RebalanceSettings()


def _deltas(plan: RebalancePlan) -> dict[int, int]:
    return {proposal.budget_id.int: proposal.delta_micros for proposal in plan.proposals}


def _reasons(plan: RebalancePlan) -> dict[int, SkipReason]:
    return {one.budget_id.int: one.reason for one in plan.skipped}


@pytest.mark.req("RB-F1")
def test_money_moves_from_the_weak_campaign_to_the_strong_one_across_platforms(make: Make, now_utc: datetime) -> None:
    plan = propose_plan([make(1, roas=4.0), make(2, roas=1.0)], _SETTINGS, now_utc)
    assert _deltas(plan) == {1: 30_000_000, 2: -30_000_000}  # both at the largest change of a day, 30 %
    strong = next(proposal for proposal in plan.proposals if proposal.budget_id.int == 1)
    assert strong.platform is Platform.GOOGLE
    assert (strong.current_micros, strong.proposed_micros) == (100_000_000, 130_000_000)
    assert strong.roas_now == pytest.approx(4.0, rel=0.1)
    assert strong.roas_expected < strong.roas_now  # the next unit earns less than the average one
    assert strong.roas_change.lo <= strong.roas_change.mid <= strong.roas_change.hi < 0.0
    assert 0 < strong.revenue_change.lo_micros <= strong.revenue_change.mid_micros <= strong.revenue_change.hi_micros
    assert strong.confidence > 0.95
    assert plan.total_before_micros == plan.total_after_micros == 200_000_000
    assert (plan.unallocated_micros, plan.unallocated_reason) == (0, None)
    assert plan.revenue_change.lo_micros > 0
    assert plan.expires_at_utc == now_utc + timedelta(hours=24)


def test_a_curve_is_told_about_both_budgets_as_the_plan_saw_it(make: Make, now_utc: datetime) -> None:
    euro = make(2, roas=1.0, rate_to_reporting=Decimal("1.25"))
    plan = propose_plan([make(1, roas=4.0), euro], _SETTINGS, now_utc)
    for proposal in plan.proposals:
        points = {point.budget_micros: point for point in proposal.curve.points}
        assert list(points) == sorted(points)
        assert 13 <= len(points) <= 15
        assert points[0].high_micros == 0
        for budget, roas in (
            (proposal.current_micros, proposal.roas_now),
            (proposal.proposed_micros, proposal.roas_expected),
        ):
            assert points[budget].expected_micros == pytest.approx(roas * budget, rel=1e-6)  # the account's currency
        assert all(
            point.low_micros < point.expected_micros < point.high_micros
            for point in points.values()
            if point.budget_micros
        )
        assert max(points) == round(1.5 * max(proposal.current_micros, proposal.proposed_micros))
        # As the days were spent (conftest's wobble about 100): 94 to 105 a day.
        assert (proposal.curve.seen_low_micros, proposal.curve.seen_high_micros) == (94_000_000, 105_000_000)
        assert 0.0 < proposal.curve.evidence < 1.0


def test_a_rationale_gives_spend_return_next_unit_expectation_and_caveats(make: Make, now_utc: datetime) -> None:
    plan = propose_plan([make(1, roas=4.0, product_margin=Decimal("0.4")), make(2, roas=1.0)], _SETTINGS, now_utc)
    told = {proposal.budget_id.int: proposal.rationale for proposal in plan.proposals}
    assert told[1].startswith("Raise Campaign 1 on Google by 30.0%, from USD 100.00 to USD 130.00 a day.")
    assert "In the last 28 days with settled revenue it spent USD 2,7" in told[1]
    assert "(ROAS 4.0" in told[1]
    assert "The next USD 1 here brings about " in told[1]
    assert " in the budgets that give." in told[1]
    assert "90 % interval USD +" in told[1]
    assert "Counted with its product margin of 40%." in told[1]
    assert "The last 3 days and today are left out because revenue still arrives." in told[1]
    assert told[2].startswith("Lower Campaign 2 on TikTok by 30.0%")
    assert "the mean of the others, 40%, stands in." in told[2]


@pytest.mark.req("RB-F1")
def test_product_margin_turns_the_direction_round(make: Make, now_utc: datetime) -> None:
    rich = make(1, roas=3.0, product_margin=Decimal("0.10"))
    lean = make(2, roas=2.0, product_margin=Decimal("0.60"))
    plan = propose_plan([rich, lean], _SETTINGS, now_utc)
    assert _deltas(plan) == {1: -30_000_000, 2: 30_000_000}
    assert plan.margin_change.lo_micros > 0
    assert plan.revenue_change.mid_micros < 0  # revenue is given up for margin, and the plan says so
    assert (
        _deltas(
            propose_plan([replace(rich, product_margin=None), replace(lean, product_margin=None)], _SETTINGS, now_utc)
        )[1]
        > 0
    )


@pytest.mark.req("RB-E1")
@pytest.mark.parametrize(("days", "proposed"), [(1, False), (6, False), (7, True)])
def test_under_seven_complete_days_nothing_is_proposed_and_the_budget_stays_out(
    make: Make, now_utc: datetime, days: int, proposed: bool
) -> None:
    plan = propose_plan([make(1, roas=4.0), make(2, roas=1.0), make(3, roas=0.2, days=days)], _SETTINGS, now_utc)
    assert (3 in _deltas(plan)) is proposed
    assert sum(_deltas(plan).values()) == 0
    if not proposed:
        (young,) = plan.skipped
        assert young.reason is SkipReason.INSUFFICIENT_HISTORY
        assert young.sentence == (
            f"Campaign 3 has {days} complete days with spend; suggestions start at 7. "
            "Until then its budget stays as it is and out of the plan."
        )
        assert _deltas(plan) == _deltas(propose_plan([make(1, roas=4.0), make(2, roas=1.0)], _SETTINGS, now_utc))


@pytest.mark.req("RB-E1")
def test_a_half_finished_today_does_not_count_as_the_seventh_day(
    make: Make, make_days: Callable[..., list[DailyMetric]], now_utc: datetime
) -> None:
    with_today = make(3, metrics=make_days(100.0, 9.0, 7, last_age=0))
    plan = propose_plan([make(1, roas=4.0), make(2, roas=1.0), with_today], _SETTINGS, now_utc)
    assert _reasons(plan) == {3: SkipReason.INSUFFICIENT_HISTORY}
    assert plan.skipped[0].sentence.startswith("Campaign 3 has 6 complete days with spend;")


def test_young_days_and_today_cannot_change_a_plan(make: Make, now_utc: datetime) -> None:
    late = make(1, roas=3.0)
    emptied = [replace(row, revenue_micros=0) if (late.today - row.day).days <= 3 else row for row in late.metrics]
    today = DailyMetric(late.today, 10, 1, 0.0, 60_000_000, 0)
    others = [make(2, roas=2.0), make(3, roas=1.5)]
    expected = propose_plan([late, *others], _SETTINGS, now_utc)
    assert propose_plan([replace(late, metrics=[today, *emptied]), *others], _SETTINGS, now_utc) == expected
    assert _deltas(expected)[1] > 0


def test_one_bulk_order_does_not_move_a_budget(make: Make, now_utc: datetime) -> None:
    steady = [make(number, roas=2.0) for number in range(1, 6)]
    rows = list(steady[0].metrics)
    rows[20] = replace(rows[20], revenue_micros=rows[20].revenue_micros * 100)
    plan = propose_plan([replace(steady[0], metrics=rows), *steady[1:]], _SETTINGS, now_utc)
    assert plan.proposals == ()


def test_frozen_budgets_are_shown_and_never_moved(make: Make, now_utc: datetime) -> None:
    locked = make(3, roas=9.0, frozen=True, frozen_reason="it is in its learning phase")
    plan = propose_plan([make(1, roas=4.0), make(2, roas=1.0), locked], _SETTINGS, now_utc)
    assert _reasons(plan) == {3: SkipReason.FROZEN}
    assert plan.skipped[0].sentence == "Campaign 3 stays as it is: it is in its learning phase."
    assert plan.total_before_micros == 300_000_000


def test_a_direction_that_was_rejected_is_not_proposed_again(make: Make, now_utc: datetime) -> None:
    candidates = [make(1, roas=4.0, blocked_direction="UP"), make(2, roas=1.0), make(3, roas=2.0)]
    plan = propose_plan(candidates, _SETTINGS, now_utc)
    assert 1 not in _deltas(plan)
    assert _reasons(plan)[1] is SkipReason.DIRECTION_BLOCKED
    assert _deltas(plan) == {2: -30_000_000, 3: 30_000_000}
    down = propose_plan([make(1, roas=4.0), make(2, roas=1.0, blocked_direction="DOWN")], _SETTINGS, now_utc)
    assert down.proposals == ()
    assert _reasons(down)[2] is SkipReason.DIRECTION_BLOCKED


def test_floors_caps_and_budgets_outside_them(make: Make, now_utc: datetime) -> None:
    capped = make(1, roas=4.0, max_daily_micros=110_000_000)
    floored = make(2, roas=1.0, min_daily_micros=95_000_000)
    outside = make(3, roas=1.0, max_daily_micros=90_000_000)
    stuck = make(4, min_daily_micros=100_000_000, max_daily_micros=100_000_000)
    plan = propose_plan([capped, floored, outside, stuck], _SETTINGS, now_utc)
    assert _deltas(plan) == {1: 5_000_000, 2: -5_000_000}
    assert _reasons(plan) == {3: SkipReason.OUTSIDE_LIMITS, 4: SkipReason.NO_ROOM}


def test_a_budget_that_is_not_spent_gives_and_never_receives(
    make: Make, make_days: Callable[..., list[DailyMetric]], now_utc: datetime
) -> None:
    idle = make(1, budget=200.0, metrics=make_days(100.0, 5.0, 40))
    plan = propose_plan([idle, make(2, roas=2.0)], _SETTINGS, now_utc)
    assert _deltas(plan) == {1: -30_000_000, 2: 30_000_000}
    told = next(proposal.rationale for proposal in plan.proposals if proposal.budget_id.int == 1)
    assert "It leaves 48% of its budget unspent, and that part earns nothing here." in told


def test_only_the_last_week_says_whether_a_budget_is_spent(
    make: Make, make_days: Callable[..., list[DailyMetric]], now_utc: datetime
) -> None:
    rows = [*make_days(100.0, 5.0, 7), *make_days(200.0, 5.0, 33, last_age=8)]
    plan = propose_plan([make(1, budget=200.0, metrics=rows), make(2, roas=2.0)], _SETTINGS, now_utc)
    assert _deltas(plan) == {1: -30_000_000, 2: 30_000_000}


def test_a_budget_raised_yesterday_is_not_taken_for_idle(
    make: Make, make_days: Callable[..., list[DailyMetric]], now_utc: datetime
) -> None:
    rows = [*make_days(130.0, 3.7, 1), *make_days(100.0, 4.0, 40, last_age=2)]
    plan = propose_plan([make(1, budget=130.0, metrics=rows), make(2, roas=1.0)], _SETTINGS, now_utc)
    assert _deltas(plan)[1] == 30_000_000


def test_stale_and_silent_campaigns_are_left_out(
    make: Make, make_days: Callable[..., list[DailyMetric]], now_utc: datetime
) -> None:
    stale = make(3, metrics=make_days(100.0, 2.0, 30, last_age=9))
    silent = make(4, metrics=[replace(row, spend_micros=0) for row in make_days(100.0, 2.0, 30)])
    plan = propose_plan([make(1, roas=4.0), make(2, roas=1.0), stale, silent], _SETTINGS, now_utc)
    assert _reasons(plan) == {3: SkipReason.STALE_DATA, 4: SkipReason.INSUFFICIENT_HISTORY}
    assert "no spend after 2026-03-21" in plan.skipped[0].sentence


@pytest.mark.parametrize(
    ("numbers", "reason", "explanation"),
    [
        ([], None, "No change: there are no budgets to compare."),
        ([2.0], SkipReason.NO_COUNTERPART, "No change: 1 with no other budget to trade with."),
        (
            [2.0, 2.0],
            SkipReason.NO_GAIN,
            "No change: 2 already earning about as much per next unit of money as the others.",
        ),
        (
            [0.0, 0.0],
            SkipReason.NO_GAIN,
            "No change: 2 already earning about as much per next unit of money as the others.",
        ),
    ],
)
def test_no_change_is_explained_like_any_other_answer(
    make: Make, now_utc: datetime, numbers: list[float], reason: SkipReason | None, explanation: str
) -> None:
    candidates = [make(3 * number, roas=roas) for number, roas in enumerate(numbers, start=1)]
    plan = propose_plan(candidates, _SETTINGS, now_utc)
    assert plan.proposals == ()
    assert {one.reason for one in plan.skipped} == ({reason} if reason else set())
    assert plan.explanation == explanation
    assert plan.confidence == 0.0
    assert plan.total_before_micros == plan.total_after_micros


def test_moves_too_small_to_review_are_left_out(make: Make, now_utc: datetime) -> None:
    nearly = [make(3, roas=2.00), make(6, roas=2.01)]
    plan = propose_plan(nearly, _SETTINGS, now_utc)
    assert plan.proposals == ()
    assert set(_reasons(plan).values()) == {SkipReason.CHANGE_TOO_SMALL, SkipReason.NO_COUNTERPART}


def test_noise_alone_moves_nothing_when_certainty_is_asked_for(make: Make, now_utc: datetime) -> None:
    close = [make(3, roas=2.0, days=8), make(6, roas=2.3, days=8)]
    plan = propose_plan(close, replace(_SETTINGS, min_confidence=0.99), now_utc)
    assert plan.proposals == ()
    assert SkipReason.LOW_CONFIDENCE in _reasons(plan).values()


def test_confidence_is_about_the_other_side_of_the_plan_not_about_more_money_bringing_more(
    make: Make, now_utc: datetime
) -> None:
    near = [make(3, roas=2.0, days=8), make(6, roas=2.6, days=8)]
    plan = propose_plan(near, replace(_SETTINGS, min_confidence=0.5), now_utc)
    assert [0.5 < proposal.confidence < 0.95 for proposal in plan.proposals] == [True, True]
    assert 0.5 < plan.confidence < 0.95


def test_several_campaigns_under_one_budget_are_summed_by_day(make: Make, now_utc: datetime) -> None:
    whole = make(1, roas=3.0)
    halves = [
        replace(row, spend_micros=row.spend_micros // 2, revenue_micros=row.revenue_micros // 2)
        for row in whole.metrics
        for _ in range(2)
    ]
    other = make(2, roas=1.0)
    split = propose_plan([replace(whole, metrics=halves), other], _SETTINGS, now_utc)
    assert _deltas(split) == _deltas(propose_plan([whole, other], _SETTINGS, now_utc))


def test_a_weekly_rhythm_alone_is_no_reason_to_move(make: Make, now_utc: datetime) -> None:
    def weekly(candidate: BudgetCandidate, strong: int) -> BudgetCandidate:
        rows = [
            replace(row, revenue_micros=int(row.revenue_micros * (1.6 if row.day.weekday() == strong else 0.9)))
            for row in candidate.metrics
        ]
        return replace(candidate, metrics=rows)

    plan = propose_plan([weekly(make(3, days=60), 0), weekly(make(6, days=60), 5)], _SETTINGS, now_utc)
    assert plan.proposals == ()


def test_mixed_currencies_never_spend_more_and_name_what_is_left(make: Make, now_utc: datetime) -> None:
    yen = make(
        2, budget=10_000.0, roas=1.0, currency_code="JPY", rate_to_reporting=Decimal("0.0067"), step_micros=10**6
    )
    plan = propose_plan([make(1, roas=4.0), yen], _SETTINGS, now_utc)
    by_id = {proposal.budget_id.int: proposal for proposal in plan.proposals}
    assert by_id[2].proposed_micros % 10**6 == 0
    assert by_id[1].delta_micros > 0 > by_id[2].delta_micros
    told = sum(proposal.delta_reporting_micros for proposal in plan.proposals)
    assert told == -plan.unallocated_micros <= 0
    assert plan.unallocated_micros < 10_000
    assert plan.total_after_micros == plan.total_before_micros - plan.unallocated_micros


def test_the_same_foreign_currency_sums_to_zero_in_the_reporting_currency(make: Make, now_utc: datetime) -> None:
    rate = Decimal("1.083717")
    candidates = [
        make(number, budget=37.0 * number, roas=roas, currency_code="EUR", rate_to_reporting=rate)
        for number, roas in enumerate((4.0, 1.0, 2.5, 1.7, 3.3), start=1)
    ]
    plan = propose_plan(candidates, _SETTINGS, now_utc)
    assert len(plan.proposals) >= 4
    assert sum(proposal.delta_micros for proposal in plan.proposals) == 0
    assert sum(proposal.delta_reporting_micros for proposal in plan.proposals) == 0


def test_a_budget_given_twice_is_refused(make: Make, now_utc: datetime) -> None:
    with pytest.raises(InvalidInput, match="given twice"):
        propose_plan([make(1), make(1)], _SETTINGS, now_utc)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"rate_to_reporting": Decimal(0)}, "rate_to_reporting"),
        ({"step_micros": 0}, "step_micros"),
        ({"daily_budget_micros": 0}, "daily_budget_micros"),
        ({"product_margin": Decimal("1.2")}, "product_margin"),
    ],
)
def test_candidates_that_no_account_can_have_are_refused(make: Make, change: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        make(1, **change)
    assert caught.value.path == (path,)


@pytest.mark.parametrize("change", [{"max_change_share": 1.5}, {"draws": 0}, {"attribution_delay_days": -1}])
def test_settings_without_sense_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InvalidInput) as caught:
        RebalanceSettings(**change)  # type: ignore[arg-type]
    assert caught.value.path == tuple(change)
