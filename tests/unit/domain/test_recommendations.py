"""Deciding and editing one recommendation, rounding to what platforms take, and how long a rejected idea stays away."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput, InvalidTransition
from domain.platforms import Platform, PlatformLimits, limits
from domain.recommendations import (
    MAX_DAILY_MICROS,
    Direction,
    RecommendationStatus,
    approve,
    close,
    direction,
    edit,
    held_directions,
    percent_of_current,
    reject,
    reporting_delta_micros,
)
from tests.unit.domain.pipeline_values import NOW, recommendation

CENTS = PlatformLimits(1_000_000, 10_000)
S = RecommendationStatus


def rejected(delta_micros: int, at_utc: datetime):
    return recommendation(delta_micros, status=S.REJECTED, decided_at_utc=at_utc)


def test_an_approval_names_who_when_and_what_it_queued() -> None:
    adjustment_id = uuid4()
    after = approve(recommendation(), "ana", adjustment_id, NOW)
    assert (after.status, after.version, after.adjustment_id) == (S.APPROVED, 2, adjustment_id)
    assert (after.decided_by_id, after.decided_at_utc) == (after.changed_by_id, after.changed_at_utc) == ("ana", NOW)


@pytest.mark.parametrize("status", [s for s in S if s is not S.NEEDS_REVIEW])
def test_what_is_closed_can_no_longer_be_decided_edited_or_closed(status: S) -> None:
    closed = recommendation(status=status)
    for act in (
        lambda: approve(closed, "ana", uuid4(), NOW),
        lambda: reject(closed, "ana", "no", NOW),
        lambda: edit(closed, "ana", 1_000_000, CENTS, NOW),
        lambda: close(closed, S.EXPIRED, NOW),
    ):
        with pytest.raises(InvalidTransition) as refused:
            act()
        assert refused.value.state == status.value


def test_the_last_moment_to_decide_is_the_one_before_expiry() -> None:
    one = recommendation()
    just_before = one.expires_at_utc - timedelta(microseconds=1)
    assert approve(one, "ana", uuid4(), just_before).status is S.APPROVED
    with pytest.raises(InvalidTransition, match=r"expired"):
        approve(one, "ana", uuid4(), one.expires_at_utc)


@pytest.mark.req("RB-1.3")
@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_rejection_takes_a_reason(reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        reject(recommendation(), "ana", reason, NOW)
    assert refused.value.path == ("reason",)
    after = reject(recommendation(), "ana", "  not now ", NOW)
    assert (after.status, after.decision_reason, after.version) == (S.REJECTED, "not now", 2)


def test_a_close_by_the_system_names_nobody() -> None:
    after = close(recommendation(changed_by_id="ana"), S.SUPERSEDED, NOW)
    assert (after.status, after.version, after.changed_by_id, after.decided_by_id) == (S.SUPERSEDED, 2, None, None)
    assert after.decided_at_utc == NOW


@pytest.mark.req("RB-F2")
@pytest.mark.parametrize(
    ("percent", "amount"),
    [
        ("10", 110_000_000),
        ("-99.99", 10_000),
        ("1000", 1_100_000_000),
        ("0.005", 100_005_000),
        ("-33.333333", 66_666_667),
    ],
)
def test_a_percentage_is_of_the_current_budget(percent: str, amount: int) -> None:
    assert percent_of_current(recommendation(50_000_000), Decimal(percent)) == amount


@pytest.mark.parametrize("percent", ["-100", "1000.01", "NaN", "Infinity", "-Infinity"])
def test_a_percentage_outside_its_range_is_refused(percent: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        percent_of_current(recommendation(), Decimal(percent))
    assert refused.value.path == ("change", "percent")


@pytest.mark.req("RB-F2")
@pytest.mark.parametrize(
    ("currency", "wanted", "stored"),
    [
        ("USD", 104_994_999, 104_990_000),
        ("USD", 104_995_000, 105_000_000),
        ("JPY", 104_499_999, 104_000_000),
        ("JPY", 104_500_000, 105_000_000),
    ],
)
def test_an_edit_is_rounded_to_the_platforms_step_ties_away_from_zero(currency: str, wanted: int, stored: int) -> None:
    one = recommendation(currency_code=currency)
    after = edit(one, "ana", wanted, limits(Platform.GOOGLE, currency), NOW)
    assert (after.proposed_micros, after.suggested_micros, after.version) == (stored, one.suggested_micros, 2)
    assert (after.status, after.changed_by_id, after.changed_at_utc) == (S.NEEDS_REVIEW, "ana", NOW)
    assert after.decided_by_id is None


def test_an_edit_under_the_platforms_minimum_above_a_billion_or_to_no_change_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"TIKTOK accepts no daily budget under 50 USD"):
        edit(recommendation(platform=Platform.TIKTOK), "ana", 49_000_000, limits(Platform.TIKTOK, "USD"), NOW)
    with pytest.raises(InvalidInput, match=r"at most a billion"):
        edit(recommendation(), "ana", MAX_DAILY_MICROS + 1, CENTS, NOW)
    for nothing in (100_000_000, 100_004_999):
        with pytest.raises(InvalidInput, match=r"change nothing"):
            edit(recommendation(), "ana", nothing, CENTS, NOW)


@given(
    current=st.integers(1_000_000, 10**14),
    percent=st.decimals(Decimal("-99.99"), Decimal(1000), places=4),
    step=st.sampled_from([1, 10_000, 1_000_000]),
)
def test_an_edited_amount_is_a_whole_number_of_steps_and_within_half_a_step(
    current: int, percent: Decimal, step: int
) -> None:
    one = recommendation(current_micros=current)
    wanted = percent_of_current(one, percent)
    try:
        after = edit(one, "ana", wanted, PlatformLimits(step, step), NOW)
    except InvalidInput:
        assert abs(wanted - current) <= step / 2 or wanted < step or wanted > MAX_DAILY_MICROS
        return
    assert after.proposed_micros % step == 0
    assert abs(after.proposed_micros - wanted) * 2 <= step
    assert after.delta_reporting_micros == after.proposed_micros - current


@given(deltas=st.lists(st.integers(-(10**12), 10**12), max_size=20), rate=st.decimals("0.0001", 10_000, places=10))
def test_rounded_deltas_never_understate_what_is_spent(deltas: list[int], rate: Decimal) -> None:
    told = sum(reporting_delta_micros(delta, rate) for delta in deltas)
    exact = sum(deltas) * rate
    assert 0 <= told - exact < max(len(deltas), 1)


def test_an_edit_does_not_change_what_was_rejected() -> None:
    assert direction(recommendation(-10, proposed_micros=100_000_010)) is Direction.DOWN
    assert direction(recommendation(10, proposed_micros=99_999_990)) is Direction.UP


def test_a_rejected_direction_is_held_to_the_end_of_the_accounts_day() -> None:
    """Rejected at 08:00 in New York on the 10th."""
    one = rejected(10, NOW)
    last = datetime(2026, 3, 11, 3, 59, 59, tzinfo=UTC)
    assert held_directions([one], "America/New_York", 0, last) == {Direction.UP}
    assert held_directions([one], "America/New_York", 0, last + timedelta(seconds=1)) == frozenset()
    both = [one, rejected(-10, NOW)]
    assert held_directions(both, "America/New_York", 0, last) == set(Direction)
    assert held_directions([], "America/New_York", 0, NOW) == frozenset()
    assert held_directions([recommendation(10)], "America/New_York", 0, NOW) == frozenset()


def test_the_same_rejection_ends_with_each_accounts_own_day() -> None:
    """23:30 in Berlin is 18:30 in New York and already the next morning in Tokyo."""
    one = rejected(10, datetime(2026, 1, 15, 22, 30, tzinfo=UTC))
    an_hour_later = datetime(2026, 1, 15, 23, 30, tzinfo=UTC)
    held = {
        zone: bool(held_directions([one], zone, 0, an_hour_later))
        for zone in ("Europe/Berlin", "America/New_York", "Asia/Tokyo")
    }
    assert held == {"Europe/Berlin": False, "America/New_York": True, "Asia/Tokyo": True}


@pytest.mark.parametrize(
    ("decided", "still", "over"),
    [
        # Clocks go forward on 8 March 2026 in New York: that day has 23 hours.
        ((2026, 3, 8, 5, 30), (2026, 3, 9, 3, 59), (2026, 3, 9, 4, 0)),
        # They go back on 1 November: 25 hours.
        ((2026, 11, 1, 4, 30), (2026, 11, 2, 4, 59), (2026, 11, 2, 5, 0)),
    ],
)
def test_a_day_on_which_clocks_change_is_held_to_its_own_midnight(
    decided: tuple[int, ...], still: tuple[int, ...], over: tuple[int, ...]
) -> None:
    one = rejected(10, datetime(*decided, tzinfo=UTC))
    assert held_directions([one], "America/New_York", 0, datetime(*still, tzinfo=UTC)) == {Direction.UP}
    assert held_directions([one], "America/New_York", 0, datetime(*over, tzinfo=UTC)) == frozenset()


def test_hold_days_are_further_days_of_the_account() -> None:
    one = rejected(-10, NOW)
    for days in (0, 1, 7):
        end = datetime(2026, 3, 11, 4, tzinfo=UTC) + timedelta(days=days)
        assert held_directions([one], "America/New_York", days, end - timedelta(seconds=1)) == {Direction.DOWN}
        assert held_directions([one], "America/New_York", days, end) == frozenset()
