"""Adjustment fields: authorise, parse, one service call, payload."""

from functools import partial
from typing import Annotated

import strawberry

from resolvers.context import Info, viewer
from resolvers.errors import adjustment_conflict, refusing, user_errors
from resolvers.fields import Fields, one_or_null, page_of
from schema.adjustments import (
    Adjustment,
    AdjustmentPayload,
    AdjustmentRevertPayload,
    AdjustmentStatuses,
    AdjustmentVersionConflict,
)
from schema.arguments import After, Before, ExpectedVersion, First, Id, IdempotencyKey, Last, WorkspaceId
from schema.base import Connection, UserError, parse_id, parse_slice
from services import adjustments

Reason = Annotated[str, strawberry.argument(description="Why, 1 to 500 characters; kept with the restoring change.")]


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
        asked = parse_slice(first, after, last, before)
        return await page_of(info, workspace_id, asked, partial(adjustments.page, statuses=statuses), Adjustment.of)

    @strawberry.field(description="One approved change; null when there is none for you.")
    async def adjustment(self, info: Info, id: Id) -> Adjustment | None:  # noqa: A002 - the schema's word
        """An adjustment by global id."""
        return await one_or_null(info, id, "Adjustment", adjustments.one, Adjustment.of)


def _refused(why: list[UserError]) -> AdjustmentPayload:
    return AdjustmentPayload(adjustment=None, user_errors=why)


def _not_reverted(why: list[UserError]) -> AdjustmentRevertPayload:
    return AdjustmentRevertPayload(adjustment=None, restoring=None, user_errors=why)


@strawberry.type
class AdjustmentMutation:
    """Mutation fields."""

    @strawberry.mutation(
        description="Queue a change again that failed or whose outcome is unknown; takes a person who may decide "
        "budgets. The platform is looked at before anything is sent."
    )
    @refusing(_refused, partial(user_errors, conflict=adjustment_conflict))
    async def adjustment_retry(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        idempotency_key: IdempotencyKey,
    ) -> AdjustmentPayload:
        """Send one again."""
        after = await adjustments.retry(
            info.context.ports, viewer(info), parse_id(id, "Adjustment"), expected_version, idempotency_key
        )
        return AdjustmentPayload(adjustment=Adjustment.of(after), user_errors=[])

    @strawberry.mutation(
        description="Queue the change that puts back what a confirmed change changed; takes a person who may decide "
        "budgets. Somebody else's edit is not overwritten, and money is not spent twice."
    )
    @refusing(_not_reverted, partial(user_errors, conflict=adjustment_conflict))
    async def adjustment_revert(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        reason: Reason,
        idempotency_key: IdempotencyKey,
    ) -> AdjustmentRevertPayload:
        """Undo one."""
        left = await adjustments.revert(
            info.context.ports, viewer(info), parse_id(id, "Adjustment"), expected_version, reason, idempotency_key
        )
        return AdjustmentRevertPayload(
            adjustment=Adjustment.of(left.original), restoring=Adjustment.of(left.restoring), user_errors=[]
        )


FIELDS = Fields(query=AdjustmentQuery, mutation=AdjustmentMutation, types=(AdjustmentVersionConflict,))
