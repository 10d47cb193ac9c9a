"""Fields of the emergency stop: authorise, parse, one service call, payload."""

from functools import partial

import strawberry

from domain.emergency_stops import StopPausing
from domain.errors import VersionConflict as Refusal
from resolvers.context import Info, viewer
from resolvers.errors import last_actor, lost_race, refusing, user_errors
from resolvers.fields import Fields, one_or_null, page_of, workspace
from schema.arguments import After, Before, ExpectedVersion, First, Id, IdempotencyKey, Last, WorkspaceId
from schema.base import Connection, UserError, parse_id, parse_slice
from schema.conflicts import VersionConflict
from schema.costs import HEAVY
from schema.emergency_stops import (
    A_DAY,
    EmergencyStop,
    EmergencyStopPayload,
    EmergencyStopPreview,
    EmergencyStopVersionConflict,
    PauseCampaigns,
    StopReason,
    WindowHours,
)
from services import emergency_stops


@strawberry.type
class EmergencyStopQuery:
    """Query fields."""

    @strawberry.field(description="A workspace's emergency stops, newest first.")
    async def emergency_stops(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[EmergencyStop]:
        """A page of stops."""
        asked = parse_slice(first, after, last, before)
        return await page_of(info, workspace_id, asked, emergency_stops.page, EmergencyStop.of)

    @strawberry.field(description="One emergency stop; null when there is none for you.")
    async def emergency_stop(self, info: Info, id: Id) -> EmergencyStop | None:  # noqa: A002 - the schema's word
        """A stop by global id."""
        return await one_or_null(info, id, "EmergencyStop", emergency_stops.one, EmergencyStop.of)

    @strawberry.field(description="What an emergency stop would do now: look before you pull it.", directives=[HEAVY])
    async def emergency_stop_preview(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        window_hours: WindowHours = A_DAY,
        pause_campaigns: PauseCampaigns = StopPausing.NONE,
    ) -> EmergencyStopPreview | None:
        """A look ahead."""
        found = await emergency_stops.preview(
            info.context.ports, viewer(info), workspace(workspace_id), window_hours, pause_campaigns
        )
        changes = (found.cut_off, found.on_their_way, found.restored)
        return EmergencyStopPreview.of(changes, found.paused, found.restarts_cut_off)


def _refused(why: list[UserError]) -> EmergencyStopPayload:
    return EmergencyStopPayload(emergency_stop=None, user_errors=why)


async def _conflict(info: Info, error: Refusal) -> VersionConflict:
    found = await info.context.loaders.emergency_stop(error.subject_id)
    shown = None if found is None else EmergencyStop.of(found)
    return lost_race(EmergencyStopVersionConflict, error, shown, await last_actor(info, error))


@strawberry.type
class EmergencyStopMutation:
    """Mutation fields."""

    @strawberry.mutation(
        description="Pull the emergency stop: automation goes off, what waits is never sent, changes confirmed in the "
        "window are put back, everybody concerned is told. Takes write access to campaigns or to system settings; "
        "where one is in force, that one is the answer, and pauses more campaigns where more are asked for."
    )
    @refusing(_refused)
    async def emergency_stop_start(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        reason: StopReason,
        idempotency_key: IdempotencyKey,
        window_hours: WindowHours = A_DAY,
        pause_campaigns: PauseCampaigns = StopPausing.NONE,
    ) -> EmergencyStopPayload:
        """Stop."""
        stop = await emergency_stops.start(
            info.context.ports,
            viewer(info),
            workspace(workspace_id),
            reason,
            window_hours,
            idempotency_key,
            pause_campaigns,
        )
        return EmergencyStopPayload(emergency_stop=EmergencyStop.of(stop), user_errors=[])

    @strawberry.mutation(
        description="Lift an emergency stop: people may approve again; automation stays paused until it is resumed. "
        "Takes a person with write access to campaigns and system settings."
    )
    @refusing(_refused, partial(user_errors, conflict=_conflict))
    async def emergency_stop_lift(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        idempotency_key: IdempotencyKey,
    ) -> EmergencyStopPayload:
        """Lift."""
        stop = await emergency_stops.lift(
            info.context.ports, viewer(info), parse_id(id, "EmergencyStop"), expected_version, idempotency_key
        )
        return EmergencyStopPayload(emergency_stop=EmergencyStop.of(stop), user_errors=[])


FIELDS = Fields(query=EmergencyStopQuery, mutation=EmergencyStopMutation, types=(EmergencyStopVersionConflict,))
