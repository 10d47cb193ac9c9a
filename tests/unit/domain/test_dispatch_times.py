"""Leases, margins and settle times: what must fit into the minute after a crash."""

from datetime import timedelta

import pytest

from domain.dispatch_times import DISPATCH_TIMES, SETTLE_SECONDS, DispatchTimes, dispatch_times
from domain.platforms import Platform
from tests.unit.domain.pipeline_values import NOW


def test_every_platform_settles() -> None:
    assert {each.value for each in Platform} <= set(SETTLE_SECONDS)
    assert all(DISPATCH_TIMES.settle(each) > timedelta() for each in Platform)


def test_a_change_whose_worker_died_is_decided_within_a_minute() -> None:
    """The lease, or the longest call and the settle time, then two looks of the sweep."""
    for platform in Platform:
        decided = max(NOW + DISPATCH_TIMES.lease, DISPATCH_TIMES.settled_at_utc(platform, NOW))
        assert decided + timedelta(seconds=2) <= NOW + timedelta(seconds=60)


def test_calls_end_a_margin_before_the_lease() -> None:
    until = NOW + DISPATCH_TIMES.lease
    assert DISPATCH_TIMES.seconds_to_call(until, NOW) == 20.0
    assert DISPATCH_TIMES.seconds_to_call(until, NOW + timedelta(seconds=20)) == 0.0
    assert DISPATCH_TIMES.seconds_to_call(until, NOW + timedelta(seconds=26)) < 0


def test_settings_scale_the_table() -> None:
    quick = dispatch_times(lease_seconds=2.0, settle_scale=0.1)
    assert (quick.lease, quick.margin) == (timedelta(seconds=2), timedelta(seconds=0.4))
    assert quick.settle(Platform.AMAZON) == timedelta(seconds=1.5)
    assert quick.settled_at_utc(Platform.GOOGLE, NOW) == NOW + timedelta(seconds=2.1)


@pytest.mark.parametrize(("lease", "margin"), [(5, 5), (5, 0), (5, -1), (1, 2)])
def test_the_margin_lies_inside_the_lease(lease: int, margin: int) -> None:
    with pytest.raises(ValueError, match="margin"):
        DispatchTimes(timedelta(seconds=lease), timedelta(seconds=margin))
