"""Follows each tenant's log by a stored place, and makes notices, alerts and deliveries of what happens there.

The place moves in the same transaction that stores what was made, by compare-and-set: of two workers at one place one
stores nothing, so that no event is told twice and none is left out. Must not send anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.log import Actor, ActorKind, LogEvent
from domain.notifications.alerts import Alert, acknowledged, resolved
from domain.notifications.deliveries import MAX_AGE, Delivery, DeliveryStatus, due_at
from domain.notifications.notices import (
    RESOLVING,
    RULES,
    AddedNotices,
    Draft,
    Notice,
    Recipient,
    acknowledging_person,
    addressed,
    draft,
)
from domain.notifications.preferences import Channel, Pace, Preferences
from domain.workspaces import ALERT_ABOVE_MICROS
from kit.ids import new_id
from models import across_tenants, log, notifications, recommendations, tenants
from services.ports import Ports
from services.unit_of_work import Work, begin

FOLLOWER: Final = Actor(ActorKind.SYSTEM, "notifications")
SUBJECT: Final = "notice"
ALERT: Final = "alert"

#: Events taken in one transaction.
_PAGE: Final = 200
_CONCERNING: Final = frozenset({*RULES, *RESOLVING, "adjustment.retried"})


async def behind(ports: Ports) -> list[UUID]:
    """Tenants in whose log something happened since notices were made of it."""
    return await across_tenants.behind_notifications(ports.database.system())


async def follow_log(ports: Ports, tenant_id: UUID) -> int:
    """Make notices of everything since the stored place. Returns how many were made by this call."""
    made = 0
    while True:
        scope = ports.database.read(tenant_id)
        place = await notifications.cursor(scope)
        events = await log.events_after(scope, place, _PAGE)
        if not events:
            return made
        taken = await _take(ports, tenant_id, place, events)
        if taken is None:
            return made
        made += taken


async def _take(ports: Ports, tenant_id: UUID, place: int, events: Sequence[LogEvent]) -> int | None:
    """Make notices of these events; None when another worker was first."""
    async with begin(ports, tenant_id, FOLLOWER) as work:
        if not await notifications.move_cursor(work.scope, place, events[-1].entry.sequence):
            return None
        telling = _Telling(ports, work)
        return sum([await telling.tell(event) for event in events if event.entry.kind in _CONCERNING])


@dataclass(frozen=True, slots=True)
class _Telling:
    """Telling people of events, inside one transaction."""

    ports: Ports
    work: Work
    #: Thresholds read so far, by workspace.
    alert_above: dict[UUID, int] = field(default_factory=dict)

    async def tell(self, event: LogEvent) -> int:
        """Store what one event makes. Returns how many notices."""
        await self._settle_alerts(event)
        if event.entry.workspace_id is None:
            return 0
        scope = self.work.scope
        told = draft(event, await self._waiting(event), await self._alert_above(event))
        if told is None:
            return 0
        alert = await self._raise_alert(event, told) if told.alert else None
        people = addressed(told, await notifications.recipients(scope, told.workspace_id))
        wishes = await notifications.preferences(scope, told.workspace_id, [each.user_id for each in people])
        alert_id = told.alert_id if alert is None else alert.id
        notices = [_notice(event, told, each, wishes[each.user_id], alert_id) for each in people]
        await notifications.add_notices(scope, notices)
        await self._queue(event, notices, wishes)
        if notices:
            self.work.record("notice.added", SUBJECT, None, AddedNotices(new_id(), told.workspace_id, tuple(notices)))
        return len(notices)

    async def _waiting(self, event: LogEvent) -> int:
        """How many recommendations wait for a decision, where an event is about that."""
        if event.entry.workspace_id is None or event.entry.kind != "plan.proposed":
            return 0
        return len(await recommendations.open_recommendations(self.work.scope, event.entry.workspace_id))

    async def _alert_above(self, event: LogEvent) -> int:
        """The workspace's threshold, where an event is about an amount."""
        workspace_id = event.entry.workspace_id
        if workspace_id is None or event.entry.kind != "adjustment.confirmed":
            return ALERT_ABOVE_MICROS
        known = self.alert_above.get(workspace_id)
        if known is None:
            known = (await tenants.workspace(self.work.scope, workspace_id)).alert_above_micros
            self.alert_above[workspace_id] = known
        return known

    async def _queue(self, event: LogEvent, notices: Sequence[Notice], wishes: dict[UUID, Preferences]) -> None:
        """Deliveries by every channel that each person wants; none for what is long past."""
        if not notices or self.work.now_utc - event.entry.at_utc > MAX_AGE:
            return
        zone = (await tenants.workspace(self.work.scope, notices[0].workspace_id)).time_zone
        deliveries = [
            _delivery(notice, self.work.now_utc, channel, pace, due_at(pace, self.work.now_utc, zone, wish.daily_time))
            for notice in notices
            for wish in (wishes[notice.user_id],)
            for channel, pace in wish.paces(notice.kind, self.ports.messengers).items()
        ]
        await notifications.add_deliveries(self.work.scope, deliveries)

    async def _raise_alert(self, event: LogEvent, told: Draft) -> Alert:
        alert = Alert(
            id=new_id(),
            tenant_id=self.work.scope.tenant_id,
            workspace_id=told.workspace_id,
            sequence=event.entry.sequence,
            kind=told.kind,
            title=told.title,
            subject_type=told.subject_type,
            subject_id=told.subject_id,
            raised_at_utc=event.entry.at_utc,
            acknowledged_at_utc=None,
            acknowledged_by_id=None,
            resolved_at_utc=None,
            escalated_at_utc=None,
            version=1,
        )
        await notifications.add_alert(self.work.scope, alert)
        self.work.record("alert.raised", ALERT, None, alert)
        return alert

    async def _settle_alerts(self, event: LogEvent) -> None:
        """Alerts about a subject that recovered, or that a person took in hand."""
        at_utc, person = event.entry.at_utc, acknowledging_person(event)
        if event.entry.kind in RESOLVING:
            await self._change_alerts(event, "alert.resolved", lambda alert: resolved(alert, at_utc))
        elif person is not None:
            await self._change_alerts(event, "alert.acknowledged", lambda alert: acknowledged(alert, person, at_utc))

    async def _change_alerts(self, event: LogEvent, kind: str, change: Callable[[Alert], Alert]) -> None:
        for alert in await notifications.unsettled_alerts(self.work.scope, subject_id=event.entry.subject_id):
            after = change(alert)
            if after is not alert and await notifications.store_alert(self.work.scope, after):
                self.work.record(kind, ALERT, alert, after)


def _notice(event: LogEvent, told: Draft, person: Recipient, wish: Preferences, alert_id: UUID | None) -> Notice:
    return Notice(
        id=new_id(),
        tenant_id=event.entry.tenant_id,
        workspace_id=told.workspace_id,
        user_id=person.user_id,
        sequence=event.entry.sequence,
        kind=told.kind,
        urgency=told.urgency,
        title=told.title,
        body=told.body,
        subject_type=told.subject_type,
        subject_id=told.subject_id,
        at_utc=event.entry.at_utc,
        in_app=wish.of(told.kind).in_app,
        alert_id=alert_id,
        read_at_utc=None,
    )


def _delivery(notice: Notice, now_utc: datetime, channel: Channel, pace: Pace, due_at_utc: datetime) -> Delivery:
    return Delivery(
        id=new_id(),
        tenant_id=notice.tenant_id,
        workspace_id=notice.workspace_id,
        user_id=notice.user_id,
        notice_id=notice.id,
        channel=channel,
        pace=pace,
        status=DeliveryStatus.PENDING,
        created_at_utc=now_utc,
        due_at_utc=due_at_utc,
        attempts=0,
        batch_id=None,
        lease_until_utc=None,
        sent_at_utc=None,
        failure_reason=None,
    )
