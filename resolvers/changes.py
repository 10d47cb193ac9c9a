"""Subscriptions to the log: authorise, parse, follow, message.

A subscription runs with the context of its start and loads nothing through it; each message's fields are resolved with
a context of their own, made after the viewer's right to be here was asked again.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Annotated, TypeVar

import strawberry

from domain.changes import Reload as ReloadValue
from domain.changes import Watermark as WatermarkValue
from domain.log import LogEvent
from realtime.relay import Message
from resolvers.context import Info, viewer
from resolvers.fields import Fields, workspace
from schema.arguments import WorkspaceId
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

T = TypeVar("T")

After = Annotated[
    Cursor | None,
    strawberry.argument(description="The newest cursor you have: what was missed since comes first, or a Reload."),
]


@strawberry.type
class ChangeSubscription:
    """Subscription fields."""

    @strawberry.subscription(description="What happens to a workspace's recommendations, in order and without a gap.")
    def recommendation_changes(
        self, info: Info, workspace_id: WorkspaceId, after: After = None
    ) -> AsyncGenerator[RecommendationMessage, None]:
        """Recommendations' events."""
        return _messages(
            _follow(info, workspace_id, after, changes.RECOMMENDATIONS),
            lambda change: RecommendationChanged.of(change.entry, changes.recommendation_at(change)),
        )

    @strawberry.subscription(description="Approved changes on their way to the platforms, step by step.")
    def adjustment_progress(
        self, info: Info, workspace_id: WorkspaceId, after: After = None
    ) -> AsyncGenerator[AdjustmentMessage, None]:
        """Adjustments' events."""
        return _messages(
            _follow(info, workspace_id, after, changes.ADJUSTMENTS),
            lambda change: AdjustmentProgressed.of(change.entry, changes.adjustment_at(change)),
        )


async def _messages(
    following: AsyncGenerator[Message, None], show: Callable[[LogEvent], T]
) -> AsyncGenerator[T | Watermark | Reload, None]:
    async with aclosing(following) as messages:
        async for message in messages:
            match message:
                case WatermarkValue():
                    yield Watermark.of(message)
                case ReloadValue():
                    yield Reload.of(message)
                case _:
                    yield show(message)


async def _follow(
    info: Info, workspace_id: strawberry.ID, after: Cursor | None, subject_type: str
) -> AsyncGenerator[Message, None]:
    asking = viewer(info)
    place = workspace(workspace_id)
    following = changes.follow(info.context.ports, asking, place, subject_type)
    relay = info.context.relay
    async with aclosing(relay.follow(asking.tenant_id, parse_place(after), following.concerns)) as messages:
        async for message in messages:
            if isinstance(message, WatermarkValue | ReloadValue) or await following.shows(message):
                yield message
            else:
                yield WatermarkValue(message.entry.sequence)


FIELDS = Fields(subscription=ChangeSubscription)
