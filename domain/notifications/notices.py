"""Which events of the log make a notice, for whom, how urgent, in which words. Pure.

A notice tells one person of one event, so an event's number and a person name it: there is never a second one. Must
not decide by which channel it leaves; that is preferences.py and deliveries.py.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.access import Permission, ReservedAct, RoleName
from domain.access.permissions import ACT_NEEDS
from domain.emergency_stops import CUT_OFF_CODE, StopPausing
from domain.log import ActorKind, LogEvent
from domain.platforms import CampaignStatus
from domain.status_changes import SUPERSEDED_CODE
from domain.workspaces import ALERT_ABOVE_MICROS
from kit.money import to_decimal

MAX_TITLE_CHARACTERS: Final = 200
MAX_BODY_CHARACTERS: Final = 1_000

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class NoticeKind(StrEnum):
    """What somebody is told of; each person chooses channels for each."""

    APPROVALS_WAITING = "APPROVALS_WAITING"
    NEEDS_REVIEW = "NEEDS_REVIEW"
    ADJUSTMENT_FAILED = "ADJUSTMENT_FAILED"
    ADJUSTMENT_UNKNOWN = "ADJUSTMENT_UNKNOWN"
    SYNC_FAILED = "SYNC_FAILED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    PLATFORM_ISSUE = "PLATFORM_ISSUE"
    BUDGET_CHANGED_ELSEWHERE = "BUDGET_CHANGED_ELSEWHERE"
    CONNECTION_LOST = "CONNECTION_LOST"
    EMERGENCY_STOP = "EMERGENCY_STOP"
    SHIFT_UNSETTLED = "SHIFT_UNSETTLED"
    LARGE_BUDGET_CHANGE = "LARGE_BUDGET_CHANGE"
    CAMPAIGN_PAUSED = "CAMPAIGN_PAUSED"
    STATUS_CHANGE_FAILED = "STATUS_CHANGE_FAILED"
    STATUS_CHANGE_UNKNOWN = "STATUS_CHANGE_UNKNOWN"
    ALERT_ESCALATED = "ALERT_ESCALATED"


class Urgency(StrEnum):
    """How much it matters that somebody looks soon."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    WARNING = "WARNING"
    HIGH = "HIGH"


class Audience(StrEnum):
    """Whom an event concerns, out of the workspace's members."""

    DECIDERS = "DECIDERS"
    OWNERS_AND_APPROVER = "OWNERS_AND_APPROVER"
    OWNERS_AND_DECIDERS = "OWNERS_AND_DECIDERS"
    OWNERS = "OWNERS"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member of a workspace as the tables stand: roles and permissions held there, tenant-wide ones included."""

    user_id: UUID
    name: str
    email: str
    roles: frozenset[str]
    permissions: frozenset[Permission]

    @property
    def is_owner(self) -> bool:
        """Holds the owner role."""
        return RoleName.OWNER.value in self.roles

    @property
    def decides_budgets(self) -> bool:
        """Holds what deciding about budgets takes; the credential they will come with is not known yet."""
        needs = ACT_NEEDS[ReservedAct.DECIDE_BUDGETS]
        return needs.permission in self.permissions and needs.role.value in self.roles

    @property
    def may_read(self) -> bool:
        """May see campaigns, which every notice is about."""
        return Permission.CAMPAIGN_READ in self.permissions


@dataclass(frozen=True, slots=True)
class Draft:
    """What an event has to say, before it is known to whom.

    Attributes:
        audience: out of the members of `workspace_id`.
        approver_id: the person who let the change through, where there is one.
        subject_type: what it is about, in the log's words.
        alert: an error that somebody must acknowledge (RB-S4).
        alert_id: the alert that it is about, where it tells of one that exists.
    """

    kind: NoticeKind
    urgency: Urgency
    audience: Audience
    workspace_id: UUID
    title: str
    body: str
    subject_type: str
    subject_id: UUID
    alert: bool = False
    approver_id: UUID | None = None
    alert_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One event, told to one person.

    Attributes:
        sequence: the event's number in the tenant's log.
        at_utc: when the event happened.
        in_app: whether the person wants it in the app; the others exist for their deliveries.
        alert_id: the alert to acknowledge, if it is about one.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    user_id: UUID
    sequence: int
    kind: NoticeKind
    urgency: Urgency
    title: str
    body: str
    subject_type: str
    subject_id: UUID
    at_utc: datetime
    in_app: bool
    alert_id: UUID | None
    read_at_utc: datetime | None


@dataclass(frozen=True, slots=True)
class AddedNotices:
    """The notices of one event, at most one a person: what the log keeps of their making."""

    id: UUID
    workspace_id: UUID
    notices: tuple[Notice, ...]

    def of(self, user_id: UUID) -> Notice | None:
        """The person's own, if the event concerned them and they want it in the app."""
        return next((each for each in self.notices if each.user_id == user_id and each.in_app), None)


Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: NoticeKind
    urgency: Urgency
    audience: Audience
    words: Callable[[Facts], tuple[str, str]]
    alert: bool = False
    #: Whether such an event is worth telling, by its facts.
    tells: Callable[[Facts], bool] = lambda _facts: True


def _approvals_waiting(plan: Facts) -> tuple[str, str]:
    waiting = plan["waiting"]
    title = f"{waiting} budget changes wait" if waiting > 1 else "A budget change waits"
    return f"{title} for your decision", str(plan.get("explanation", ""))


def _needs_review(recommendation: Facts) -> tuple[str, str]:
    name = recommendation.get("campaign_name", "a campaign")
    why = "; ".join(str(each.get("message", "")) for each in recommendation.get("needs_review_because", ()))
    return f"A budget change for {name} needs your review", why or "It may not be approved without a person."


def _failed(adjustment: Facts) -> tuple[str, str]:
    if adjustment.get("failure_code") == "UNFUNDED":
        return "An approved increase was not sent: nothing pays for it", _reason(adjustment)
    return f"A budget change failed{_code(adjustment)}", _reason(adjustment)


def _unknown(adjustment: Facts) -> tuple[str, str]:
    title = f"The outcome of a budget change is unknown{_code(adjustment)}: please decide"
    return title, _reason(adjustment)


def _code(adjustment: Facts) -> str:
    code = adjustment.get("failure_code")
    return f" ({code})" if code else ""


def _reason(adjustment: Facts) -> str:
    return str(adjustment.get("failure_reason") or "No reason was recorded.")


def _account(account: Facts) -> str:
    name, platform = account.get("name", "an ad account"), account.get("platform")
    return f"{name} ({platform})" if platform else str(name)


def _sync_failed(account: Facts) -> tuple[str, str]:
    return f"{_account(account)} could not be synced", str(account.get("sync_error") or "No reason was recorded.")


def _quota(account: Facts) -> tuple[str, str]:
    why = account.get("reason") or "The platform refuses more requests for now; changes wait and are tried again."
    return f"The request quota of {_account(account)} is used up", str(why)


def _issue(issue: Facts) -> tuple[str, str]:
    said = issue.get("summary") or "an error"
    return f"{issue.get('platform', 'The platform')} reports {said}", str(issue.get("message") or "")


def _changed_elsewhere(_budget: Facts) -> tuple[str, str]:
    return (
        "A budget was changed outside Campaign Express",
        "Its open recommendations rest on the amount before; look at them again before you decide.",
    )


def _connection_lost(connection: Facts) -> tuple[str, str]:
    platform = connection.get("platform", "an ad platform")
    why = str(connection.get("reason") or "The platform no longer takes its token.")
    return f"The connection to {platform} has to be granted again", f"{why} Changes for its accounts wait until then."


def _emergency_stop(stop: Facts) -> tuple[str, str]:
    pausing = stop.get("pausing", StopPausing.NONE)
    also = "" if pausing == StopPausing.NONE else ", and campaigns are paused"
    return f"EMERGENCY STOP: nothing more is sent{also}", str(stop.get("reason") or "")


def _shift_flagged(shift: Facts) -> tuple[str, str]:
    return "A budget shift hangs between two campaigns", str(shift.get("flag_reason") or "No reason was recorded.")


def _stop_lifted(_stop: Facts) -> tuple[str, str]:
    return "The emergency stop was lifted", "Changes may be approved and sent again; automation stays paused."


def _is_large(adjustment: Facts) -> bool:
    """More than the workspace's threshold, either way; an amount that was erased is none."""
    before, after = adjustment.get("before_micros"), adjustment.get("intended_micros")
    return before is not None and after is not None and abs(after - before) > adjustment["alert_above_micros"]


def _large_change(adjustment: Facts) -> tuple[str, str]:
    before, after = int(adjustment["before_micros"]), int(adjustment["intended_micros"])
    code = adjustment.get("currency_code", "")
    what, moved = ("raised", after - before) if after > before else ("cut", before - after)
    above = f"more than the {_amount(adjustment['alert_above_micros'])} that this workspace is told of"
    body = f"From {_amount(before)} to {_amount(after)} {code} a day, read back from the platform: {above}."
    return f"A daily budget was {what} by {_amount(moved)} {code}", body


def _amount(micros: int) -> str:
    return f"{to_decimal(micros):.2f}"


def _is_news_of_a_pause(change: Facts) -> bool:
    """A pause that was sent, by nobody's emergency: the stop's own notice says it of all its campaigns."""
    sent, by_stop = change.get("sent_at_utc"), change.get("stop_id")
    return change.get("wanted") == CampaignStatus.PAUSED and sent is not None and by_stop is None


def _paused(change: Facts) -> tuple[str, str]:
    why = str(change.get("reason") or "No reason was recorded").rstrip(".")
    return "A campaign was paused", f"{why}. A person can set it running again."


def _failed_by_itself(change: Facts) -> bool:
    """Not because a person wanted the opposite, or an emergency stop began: that is known already."""
    return change.get("failure_code") not in {CUT_OFF_CODE, SUPERSEDED_CODE}


def _status_verb(change: Facts) -> str:
    return "pause a campaign" if change.get("wanted") == CampaignStatus.PAUSED else "set a campaign running"


def _status_failed(change: Facts) -> tuple[str, str]:
    return f"It failed to {_status_verb(change)}{_code(change)}", _reason(change)


def _status_unknown(change: Facts) -> tuple[str, str]:
    return f"Nobody knows whether it worked to {_status_verb(change)}{_code(change)}: please look", _reason(change)


def _escalated(alert: Facts) -> tuple[str, str]:
    kind = str(alert.get("kind", "alert")).replace("_", " ").lower()
    return f"Nobody has acknowledged an alert: {kind}", str(alert.get("title") or "")


_DECIDERS, _OWNERS = Audience.DECIDERS, Audience.OWNERS_AND_APPROVER
_ALL = Audience.OWNERS_AND_DECIDERS
_HIGH, _NORMAL = Urgency.HIGH, Urgency.NORMAL

#: What each kind of event says; an event that is not here makes no notice.
RULES: Final[Mapping[str, _Rule]] = {
    "plan.proposed": _Rule(NoticeKind.APPROVALS_WAITING, _NORMAL, _DECIDERS, _approvals_waiting),
    "recommendation.needs_review": _Rule(NoticeKind.NEEDS_REVIEW, _NORMAL, _DECIDERS, _needs_review),
    "adjustment.failed": _Rule(NoticeKind.ADJUSTMENT_FAILED, _HIGH, _OWNERS, _failed, alert=True),
    "adjustment.unknown": _Rule(NoticeKind.ADJUSTMENT_UNKNOWN, _HIGH, _OWNERS, _unknown, alert=True),
    "adjustment.confirmed": _Rule(NoticeKind.LARGE_BUDGET_CHANGE, _HIGH, _ALL, _large_change, tells=_is_large),
    "status_change.confirmed": _Rule(
        NoticeKind.CAMPAIGN_PAUSED, Urgency.WARNING, _ALL, _paused, tells=_is_news_of_a_pause
    ),
    "status_change.failed": _Rule(
        NoticeKind.STATUS_CHANGE_FAILED,
        _HIGH,
        _ALL,
        _status_failed,
        alert=True,
        tells=_failed_by_itself,
    ),
    "status_change.unknown": _Rule(NoticeKind.STATUS_CHANGE_UNKNOWN, _HIGH, _ALL, _status_unknown, alert=True),
    "ad_account.sync_failed": _Rule(NoticeKind.SYNC_FAILED, _NORMAL, _OWNERS, _sync_failed, alert=True),
    "ad_account.quota_exceeded": _Rule(NoticeKind.QUOTA_EXCEEDED, _HIGH, _OWNERS, _quota, alert=True),
    "ad_account_issue.reported": _Rule(NoticeKind.PLATFORM_ISSUE, _NORMAL, _OWNERS, _issue, alert=True),
    "budget.changed_elsewhere": _Rule(NoticeKind.BUDGET_CHANGED_ELSEWHERE, Urgency.LOW, _DECIDERS, _changed_elsewhere),
    "connection.needs_reconnect": _Rule(NoticeKind.CONNECTION_LOST, _HIGH, _ALL, _connection_lost, alert=True),
    "workspace.stopped": _Rule(NoticeKind.EMERGENCY_STOP, _HIGH, _ALL, _emergency_stop),
    "emergency_stop.widened": _Rule(NoticeKind.EMERGENCY_STOP, _HIGH, _ALL, _emergency_stop),
    "shift.flagged": _Rule(NoticeKind.SHIFT_UNSETTLED, _HIGH, _ALL, _shift_flagged, alert=True),
    "emergency_stop.lifted": _Rule(NoticeKind.EMERGENCY_STOP, _NORMAL, _ALL, _stop_lifted),
    "alert.escalated": _Rule(NoticeKind.ALERT_ESCALATED, _HIGH, Audience.OWNERS, _escalated),
}


def draft(event: LogEvent, waiting: int, alert_above_micros: int = ALERT_ABOVE_MICROS) -> Draft | None:
    """What an event has to say; None for one that concerns nobody in particular.

    An event whose payload was erased is told without its facts.

    Args:
        event: from the log.
        waiting: recommendations that now wait for a decision in the event's workspace.
        alert_above_micros: the workspace's threshold for changes of a budget, in the account's currency.
    """
    entry = event.entry
    rule = RULES.get(entry.kind)
    if rule is None or entry.workspace_id is None:
        return None
    if rule.kind is NoticeKind.APPROVALS_WAITING and not waiting:
        return None
    facts: Facts = {**(event.after or {}), "waiting": waiting, "alert_above_micros": alert_above_micros}
    if not rule.tells(facts):
        return None
    if rule.kind is NoticeKind.ADJUSTMENT_FAILED and facts.get("failure_code") == CUT_OFF_CODE:
        # The stop's own notice says it: a storm of others would bury that one.
        return None
    title, body = rule.words(facts)
    about_alert = entry.subject_type == "alert"
    return Draft(
        kind=rule.kind,
        urgency=rule.urgency,
        audience=rule.audience,
        workspace_id=entry.workspace_id,
        title=plain(title, MAX_TITLE_CHARACTERS),
        body=plain(body, MAX_BODY_CHARACTERS),
        subject_type=str(facts.get("subject_type", "alert")) if about_alert else entry.subject_type,
        subject_id=_user_id(facts.get("subject_id")) or entry.subject_id if about_alert else entry.subject_id,
        alert=rule.alert,
        approver_id=_user_id(facts.get("approved_by_id")),
        alert_id=entry.subject_id if about_alert else None,
    )


def _user_id(text: object) -> UUID | None:
    """The id in a fact; None where there is none, or a word such as a job's name stands there."""
    try:
        return UUID(str(text))
    except ValueError:
        return None


def plain(text: str, limit: int) -> str:
    """One line without control characters, at most so long: names come from platforms and end up in mail headers."""
    line = _UNPRINTABLE.sub(" ", text).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def addressed(told: Draft, members: Iterable[Recipient]) -> list[Recipient]:
    """Whom a draft concerns: members of its audience who may read what it is about. Order as given."""

    def concerned(member: Recipient) -> bool:
        match told.audience:
            case Audience.DECIDERS:
                return member.decides_budgets
            case Audience.OWNERS_AND_APPROVER:
                return member.is_owner or member.user_id == told.approver_id
            case Audience.OWNERS_AND_DECIDERS:
                return member.is_owner or member.decides_budgets
            case Audience.OWNERS:
                return member.is_owner

    return [member for member in members if member.may_read and concerned(member)]


def acknowledging_person(event: LogEvent) -> UUID | None:
    """The person who took care of an alert by what they did to its subject; None where nobody did."""
    entry = event.entry
    if entry.kind != "adjustment.retried" or entry.actor_kind is not ActorKind.MEMBER:
        return None
    return _user_id(entry.actor_id)


#: After these an alert about their subject is over by itself.
RESOLVING: Final = frozenset(
    {
        "adjustment.confirmed",
        "adjustment.reverted",
        "ad_account.synced",
        "shift.done",
        "shift.not_moved",
        "connection.renewed",
        "connection.replaced",
        "connection.disconnected",
    }
)
