"""Presence fields: authorise, parse, one service call, then the hint that makes watchers look."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from domain.presences import PresenceMode
from resolvers.context import Info, viewer
from resolvers.errors import refusing
from resolvers.fields import Fields, workspace
from schema.arguments import WorkspaceId
from schema.base import parse_id
from schema.presences import Presence, PresenceChange, PresencePayload
from services import presences
from services.viewers import look_up

RecommendationId = Annotated[strawberry.ID, strawberry.argument(description="Global id of the recommendation.")]
Mode = Annotated[PresenceMode, strawberry.argument(description="Looking, or about to change it.")]


_refusing = refusing(lambda why: PresencePayload(presences=[], user_errors=why))


@strawberry.type
class PresenceMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Be at a recommendation for 30 seconds; call it every ten to stay.")
    @_refusing
    async def presence_set(self, info: Info, recommendation_id: RecommendationId, mode: Mode) -> PresencePayload:
        """Come or stay."""
        subject_id = parse_id(recommendation_id, "Recommendation", ("recommendationId",))
        return _payload(info, await presences.come(info.context.ports, viewer(info), subject_id, mode))

    @strawberry.mutation(description="Be at a recommendation no longer.")
    @_refusing
    async def presence_clear(self, info: Info, recommendation_id: RecommendationId) -> PresencePayload:
        """Leave."""
        subject_id = parse_id(recommendation_id, "Recommendation", ("recommendationId",))
        return _payload(info, await presences.leave(info.context.ports, viewer(info), subject_id))


@strawberry.type
class PresenceSubscription:
    """Subscription fields."""

    @strawberry.subscription(description="Who is at which of a workspace's recommendations: all first, then changes.")
    async def presence_changes(self, info: Info, workspace_id: WorkspaceId) -> AsyncGenerator[PresenceChange, None]:
        """Presence."""
        asking, ports, relay = viewer(info), info.context.ports, info.context.relay
        place = workspace(workspace_id)
        presences.watch(asking, place)
        async with aclosing(relay.presences.watch(asking.tenant_id, place)) as states:
            async for state in states:
                # Presence has no numbers that a revocation could lie among: the right to see it is asked each time.
                presences.watch(await look_up(ports, asking.principal), place)
                yield PresenceChange.of(state.items, whole=state.whole)


def _payload(info: Info, here: presences.AtItem) -> PresencePayload:
    if here.changed:
        info.context.relay.hints.publish_presence(viewer(info).tenant_id, here.workspace_id)
    return PresencePayload(presences=[Presence.of(value) for value in here.presences], user_errors=[])


FIELDS = Fields(mutation=PresenceMutation, subscription=PresenceSubscription)
