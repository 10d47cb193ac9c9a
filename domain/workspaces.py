"""Tenants and workspaces: where people review, in which currency, zone and rhythm. Pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

from domain.errors import InvalidInput
from kit.time import local_day, require_utc, zone

#: 500 units of whichever currency, as the auto-scaler's alerts have it.
ALERT_ABOVE_MICROS: Final = 500_000_000
_MOST_MICROS: Final = 10**15


@dataclass(frozen=True, slots=True)
class Workspace:
    """A team's working place inside a tenant.

    Attributes:
        reporting_currency: ISO 4217 code in which plans add up.
        time_zone: IANA zone of the review deadline.
        review_deadline: wall time by which the day's recommendations should be decided (RB-1.4).
        rejection_hold_days: how long a rejected idea stays away: 0 = the rest of the account-zone day.
        max_change_share: largest share (0-1) of a budget one proposal may move.
        dispatch_immediately: send approved changes at once; otherwise with the next sync (RB-1.2).
        alert_above_micros: people are told of every confirmed change of a budget by more than this, in micros of the
            account's own currency, whichever that is (AS-14).
    """

    id: UUID
    tenant_id: UUID
    name: str
    reporting_currency: str
    time_zone: str
    review_deadline: str
    rejection_hold_days: int
    max_change_share: float
    dispatch_immediately: bool
    version: int
    alert_above_micros: int = ALERT_ABOVE_MICROS

    @property
    def workspace_id(self) -> UUID:
        """Itself: what an event about a workspace happens in."""
        return self.id


MAX_NAME_CHARACTERS: Final = 200
MAX_HOLD_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class WorkspaceChange:
    """New settings; None leaves one as it is. Units and ranges as in Workspace."""

    name: str | None = None
    review_deadline: str | None = None
    rejection_hold_days: int | None = None
    max_change_share: float | None = None
    dispatch_immediately: bool | None = None
    alert_above_micros: int | None = None


def changed(workspace: Workspace, change: WorkspaceChange) -> Workspace:
    """The workspace's next version. Raises InvalidInput for a value out of range, or if nothing would change."""
    after = replace(
        workspace,
        version=workspace.version + 1,
        name=workspace.name if change.name is None else _name(change.name),
        review_deadline=workspace.review_deadline
        if change.review_deadline is None
        else _deadline(change.review_deadline),
        rejection_hold_days=workspace.rejection_hold_days
        if change.rejection_hold_days is None
        else _hold_days(change.rejection_hold_days),
        max_change_share=workspace.max_change_share
        if change.max_change_share is None
        else _share(change.max_change_share),
        dispatch_immediately=workspace.dispatch_immediately
        if change.dispatch_immediately is None
        else change.dispatch_immediately,
        alert_above_micros=workspace.alert_above_micros
        if change.alert_above_micros is None
        else _alert_above(change.alert_above_micros),
    )
    if replace(after, version=workspace.version) == workspace:
        raise InvalidInput("this would change nothing", path=("change",))
    return after


def _name(text: str) -> str:
    if not 1 <= len(text.strip()) <= MAX_NAME_CHARACTERS:
        raise InvalidInput(f"a name has 1 to {MAX_NAME_CHARACTERS} characters", path=("change", "name"))
    return text.strip()


def _deadline(text: str) -> str:
    try:
        return parse_deadline(text).strftime("%H:%M")
    except ValueError as error:
        raise InvalidInput(str(error), path=("change", "daily_deadline")) from error


def _hold_days(days: int) -> int:
    if not 0 <= days <= MAX_HOLD_DAYS:
        raise InvalidInput(f"a rejection holds for 0 to {MAX_HOLD_DAYS} days", path=("change", "rejection_hold_days"))
    return days


def _share(share: float) -> float:
    if not 0.0 < share <= 1.0:
        raise InvalidInput("a share lies above 0 and up to 1", path=("change", "max_change_share"))
    return share


def _alert_above(micros: int) -> int:
    if not 0 <= micros <= _MOST_MICROS:
        raise InvalidInput("an amount to alert above is 0 to a thousand million", path=("change", "alert_above"))
    return micros


def parse_deadline(text: str) -> time:
    """A wall time such as "12:00". Raises ValueError otherwise."""
    try:
        return datetime.strptime(text, "%H:%M").replace(tzinfo=UTC).time()
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time of day such as 12:00") from error


def next_deadline_utc(workspace: Workspace, now_utc: datetime) -> datetime:
    """The next review deadline after a moment, in UTC: today's wall time in the workspace's zone, else tomorrow's.

    Wall time, not a fixed offset: noon stays noon when clocks change.
    """
    day = local_day(now_utc, workspace.time_zone)
    wall = parse_deadline(workspace.review_deadline)
    for candidate in (day, day + timedelta(days=1)):
        at = datetime.combine(candidate, wall, tzinfo=zone(workspace.time_zone)).astimezone(UTC)
        if at > require_utc(now_utc):
            return at
    raise AssertionError("tomorrow's deadline is always ahead")
