"""Adjustment fields: authorise, parse, one service call, payload."""

import strawberry

from domain.errors import DomainError, NotFound
from resolvers.context import Info, viewer
from resolvers.errors import adjustment_conflict, user_errors
from schema.adjustments import Adjustment, AdjustmentPayload, AdjustmentStatuses
from schema.arguments import After, Before, ExpectedVersion, First, Id, IdempotencyKey, Last, WorkspaceId
from schema.base import Connection, PageRequest, parse_id
from services import adjustments


@strawberry.type
class AdjustmentQuery:
    """Query fields."""

    @strawberry.field(description="A workspace's approved changes, newest first.")
    async def adjustments(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        statuses: AdjustmentStatuses = None,
    ) -> Connection[Adjustment]:
        """A page of adjustments."""
        page = PageRequest.parse(first, after, last, before)
        found = await adjustments.page(
            info.context.ports,
            viewer(info),
            parse_id(workspace_id, "Workspace", ("workspaceId",)),
            statuses,
            page.after,
            page.before,
            page.fetch_limit(),
            backwards=page.backwards,
        )
        return page.connection(found, lambda value: value.id, Adjustment.of)

    @strawberry.field(description="One approved change; null when there is none for you.")
    async def adjustment(self, info: Info, id: Id) -> Adjustment | None:  # noqa: A002 - the schema's word
        """An adjustment by global id."""
        try:
            found = await adjustments.one(info.context.ports, viewer(info), parse_id(id, "Adjustment"))
        except NotFound:
            return None
        return Adjustment.of(found)


@strawberry.type
class AdjustmentMutation:
    """Mutation fields."""

    @strawberry.mutation(
        description="Queue a change again that failed or whose outcome is unknown; takes a person who may decide "
        "budgets. The platform is looked at before anything is sent."
    )
    async def adjustment_retry(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        idempotency_key: IdempotencyKey,
    ) -> AdjustmentPayload:
        """Send one again."""
        try:
            after = await adjustments.retry(
                info.context.ports, viewer(info), parse_id(id, "Adjustment"), expected_version, idempotency_key
            )
        except DomainError as error:
            return AdjustmentPayload(adjustment=None, user_errors=await user_errors(info, error, adjustment_conflict))
        return AdjustmentPayload(adjustment=Adjustment.of(after), user_errors=[])
