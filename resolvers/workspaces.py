"""Workspace fields: authorise, parse, one service call, payload."""

from decimal import Decimal
from functools import partial
from typing import Annotated

import strawberry

from domain.errors import InvalidInput
from domain.workspaces import WorkspaceChange
from kit.money import parse_micros
from resolvers.context import Info, viewer
from resolvers.errors import refusing, user_errors, workspace_conflict
from resolvers.fields import Fields, one_or_null
from schema.arguments import After, Before, ExpectedVersion, First, Id, IdempotencyKey, Last
from schema.base import Connection, UserError, connection, parse_id, parse_slice
from schema.workspaces import Workspace, WorkspaceChangeInput, WorkspacePayload, WorkspaceVersionConflict
from services import workspaces

Change = Annotated[WorkspaceChangeInput, strawberry.argument(description="The new settings.")]


@strawberry.type
class WorkspaceQuery:
    """Query fields."""

    @strawberry.field(description="The workspaces you are in, oldest first.")
    async def workspaces(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Workspace]:
        """A page of workspaces."""
        asked = parse_slice(first, after, last, before)
        return connection(asked, await workspaces.page(info.context.ports, viewer(info), asked), Workspace.of)

    @strawberry.field(description="One workspace; null when there is none for you.")
    async def workspace(self, info: Info, id: Id) -> Workspace | None:  # noqa: A002 - the schema's word
        """A workspace by global id."""
        return await one_or_null(info, id, "Workspace", workspaces.one, Workspace.of)


def _refused(why: list[UserError]) -> WorkspacePayload:
    return WorkspacePayload(workspace=None, user_errors=why)


@strawberry.type
class WorkspaceMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Change settings; takes write access to system settings.")
    @refusing(_refused, partial(user_errors, conflict=workspace_conflict))
    async def workspace_update(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        change: Change,
        idempotency_key: IdempotencyKey,
    ) -> WorkspacePayload:
        """Change settings."""
        after = await workspaces.update(
            info.context.ports,
            viewer(info),
            parse_id(id, "Workspace"),
            expected_version,
            _change(change),
            idempotency_key,
        )
        return WorkspacePayload(workspace=Workspace.of(after), user_errors=[])


def _change(change: WorkspaceChangeInput) -> WorkspaceChange:
    return WorkspaceChange(
        name=change.name,
        review_deadline=change.daily_deadline,
        rejection_hold_days=change.rejection_hold_days,
        max_change_share=change.max_change_share,
        dispatch_immediately=change.dispatch_immediately,
        alert_above_micros=None if change.alert_above is None else _micros(change.alert_above),
    )


def _micros(amount: Decimal) -> int:
    try:
        return parse_micros(amount)
    except ValueError as error:
        raise InvalidInput(str(error), path=("change", "alertAbove")) from error


FIELDS = Fields(query=WorkspaceQuery, mutation=WorkspaceMutation, types=(WorkspaceVersionConflict,))
