"""Subscriptions to the log: authorise, parse, follow, message.

A subscription runs with the context of its start and loads nothing through it; each message's fields are resolved with
a context of their own, made after the viewer's right to be here was asked again.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import Annotated, Generic, Protocol, TypeVar
from uuid import UUID

import strawberry

from domain.changes import Reload as ReloadValue
from domain.changes import Watermark as WatermarkValue
from domain.log import LogEvent
from realtime.relay import Message
from resolvers.context import Info, viewer
from resolvers.fields import Fields, workspace
from schema.arguments import WorkspaceId
from schema.audiences import SAME_FOR_ALL
from schema.base import Cursor
from schema.changes import (
    AdjustmentMessage,
    AdjustmentProgressed,
    RecommendationChanged,
    RecommendationMessage,
    Reload,
    Watermark,
    parse_place,
)
from services import changes
from services.ports import Ports
from services.viewers import Viewer

T = TypeVar("T")

After = Annotated[
    Cursor | None,
    strawberry.argument(description="The newest cursor you have: what was missed since comes first, or a Reload."),
]


class Newest(Generic[T]):
    """What an event shows, remembered for the newest one: a thousand followers are woken by the same."""

    def __init__(self, show: Callable[[LogEvent], T]) -> None:
        self._show = show
        self._event: LogEvent | None = None
        self._shown: T

    def __call__(self, event: LogEvent) -> T:
        """What the event shows."""
        if event is not self._event:
            self._shown = self._show(event)
            self._event = event
        return self._shown


_recommendation_changed = Newest(
    lambda change: RecommendationChanged.of(change.entry, changes.recommendation_at(change))
)
_adjustment_progressed = Newest(lambda change: AdjustmentProgressed.of(change.entry, changes.adjustment_at(change)))


@strawberry.type
class ChangeSubscription:
    """Subscription fields."""

    @strawberry.subscription(
        description="What happens to a workspace's recommendations, in order and without a gap.",
        directives=[SAME_FOR_ALL],
    )
    def recommendation_changes(
        self, info: Info, workspace_id: WorkspaceId, after: After = None
    ) -> AsyncGenerator[RecommendationMessage, None]:
        """Recommendations' events."""
        return messages(
            follow(info, workspace_id, after, partial(changes.follow, subject_type=changes.RECOMMENDATIONS)),
            _recommendation_changed,
        )

    @strawberry.subscription(
        description="Approved changes on their way to the platforms, step by step.", directives=[SAME_FOR_ALL]
    )
    def adjustment_progress(
        self, info: Info, workspace_id: WorkspaceId, after: After = None
    ) -> AsyncGenerator[AdjustmentMessage, None]:
        """Adjustments' events."""
        return messages(
            follow(info, workspace_id, after, partial(changes.follow, subject_type=changes.ADJUSTMENTS)),
            _adjustment_progressed,
        )


class Follower(Protocol):
    """Somebody's right to see some of a log's events, as a service gives it."""

    def concerns(self, event: LogEvent) -> bool:
        """Whether an event must be put to `shows`."""

    async def shows(self, event: LogEvent) -> bool:
        """Whether to show an event; raises where the right ended with it."""


async def messages(
    following: AsyncGenerator[Message, None], show: Callable[[LogEvent], T]
) -> AsyncGenerator[T | Watermark | Reload, None]:
    """What a subscription sends of what it follows: changes as `show` makes them, watermarks, the word to reload."""
    async with aclosing(following) as heard:
        async for message in heard:
            match message:
                case WatermarkValue():
                    yield Watermark.of(message)
                case ReloadValue():
                    yield Reload.of(message)
                case _:
                    yield show(message)


async def follow(
    info: Info,
    workspace_id: strawberry.ID,
    after: Cursor | None,
    begin: Callable[[Ports, Viewer, UUID], Follower],
) -> AsyncGenerator[Message, None]:
    """The events of a workspace that the viewer may follow, from a place on. Raises what `begin` refuses."""
    asking = viewer(info)
    following = begin(info.context.ports, asking, workspace(workspace_id))
    relay = info.context.relay
    async with aclosing(relay.follow(asking.tenant_id, parse_place(after), following.concerns)) as heard:
        async for message in heard:
            if isinstance(message, WatermarkValue | ReloadValue) or await following.shows(message):
                yield message
            else:
                yield WatermarkValue(message.entry.sequence)


FIELDS = Fields(subscription=ChangeSubscription)
