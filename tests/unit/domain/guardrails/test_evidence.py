"""What automation rests on, from stored days and changes; and the sums of a day."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.adjustments import AdjustmentStatus
from domain.campaigns import CampaignDay
from domain.guardrails import DayTotals, Entry, Evidence, Ledger, evidence_of
from domain.platforms import Platform
from tests.unit.domain.pipeline_values import NOW, adjustment

TODAY = date(2026, 3, 10)  # 8:00 in New York
A, B = UUID(int=1), UUID(int=2)


def day(back: int, campaign: UUID = A, spend_micros: int = 1_000_000) -> CampaignDay:
    return CampaignDay(
        uuid4(), campaign, TODAY - timedelta(days=back), 100, 10, Decimal("1.5"), spend_micros, None, None, Decimal(1)
    )


def found(platform: Platform = Platform.META, days: Any = (), changes: Any = ()) -> Evidence:
    return evidence_of(platform, "America/New_York", NOW, (2.5, 0.9), days, changes)


def test_only_complete_days_of_the_last_week_count_and_a_day_counts_once() -> None:
    days = [day(back, campaign) for back in range(-1, 12) for campaign in (A, B)]
    one = found(days=days)
    # Seven complete days of two campaigns; eleven days with spend before today.
    assert (one.impressions, one.spend_micros, one.conversions) == (1_400, 14_000_000, Decimal(21))
    assert one.history_days == 11
    assert found(days=[day(1, spend_micros=0), day(2)]).history_days == 1
    assert (one.roas, one.confidence, one.changed_at_utc, one.learns_until) == (2.5, 0.9, None, None)


@pytest.mark.parametrize(
    ("platform", "delta", "learns_until"),
    [
        (Platform.META, 20_010_000, date(2026, 3, 17)),
        (Platform.META, -20_010_000, date(2026, 3, 17)),
        (Platform.META, 20_000_000, None),
        (Platform.TIKTOK, 50_000_000, date(2026, 3, 12)),
    ],
)
def test_a_significant_change_makes_the_platform_learn(
    platform: Platform, delta: int, learns_until: date | None
) -> None:
    made = adjustment(delta, AdjustmentStatus.CONFIRMED, confirmed_at_utc=NOW)
    one = found(platform, changes=[made])
    assert (one.changed_at_utc, one.learns_until) == (NOW, learns_until)


def test_what_may_have_reached_the_platform_counts_and_what_did_not_does_not() -> None:
    sent = NOW - timedelta(hours=3)
    unknown = adjustment(30_000_000, AdjustmentStatus.UNKNOWN, dispatched_at_utc=sent)
    assert (found(changes=[unknown]).changed_at_utc, found(changes=[unknown]).learns_until) == (
        sent, date(2026, 3, 17),
    )  # fmt: skip
    nothing = [
        adjustment(30_000_000, AdjustmentStatus.FAILED, dispatched_at_utc=sent),
        adjustment(30_000_000, AdjustmentStatus.PENDING),
    ]
    assert found(changes=nothing).changed_at_utc is None


def test_a_change_made_before_the_clock_jumped_back_counts() -> None:
    ahead = NOW + timedelta(days=2)
    assert found(changes=[adjustment(1, AdjustmentStatus.CONFIRMED, confirmed_at_utc=ahead)]).changed_at_utc == ahead


def test_a_ledger_adds_up_days_and_counts_an_adjustment_once_a_day() -> None:
    account, other, one, two = (UUID(int=n) for n in range(10, 14))
    first = Entry(account, one, uuid4(), TODAY, 10, automatic=True, restores=False)
    restored = Entry(account, one, uuid4(), TODAY, 7, automatic=False, restores=True)
    entries = [
        first,
        first,
        restored,
        Entry(account, two, uuid4(), TODAY, 5, automatic=False, restores=False),
        Entry(account, one, uuid4(), TODAY - timedelta(days=1), 100, automatic=True, restores=False),
        Entry(other, one, uuid4(), TODAY, 1_000, automatic=True, restores=False),
    ]
    ledger = Ledger(entries)
    # A restore is a change of its budget, and moves nothing new.
    assert ledger.totals(account, one, TODAY) == DayTotals(15, 2, 1)
    assert ledger.totals(account, one, TODAY, first.adjustment_id) == DayTotals(5, 1, 0)
    assert ledger.totals(account, uuid4(), TODAY) == DayTotals(15, 0, 0)
    assert DayTotals(1, 2, 3) + DayTotals(10, 20, 30) == DayTotals(11, 22, 33)
