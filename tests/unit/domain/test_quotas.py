"""Token budgets of the platforms' quotas: exact waits, and never more than allowed in any stretch of time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.platforms import Platform
from domain.quotas import CHANGE, LOOK, QUOTAS, Calls, Quota, QuotaUsage, admit, budget_name, per_window, refused
from tests.unit.domain.pipeline_values import NOW

NONE_USED = QuotaUsage(0.0, NOW)
ONE = Calls(reads=1, writes=0)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def test_every_platform_has_a_budget_that_takes_a_change() -> None:
    assert set(QUOTAS) == {each.value for each in Platform}
    for quota in QUOTAS.values():
        assert isinstance(admit(quota, NONE_USED, CHANGE, NOW), QuotaUsage)


def test_metas_score_counts_reads_once_and_writes_three_times_and_fades() -> None:
    quota = Quota(60, 60 / 300, read=1, write=3, per_account=True)
    assert (quota.cost(CHANGE), quota.cost(LOOK)) == (5, 1)
    usage = NONE_USED
    for n in range(12):
        admitted = admit(quota, usage, CHANGE, NOW)
        assert admitted == QuotaUsage(5.0 * (n + 1), NOW, version=n + 1)
        usage = admitted
    assert admit(quota, usage, CHANGE, NOW) == NOW + seconds(25.001)
    later = admit(quota, usage, CHANGE, NOW + seconds(25))
    assert later == QuotaUsage(60.0, NOW + seconds(25), version=13)
    assert admit(quota, usage, ONE, NOW + seconds(10_000)) == QuotaUsage(1.0, NOW + seconds(10_000), version=13)


def test_a_days_budget_is_whole_again_at_midnight_utc() -> None:
    quota = Quota(10)
    used = replace(NONE_USED, points=9.0)
    assert admit(quota, used, CHANGE, NOW) == datetime(2026, 3, 11, tzinfo=UTC)
    assert admit(quota, used, ONE, NOW) == QuotaUsage(10.0, NOW, version=1)
    midnight = datetime(2026, 3, 11, tzinfo=UTC)
    assert admit(quota, used, CHANGE, midnight) == QuotaUsage(3.0, midnight, version=1)
    assert admit(quota, used, CHANGE, midnight - seconds(0.001)) == midnight


@given(
    limit=st.integers(2, 40),
    window=st.sampled_from([1.0, 60.0]),
    pauses=st.lists(st.floats(0, 5), min_size=1, max_size=200),
)
def test_no_window_of_that_length_ever_holds_more_calls_than_its_limit(
    limit: int, window: float, pauses: list[float]
) -> None:
    quota, usage, at, made = per_window(limit, window), NONE_USED, NOW, []
    for pause in pauses:
        at += seconds(pause)
        answer = admit(quota, usage, ONE, at)
        if isinstance(answer, QuotaUsage):
            usage = answer
            made.append(at)
        else:
            assert answer > at
            assert isinstance(admit(quota, usage, ONE, answer), QuotaUsage)
    for n, begin in enumerate(made):
        assert sum(each < begin + seconds(window) for each in made[n:]) <= limit


def test_a_refusal_keeps_everybody_away_for_as_long_as_the_platform_asked() -> None:
    quota = per_window(20, 1)
    usage = refused(quota, NONE_USED, 90.0, NOW)
    assert (usage.blocked_until_utc, usage.version) == (NOW + seconds(90), 1)
    assert admit(quota, usage, ONE, NOW + seconds(89)) == NOW + seconds(90)
    assert isinstance(admit(quota, usage, ONE, NOW + seconds(90)), QuotaUsage)
    assert refused(quota, usage, 5.0, NOW).blocked_until_utc == NOW + seconds(90)


def test_where_no_figure_is_told_a_refusal_halves_the_pace_and_success_raises_it() -> None:
    quota = replace(per_window(20, 1), adapts=True)
    slow = refused(quota, NONE_USED, 0.0, NOW)
    assert slow.pace == 0.5
    assert refused(quota, slow, 0.0, NOW).pace == 0.25
    full = replace(slow, points=10.0, blocked_until_utc=None)
    assert admit(quota, full, ONE, NOW) == NOW + seconds(0.201)
    admitted = admit(quota, slow, ONE, NOW)
    assert isinstance(admitted, QuotaUsage)
    assert admitted.pace == pytest.approx(0.51)
    for _ in range(100):
        slow = refused(quota, slow, 0.0, NOW)
    assert slow.pace == 0.02
    assert refused(per_window(20, 1), NONE_USED, 0.0, NOW).pace == 1.0


def test_another_workers_clock_may_be_ahead() -> None:
    ahead = QuotaUsage(3.0, NOW + seconds(2))
    assert admit(per_window(20, 1), ahead, ONE, NOW) == QuotaUsage(4.0, NOW + seconds(2), version=1)


def test_without_a_limit_everything_is_admitted_and_counted() -> None:
    assert admit(Quota(0), replace(NONE_USED, points=1e6), CHANGE, NOW) == QuotaUsage(1e6 + 3, NOW, version=1)


def test_what_never_fits_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="never fit"):
        admit(Quota(2), NONE_USED, CHANGE, NOW)


def test_accounts_share_a_budget_or_have_their_own() -> None:
    assert budget_name(QUOTAS["META"], Platform.META, "7") == "META:7"
    assert budget_name(QUOTAS["GOOGLE"], Platform.GOOGLE, "7") == "GOOGLE"
