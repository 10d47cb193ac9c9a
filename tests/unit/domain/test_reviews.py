"""Today's deadline across a change of clocks, and what counts as decided in time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from domain.ad_accounts import AdAccount
from domain.platforms import Platform
from domain.recommendations import Recommendation, RecommendationStatus
from domain.reviews import (
    MAX_RATIONALE_LINES,
    WorkspaceFacts,
    deadline_utc,
    platform_summaries,
    review_progress,
    review_window,
)
from domain.workspaces import Workspace
from kit.ids import new_id

WORKSPACE = Workspace(new_id(), new_id(), "w", "USD", "Europe/Berlin", "12:00", 0, 0.3, True, 1)
NOON = datetime(2026, 3, 29, 10, 0, tzinfo=UTC)


def proposed(status: RecommendationStatus, decided: datetime | None = None, delta: int = 0) -> Recommendation:
    return Recommendation(
        id=new_id(), tenant_id=WORKSPACE.tenant_id, workspace_id=WORKSPACE.id, plan_id=new_id(), account_id=new_id(),
        budget_id=new_id(), campaign_id=new_id(), platform=Platform.META, campaign_name="c", currency_code="EUR",
        reporting_currency_code="USD", rate_to_reporting=Decimal("1.1"), status=status, version=1, current_micros=0,
        suggested_micros=delta, proposed_micros=delta, delta_reporting_micros=delta, roas_now=1, roas_expected=1,
        roas_change_low=0, roas_change_high=0, revenue_change_reporting_micros=0, confidence=1, rationale="why",
        created_at_utc=NOON, expires_at_utc=NOON, changed_by_id=None, changed_at_utc=None, decided_by_id=None,
        decided_at_utc=decided, decision_reason=None, adjustment_id=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "utc_hour"), [(date(2026, 3, 28), 11), (date(2026, 3, 29), 10), (date(2026, 10, 25), 11)]
)
def test_noon_stays_noon_when_clocks_change(day: date, utc_hour: int) -> None:
    assert deadline_utc(WORKSPACE, day) == datetime(day.year, day.month, day.day, utc_hour, tzinfo=UTC)


def test_what_is_due_today_was_made_since_yesterdays_deadline() -> None:
    window = (datetime(2026, 3, 28, 11, tzinfo=UTC), datetime(2026, 3, 29, 10, tzinfo=UTC))
    assert review_window(WORKSPACE, NOON - timedelta(hours=5)) == window
    assert review_window(WORKSPACE, NOON + timedelta(hours=11)) == window
    # 22:30 UTC is the next day in Berlin.
    assert review_window(WORKSPACE, NOON + timedelta(hours=12, minutes=30))[0] == window[1]


@pytest.mark.req("RB-1.4")
def test_the_share_decided_in_time_counts_people_and_their_clock() -> None:
    late = NOON + timedelta(microseconds=1)
    due = [
        proposed(RecommendationStatus.APPROVED, NOON),
        proposed(RecommendationStatus.REJECTED, NOON - timedelta(hours=1)),
        proposed(RecommendationStatus.APPROVED, late),
        proposed(RecommendationStatus.EXPIRED, NOON - timedelta(hours=2)),
        proposed(RecommendationStatus.NEEDS_REVIEW),
        proposed(RecommendationStatus.SUPERSEDED, NOON),
    ]
    found = review_progress(due, NOON)
    assert (found.total, found.decided_in_time, found.waiting, found.share_decided_in_time) == (5, 2, 1, 0.4)
    assert review_progress([], NOON).share_decided_in_time is None


def test_reasons_are_bounded_and_the_largest_moves_come_first() -> None:
    account = AdAccount(new_id(), WORKSPACE.tenant_id, WORKSPACE.id, Platform.META, "1", "a", "EUR", "UTC", None, None)
    moves = [
        replace(proposed(RecommendationStatus.NEEDS_REVIEW, delta=n * 1_000_000), account_id=account.id)
        for n in range(1, MAX_RATIONALE_LINES + 6)
    ]
    (summary,) = platform_summaries(WorkspaceFacts(WORKSPACE, [account], [], [], moves, []), NOON)
    assert (len(summary.rationale), summary.rationale[0]) == (100, "c: +105.00 EUR a day. why")
    assert (summary.open_recommendations, summary.delta_micros) == (105, sum(range(1, 106)) * 1_000_000)
    assert summary.daily_budget_micros == 0
