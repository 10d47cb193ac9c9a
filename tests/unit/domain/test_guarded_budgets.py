"""Many budgets under their guardrails: the room of each, what is on its way counted, and what a proposal would meet."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from domain.adjustments import AdjustmentStatus
from domain.automations import untouched
from domain.currencies import Rate, RateTable
from domain.guarded_budgets import GuardedBudgets, Known
from domain.guardrails import Bounds, Entry, Guardrail, HardLimits, RuleSet, Scope, ScopeKind, Settings
from domain.platforms import Platform
from tests.unit.domain.pipeline_values import NOW, SOMEWHERE, adjustment, recommendation
from tests.unit.domain.test_candidates import ACCOUNT, BUDGET, campaign, known

UNIT = 1_000_000
META = replace(ACCOUNT, platform=Platform.META)


def guarded(limits: HardLimits, **changes: object) -> GuardedBudgets:
    whole = Scope(ScopeKind.WORKSPACE)
    rules = RuleSet(UUID(int=9), SOMEWHERE, SOMEWHERE, whole, "USD", Settings(limits=limits), 1)
    its: Known = known(campaign(1), accounts={META.id: META}, rules=[rules])
    return GuardedBudgets(replace(its, **changes), NOW)


def room(limits: HardLimits, **changes: object) -> Bounds:
    return guarded(limits, **changes).room(META, BUDGET, "rebalancer", Decimal(1))


def test_room_is_what_the_limits_leave_of_this_account_zone_day() -> None:
    limits = HardLimits(max_daily_micros=500 * UNIT, max_account_change_micros=50 * UNIT)
    assert room(limits) == Bounds(50 * UNIT, 150 * UNIT, None)
    spent = Entry(META.id, UUID(int=77), UUID(int=78), date(2026, 3, 10), 30 * UNIT, automatic=False, restores=False)
    yesterday = replace(spent, adjustment_id=UUID(int=79), day=date(2026, 3, 9))
    assert room(limits, entries=[spent, yesterday]) == Bounds(80 * UNIT, 120 * UNIT, None)


def test_what_was_approved_and_not_sent_takes_room_too_and_once() -> None:
    limits = HardLimits(max_account_change_micros=50 * UNIT)
    queued = adjustment(-20 * UNIT, AdjustmentStatus.PENDING, account_id=META.id)
    assert room(limits, changes=[queued]).upper_micros == 130 * UNIT
    reserved = Entry(
        META.id, queued.budget_id, queued.id, date(2026, 3, 10), 20 * UNIT, automatic=False, restores=False
    )
    assert room(limits, changes=[queued], entries=[reserved]).upper_micros == 130 * UNIT


def test_an_account_is_as_full_as_it_may_be_after_what_is_on_its_way() -> None:
    limits = HardLimits(max_account_budget_micros=180 * UNIT)
    assert room(limits).upper_micros == 180 * UNIT
    rising = adjustment(50 * UNIT, AdjustmentStatus.SENDING, account_id=META.id, budget_id=BUDGET.id)
    assert room(limits, changes=[rising]).upper_micros == 130 * UNIT


def test_a_platforms_budgets_add_up_over_accounts_in_the_reporting_currency() -> None:
    euros = replace(META, id=UUID(int=50), currency_code="EUR")
    second = replace(BUDGET, id=UUID(int=51), account_id=euros.id)
    rates = RateTable([Rate(date(2026, 3, 9), "EUR", "USD", Decimal(2), "test")], max_age_days=30)
    told = {
        "accounts": {META.id: META, euros.id: euros},
        "budgets": [BUDGET, second],
        "campaigns": [campaign(1), campaign(2, budget_id=second.id, account_id=euros.id)],
        "rates": rates,
    }
    # 100 dollars and 100 euros at 2 dollars each.
    assert room(HardLimits(max_platform_budget_micros=340 * UNIT), **told).upper_micros == 140 * UNIT


def test_a_suggestion_is_judged_as_of_when_it_was_made() -> None:
    later = adjustment(
        40 * UNIT, AdjustmentStatus.CONFIRMED, account_id=META.id, budget_id=BUDGET.id,
        created_at_utc=NOW + timedelta(hours=1), confirmed_at_utc=NOW + timedelta(hours=1),
    )  # fmt: skip
    made = recommendation(-10 * UNIT, account_id=META.id, budget_id=BUDGET.id, confidence=0.96)
    before = replace(later, created_at_utc=NOW - timedelta(hours=2), confirmed_at_utc=NOW - timedelta(hours=2))
    for changes, learning in (([later], False), ([before], True)):
        verdict = guarded(HardLimits(), changes=changes).verdict(made, "rebalancer")
        found = {each.guardrail for each in verdict.violations}
        assert (Guardrail.LEARNING_PHASE in found) is learning


def test_a_paused_workspace_says_so() -> None:
    paused = replace(untouched(SOMEWHERE, SOMEWHERE), auto_approval=True, paused=True)
    it = guarded(HardLimits(), automation=paused)
    assert not it.automated
    made = recommendation(-10 * UNIT, account_id=META.id, budget_id=BUDGET.id)
    assert it.verdict(made, "rebalancer").violations[0].guardrail is Guardrail.AUTOMATION_PAUSED
