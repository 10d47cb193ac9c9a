"""Fields of a workspace's switches: authorise, parse, one service call, payload."""

from functools import partial
from typing import Annotated

import strawberry

from domain.automations import AutomationChange
from domain.errors import VersionConflict as Refusal
from resolvers.context import Info, viewer
from resolvers.errors import last_actor, lost_race, refusing, user_errors
from resolvers.fields import Fields, workspace
from schema.arguments import ExpectedVersion, IdempotencyKey, WorkspaceId
from schema.automations import Automation, AutomationChangeInput, AutomationPayload, AutomationVersionConflict
from schema.base import UserError
from schema.conflicts import VersionConflict
from services import automations

Change = Annotated[AutomationChangeInput, strawberry.argument(description="The new positions.")]


@strawberry.type
class AutomationQuery:
    """Query fields."""

    @strawberry.field(description="What runs without a person in a workspace, and what reaches real platforms.")
    async def automation(self, info: Info, workspace_id: WorkspaceId) -> Automation | None:
        """The switches."""
        found = await automations.one(info.context.ports, viewer(info), workspace(workspace_id))
        return Automation.of(found)


def _refused(why: list[UserError]) -> AutomationPayload:
    return AutomationPayload(automation=None, user_errors=why)


async def _conflict(info: Info, error: Refusal) -> VersionConflict:
    current = await automations.by_id(info.context.ports, viewer(info), error.subject_id)
    shown = None if current is None else Automation.of(current)
    return lost_race(AutomationVersionConflict, error, shown, await last_actor(info, error))


_switching = refusing(_refused, partial(user_errors, conflict=_conflict))


@strawberry.type
class AutomationMutation:
    """Mutation fields."""

    @strawberry.mutation(
        description="Switch auto-approval, live sending, or resume; takes a person with write access to campaigns and "
        "system settings, and an owner to switch live sending on."
    )
    @_switching
    async def automation_set(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        expected_version: ExpectedVersion,
        change: Change,
        idempotency_key: IdempotencyKey,
    ) -> AutomationPayload:
        """Switch."""
        wanted = AutomationChange(change.auto_approval, change.paused, change.live_sending)
        after = await automations.set_(
            info.context.ports, viewer(info), workspace(workspace_id), expected_version, wanted, idempotency_key
        )
        return AutomationPayload(automation=Automation.of(after), user_errors=[])

    @strawberry.mutation(
        description="The kill switch: from now on nothing is approved without a person, and nothing that was is sent. "
        "Takes write access to campaigns or to system settings; whatever the version is."
    )
    @_switching
    async def automation_pause(
        self, info: Info, workspace_id: WorkspaceId, idempotency_key: IdempotencyKey
    ) -> AutomationPayload:
        """Stop."""
        after = await automations.pause(info.context.ports, viewer(info), workspace(workspace_id), idempotency_key)
        return AutomationPayload(automation=Automation.of(after), user_errors=[])


FIELDS = Fields(query=AutomationQuery, mutation=AutomationMutation, types=(AutomationVersionConflict,))
