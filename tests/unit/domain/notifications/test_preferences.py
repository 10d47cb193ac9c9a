"""What counts of what people chose, and what cannot be chosen."""

from uuid import UUID

import pytest

from domain.errors import InvalidInput
from domain.notifications.notices import NoticeKind
from domain.notifications.preferences import (
    DEFAULTS,
    Channel,
    KindPreference,
    Pace,
    Preferences,
    PreferencesChange,
    changed,
    without_digests,
)

FRESH = Preferences(UUID(int=1), UUID(int=2))
FAILED, WAITING = NoticeKind.ADJUSTMENT_FAILED, NoticeKind.APPROVALS_WAITING
ALL = frozenset(Channel)


def test_every_kind_has_a_default_that_shows_it_in_the_app_and_sends_an_email() -> None:
    assert set(DEFAULTS) == set(NoticeKind)
    assert all(each.in_app and each.email is not Pace.OFF for each in DEFAULTS.values())
    assert {kind for kind, each in DEFAULTS.items() if each.sms is not Pace.OFF} == {NoticeKind.EMERGENCY_STOP}
    assert all(each.slack is Pace.OFF for each in DEFAULTS.values())


@pytest.mark.req("RO-10")
def test_an_emergency_stop_comes_by_sms_too_to_who_gave_a_number() -> None:
    stop = NoticeKind.EMERGENCY_STOP
    assert FRESH.paces(stop, ALL) == {Channel.EMAIL: Pace.AT_ONCE}
    reachable = changed(FRESH, PreferencesChange(phone="+14155550100"))
    assert reachable.paces(stop, ALL) == {Channel.EMAIL: Pace.AT_ONCE, Channel.SMS: Pace.AT_ONCE}


@pytest.mark.req("RB-F7")
def test_errors_come_at_once_and_approvals_gather() -> None:
    assert FRESH.paces(FAILED, ALL) == {Channel.EMAIL: Pace.AT_ONCE}
    assert FRESH.paces(WAITING, ALL) == {Channel.EMAIL: Pace.BATCHED}


def test_a_choice_holds_for_its_kind_only() -> None:
    quiet = KindPreference(in_app=False, email=Pace.DAILY)
    after = changed(FRESH, PreferencesChange(kinds={WAITING: quiet}))
    assert after.of(WAITING) == quiet
    assert after.of(FAILED) == DEFAULTS[FAILED]
    assert after.paces(WAITING, ALL) == {Channel.EMAIL: Pace.DAILY}


def test_a_channel_counts_where_it_is_set_up_and_has_an_address() -> None:
    loud = KindPreference(in_app=True, email=Pace.OFF, sms=Pace.AT_ONCE, slack=Pace.BATCHED)
    change = PreferencesChange(kinds={FAILED: loud}, phone="+14155550100", slack_address="U012ABCDEF")
    after = changed(FRESH, change)
    assert after.paces(FAILED, ALL) == {Channel.SMS: Pace.AT_ONCE, Channel.SLACK: Pace.BATCHED}
    assert after.paces(FAILED, {Channel.EMAIL, Channel.SLACK}) == {Channel.SLACK: Pace.BATCHED}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (PreferencesChange(phone="0155 5010"), ("change", "phone")),
        (PreferencesChange(phone="+1415555010O"), ("change", "phone")),
        (PreferencesChange(slack_address="general"), ("change", "slack_address")),
        (PreferencesChange(daily_time="25:00"), ("change", "daily_time")),
        (
            PreferencesChange(kinds={FAILED: KindPreference(in_app=True, email=Pace.OFF, sms=Pace.AT_ONCE)}),
            ("change", "kinds"),
        ),
        (
            PreferencesChange(kinds={FAILED: KindPreference(in_app=True, email=Pace.OFF, slack=Pace.DAILY)}),
            ("change", "kinds"),
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(change: PreferencesChange, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        changed(FRESH, change)
    assert refused.value.path == path


def test_an_address_is_taken_away_by_an_empty_one() -> None:
    with_phone = changed(FRESH, PreferencesChange(phone="+14155550100"))
    assert changed(with_phone, PreferencesChange(daily_time="7:30")).phone == "+14155550100"
    assert changed(with_phone, PreferencesChange(phone="")).phone is None
    assert changed(with_phone, PreferencesChange(daily_time="7:30")).daily_time == "07:30"


def test_unsubscribing_ends_digests_and_leaves_what_comes_at_once() -> None:
    after = without_digests(FRESH)
    assert {kind for kind in NoticeKind if after.of(kind).email is Pace.AT_ONCE} == {
        kind for kind in NoticeKind if DEFAULTS[kind].email is Pace.AT_ONCE
    }
    assert {after.of(kind).email for kind in NoticeKind} == {Pace.AT_ONCE, Pace.OFF}
    assert all(after.of(kind).in_app for kind in NoticeKind)
    assert without_digests(after) == after
