"""Tenants and workspaces: where people review, in which currency, zone and rhythm. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from kit.time import local_day, require_utc, zone


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

    @property
    def workspace_id(self) -> UUID:
        """Itself: what an event about a workspace happens in."""
        return self.id


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
