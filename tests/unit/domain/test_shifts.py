"""What a shift's legs mean for it: all or nothing, else a flag in time; and amounts that never create money."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.adjustments import SETTLED, AdjustmentStatus
from domain.errors import InvalidInput
from domain.platforms import PlatformLimits
from domain.shifts import FLAG_AFTER, Finding, Legs, Shift, ShiftStatus, amounts, finding, settled
from kit.ids import new_id
from tests.unit.domain.pipeline_values import NOW, adjustment

S, R = AdjustmentStatus, ShiftStatus
SHIFT = Shift(
    new_id(), new_id(), new_id(), 1, R.OPEN, new_id(), new_id(), new_id(), new_id(), new_id(), 10_000_000, "USD",
    "cheaper there", "ana", NOW,
)  # fmt: skip


def legs(source: S, target: S, back: S | None = None, *, ago: timedelta = timedelta(seconds=1)) -> Legs:
    def leg(status: S) -> object:
        at = NOW - ago if status in {S.CONFIRMED, S.REVERTED} else None
        sent = None if status in {S.PENDING, S.FAILED} else NOW - ago
        return adjustment(status=status, confirmed_at_utc=at, sent_at_utc=sent, created_at_utc=NOW - ago)

    return Legs(leg(source), leg(target), None if back is None else leg(back))  # type: ignore[arg-type]


@pytest.mark.req("GO-05")
@pytest.mark.parametrize(
    ("source", "target", "back", "status"),
    [
        (S.PENDING, S.PENDING, None, R.OPEN),
        (S.CONFIRMED, S.SENDING, None, R.OPEN),
        (S.CONFIRMED, S.CONFIRMED, None, R.DONE),
        (S.FAILED, S.PENDING, None, R.OPEN),
        (S.FAILED, S.FAILED, None, R.NOT_MOVED),
        (S.CONFIRMED, S.FAILED, S.SENDING, R.RESTORING),
        (S.REVERTED, S.FAILED, S.CONFIRMED, R.NOT_MOVED),
        (S.REVERTED, S.REVERTED, S.CONFIRMED, R.NOT_MOVED),
        (S.CONFIRMED, S.FAILED, S.FAILED, R.FLAGGED),
        (S.CONFIRMED, S.FAILED, S.UNKNOWN, R.FLAGGED),
        (S.UNKNOWN, S.FAILED, None, R.FLAGGED),
        (S.CONFIRMED, S.UNKNOWN, None, R.FLAGGED),
        (S.REVERTED, S.CONFIRMED, S.CONFIRMED, R.FLAGGED),
    ],
)
def test_what_the_legs_mean(source: S, target: S, back: S | None, status: R) -> None:
    assert finding(legs(source, target, back), NOW).status is status


@pytest.mark.req("GO-05")
def test_the_decrease_is_put_back_when_the_increase_failed() -> None:
    assert finding(legs(S.CONFIRMED, S.FAILED), NOW) == Finding(R.RESTORING, restore=True)


@pytest.mark.req("GO-05")
@pytest.mark.parametrize("target", [S.PENDING, S.SENDING, S.APPLIED])
def test_money_that_hangs_between_the_legs_is_flagged_in_time(target: S) -> None:
    moment = timedelta(microseconds=1)
    assert finding(legs(S.CONFIRMED, target, ago=FLAG_AFTER - moment), NOW).status is R.OPEN
    assert finding(legs(S.CONFIRMED, target, ago=FLAG_AFTER), NOW).status is R.FLAGGED
    assert finding(legs(S.CONFIRMED, S.FAILED, S.PENDING, ago=FLAG_AFTER), NOW).status is R.FLAGGED
    # Nothing has left: it may wait as long as it likes.
    assert finding(legs(S.PENDING, S.PENDING, ago=FLAG_AFTER), NOW).status is R.OPEN
    assert timedelta() < FLAG_AFTER < timedelta(seconds=60)


@pytest.mark.req("GO-05")
def test_nothing_that_begins_later_starts_the_flags_clock_anew() -> None:
    """Confirmed at 40 s, the increase failed at 44 s and its way back queued then: flagged at 45 s all the same."""
    known = legs(S.CONFIRMED, S.FAILED, S.PENDING)
    source = replace(known.source, sent_at_utc=NOW, confirmed_at_utc=NOW + timedelta(seconds=40))
    back = replace(known.back, created_at_utc=NOW + timedelta(seconds=44)) if known.back else None
    late = replace(known, source=source, back=back)
    assert finding(late, NOW + timedelta(seconds=44)).status is R.RESTORING
    assert finding(late, NOW + FLAG_AFTER).status is R.FLAGGED


def test_no_state_of_the_legs_ends_a_shift_with_money_in_between() -> None:
    for source, target, back in product(S, S, [None, *S]):
        if back in {S.CONFIRMED, S.REVERTED} and source is S.CONFIRMED:
            continue  # a restoring change is confirmed together with the reversal of what it restores
        found = finding(legs(source, target, back, ago=timedelta(hours=1)), NOW)
        if found.status is R.DONE:
            assert (source, target) == (S.CONFIRMED, S.CONFIRMED)
        elif found.status is R.NOT_MOVED:
            assert source in {S.FAILED, S.REVERTED}
            assert target in {S.FAILED, S.REVERTED}
        elif found.status is R.RESTORING:
            # Long after, only its very beginning is not flagged.
            assert found.restore
        elif found.status is R.OPEN:
            assert source not in {S.CONFIRMED, S.UNKNOWN}
            assert target not in SETTLED or source not in SETTLED


def test_a_flag_stays_until_the_shift_ends_and_a_new_reason_counts() -> None:
    flagged = settled(SHIFT, Finding(R.FLAGGED, why="unknown"), NOW)
    assert flagged is not None
    assert (flagged.status, flagged.version, flagged.flagged_at_utc) == (R.FLAGGED, 2, NOW)
    assert settled(flagged, Finding(R.FLAGGED, why="unknown"), NOW) is None
    assert settled(flagged, Finding(R.OPEN), NOW) is None
    other = settled(flagged, Finding(R.FLAGGED, why="late"), NOW)
    assert other is not None
    assert (other.version, other.flag_reason) == (3, "late")
    done = settled(flagged, Finding(R.DONE), NOW + FLAG_AFTER)
    assert done is not None
    assert (done.status, done.ended_at_utc, done.flag_reason) == (R.DONE, NOW + FLAG_AFTER, "unknown")
    assert settled(done, Finding(R.FLAGGED, why="later"), NOW) is None
    assert settled(SHIFT, Finding(R.OPEN), NOW) is None


CENTS = PlatformLimits(1_000_000, 10_000)


def test_what_arrives_in_another_currency_is_rounded_down_to_its_platforms_step() -> None:
    yen = PlatformLimits(100_000_000, 1_000_000)
    found = amounts(
        (100_000_000, Decimal(1), CENTS), (20_000_000_000, Decimal("0.0067"), yen), 10_004_999
    )  # fmt: skip
    assert found.source_micros == 90_000_000
    assert found.target_micros == 20_000_000_000 + 1_492_000_000
    assert (found.leaving_reporting_micros, found.arriving_reporting_micros) == (-10_000_000, 9_996_400)


@given(
    amount=st.integers(1, 10**9),
    rate=st.decimals("0.0001", "1000", places=4),
    to_rate=st.decimals("0.0001", "1000", places=4),
    step=st.sampled_from([1, 10_000, 1_000_000]),
)
def test_never_more_arrives_than_leaves(amount: int, rate: Decimal, to_rate: Decimal, step: int) -> None:
    limits = PlatformLimits(0, step)
    try:
        found = amounts((10**10, rate, limits), (0, to_rate, limits), amount)
    except InvalidInput:
        return
    assert 0 < found.arriving_reporting_micros <= -found.leaving_reporting_micros
    assert found.source_micros % step == found.target_micros % step == 0


@pytest.mark.parametrize(("amount", "why"), [(9_999, "at least one step"), (99_000_001, None), (99_010_000, "accepts")])
def test_nothing_or_too_much_is_refused(amount: int, why: str | None) -> None:
    ends = (100_000_000, Decimal(1), CENTS)
    if why is None:
        assert amounts(ends, ends, amount).source_micros == 1_000_000
        return
    with pytest.raises(InvalidInput, match=why):
        amounts(ends, ends, amount)
