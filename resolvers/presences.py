"""Presence fields: authorise, parse, one service call, then the hint that makes watchers look."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from domain.errors import DomainError
from domain.presences import PresenceMode
from resolvers.context import Info, viewer
from resolvers.errors import user_errors
from schema.base import parse_id
from schema.presences import Presence, PresenceChange, PresencePayload
from services import presences


@strawberry.type
class PresenceMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Be at a recommendation for 30 seconds; call it every ten to stay.")
    async def presence_set(self, info: Info, recommendation_id: strawberry.ID, mode: PresenceMode) -> PresencePayload:
        """Come or stay."""
        try:
            subject_id = parse_id(recommendation_id, "Recommendation", ("recommendationId",))
            return _payload(info, await presences.come(info.context.ports, viewer(info), subject_id, mode))
        except DomainError as error:
            return PresencePayload(presences=[], user_errors=await user_errors(info, error))

    @strawberry.mutation(description="Be at a recommendation no longer.")
    async def presence_clear(self, info: Info, recommendation_id: strawberry.ID) -> PresencePayload:
        """Leave."""
        try:
            subject_id = parse_id(recommendation_id, "Recommendation", ("recommendationId",))
            return _payload(info, await presences.leave(info.context.ports, viewer(info), subject_id))
        except DomainError as error:
            return PresencePayload(presences=[], user_errors=await user_errors(info, error))


@strawberry.type
class PresenceSubscription:
    """Subscription fields."""

    @strawberry.subscription(description="Who is at which of a workspace's recommendations: all first, then changes.")
    async def presence_changes(self, info: Info, workspace_id: strawberry.ID) -> AsyncGenerator[PresenceChange, None]:
        """Presence."""
        asking = viewer(info)
        place = parse_id(workspace_id, "Workspace", ("workspaceId",))
        presences.watch(asking, place)
        async with aclosing(info.context.relay.presences.watch(asking.tenant_id, place)) as states:
            async for state in states:
                yield PresenceChange.of(state.items, whole=state.whole)


def _payload(info: Info, here: presences.AtItem) -> PresencePayload:
    if here.changed:
        info.context.relay.hints.publish_presence(viewer(info).tenant_id, here.workspace_id)
    return PresencePayload(presences=[Presence.of(value) for value in here.presences], user_errors=[])
