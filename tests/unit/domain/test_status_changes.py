"""A status change's states, what a look at the platform means, what gives way, and what a failed call leaves."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from domain.adjustments import STRAYED_CODE, STRAYS_WITHIN
from domain.errors import InvalidInput, InvalidTransition, PlatformError
from domain.platforms import CampaignStatus
from domain.retries import MAX_ATTEMPTS
from domain.status_changes import (
    ALLOWED,
    SETTLED,
    Finding,
    StatusChange,
    StatusChangeState,
    after_failure,
    check_reason,
    finding,
    giving_way,
    moved,
    reopened,
    status_before,
    strayed,
    superseded,
)
from tests.unit.domain.pipeline_values import NOW, status_change

S = StatusChangeState
ON, OFF, GONE = CampaignStatus.ENABLED, CampaignStatus.PAUSED, CampaignStatus.REMOVED
TOKEN = UUID(int=7)
SETTLE = timedelta(seconds=10)


change = status_change


def sending(**facts: object) -> StatusChange:
    return change(S.SENDING, lease_token=TOKEN, lease_until_utc=NOW + timedelta(minutes=1), **facts)


@pytest.mark.parametrize(("now", "then"), list(product(S, S)))
def test_only_the_named_steps_are_possible_and_rest_gives_the_lease_back(
    now: StatusChangeState, then: StatusChangeState
) -> None:
    before = replace(sending(), state=now)
    if then not in ALLOWED[now]:
        with pytest.raises(InvalidTransition, match=f"from {now.value} to {then.value}"):
            moved(before, then)
        return
    after = moved(before, then, failure_code="X")
    assert (after.state, after.version, after.failure_code) == (then, 4, "X")
    held = (TOKEN, before.lease_until_utc) if then is S.SENDING else (None, None)
    assert (after.lease_token, after.lease_until_utc) == held


def test_nothing_leaves_an_end_but_what_a_stray_write_undid() -> None:
    assert {state: set(ALLOWED[state]) for state in SETTLED} == {
        S.CONFIRMED: {S.PENDING},
        S.FAILED: set(),
        S.UNKNOWN: set(),
    }


@pytest.mark.parametrize(
    ("wanted", "observed", "found"),
    [
        (OFF, OFF, Finding.ALREADY_APPLIED),
        (OFF, ON, Finding.SEND),
        (OFF, GONE, Finding.CHANGED_ELSEWHERE),
        (ON, ON, Finding.ALREADY_APPLIED),
        (ON, OFF, Finding.SEND),
        (ON, GONE, Finding.CHANGED_ELSEWHERE),
    ],
)
def test_a_look_at_the_campaign_says_what_to_do(
    wanted: CampaignStatus, observed: CampaignStatus, found: Finding
) -> None:
    assert finding(change(wanted=wanted), observed) is found


def test_nobody_can_ask_for_a_removal_or_without_a_reason() -> None:
    with pytest.raises(InvalidInput):
        status_before(GONE)
    with pytest.raises(InvalidInput):
        check_reason("  ")
    with pytest.raises(InvalidInput):
        check_reason("x" * 501)
    assert check_reason(" why ") == "why"


def test_what_waits_for_the_opposite_gives_way_and_what_is_on_its_way_does_not() -> None:
    waiting, asked_again = change(wanted=ON), change(S.PENDING, wanted=ON, sent_at_utc=NOW)
    assert giving_way(OFF, [], OFF) == ()  # also where it was read to be so last: it may have changed since
    assert giving_way(OFF, [waiting], OFF) == (waiting,)
    assert giving_way(OFF, [sending(wanted=ON)], OFF) == ()
    assert giving_way(OFF, [asked_again], OFF) == ()
    after = superseded(waiting)
    assert (after.state, after.failure_code) == (S.FAILED, "SUPERSEDED")
    with pytest.raises(InvalidTransition, match="on its way to be PAUSED"):
        giving_way(ON, [sending(wanted=OFF)], OFF)
    with pytest.raises(InvalidTransition, match="gone"):
        giving_way(GONE, [], OFF)


def after(error: PlatformError, held: StatusChange) -> StatusChange:
    return after_failure(held, error, 0.0, NOW, settle_until_utc=NOW + SETTLE)


def test_a_refusal_fails_what_was_never_sent_and_leaves_unknown_what_was() -> None:
    no = PlatformError("gone", platform_code="803")
    refused = after(no, sending())
    assert (refused.state, refused.failure_code, refused.failure_reason, refused.not_before_utc) == (
        S.FAILED, "803", "gone", NOW,
    )  # fmt: skip
    unread = after(no, sending(sent_at_utc=NOW))
    assert (unread.state, unread.not_before_utc) == (S.UNKNOWN, NOW + SETTLE)


def test_a_cut_reply_waits_for_the_platform_to_settle_until_the_tries_are_used_up() -> None:
    cut = PlatformError("cut", retryable=True, outcome_known=False)
    intent = {"sent_at_utc": NOW, "send_key": TOKEN, "observed": ON}
    again = after(cut, sending(**intent))
    assert (again.state, again.not_before_utc, again.send_key) == (S.PENDING, NOW + SETTLE, TOKEN)
    assert after(cut, sending(attempts=MAX_ATTEMPTS, **intent)).state is S.UNKNOWN
    busy = PlatformError("busy", retryable=True, retry_after_seconds=90)
    assert after(busy, sending()).not_before_utc == NOW + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("observed", "sent", "wanted", "found"),
    [
        (ON, timedelta(), ON, True),
        (ON, STRAYS_WITHIN, ON, True),
        (ON, STRAYS_WITHIN + timedelta(seconds=1), ON, False),  # no platform queues for so long: a person did it
        (ON, timedelta(), OFF, False),
        (OFF, timedelta(), ON, False),
        (GONE, timedelta(), ON, False),
    ],
)
def test_only_a_recent_change_of_our_own_can_have_strayed(
    observed: CampaignStatus, sent: timedelta, wanted: CampaignStatus, found: bool
) -> None:
    newest = change(S.CONFIRMED, sent_at_utc=NOW, confirmed_at_utc=NOW)
    older = change(S.CONFIRMED, wanted=wanted, sent_at_utc=NOW - sent)
    assert strayed(newest, observed, [older]) is found
    assert strayed(newest, observed, []) is False
    assert strayed(newest, observed, [replace(older, sent_at_utc=None)]) is False


def test_what_a_stray_write_undid_is_queued_as_if_never_tried() -> None:
    then: datetime = NOW + timedelta(minutes=1)
    again = reopened(change(S.CONFIRMED, attempts=3, confirmed_at_utc=NOW, recheck_at_utc=NOW), then)
    assert (again.state, again.attempts, again.not_before_utc, again.failure_code) == (S.PENDING, 0, then, STRAYED_CODE)
    assert (again.confirmed_at_utc, again.recheck_at_utc) == (None, None)
