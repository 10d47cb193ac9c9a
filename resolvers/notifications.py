"""Notification fields: authorise, parse, one service call, payload. Everybody sees their own."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Final

import strawberry

from resolvers.changes import After as Place
from resolvers.changes import follow, messages
from resolvers.context import Info, viewer
from resolvers.errors import refusing
from resolvers.fields import Fields, page_of, workspace
from schema.arguments import After, Before, First, Id, Last, WorkspaceId
from schema.base import Connection, SummaryDays, UserError, parse_id, parse_slice
from schema.notifications import (
    Alert,
    AlertSummary,
    Notification,
    NotificationAdded,
    NotificationMessage,
    NotificationPayload,
    NotificationPreferences,
    NotificationPreferencesChange,
    NotificationPreferencesPayload,
    NotificationsReadAllPayload,
)
from services import notifications

UnreadOnly = Annotated[bool, strawberry.argument(description="Only what you have not read.")]
Days = Annotated[SummaryDays, strawberry.argument(description="How many days back, 1 to 90.")]
A_MONTH: Final = SummaryDays(30)
Change = Annotated[NotificationPreferencesChange, strawberry.argument(description="What to change.")]


@strawberry.type
class NotificationQuery:
    """Query fields."""

    @strawberry.field(description="What you were told in a workspace, newest first.")
    async def notifications(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        unread_only: UnreadOnly = False,
    ) -> Connection[Notification]:
        """A page of the viewer's own."""
        page = partial(notifications.page, unread_only=unread_only)
        return await page_of(info, workspace_id, parse_slice(first, after, last, before), page, Notification.of)

    @strawberry.field(description="How many of your notifications in a workspace are new.")
    async def notification_unread_count(self, info: Info, workspace_id: WorkspaceId) -> int:
        """For a badge."""
        return await notifications.unread_count(info.context.ports, viewer(info), workspace(workspace_id))

    @strawberry.field(description="What you want to be told in a workspace, and how.")
    async def notification_preferences(self, info: Info, workspace_id: WorkspaceId) -> NotificationPreferences:
        """The viewer's own."""
        found = await notifications.preferences(info.context.ports, viewer(info), workspace(workspace_id))
        return NotificationPreferences.of(found)

    @strawberry.field(description="A workspace's alerts, newest first: errors that somebody must acknowledge.")
    async def alerts(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Alert]:
        """A page of alerts."""
        asked = parse_slice(first, after, last, before)
        return await page_of(info, workspace_id, asked, notifications.alerts, Alert.of)

    @strawberry.field(description="How fast a workspace's alerts were answered.")
    async def alert_summary(self, info: Info, workspace_id: WorkspaceId, days: Days = A_MONTH) -> AlertSummary:
        """Counts and times from alert to acknowledgement."""
        found = await notifications.alert_summary(info.context.ports, viewer(info), workspace(workspace_id), days)
        return AlertSummary.of(found)


def _refused(why: list[UserError]) -> NotificationPayload:
    return NotificationPayload(notification=None, user_errors=why)


@strawberry.type
class NotificationMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Note that you read a notification; the first time stays.")
    @refusing(_refused)
    async def notification_read(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
    ) -> NotificationPayload:
        """Read one."""
        found = await notifications.mark_read(info.context.ports, viewer(info), parse_id(id, "Notification"))
        return NotificationPayload(notification=Notification.of(found), user_errors=[])

    @strawberry.mutation(description="Note that you read everything in a workspace.")
    @refusing(lambda why: NotificationsReadAllPayload(read_count=0, user_errors=why))
    async def notifications_read_all(self, info: Info, workspace_id: WorkspaceId) -> NotificationsReadAllPayload:
        """Read all."""
        read = await notifications.mark_all_read(info.context.ports, viewer(info), workspace(workspace_id))
        return NotificationsReadAllPayload(read_count=read, user_errors=[])

    @strawberry.mutation(
        description="Say that you take care of the alert behind a notification: for all who were told. It does not "
        "escalate then."
    )
    @refusing(_refused)
    async def notification_acknowledge(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
    ) -> NotificationPayload:
        """Acknowledge one."""
        found = await notifications.acknowledge(info.context.ports, viewer(info), parse_id(id, "Notification"))
        return NotificationPayload(notification=Notification.of(found), user_errors=[])

    @strawberry.mutation(description="Choose what you want to be told in a workspace; it counts from now on.")
    @refusing(lambda why: NotificationPreferencesPayload(preferences=None, user_errors=why))
    async def notification_preferences_set(
        self, info: Info, workspace_id: WorkspaceId, change: Change
    ) -> NotificationPreferencesPayload:
        """Set the viewer's own."""
        after = await notifications.preferences_set(
            info.context.ports, viewer(info), workspace(workspace_id), change.value()
        )
        return NotificationPreferencesPayload(preferences=NotificationPreferences.of(after), user_errors=[])


@strawberry.type
class NotificationSubscription:
    """Subscription fields."""

    @strawberry.subscription(description="What you are told in a workspace, as it is told, in order and without a gap.")
    def notification_added(
        self, info: Info, workspace_id: WorkspaceId, after: Place = None
    ) -> AsyncGenerator[NotificationMessage, None]:
        """The viewer's own new notices."""
        own_id = viewer(info).principal.subject_id
        return messages(
            follow(info, workspace_id, after, notifications.follow_own),
            lambda change: NotificationAdded.of(change.entry, notifications.notice_at(change, own_id)),
        )


FIELDS = Fields(query=NotificationQuery, mutation=NotificationMutation, subscription=NotificationSubscription)
