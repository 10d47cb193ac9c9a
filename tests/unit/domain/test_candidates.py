"""From what a workspace knows to what may be weighed: margins, missing revenue, what locks a budget first."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from domain.ad_accounts import AdAccount
from domain.adjustments import AdjustmentStatus
from domain.automations import untouched
from domain.campaigns import Budget, Campaign, CampaignDay
from domain.candidates import MAX_SYNC_AGE, Situation, gather, shown_name
from domain.currencies import RateTable
from domain.guarded_budgets import GuardedBudgets, Known
from domain.platforms import BudgetType, CampaignStatus, Platform
from domain.rebalancing import BudgetCandidate
from domain.recommendations import RecommendationStatus
from tests.unit.domain.pipeline_values import NOW, SOMEWHERE, WORKSPACE, adjustment, recommendation

ACCOUNT = AdAccount(SOMEWHERE, SOMEWHERE, SOMEWHERE, Platform.TIKTOK, "1", "Shop", "USD", "America/New_York", NOW, None)
BUDGET = Budget(SOMEWHERE, SOMEWHERE, SOMEWHERE, SOMEWHERE, "b", BudgetType.DAILY, 100_000_000, NOW)
DAY = date(2026, 3, 9)


def campaign(number: int, margin: str | None = None, **changes: object) -> Campaign:
    made = Campaign(
        UUID(int=number), SOMEWHERE, SOMEWHERE, SOMEWHERE, BUDGET.id, f"c{number}", f"Campaign {number}",
        CampaignStatus.ENABLED, None if margin is None else Decimal(margin),
    )  # fmt: skip
    return replace(made, **changes)


def day(number: int, revenue_micros: int | None, back: int = 0) -> CampaignDay:
    return CampaignDay(
        UUID(int=number), UUID(int=number), DAY - timedelta(days=back), 10, 5, Decimal("1.25"), 7_000_000,
        revenue_micros, None, Decimal(1),
    )  # fmt: skip


def known(*campaigns: Campaign, **changes: object) -> Known:
    """A workspace without any guardrail of its own."""
    made = Known(
        automation=untouched(SOMEWHERE, SOMEWHERE), rules=[], accounts={ACCOUNT.id: ACCOUNT}, budgets=[BUDGET],
        campaigns=campaigns, days={}, changes=[], entries=[], rates=RateTable(()), reporting_currency="USD",
        live_platforms=frozenset(),
    )  # fmt: skip
    return replace(made, **changes)


def situation(*campaigns: Campaign, **changes: object) -> Situation:
    shared = {name: value for name, value in changes.items() if name in {"accounts", "budgets", "rates"}}
    made = Situation(
        workspace=WORKSPACE, now_utc=NOW, accounts={ACCOUNT.id: ACCOUNT}, budgets=[BUDGET], campaigns=campaigns,
        days={}, rejected=[], in_flight=frozenset(), confirmed=[], rates=RateTable(()),
        guarded=GuardedBudgets(known(*campaigns, **shared), NOW),
    )  # fmt: skip
    return replace(made, **changes)


def only(given: Situation) -> BudgetCandidate:
    found = gather(given)
    assert found.skipped == ()
    [one] = found.budgets
    return one


def test_a_candidate_carries_the_budget_the_limits_and_the_accounts_day() -> None:
    one = only(situation(campaign(1), days={UUID(int=1): [day(1, 21_000_000), day(1, None, 1)]}))
    assert (one.budget_id, one.campaign_id, one.name, one.platform) == (
        BUDGET.id, UUID(int=1), "Campaign 1", Platform.TIKTOK,
    )  # fmt: skip
    assert (one.daily_budget_micros, one.min_daily_micros, one.step_micros) == (100_000_000, 50_000_000, 10_000)
    assert (one.today, one.rate_to_reporting, one.frozen, one.blocked_direction) == (
        date(2026, 3, 10), Decimal(1), False, None,
    )  # fmt: skip
    # The day without known revenue is left out: it is not a day that earned nothing.
    [row] = one.metrics
    assert (row.day, row.spend_micros, row.revenue_micros, row.conversions) == (DAY, 7_000_000, 21_000_000, 1.25)


@pytest.mark.req("RB-F1")
@pytest.mark.parametrize(
    ("margins", "revenues", "expected"),
    [
        ((None, None), (10, 30), None),
        (("0.2", None), (10, 30), "0.2"),
        (("0.2", "0.6"), (10, 30), "0.5"),
        (("0.2", "0.6"), (0, 0), "0.4"),
        (("-2", "0.1"), (10, 30), "0"),
    ],
)
def test_a_shared_budgets_margin_is_weighed_by_revenue(
    margins: tuple[str | None, ...], revenues: tuple[int, ...], expected: str | None
) -> None:
    days = {UUID(int=n): [day(n, revenue * 1_000_000)] for n, revenue in enumerate(revenues, 1)}
    one = only(situation(*(campaign(n, margin) for n, margin in enumerate(margins, 1)), days=days))
    assert one.product_margin == (None if expected is None else Decimal(expected))


def test_a_running_campaign_speaks_for_a_shared_budget() -> None:
    paused, running = campaign(1, status=CampaignStatus.PAUSED), campaign(2)
    one = only(situation(paused, running))
    assert (one.campaign_id, one.name, one.frozen) == (running.id, "Campaign 2 + Campaign 1", False)
    assert shown_name([campaign(n) for n in (1, 2, 3, 4)]) == "Campaign 1 + 3 more"


def test_what_locks_a_budget_is_said_with_the_plainest_reason() -> None:
    rejected = [recommendation(delta, status=RecommendationStatus.REJECTED, decided_at_utc=NOW) for delta in (-10, 10)]
    changed = adjustment(
        -30_000_000, AdjustmentStatus.CONFIRMED, budget_id=BUDGET.id, confirmed_at_utc=NOW - timedelta(days=1)
    )
    stale = replace(ACCOUNT, synced_at_utc=NOW - MAX_SYNC_AGE - timedelta(seconds=1))
    everything = situation(
        campaign(1, status=CampaignStatus.PAUSED),
        accounts={ACCOUNT.id: stale}, rejected=rejected, in_flight=frozenset({BUDGET.id}), confirmed=[changed],
    )  # fmt: skip
    told = []
    for mended in (
        everything,
        everything := replace(everything, accounts={ACCOUNT.id: ACCOUNT}),
        everything := replace(everything, campaigns=[campaign(1)]),
        everything := replace(everything, in_flight=frozenset()),
        everything := replace(everything, confirmed=[]),
        replace(everything, rejected=rejected[:1]),
    ):
        one = only(mended)
        told.append((one.frozen_reason, one.blocked_direction))
        assert one.frozen is (one.frozen_reason is not None)
    assert told == [
        ("its account was not synced in the last 24 hours", None),
        ("it is paused", None),
        ("an approved change of it is still on its way", None),
        ("its budget was changed lately; it is left to settle until 2026-03-11", None),
        ("reviewers rejected changes in both directions in this period", None),
        (None, "DOWN"),
    ]


def test_other_budgets_rejections_and_changes_do_not_count() -> None:
    elsewhere = UUID(int=99)
    rejected = recommendation(10, status=RecommendationStatus.REJECTED, decided_at_utc=NOW, budget_id=elsewhere)
    changed = adjustment(-30, AdjustmentStatus.CONFIRMED, budget_id=elsewhere, confirmed_at_utc=NOW)
    one = only(situation(campaign(1), rejected=[rejected], confirmed=[changed], in_flight=frozenset({elsewhere})))
    assert (one.frozen, one.blocked_direction) == (False, None)


def test_budgets_that_cannot_be_compared_are_skipped_with_a_sentence() -> None:
    lifetime = replace(BUDGET, budget_type=BudgetType.LIFETIME)
    [skipped] = gather(situation(campaign(1), budgets=[lifetime])).skipped
    assert (skipped.code, skipped.explanation) == (
        "NOT_DAILY", "Campaign 1 has no daily budget; only daily budgets are changed.",
    )  # fmt: skip
    euro = replace(ACCOUNT, currency_code="EUR")
    [skipped] = gather(situation(campaign(1), accounts={ACCOUNT.id: euro})).skipped
    assert (skipped.code, skipped.explanation) == (
        "NO_RATE", "Campaign 1 cannot be compared in USD: no rate from EUR to USD.",
    )  # fmt: skip


def test_removed_campaigns_and_those_without_a_budget_are_left_out() -> None:
    found = gather(situation(campaign(1, status=CampaignStatus.REMOVED), campaign(2, budget_id=None)))
    assert (found.budgets, found.skipped) == ((), ())
