"""Subscriptions to the log: authorise, parse, follow, message.

A subscription runs with the context of its start and loads nothing through it; each message's fields are resolved with
a context of their own, made after the viewer's right to be here was asked again.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from domain.changes import Reload as ReloadValue
from domain.changes import Watermark as WatermarkValue
from realtime.relay import Message
from resolvers.context import Info, viewer
from schema.arguments import WorkspaceId
from schema.base import Cursor, parse_id
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

After = Annotated[
    Cursor | None,
    strawberry.argument(description="The newest cursor you have: what was missed since comes first, or a Reload."),
]


@strawberry.type
class ChangeSubscription:
    """Subscription fields."""

    @strawberry.subscription(description="What happens to a workspace's recommendations, in order and without a gap.")
    async def recommendation_changes(
        self, info: Info, workspace_id: WorkspaceId, after: After = None
    ) -> AsyncGenerator[RecommendationMessage, None]:
        """Recommendations' events."""
        async with aclosing(_follow(info, workspace_id, after, changes.RECOMMENDATIONS)) as messages:
            async for message in messages:
                if isinstance(message, WatermarkValue):
                    yield Watermark.of(message)
                elif isinstance(message, ReloadValue):
                    yield Reload.of(message)
                else:
                    yield RecommendationChanged.of(message.entry, changes.recommendation_at(message))

    @strawberry.subscription(description="Approved changes on their way to the platforms, step by step.")
    async def adjustment_progress(
        self, info: Info, workspace_id: WorkspaceId, after: After = None
    ) -> AsyncGenerator[AdjustmentMessage, None]:
        """Adjustments' events."""
        async with aclosing(_follow(info, workspace_id, after, changes.ADJUSTMENTS)) as messages:
            async for message in messages:
                if isinstance(message, WatermarkValue):
                    yield Watermark.of(message)
                elif isinstance(message, ReloadValue):
                    yield Reload.of(message)
                else:
                    yield AdjustmentProgressed.of(message.entry, changes.adjustment_at(message))


async def _follow(
    info: Info, workspace_id: strawberry.ID, after: Cursor | None, subject_type: str
) -> AsyncGenerator[Message, None]:
    asking = viewer(info)
    place = parse_id(workspace_id, "Workspace", ("workspaceId",))
    following = changes.follow(info.context.ports, asking, place, subject_type)
    relay = info.context.relay
    async with aclosing(relay.follow(asking.tenant_id, parse_place(after), following.concerns)) as messages:
        async for message in messages:
            if isinstance(message, WatermarkValue | ReloadValue) or await following.shows(message):
                yield message
            else:
                yield WatermarkValue(message.entry.sequence)
