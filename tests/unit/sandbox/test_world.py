"""The campaign world: pure, seeded, and shaped as it says."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from kit.time import day_start_utc
from sandbox.roster import (
    AMAZON_US,
    GOOGLE,
    GOOGLE_US,
    LINKEDIN_US,
    META_EU,
    META_US,
    MICROSOFT_US,
    TIKTOK,
    demo_roster,
)
from sandbox.world import (
    HISTORY_DAYS,
    BudgetSpec,
    BudgetStep,
    CampaignSpec,
    PauseStep,
    Response,
    first_day,
    initial_steps,
    report_day,
    true_daily_revenue_micros,
    with_pauses,
)

START = date(2026, 3, 10)
LATER = datetime(2026, 4, 20, 15, tzinfo=UTC)
UNIT = 1_000_000


def calm(**changes) -> CampaignSpec:
    """A campaign without revenue noise: ceiling 1,000, half at 200, all conversions known at once."""
    spec = CampaignSpec(
        external_id="calm",
        name="Calm",
        budget=BudgetSpec("calm", META_US, 100 * UNIT),
        response=Response(1_000 * UNIT, 200 * UNIT),
        budget_share=1.0,
        age_days=HISTORY_DAYS,
        weekday=(1.0,) * 7,
        noise_sd=0.0,
        delay_shares=(1.0, 0.0, 0.0, 0.0),
        demand_cap_micros=None,
        order_value_micros=50 * UNIT,
        click_cost_micros=UNIT,
        click_rate=0.01,
    )
    return replace(spec, **changes)


def report(spec, day, *, now=LATER, steps=None, seed=7):
    steps = initial_steps(seed, spec.budget, START) if steps is None else steps
    return report_day(seed, spec, day, steps=steps, start_day=START, now_utc=now)


def always(amount_units):
    return (BudgetStep(datetime(2025, 1, 1, tzinfo=UTC), amount_units * UNIT),)


def test_values_do_not_depend_on_the_order_of_questions():
    questions = [(spec, START - timedelta(days=age)) for spec in demo_roster().campaigns for age in range(0, 100, 9)]
    first = {(spec.external_id, day): report(spec, day) for spec, day in questions}
    Random(3).shuffle(questions)
    assert {(spec.external_id, day): report(spec, day) for spec, day in questions} == first


def test_another_seed_is_another_world():
    spec, day = calm(noise_sd=0.2), START - timedelta(days=20)
    assert report(spec, day, seed=7) == report(spec, day, seed=7)
    assert report(spec, day, seed=7).revenue_micros != report(spec, day, seed=8).revenue_micros


def test_campaigns_and_days_have_luck_of_their_own():
    one, other = calm(noise_sd=0.2), calm(noise_sd=0.2, external_id="other")
    day = START - timedelta(days=20)
    days = [day - timedelta(days=age) for age in range(3)]
    revenues = {report(spec, at, steps=always(100)).revenue_micros for spec in (one, other) for at in days}
    assert len(revenues) == 6


def test_revenue_is_the_hill_response_of_spend_where_nothing_disturbs_it():
    row = report(calm(), START, steps=always(100))
    assert 94 * UNIT <= row.spend_micros <= 100 * UNIT
    assert row.revenue_micros == pytest.approx(true_daily_revenue_micros(calm(), row.spend_micros), abs=50_000)
    assert row.conversions == pytest.approx(row.revenue_micros / (50 * UNIT), rel=0.25)
    assert row.clicks == pytest.approx(row.spend_micros / UNIT, rel=0.3)
    assert row.impressions == pytest.approx(row.clicks / 0.01, rel=0.4)


def test_the_truth_is_exact_at_known_points_and_saturates():
    spec = calm()
    assert [true_daily_revenue_micros(spec, spend * UNIT) for spend in (0, 200, 600)] == [0, 500 * UNIT, 750 * UNIT]
    steep = calm(response=Response(1_000 * UNIT, 200 * UNIT, 2.0))
    assert true_daily_revenue_micros(steep, 100 * UNIT) == 200 * UNIT
    capped = calm(demand_cap_micros=200 * UNIT)
    assert true_daily_revenue_micros(capped, 900 * UNIT) == 500 * UNIT


def test_noise_has_mean_one_so_that_the_truth_is_what_the_average_shows():
    spec = calm(noise_sd=0.3, age_days=3_000)
    rows = [
        report(spec, START - timedelta(days=age), steps=(BudgetStep(datetime(2015, 1, 1, tzinfo=UTC), 100 * UNIT),))
        for age in range(1, 2_000)
    ]
    ratio = sum(row.revenue_micros for row in rows) / sum(
        true_daily_revenue_micros(spec, row.spend_micros) for row in rows
    )
    assert ratio == pytest.approx(1.0, abs=0.03)


def test_weekdays_follow_the_pattern():
    week = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)
    spec = calm(weekday=week)
    for age in range(14):
        day = START - timedelta(days=age)
        row = report(spec, day, steps=always(100))
        expected = week[day.weekday()] * true_daily_revenue_micros(spec, row.spend_micros)
        assert row.revenue_micros == pytest.approx(expected, abs=50_000)


def test_attribution_arrives_over_three_days():
    spec = calm(delay_shares=(0.5, 0.3, 0.15, 0.05), noise_sd=0.2)
    noon = datetime(2026, 3, 20, 16, tzinfo=UTC)
    day = date(2026, 3, 19)
    seen = [report(spec, day, now=noon + timedelta(days=more), steps=always(100)) for more in range(5)]
    full = seen[-1].revenue_micros
    assert [row.revenue_micros / full for row in seen] == pytest.approx([0.8, 0.95, 1.0, 1.0, 1.0], abs=1e-3)
    assert [row.conversions / seen[-1].conversions for row in seen] == pytest.approx(
        [0.8, 0.95, 1.0, 1.0, 1.0], abs=1e-2
    )
    assert len({(row.spend_micros, row.clicks, row.impressions) for row in seen}) == 1


def test_today_is_reported_up_to_now():
    day = date(2026, 3, 20)
    begins = day_start_utc(day, "America/New_York")
    whole = report(calm(), day, steps=always(100))
    quarter = report(calm(), day, now=begins + timedelta(hours=6), steps=always(100))
    assert quarter.spend_micros == pytest.approx(whole.spend_micros / 4, abs=10_000)
    assert quarter.revenue_micros == pytest.approx(whole.revenue_micros / 4, abs=10_000)
    assert report(calm(), day, now=begins) is None
    assert report(calm(), day + timedelta(days=1), now=begins + timedelta(hours=6)) is None


def test_today_is_the_account_zone_s_day():
    at = datetime(2026, 3, 20, 2, tzinfo=UTC)  # the 19th in New York, the 20th in Berlin
    berlin = calm(budget=BudgetSpec("calm", META_EU, 100 * UNIT))
    assert report(calm(), date(2026, 3, 20), now=at, steps=always(100)) is None
    assert report(berlin, date(2026, 3, 20), now=at, steps=always(100)) is not None


def test_a_budget_change_alters_spend_from_then_on_and_nothing_before():
    day = date(2026, 3, 20)
    noon = day_start_utc(day, "America/New_York") + timedelta(hours=12)
    changed = (*always(100), BudgetStep(noon, 300 * UNIT))
    before = [report(calm(), day - timedelta(days=age), steps=always(100)) for age in (1, 2, 3)]
    assert [report(calm(), day - timedelta(days=age), steps=changed) for age in (1, 2, 3)] == before
    unchanged, mixed = report(calm(), day, steps=always(100)), report(calm(), day, steps=changed)
    assert mixed.spend_micros == pytest.approx(unchanged.spend_micros * 2, abs=20_000)
    after = report(calm(), day + timedelta(days=1), steps=changed)
    assert after.spend_micros == pytest.approx(report(calm(), day + timedelta(days=1), steps=always(300)).spend_micros)


def test_a_day_of_23_hours_is_weighted_by_its_own_length():
    day = date(2026, 3, 8)  # New York's clocks go forward
    noon = day_start_utc(day + timedelta(days=1), "America/New_York") - timedelta(hours=12)
    full = report(calm(), day, steps=always(230)).spend_micros
    late = report(calm(), day, steps=(BudgetStep(noon, 230 * UNIT),)).spend_micros
    assert late == pytest.approx(full * 12 / 23, abs=10_000)


def test_demand_limits_what_can_be_spent():
    spec = calm(demand_cap_micros=60 * UNIT)
    row = report(spec, START, steps=always(500))
    assert 0.94 * 60 * UNIT <= row.spend_micros <= 60 * UNIT


def test_campaigns_on_one_budget_share_it():
    shared = [spec for spec in demo_roster().campaigns if spec.budget.external_id == "9100000003"]
    assert math.fsum(spec.budget_share for spec in shared) == 1.0
    spend = sum(report(spec, START, steps=always(350)).spend_micros for spec in shared)
    assert len(shared) == 2
    assert 0.94 * 350 * UNIT <= spend <= 350 * UNIT


def test_budgets_moved_in_the_past_and_stood_still_for_the_last_ten_days():
    for budget in demo_roster().budgets:
        steps = initial_steps(7, budget, START)
        days = [step.from_utc for step in steps]
        assert days[0] == day_start_utc(START - timedelta(days=HISTORY_DAYS), budget.account.time_zone)
        assert (steps[-1].from_utc, steps[-1].daily_budget_micros) == (
            day_start_utc(START - timedelta(days=10), budget.account.time_zone),
            budget.initial_micros,
        )
        assert all(later > earlier for earlier, later in pairwise(days))
        assert len({step.daily_budget_micros for step in steps}) >= 7
        assert all(step.daily_budget_micros % 10_000 == 0 for step in steps)


def test_the_roster_is_what_the_demo_needs():
    roster = demo_roster()
    per_account = {
        account: [spec for spec in roster.campaigns if spec.budget.account == account] for account in roster.accounts
    }
    assert {account.external_id: len(found) for account, found in per_account.items()} == {
        META_US.external_id: 6,
        META_EU.external_id: 2,
        GOOGLE_US.external_id: 5,
        "7100000000000000001": 5,
        LINKEDIN_US.external_id: 4,
        AMAZON_US.external_id: 4,
        MICROSOFT_US.external_id: 4,
    }
    assert len({(spec.budget.account.platform, spec.external_id) for spec in roster.campaigns}) == 30
    assert len({budget.external_id for budget in roster.budgets if budget.account.platform == GOOGLE}) == 4
    assert all(budget.initial_micros >= 50 * UNIT for budget in roster.budgets if budget.account.platform == TIKTOK)
    for spec in roster.campaigns:
        assert math.fsum(spec.weekday) == pytest.approx(7.0)
        assert math.fsum(spec.delay_shares) == pytest.approx(1.0)
    young = [spec for spec in roster.campaigns if spec.age_days < 7]
    assert len(young) == 2
    assert all(spec.age_days >= 90 for spec in roster.campaigns if spec not in young)


def test_the_youngest_days_of_a_campaign_are_its_first():
    young = next(spec for spec in demo_roster().campaigns if spec.age_days == 4)
    assert first_day(young, START) == START - timedelta(days=4)
    assert report(young, START - timedelta(days=5)) is None
    assert report(young, START - timedelta(days=4)).spend_micros > 0


def test_a_paused_campaign_spends_nothing_until_it_runs_again():
    day = date(2026, 3, 20)
    noon = day_start_utc(day, "America/New_York") + timedelta(hours=12)
    pauses = (PauseStep(noon, paused=True), PauseStep(noon + timedelta(days=2), paused=False))
    steps = with_pauses(always(100), pauses)
    assert steps == (*always(100), BudgetStep(noon, 0), BudgetStep(noon + timedelta(days=2), 100 * UNIT))
    spend = [report(calm(), day + timedelta(days=later), steps=steps) for later in range(4)]
    whole = [report(calm(), day + timedelta(days=later), steps=always(100)) for later in range(4)]
    shares = [found.spend_micros / full.spend_micros for found, full in zip(spend, whole, strict=True)]
    assert shares == pytest.approx([0.5, 0, 0.5, 1], abs=0.001)
    assert (spend[1].impressions, spend[1].revenue_micros, spend[1].conversions) == (0, 0, 0.0)


def test_a_budget_changed_while_paused_counts_once_the_campaign_runs_again():
    at = datetime(2026, 3, 1, tzinfo=UTC)
    pauses = (PauseStep(at, paused=True), PauseStep(at + timedelta(days=2), paused=False))
    steps = (*always(100), BudgetStep(at + timedelta(days=1), 70 * UNIT))
    assert [step.daily_budget_micros // UNIT for step in with_pauses(steps, pauses)] == [100, 0, 0, 70]


def test_some_campaigns_are_over_funded_and_some_under_funded():
    def marginal(spec):
        """Revenue of the next unit of spend at the budget in force."""
        spend = round(spec.budget.initial_micros * spec.budget_share)
        return (true_daily_revenue_micros(spec, spend + UNIT) - true_daily_revenue_micros(spec, spend)) / UNIT

    slopes = [marginal(spec) for spec in demo_roster().campaigns if spec.age_days >= 7]
    assert sum(slope < 1 for slope in slopes) >= 5
    assert sum(slope > 2 for slope in slopes) >= 4
