"""Notices, alerts, deliveries, preferences and the follower's place in the log. Decides nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import orjson
from tortoise import Model, fields
from tortoise.queryset import QuerySet

from domain.access import Permission
from domain.notifications.alerts import Alert
from domain.notifications.deliveries import Delivery, DeliveryStatus
from domain.notifications.notices import Notice, Recipient
from domain.notifications.preferences import DIGESTS, Channel, Pace, Preferences
from kit.pagination import Slice
from models.members import MembershipTable, RoleTable, UserTable
from models.scope import Scope, WriteScope, as_value, as_values, json_text, only, sliced


class NotificationCursorTable(Model):
    """How far notices were made of a tenant log."""

    tenant_id = fields.UUIDField(primary_key=True)
    sequence = fields.BigIntField()

    class Meta:
        table = "notification_cursors"


class NoticeTable(Model):
    """One event told to one person."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    workspace_id = fields.UUIDField()
    user_id = fields.UUIDField()
    sequence = fields.BigIntField()
    kind = fields.CharField(max_length=32)
    urgency = fields.CharField(max_length=8)
    title = fields.CharField(max_length=200)
    body = fields.TextField()
    subject_type = fields.CharField(max_length=32)
    subject_id = fields.UUIDField()
    at_utc = fields.DatetimeField()
    in_app = fields.BooleanField()
    alert_id = fields.UUIDField(null=True)
    read_at_utc = fields.DatetimeField(null=True)

    class Meta:
        table = "notices"
        unique_together = (("tenant_id", "sequence", "user_id"),)
        indexes = (("tenant_id", "user_id", "workspace_id", "id"),)


class AlertTable(Model):
    """An error that waits for somebody, shared by all who were told of it."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    workspace_id = fields.UUIDField()
    sequence = fields.BigIntField()
    kind = fields.CharField(max_length=32)
    title = fields.CharField(max_length=200)
    subject_type = fields.CharField(max_length=32)
    subject_id = fields.UUIDField()
    raised_at_utc = fields.DatetimeField()
    acknowledged_at_utc = fields.DatetimeField(null=True)
    acknowledged_by_id = fields.UUIDField(null=True)
    resolved_at_utc = fields.DatetimeField(null=True)
    escalated_at_utc = fields.DatetimeField(null=True)
    version = fields.IntField()

    class Meta:
        table = "alerts"
        unique_together = (("tenant_id", "sequence"),)
        indexes = (("tenant_id", "subject_id"), ("tenant_id", "workspace_id", "raised_at_utc"))


class DeliveryTable(Model):
    """One notice on its way by one channel."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    workspace_id = fields.UUIDField()
    user_id = fields.UUIDField()
    notice_id = fields.UUIDField()
    channel = fields.CharField(max_length=8)
    pace = fields.CharField(max_length=8)
    status = fields.CharField(max_length=16)
    created_at_utc = fields.DatetimeField()
    due_at_utc = fields.DatetimeField()
    attempts = fields.IntField()
    batch_id = fields.UUIDField(null=True)
    lease_until_utc = fields.DatetimeField(null=True)
    sent_at_utc = fields.DatetimeField(null=True)
    failure_reason = fields.TextField(null=True)

    class Meta:
        table = "notice_deliveries"
        unique_together = (("notice_id", "channel"),)
        indexes = (("tenant_id", "status", "due_at_utc"),)


class NotificationPreferenceTable(Model):
    """What a person wants in a workspace. No row: the defaults."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    workspace_id = fields.UUIDField()
    user_id = fields.UUIDField()
    chosen = fields.TextField()
    phone = fields.CharField(max_length=16, null=True)
    slack_address = fields.CharField(max_length=24, null=True)
    daily_time = fields.CharField(max_length=5)

    class Meta:
        table = "notification_preferences"
        unique_together = (("workspace_id", "user_id"),)


class UnsubscribeTokenTable(Model):
    """What lets a mail program end a person's digests, under its hash."""

    token_hash = fields.CharField(max_length=64, primary_key=True)
    tenant_id = fields.UUIDField()
    workspace_id = fields.UUIDField()
    user_id = fields.UUIDField()
    expires_at_utc = fields.DatetimeField(db_index=True)

    class Meta:
        table = "unsubscribe_tokens"


# --- following the log ------------------------------------------------------------------------------------------------


async def cursor(scope: Scope) -> int:
    """The number of the last event that notices were made of; 0 at first."""
    rows = await scope.of(NotificationCursorTable).values("sequence")
    return int(rows[0]["sequence"]) if rows else 0


async def move_cursor(scope: WriteScope, before: int, after: int) -> bool:
    """Take the events between two places; False when another worker took them. Must come first in its transaction."""
    await scope.execute(
        "INSERT INTO notification_cursors (tenant_id, sequence) VALUES ($1, 0) ON CONFLICT (tenant_id) DO NOTHING",
        scope.tenant_id,
    )
    moved = await scope.execute(
        "UPDATE notification_cursors SET sequence = $1 WHERE tenant_id = $2 AND sequence = $3",
        after,
        scope.tenant_id,
        before,
    )
    return bool(moved)


async def recipients(scope: Scope, workspace_id: UUID) -> list[Recipient]:
    """The workspace's unrevoked members with what they hold there now, oldest first."""
    given = {
        row["name"]: frozenset(Permission(each) for each in orjson.loads(row["permissions"]))
        for row in await scope.of(RoleTable).values("name", "permissions")
    }
    rows = await scope.of(MembershipTable).filter(revoked_at_utc=None).order_by("id").values()
    held: dict[UUID, set[str]] = {}
    for row in rows:
        if row["workspace_id"] in {None, workspace_id}:
            held.setdefault(row["user_id"], set()).update(orjson.loads(row["roles"]))
    people = await scope.of(UserTable).filter(id__in=list(held)).values("id", "name", "email")
    known = {row["id"]: row for row in people}
    return [
        Recipient(
            user_id=user_id,
            name=known[user_id]["name"],
            email=known[user_id]["email"],
            roles=frozenset(roles),
            permissions=frozenset(each for role in roles for each in given.get(role, ())),
        )
        for user_id, roles in held.items()
        if user_id in known
    ]


# --- notices ----------------------------------------------------------------------------------------------------------


async def add_notices(scope: WriteScope, notices: Iterable[Notice]) -> None:
    """New ones; the table refuses a second one of the same event for the same person."""
    await scope.create_all(NoticeTable, [_columns(each) for each in notices])


def _own(scope: Scope, user_id: UUID, workspace_id: UUID, *, unread_only: bool = False) -> QuerySet[NoticeTable]:
    query = scope.of(NoticeTable).filter(user_id=user_id, workspace_id=workspace_id, in_app=True)
    return query.filter(read_at_utc=None) if unread_only else query


async def notice_page(
    scope: Scope, user_id: UUID, workspace_id: UUID, place: Slice[UUID], *, unread_only: bool
) -> list[Notice]:
    """What a slice fetches of a person's notices in the app, newest first."""
    query = _own(scope, user_id, workspace_id, unread_only=unread_only)
    return as_values(Notice, await sliced(query, place, newest_first=True))


async def unread_count(scope: Scope, user_id: UUID, workspace_id: UUID) -> int:
    """How many notices a person has not read."""
    return await _own(scope, user_id, workspace_id, unread_only=True).count()


async def own_notice(scope: Scope, user_id: UUID, notice_id: UUID) -> Notice:
    """A person's own notice. Raises NotFound, also for somebody else's."""
    rows = await scope.of(NoticeTable).filter(id=notice_id, user_id=user_id, in_app=True).values()
    return as_value(Notice, only(rows, "no such notification"))


async def notices_by_id(scope: Scope, ids: Sequence[UUID]) -> dict[UUID, Notice]:
    """Notices by id."""
    rows = as_values(Notice, await scope.of(NoticeTable).filter(id__in=list(ids)).values())
    return {row.id: row for row in rows}


async def mark_read(scope: WriteScope, user_id: UUID, notice_id: UUID, at_utc: datetime) -> None:
    """A person read a notice; the first time counts."""
    await scope.of(NoticeTable).filter(id=notice_id, user_id=user_id, read_at_utc=None).update(read_at_utc=at_utc)


async def mark_all_read(scope: WriteScope, user_id: UUID, workspace_id: UUID, at_utc: datetime) -> int:
    """A person read everything in a workspace. Returns how many were new."""
    return await scope.execute(
        "UPDATE notices SET read_at_utc = $1 "
        "WHERE tenant_id = $2 AND user_id = $3 AND workspace_id = $4 AND read_at_utc IS NULL",
        at_utc,
        scope.tenant_id,
        user_id,
        workspace_id,
    )


# --- alerts -----------------------------------------------------------------------------------------------------------


async def add_alert(scope: WriteScope, alert: Alert) -> None:
    """A new one; the table refuses a second one of the same event."""
    await scope.create(AlertTable, **_columns(alert))


async def alert(scope: Scope, alert_id: UUID) -> Alert:
    """One alert. Raises NotFound."""
    return as_value(Alert, only(await scope.of(AlertTable).filter(id=alert_id).values(), "no such alert"))


async def alerts_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Alert]:
    """Alerts by id; other tenants' are absent."""
    rows = as_values(Alert, await scope.of(AlertTable).filter(id__in=ids).values())
    return {row.id: row for row in rows}


async def unsettled_alerts(
    scope: Scope, *, subject_id: UUID | None = None, raised_until_utc: datetime | None = None
) -> list[Alert]:
    """Alerts that nobody acknowledged and that are not over, oldest first.

    Args:
        scope: the tenant's.
        subject_id: only those about this thing.
        raised_until_utc: only those that were raised by then and not escalated since.
    """
    query = scope.of(AlertTable).filter(resolved_at_utc=None)
    if subject_id is not None:
        query = query.filter(subject_id=subject_id)
    if raised_until_utc is not None:
        query = query.filter(acknowledged_at_utc=None, escalated_at_utc=None, raised_at_utc__lte=raised_until_utc)
    return as_values(Alert, await query.order_by("id").values())


async def alerts_since(scope: Scope, workspace_id: UUID, since_utc: datetime) -> list[Alert]:
    """A workspace's alerts from a moment on, oldest first."""
    query = scope.of(AlertTable).filter(workspace_id=workspace_id, raised_at_utc__gte=since_utc)
    return as_values(Alert, await query.order_by("raised_at_utc", "id").values())


async def alert_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[Alert]:
    """What a slice fetches of a workspace's alerts, newest first."""
    query = scope.of(AlertTable).filter(workspace_id=workspace_id)
    return as_values(Alert, await sliced(query, place, newest_first=True))


async def store_alert(scope: WriteScope, value: Alert) -> bool:
    """Write the next version; False when somebody else was first."""
    changes = {name: text for name, text in _columns(value).items() if name != "id"}
    return bool(await scope.of(AlertTable).filter(id=value.id, version=value.version - 1).update(**changes))


# --- deliveries -------------------------------------------------------------------------------------------------------


async def add_deliveries(scope: WriteScope, deliveries: Iterable[Delivery]) -> None:
    """New ones; the table refuses a second one of the same notice on the same channel."""
    await scope.create_all(DeliveryTable, [_columns(each) for each in deliveries])


async def waiting_deliveries(scope: Scope, now_utc: datetime, limit: int) -> list[Delivery]:
    """Pending ones, due or not, and those whose worker's lease ran out; oldest first."""
    rows = await scope.rows(
        "SELECT * FROM notice_deliveries WHERE tenant_id = $1 "
        "AND (status = 'PENDING' OR (status = 'SENDING' AND lease_until_utc < $2)) ORDER BY due_at_utc, id LIMIT $3",
        scope.tenant_id,
        now_utc,
        limit,
    )
    return as_values(Delivery, rows)


async def last_sent(scope: Scope, since_utc: datetime) -> dict[tuple[UUID, UUID, Channel, Pace], datetime]:
    """When each group's last message left, of those that left since a moment."""
    query = scope.of(DeliveryTable).filter(sent_at_utc__gte=since_utc).order_by("sent_at_utc")
    return {each.group: at for each in as_values(Delivery, await query.values()) if (at := each.sent_at_utc)}


async def claim_deliveries(
    scope: WriteScope, ids: Sequence[UUID], batch_id: UUID, now_utc: datetime, lease_until_utc: datetime
) -> list[Delivery]:
    """Take deliveries in hand as one message; those that another worker has are left out."""
    marks = ", ".join(f"${index}" for index in range(5, 5 + len(ids)))
    # Whoever is second waits and then finds them taken. Skipping locked rows would tear one message into two.
    lock = "" if scope.is_sqlite else " FOR UPDATE"
    rows = await scope.rows(
        "UPDATE notice_deliveries SET status = 'SENDING', batch_id = $1, lease_until_utc = $2, "  # noqa: S608 - numbered marks only
        "attempts = attempts + 1 WHERE tenant_id = $3 AND id IN ("
        "SELECT id FROM notice_deliveries WHERE tenant_id = $3 AND "
        f"(status = 'PENDING' OR (status = 'SENDING' AND lease_until_utc < $4)) AND id IN ({marks}) "
        f"ORDER BY id{lock}) RETURNING *",
        batch_id,
        lease_until_utc,
        scope.tenant_id,
        now_utc,
        *ids,
    )
    return sorted(as_values(Delivery, rows), key=lambda each: each.id)


async def settle_deliveries(
    scope: WriteScope,
    ids: Sequence[UUID],
    lease_until_utc: datetime | None,
    status: DeliveryStatus,
    *,
    sent_at_utc: datetime | None = None,
    due_at_utc: datetime | None = None,
    failure_reason: str | None = None,
) -> int:
    """How an attempt ended, for those that are still in hand under that lease. Returns how many."""
    changes: dict[str, object] = {"status": status.value, "lease_until_utc": None, "failure_reason": failure_reason}
    if sent_at_utc is not None:
        changes["sent_at_utc"] = sent_at_utc
    if due_at_utc is not None:
        changes["due_at_utc"] = due_at_utc
    held = scope.of(DeliveryTable).filter(id__in=list(ids), status="SENDING", lease_until_utc=lease_until_utc)
    return await held.update(**changes)


async def cancel_digests(scope: WriteScope, workspace_id: UUID, user_id: UUID) -> int:
    """Drop what waits for a person's next digests by e-mail. Returns how many."""
    waiting = scope.of(DeliveryTable).filter(
        workspace_id=workspace_id,
        user_id=user_id,
        channel=Channel.EMAIL.value,
        pace__in=[pace.value for pace in DIGESTS],
        status=DeliveryStatus.PENDING.value,
    )
    return await waiting.update(status=DeliveryStatus.CANCELLED.value)


async def deliveries_by_notice(scope: Scope, notice_ids: list[UUID]) -> dict[UUID, list[Delivery]]:
    """The deliveries of each notice, by channel; one that stays in the app is absent."""
    query = scope.of(DeliveryTable).filter(notice_id__in=notice_ids).order_by("channel")
    found: dict[UUID, list[Delivery]] = {}
    for each in as_values(Delivery, await query.values()):
        found.setdefault(each.notice_id, []).append(each)
    return found


# --- preferences and unsubscribing ------------------------------------------------------------------------------------


async def preferences(scope: Scope, workspace_id: UUID, user_ids: Sequence[UUID]) -> dict[UUID, Preferences]:
    """What people want in a workspace, the defaults for who never chose."""
    query = scope.of(NotificationPreferenceTable).filter(workspace_id=workspace_id, user_id__in=list(user_ids))
    stored = {row["user_id"]: _preferences(row) for row in await query.values()}
    return {user_id: stored.get(user_id) or Preferences(workspace_id, user_id) for user_id in user_ids}


def _preferences(row: Mapping[str, Any]) -> Preferences:
    return as_value(Preferences, {**row, "chosen": orjson.loads(row["chosen"])})


async def put_preferences(scope: WriteScope, id_: UUID, value: Preferences) -> None:
    """Store what a person wants now."""
    await scope.execute(
        "INSERT INTO notification_preferences "
        "(id, tenant_id, workspace_id, user_id, chosen, phone, slack_address, daily_time) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace_id, user_id) DO UPDATE SET "
        "chosen = excluded.chosen, phone = excluded.phone, slack_address = excluded.slack_address, "
        "daily_time = excluded.daily_time",
        id_,
        scope.tenant_id,
        value.workspace_id,
        value.user_id,
        json_text(msgspec.to_builtins(dict(value.chosen))),
        value.phone,
        value.slack_address,
        value.daily_time,
    )


async def add_unsubscribe_token(
    scope: WriteScope, token_hash: str, workspace_id: UUID, user_id: UUID, expires_at_utc: datetime
) -> None:
    """A token of a message about to leave."""
    await scope.create(
        UnsubscribeTokenTable,
        token_hash=token_hash,
        workspace_id=workspace_id,
        user_id=user_id,
        expires_at_utc=expires_at_utc,
    )


async def forget_unsubscribe_tokens(scope: WriteScope, now_utc: datetime) -> int:
    """Remove tokens past their time. Returns how many."""
    return await scope.of(UnsubscribeTokenTable).filter(expires_at_utc__lt=now_utc).delete()


def _columns(value: Notice | Alert | Delivery) -> dict[str, object]:
    columns = {name: getattr(value, name) for name in type(value).__slots__ if name != "tenant_id"}
    return {name: each.value if isinstance(each, Enum) else each for name, each in columns.items()}
