"""Use-cases of a person on what they were told: list, read, acknowledge, follow; and what escalates unanswered.

Notices are a person's own: nobody else's is ever found, and a program has none. Must not make notices or send any.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from domain.access import Permission, PrincipalKind
from domain.errors import Forbidden, InvalidInput, InvalidTransition
from domain.log import LogEvent
from domain.notifications.alerts import (
    ESCALATION_DELAY,
    Alert,
    AlertSummary,
    acknowledged,
    escalated,
    must_escalate,
    summary,
)
from domain.notifications.notices import AddedNotices, Notice
from kit.pagination import Slice
from models import across_tenants, notifications
from services import changes
from services.changes import Following
from services.notifications.following import ALERT, FOLLOWER, SUBJECT
from services.ports import Ports
from services.unit_of_work import begin
from services.viewers import Viewer, authority_in_own

MAX_SUMMARY_DAYS: Final = 90


def own_id(viewer: Viewer) -> UUID:
    """The id under which the viewer's notices stand. Raises Forbidden for a program."""
    if viewer.principal.kind is not PrincipalKind.USER:
        raise Forbidden("notifications are for people; an API key has none")
    return viewer.principal.subject_id


async def page(
    ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID], *, unread_only: bool = False
) -> list[Notice]:
    """What a slice fetches of the viewer's own notices in a workspace, newest first. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await notifications.notice_page(scope, own_id(viewer), workspace_id, place, unread_only=unread_only)


async def unread_count(ports: Ports, viewer: Viewer, workspace_id: UUID) -> int:
    """How many of the viewer's own notices in a workspace are not read. Raises NotFound, Forbidden."""
    await authority_in_own(ports, viewer, workspace_id, Permission.CAMPAIGN_READ)
    return await notifications.unread_count(ports.database.read(viewer.tenant_id), own_id(viewer), workspace_id)


async def one(ports: Ports, viewer: Viewer, notice_id: UUID) -> Notice:
    """One of the viewer's own. Raises NotFound, also for somebody else's or where the viewer no longer is."""
    found = await notifications.own_notice(ports.database.read(viewer.tenant_id), own_id(viewer), notice_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such notification")
    return found


async def mark_read(ports: Ports, viewer: Viewer, notice_id: UUID) -> Notice:
    """Note that the viewer read a notice; the first time stays. Raises NotFound, Forbidden."""
    found = await one(ports, viewer, notice_id)
    async with ports.database.write(viewer.tenant_id) as scope:
        await notifications.mark_read(scope, found.user_id, found.id, ports.clock.now_utc())
        return await notifications.own_notice(scope, found.user_id, found.id)


async def mark_all_read(ports: Ports, viewer: Viewer, workspace_id: UUID) -> int:
    """Note that the viewer read everything in a workspace. Returns how many were new. Raises NotFound, Forbidden."""
    await authority_in_own(ports, viewer, workspace_id, Permission.CAMPAIGN_READ)
    async with ports.database.write(viewer.tenant_id) as scope:
        return await notifications.mark_all_read(scope, own_id(viewer), workspace_id, ports.clock.now_utc())


async def acknowledge(ports: Ports, viewer: Viewer, notice_id: UUID) -> Notice:
    """Take care of the alert behind a notice: for all who were told, and only the first time counts.

    Raises:
        NotFound, Forbidden
        InvalidTransition: the notice is about nothing that waits for anybody.
    """
    found = await one(ports, viewer, notice_id)
    if found.alert_id is None:
        raise InvalidTransition("this notification is no alert: nothing waits for you", state=found.kind.value)
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        alert = await notifications.alert(work.scope, found.alert_id)
        after = acknowledged(alert, own_id(viewer), work.now_utc)
        if after is not alert and await notifications.store_alert(work.scope, after):
            work.record("alert.acknowledged", ALERT, alert, after)
        await notifications.mark_read(work.scope, found.user_id, found.id, work.now_utc)
        return await notifications.own_notice(work.scope, found.user_id, found.id)


async def alerts(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[Alert]:
    """What a slice fetches of a workspace's alerts, newest first. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    return await notifications.alert_page(ports.database.read(viewer.tenant_id), workspace_id, place)


async def alert_summary(ports: Ports, viewer: Viewer, workspace_id: UUID, days: int) -> AlertSummary:
    """How fast a workspace's alerts of the last days (1 to 90) were answered.

    Raises:
        NotFound, Forbidden, InvalidInput
    """
    await authority_in_own(ports, viewer, workspace_id, Permission.CAMPAIGN_READ)
    if not 1 <= days <= MAX_SUMMARY_DAYS:
        raise InvalidInput(f"a summary covers 1 to {MAX_SUMMARY_DAYS} days", path=("days",))
    since = ports.clock.now_utc() - timedelta(days=days)
    return summary(await notifications.alerts_since(ports.database.read(viewer.tenant_id), workspace_id, since))


# --- escalation -------------------------------------------------------------------------------------------------------


async def overdue(ports: Ports) -> list[UUID]:
    """Tenants with an alert that nobody answered for 30 minutes."""
    return await across_tenants.with_overdue_alerts(ports.database.system(), _limit(ports.clock.now_utc()))


def _limit(now_utc: datetime) -> datetime:
    return now_utc - ESCALATION_DELAY


async def escalate_due(ports: Ports, tenant_id: UUID) -> int:
    """Escalate what nobody answered for 30 minutes, each alert once. Returns how many.

    The event is what tells the owners: notices are made of it as of any other.
    """
    scope = ports.database.read(tenant_id)
    waiting = await notifications.unsettled_alerts(scope, raised_until_utc=_limit(ports.clock.now_utc()))
    return sum([await _escalate(ports, each) for each in waiting])


async def _escalate(ports: Ports, seen: Alert) -> bool:
    async with begin(ports, seen.tenant_id, FOLLOWER) as work:
        alert = await notifications.alert(work.scope, seen.id)
        if not must_escalate(alert, work.now_utc):
            return False
        after = escalated(alert, work.now_utc)
        if not await notifications.store_alert(work.scope, after):
            return False
        work.record("alert.escalated", ALERT, alert, after)
    return True


# --- following --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnNotices:
    """A person's right to follow their own notices in one workspace, kept up to date by the log itself."""

    following: Following
    user_id: UUID

    def concerns(self, event: LogEvent) -> bool:
        """Whether an event must be put to `shows`."""
        if event.entry.subject_type != SUBJECT:
            return self.following.concerns(event)
        return self.following.concerns(event) and notice_at(event, self.user_id) is not None

    async def shows(self, event: LogEvent) -> bool:
        """Whether to show an event; raises where the right to follow ended."""
        return await self.following.shows(event)


def follow_own(ports: Ports, viewer: Viewer, workspace_id: UUID) -> OwnNotices:
    """Begin to follow the viewer's own notices in a workspace. Raises NotFound, Forbidden."""
    return OwnNotices(changes.follow(ports, viewer, workspace_id, SUBJECT), own_id(viewer))


def notice_at(event: LogEvent, user_id: UUID) -> Notice | None:
    """The person's own notice that an event added; None where there is none, or it was erased."""
    if event.after is None:
        return None
    return msgspec.convert(event.after, AddedNotices, strict=False).of(user_id)
