"""Workspace fields: authorise, parse, one service call, payload."""

from typing import Annotated

import strawberry

from domain.errors import DomainError, NotFound
from domain.workspaces import WorkspaceChange
from resolvers.context import Info, viewer
from resolvers.errors import user_errors, workspace_conflict
from schema.arguments import After, Before, ExpectedVersion, First, Id, IdempotencyKey, Last
from schema.base import Connection, PageRequest, parse_id
from schema.workspaces import Workspace, WorkspaceChangeInput, WorkspacePayload
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
        page = PageRequest.parse(first, after, last, before)
        found = await workspaces.page(
            info.context.ports, viewer(info), page.after, page.before, page.fetch_limit(), backwards=page.backwards
        )
        return page.connection(found, lambda value: value.id, Workspace.of)

    @strawberry.field(description="One workspace; null when there is none for you.")
    async def workspace(self, info: Info, id: Id) -> Workspace | None:  # noqa: A002 - the schema's word
        """A workspace by global id."""
        try:
            found = await workspaces.one(info.context.ports, viewer(info), parse_id(id, "Workspace"))
        except NotFound:
            return None
        return Workspace.of(found)


@strawberry.type
class WorkspaceMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Change settings; takes write access to system settings.")
    async def workspace_update(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        change: Change,
        idempotency_key: IdempotencyKey,
    ) -> WorkspacePayload:
        """Change settings."""
        try:
            after = await workspaces.update(
                info.context.ports,
                viewer(info),
                parse_id(id, "Workspace"),
                expected_version,
                _change(change),
                idempotency_key,
            )
        except DomainError as error:
            return WorkspacePayload(workspace=None, user_errors=await user_errors(info, error, workspace_conflict))
        return WorkspacePayload(workspace=Workspace.of(after), user_errors=[])


def _change(change: WorkspaceChangeInput) -> WorkspaceChange:
    return WorkspaceChange(
        name=change.name,
        review_deadline=change.daily_deadline,
        rejection_hold_days=change.rejection_hold_days,
        max_change_share=change.max_change_share,
        dispatch_immediately=change.dispatch_immediately,
    )
