"""Fields of shifts: authorise, parse, one service call, payload."""

from decimal import Decimal

import strawberry

from domain.errors import InvalidInput
from kit.money import parse_micros
from resolvers.context import Info, viewer
from resolvers.errors import refusing
from resolvers.fields import Fields, one_or_null, page_of
from schema.arguments import After, Before, First, Id, IdempotencyKey, Last, WorkspaceId
from schema.base import Connection, UserError, parse_id, parse_slice
from schema.shifts import FromCampaign, Shift, ShiftAmount, ShiftPayload, ShiftReason, ToCampaign
from services import shifts


@strawberry.type
class ShiftQuery:
    """Query fields."""

    @strawberry.field(description="A workspace's shifts between two campaigns, newest first.")
    async def shifts(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Shift]:
        """A page of shifts."""
        return await page_of(info, workspace_id, parse_slice(first, after, last, before), shifts.page, Shift.of)

    @strawberry.field(description="One shift; null when there is none for you.")
    async def shift(self, info: Info, id: Id) -> Shift | None:  # noqa: A002 - the schema's word
        """A shift by global id."""
        return await one_or_null(info, id, "Shift", shifts.one, Shift.of)


def _micros(amount: Decimal) -> int:
    try:
        return parse_micros(amount)
    except ValueError as error:
        raise InvalidInput(str(error), path=("amount",)) from error


def _refused(why: list[UserError]) -> ShiftPayload:
    return ShiftPayload(shift=None, user_errors=why)


@strawberry.type
class ShiftMutation:
    """Mutation fields."""

    @strawberry.mutation(
        description="Move budget from one campaign to another, on any platforms: both change, or neither does. Takes a "
        "person who may decide about budgets; hard limits hold for both."
    )
    @refusing(_refused)
    async def shift_request(
        self,
        info: Info,
        from_campaign_id: FromCampaign,
        to_campaign_id: ToCampaign,
        amount: ShiftAmount,
        reason: ShiftReason,
        idempotency_key: IdempotencyKey,
    ) -> ShiftPayload:
        """Shift."""
        ends = (
            parse_id(from_campaign_id, "Campaign", ("fromCampaignId",)),
            parse_id(to_campaign_id, "Campaign", ("toCampaignId",)),
        )
        found = await shifts.request(info.context.ports, viewer(info), ends, _micros(amount), reason, idempotency_key)
        return ShiftPayload(shift=Shift.of(found), user_errors=[])


FIELDS = Fields(query=ShiftQuery, mutation=ShiftMutation)
