"""What each person wants to be told, by which channel and how soon. Pure.

A preference belongs to a person in a workspace. What is not chosen is the kind's default: in the app always, errors by
e-mail at once, waiting approvals in batches; an emergency stop also by SMS to who gave a number. Other SMS, and Slack,
only for who asked.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.errors import InvalidInput
from domain.notifications.notices import NoticeKind
from domain.workspaces import parse_deadline


class Channel(StrEnum):
    """How a notice leaves the app."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    SLACK = "SLACK"


class Pace(StrEnum):
    """How soon: each by itself, what gathers in ten minutes together, once a day, or never."""

    AT_ONCE = "AT_ONCE"
    BATCHED = "BATCHED"
    DAILY = "DAILY"
    OFF = "OFF"


@dataclass(frozen=True, slots=True)
class KindPreference:
    """A person's wishes for one kind of notice."""

    in_app: bool
    email: Pace
    sms: Pace = Pace.OFF
    slack: Pace = Pace.OFF

    def pace(self, channel: Channel) -> Pace:
        """How soon by one channel."""
        return {Channel.EMAIL: self.email, Channel.SMS: self.sms, Channel.SLACK: self.slack}[channel]


_AT_ONCE: Final = KindPreference(in_app=True, email=Pace.AT_ONCE)
_BATCHED: Final = KindPreference(in_app=True, email=Pace.BATCHED)

DEFAULTS: Final[Mapping[NoticeKind, KindPreference]] = {
    NoticeKind.APPROVALS_WAITING: _BATCHED,
    NoticeKind.NEEDS_REVIEW: _BATCHED,
    NoticeKind.ADJUSTMENT_FAILED: _AT_ONCE,
    NoticeKind.ADJUSTMENT_UNKNOWN: _AT_ONCE,
    NoticeKind.SHIFT_UNSETTLED: _AT_ONCE,
    NoticeKind.LARGE_BUDGET_CHANGE: _AT_ONCE,
    NoticeKind.CAMPAIGN_PAUSED: _BATCHED,
    NoticeKind.STATUS_CHANGE_FAILED: _AT_ONCE,
    NoticeKind.STATUS_CHANGE_UNKNOWN: _AT_ONCE,
    NoticeKind.SYNC_FAILED: _BATCHED,
    NoticeKind.QUOTA_EXCEEDED: _AT_ONCE,
    NoticeKind.PLATFORM_ISSUE: _BATCHED,
    NoticeKind.BUDGET_CHANGED_ELSEWHERE: KindPreference(in_app=True, email=Pace.DAILY),
    NoticeKind.CONNECTION_LOST: _AT_ONCE,
    NoticeKind.EMERGENCY_STOP: KindPreference(in_app=True, email=Pace.AT_ONCE, sms=Pace.AT_ONCE),
    NoticeKind.ALERT_ESCALATED: _AT_ONCE,
}

DEFAULT_DAILY_TIME: Final = "08:00"
#: Several notices in one message: what one-click unsubscribing ends.
DIGESTS: Final = frozenset({Pace.BATCHED, Pace.DAILY})

_PHONE: Final = re.compile(r"\+[1-9][0-9]{7,14}")
_SLACK: Final = re.compile(r"[CDGUW][A-Z0-9]{7,20}")


@dataclass(frozen=True, slots=True)
class Preferences:
    """A person's wishes in a workspace.

    Attributes:
        chosen: kinds where the person departs from the default.
        phone: where SMS go, E.164; None for nowhere.
        slack_address: the Slack member or channel to write to; None for none.
        daily_time: wall time of the daily message in the workspace's zone, such as "08:00".
    """

    workspace_id: UUID
    user_id: UUID
    chosen: Mapping[NoticeKind, KindPreference] = field(default_factory=dict)
    phone: str | None = None
    slack_address: str | None = None
    daily_time: str = DEFAULT_DAILY_TIME

    def of(self, kind: NoticeKind) -> KindPreference:
        """What counts for a kind."""
        return self.chosen.get(kind, DEFAULTS[kind])

    def paces(self, kind: NoticeKind, available: Iterable[Channel]) -> dict[Channel, Pace]:
        """The channels by which a notice of this kind leaves, out of those there are and have an address."""
        wanted = self.of(kind)
        addressed = {
            Channel.EMAIL: True,
            Channel.SMS: self.phone is not None,
            Channel.SLACK: self.slack_address is not None,
        }
        found = {channel: wanted.pace(channel) for channel in available if addressed[channel]}
        return {channel: pace for channel, pace in found.items() if pace is not Pace.OFF}


@dataclass(frozen=True, slots=True)
class PreferencesChange:
    """New wishes; None leaves a part as it is, and an empty phone or Slack id takes it away."""

    kinds: Mapping[NoticeKind, KindPreference] = field(default_factory=dict)
    phone: str | None = None
    slack_address: str | None = None
    daily_time: str | None = None


def changed(before: Preferences, change: PreferencesChange) -> Preferences:
    """The preferences after a change.

    Raises:
        InvalidInput: not a phone number, a Slack id or a time of day; or a channel is wanted that has no address.
    """
    after = replace(
        before,
        chosen={**before.chosen, **change.kinds},
        phone=_address(change.phone, before.phone, _PHONE, "phone", "a phone number such as +14155550100"),
        slack_address=_address(
            change.slack_address,
            before.slack_address,
            _SLACK,
            "slack_address",
            "a Slack id such as U012ABCDEF",
        ),
        daily_time=before.daily_time if change.daily_time is None else _time(change.daily_time),
    )
    for name, address in (("sms", after.phone), ("slack", after.slack_address)):
        if address is None and any(getattr(each, name) is not Pace.OFF for each in after.chosen.values()):
            raise InvalidInput(f"{name} needs an address: give it in the same change", path=("change", "kinds"))
    return after


def _address(new: str | None, before: str | None, form: re.Pattern[str], name: str, what: str) -> str | None:
    if new is None:
        return before
    if not new:
        return None
    if not form.fullmatch(new):
        raise InvalidInput(f"this is not {what}", path=("change", name))
    return new


def _time(text: str) -> str:
    try:
        return parse_deadline(text).strftime("%H:%M")
    except ValueError as error:
        raise InvalidInput(str(error), path=("change", "daily_time")) from error


def without_digests(before: Preferences) -> Preferences:
    """The preferences of a person who unsubscribed: no e-mail in batches or digests; what comes at once still comes."""
    quiet = {kind: replace(before.of(kind), email=Pace.OFF) for kind in NoticeKind if before.of(kind).email in DIGESTS}
    return replace(before, chosen={**before.chosen, **quiet})
