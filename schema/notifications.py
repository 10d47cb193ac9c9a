"""Notifications, alerts and what people wish to be told, as clients see them. No logic."""

from typing import Annotated, Self

import strawberry

from domain.log import ActorKind, LogEntry
from domain.notifications.alerts import Alert as AlertValue
from domain.notifications.alerts import AlertSummary as SummaryValue
from domain.notifications.deliveries import Delivery as DeliveryValue
from domain.notifications.deliveries import DeliveryStatus
from domain.notifications.notices import Notice, NoticeKind, Urgency
from domain.notifications.preferences import Channel, KindPreference, Pace, Preferences, PreferencesChange
from schema.actors import Actor
from schema.base import DateTime, Node, UserError, global_id
from schema.changes import Reload, StreamMessage, Watermark, cursor_of
from schema.context import Info
from schema.enums import describe_enum
from schema.events import NODE_TYPES
from schema.nodes import view

describe_enum(
    NoticeKind,
    "What somebody is told of.",
    {
        NoticeKind.APPROVALS_WAITING: "A plan's budget changes wait for a decision.",
        NoticeKind.NEEDS_REVIEW: "A change that automation may not approve waits for a person.",
        NoticeKind.ADJUSTMENT_FAILED: "An approved change did not go through.",
        NoticeKind.SHIFT_UNSETTLED: "A budget shift hangs between two campaigns: a person looks.",
        NoticeKind.LARGE_BUDGET_CHANGE: "A daily budget changed by more than the workspace's threshold.",
        NoticeKind.CAMPAIGN_PAUSED: "A campaign was paused on its platform.",
        NoticeKind.STATUS_CHANGE_FAILED: "A campaign could not be paused, or set running.",
        NoticeKind.STATUS_CHANGE_UNKNOWN: "Nobody knows whether a campaign was paused, or set running.",
        NoticeKind.ADJUSTMENT_UNKNOWN: "Nobody knows whether a change went through: a person decides.",
        NoticeKind.SYNC_FAILED: "An ad account's metrics and budgets could not be read.",
        NoticeKind.QUOTA_EXCEEDED: "A platform refuses more requests for now.",
        NoticeKind.PLATFORM_ISSUE: "A platform reports an error on an ad account.",
        NoticeKind.BUDGET_CHANGED_ELSEWHERE: "A budget was changed outside Campaign Express.",
        NoticeKind.CONNECTION_LOST: "A connection to a platform has to be granted again by a person.",
        NoticeKind.EMERGENCY_STOP: "Somebody stopped everything.",
        NoticeKind.ALERT_ESCALATED: "Nobody acknowledged an alert for 30 minutes.",
    },
    name="NotificationKind",
)
describe_enum(
    Urgency,
    "How much it matters that somebody looks soon.",
    {Urgency.LOW: "Good to know.", Urgency.NORMAL: "Today.", Urgency.WARNING: "Soon.", Urgency.HIGH: "Now."},
    name="NotificationUrgency",
)
describe_enum(
    Channel,
    "How a notification leaves the app.",
    {Channel.EMAIL: "E-mail.", Channel.SMS: "A text message.", Channel.SLACK: "A Slack message."},
    name="NotificationChannel",
)
describe_enum(
    Pace,
    "How soon notifications of a kind leave by a channel.",
    {
        Pace.AT_ONCE: "At once; a storm of them becomes a message every two minutes.",
        Pace.BATCHED: "What gathers within ten minutes, together.",
        Pace.DAILY: "Once a day, together.",
        Pace.OFF: "Never.",
    },
    name="NotificationPace",
)
describe_enum(
    DeliveryStatus,
    "Where a notification is on its way out of the app.",
    {
        DeliveryStatus.PENDING: "It waits for its time, or to be tried again.",
        DeliveryStatus.SENDING: "It is being sent.",
        DeliveryStatus.SENT: "The provider took it.",
        DeliveryStatus.FAILED: "It is not tried again; failureReason says why.",
        DeliveryStatus.CANCELLED: "It was no longer wanted when its time came.",
    },
    name="NotificationDeliveryStatus",
)


@strawberry.type(description="An error that somebody must acknowledge; all who were told share it.")
class Alert:
    """An alert."""

    id: strawberry.ID = strawberry.field(description="Opaque global id.")
    version: int = strawberry.field(description="Goes up with every change.")
    kind: NoticeKind = strawberry.field(description="What kind of error.")
    title: str = strawberry.field(description="What happened.")
    raised_at: DateTime = strawberry.field(description="When it happened.")
    acknowledged_at: DateTime | None = strawberry.field(description="When the first person took care of it.")
    acknowledged_by: Actor | None = strawberry.field(description="That person.")
    resolved_at: DateTime | None = strawberry.field(description="When its subject recovered, if it did.")
    escalated_at: DateTime | None = strawberry.field(
        description="When the owners were told that nobody answered for 30 minutes."
    )
    seconds_to_answer: int | None = strawberry.field(
        description="From the alert to its acknowledgement or recovery, whichever came first; null while it is open."
    )
    value: strawberry.Private[AlertValue]

    @strawberry.field(description="What it is about, as it is today; null when that is gone or you may not see it.")
    async def subject(self, info: Info) -> Node | None:
        """The subject."""
        return await _subject(info, self.value)

    @classmethod
    def of(cls, value: AlertValue) -> Self:
        """The clients' view of a value."""
        by, took = value.acknowledged_by_id, value.answer_time
        return cls(
            id=global_id("Alert", value.id),
            version=value.version,
            kind=value.kind,
            title=value.title,
            raised_at=DateTime(value.raised_at_utc),
            acknowledged_at=None if value.acknowledged_at_utc is None else DateTime(value.acknowledged_at_utc),
            acknowledged_by=None if by is None else Actor(kind=ActorKind.MEMBER, reference=str(by)),
            resolved_at=None if value.resolved_at_utc is None else DateTime(value.resolved_at_utc),
            escalated_at=None if value.escalated_at_utc is None else DateTime(value.escalated_at_utc),
            seconds_to_answer=None if took is None else round(took.total_seconds()),
            value=value,
        )


async def _subject(info: Info, value: Notice | AlertValue) -> Node | None:
    type_name = NODE_TYPES.get(value.subject_type)
    found = None if type_name is None else await info.context.reads.node_value(type_name, value.subject_id)
    shown: Node | None = view(found)
    return shown


@strawberry.type(description="How a notification left the app by one channel.")
class NotificationDelivery:
    """A delivery."""

    channel: Channel = strawberry.field(description="By which channel.")
    pace: Pace = strawberry.field(description="How soon you wanted it.")
    status: DeliveryStatus = strawberry.field(description="Where it is.")
    attempts: int = strawberry.field(description="How often it was tried.")
    due_at: DateTime = strawberry.field(description="Not before then.")
    sent_at: DateTime | None = strawberry.field(description="When the provider took it.")
    failure_reason: str | None = strawberry.field(description="Why the last attempt failed.")

    @classmethod
    def of(cls, value: DeliveryValue) -> Self:
        """The clients' view of a value."""
        return cls(
            channel=value.channel,
            pace=value.pace,
            status=value.status,
            attempts=value.attempts,
            due_at=DateTime(value.due_at_utc),
            sent_at=None if value.sent_at_utc is None else DateTime(value.sent_at_utc),
            failure_reason=value.failure_reason,
        )


@strawberry.type(description="Something that happened, told to you. Nobody else sees it.")
class Notification:
    """A notice."""

    id: strawberry.ID = strawberry.field(description="Opaque global id.")
    kind: NoticeKind = strawberry.field(description="What kind of thing happened.")
    urgency: Urgency = strawberry.field(description="How much it matters that you look soon.")
    title: str = strawberry.field(description="What happened, in a line.")
    body: str = strawberry.field(description="More of it; may be empty.")
    at: DateTime = strawberry.field(description="When it happened.")
    read_at: DateTime | None = strawberry.field(description="When you first read it; null while it is new.")
    value: strawberry.Private[Notice]

    @strawberry.field(description="What it is about, as it is today; null when that is gone or you may not see it.")
    async def subject(self, info: Info) -> Node | None:
        """The subject."""
        return await _subject(info, self.value)

    @strawberry.field(description="The alert to acknowledge, if this is about one.")
    async def alert(self, info: Info) -> Alert | None:
        """The alert behind it."""
        alert_id = self.value.alert_id
        found = None if alert_id is None else await info.context.loaders.alert(alert_id)
        return None if found is None else Alert.of(found)

    @strawberry.field(description="How it left the app: one for each channel, at most three.")
    async def deliveries(self, info: Info) -> list[NotificationDelivery]:
        """Its deliveries."""
        found = await info.context.loaders.notice_deliveries(self.value.id)
        return [NotificationDelivery.of(each) for each in found]

    @classmethod
    def of(cls, value: Notice) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("Notification", value.id),
            kind=value.kind,
            urgency=value.urgency,
            title=value.title,
            body=value.body,
            at=DateTime(value.at_utc),
            read_at=None if value.read_at_utc is None else DateTime(value.read_at_utc),
            value=value,
        )


@strawberry.type(description="How fast a workspace's alerts were answered.")
class AlertSummary:
    """Counts and times."""

    raised: int = strawberry.field(description="Alerts of the period.")
    settled: int = strawberry.field(description="Those that were acknowledged, or whose subject recovered.")
    escalated: int = strawberry.field(description="Those that went to the owners; some were settled later.")
    open: int = strawberry.field(description="Those that still wait.")
    in_time: int = strawberry.field(description="Settled or escalated within 30 minutes, with a minute of slack.")
    median_seconds_to_answer: int | None = strawberry.field(
        description="Half of the settled ones took at most so long; null when none was settled."
    )
    p90_seconds_to_answer: int | None = strawberry.field(description="Nine of ten took at most so long; likewise.")

    @classmethod
    def of(cls, value: SummaryValue) -> Self:
        """The clients' view of a value."""
        return cls(
            raised=value.raised,
            settled=value.settled,
            escalated=value.escalated,
            open=value.open,
            in_time=value.in_time,
            median_seconds_to_answer=None if value.median_seconds is None else round(value.median_seconds),
            p90_seconds_to_answer=None if value.p90_seconds is None else round(value.p90_seconds),
        )


@strawberry.type(description="What you want to be told of one kind of thing.")
class NotificationPreference:
    """Wishes for one kind."""

    kind: NoticeKind = strawberry.field(description="Of what.")
    in_app: bool = strawberry.field(description="Whether it shows up in `notifications`.")
    email: Pace = strawberry.field(description="By e-mail.")
    sms: Pace = strawberry.field(description="By text message.")
    slack: Pace = strawberry.field(description="By Slack.")

    @classmethod
    def of(cls, kind: NoticeKind, value: KindPreference) -> Self:
        """The clients' view of a value."""
        return cls(kind=kind, in_app=value.in_app, email=value.email, sms=value.sms, slack=value.slack)


@strawberry.type(description="What you want to be told in a workspace, and how.")
class NotificationPreferences:
    """A person's wishes."""

    kinds: list[NotificationPreference] = strawberry.field(description="One for each kind, never more than there are.")
    phone: str | None = strawberry.field(description="Where text messages go; null for nowhere.")
    slack_address: str | None = strawberry.field(description="The Slack member or channel; null for none.")
    daily_time: str = strawberry.field(description="When the daily message leaves, in the workspace's zone: 08:00.")

    @classmethod
    def of(cls, value: Preferences) -> Self:
        """The clients' view of a value."""
        return cls(
            kinds=[NotificationPreference.of(kind, value.of(kind)) for kind in NoticeKind],
            phone=value.phone,
            slack_address=value.slack_address,
            daily_time=value.daily_time,
        )


@strawberry.input(description="What you want to be told of one kind of thing.")
class NotificationPreferenceInput:
    """Wishes for one kind."""

    kind: NoticeKind = strawberry.field(description="Of what.")
    in_app: bool = strawberry.field(description="Whether it shall show up in `notifications`.")
    email: Pace = strawberry.field(description="By e-mail.")
    sms: Pace = strawberry.field(description="By text message; it needs a phone number.", default=Pace.OFF)
    slack: Pace = strawberry.field(description="By Slack; it needs an address there.", default=Pace.OFF)


@strawberry.input(description="New wishes; what is left out stays as it is.")
class NotificationPreferencesChange:
    """A change of wishes."""

    kinds: list[NotificationPreferenceInput] | None = strawberry.field(
        description="Kinds to set; the others stay.", default=None
    )
    phone: str | None = strawberry.field(description="Such as +14155550100; an empty text takes it away.", default=None)
    slack_address: str | None = strawberry.field(
        description="A Slack id such as U012ABCDEF; an empty text takes it away.", default=None
    )
    daily_time: str | None = strawberry.field(description="A wall time such as 08:00.", default=None)

    def value(self) -> PreferencesChange:
        """The change as the domain knows it; of a kind named twice the last one counts."""
        return PreferencesChange(
            kinds={
                each.kind: KindPreference(each.in_app, each.email, each.sms, each.slack) for each in self.kinds or ()
            },
            phone=self.phone,
            slack_address=self.slack_address,
            daily_time=self.daily_time,
        )


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class NotificationPayload:
    """The payload of mutations on one notification."""

    notification: Notification | None = strawberry.field(description="As it is now; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="What notificationsReadAll left.")
class NotificationsReadAllPayload:
    """The payload of reading everything."""

    read_count: int = strawberry.field(description="How many were new until now.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="What notificationPreferencesSet left; on a refusal nothing changed.")
class NotificationPreferencesPayload:
    """The payload of a change of wishes."""

    preferences: NotificationPreferences | None = strawberry.field(description="What counts now; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="You were told something.")
class NotificationAdded(StreamMessage):
    """A new notice of the viewer's own."""

    notification: Notification | None = strawberry.field(
        description="As it was when it was added; null where it was erased since."
    )

    @classmethod
    def of(cls, entry: LogEntry, value: Notice | None) -> Self:
        """The clients' view of an event."""
        shown = None if value is None else Notification.of(value)
        return cls(sequence=entry.sequence, cursor=cursor_of(entry.sequence), notification=shown)


NotificationMessage = Annotated[
    NotificationAdded | Watermark | Reload,
    strawberry.union(name="NotificationMessage", description="What notificationAdded sends."),
]
