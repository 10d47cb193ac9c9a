"""Fields of status changes: authorise, parse, one service call, payload."""

from functools import partial

import strawberry

from resolvers.context import Info, viewer
from resolvers.errors import refusing
from resolvers.fields import Fields, one_or_null, page_of
from schema.arguments import After, Before, First, Id, IdempotencyKey, Last, WorkspaceId
from schema.base import Connection, UserError, parse_id, parse_slice
from schema.status_changes import (
    CampaignStatusChange,
    CampaignStatusPayload,
    OfCampaign,
    StatusChangeStates,
    StatusReason,
)
from services import status_changes


@strawberry.type
class StatusChangeQuery:
    """Query fields."""

    @strawberry.field(description="Pauses and restarts of a workspace's campaigns, newest first.")
    async def campaign_status_changes(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        states: StatusChangeStates = None,
        campaign_id: OfCampaign = None,
    ) -> Connection[CampaignStatusChange]:
        """A page of status changes."""
        asked = parse_slice(first, after, last, before)
        of_campaign = None if campaign_id is None else parse_id(campaign_id, "Campaign", ("campaignId",))
        page = partial(status_changes.page, states=states, campaign_id=of_campaign)
        return await page_of(info, workspace_id, asked, page, CampaignStatusChange.of)

    @strawberry.field(description="One pause or restart of a campaign; null when there is none for you.")
    async def campaign_status_change(self, info: Info, id: Id) -> CampaignStatusChange | None:  # noqa: A002 - the schema's word
        """A status change by global id."""
        return await one_or_null(info, id, "CampaignStatusChange", status_changes.one, CampaignStatusChange.of)


def _refused(why: list[UserError]) -> CampaignStatusPayload:
    return CampaignStatusPayload(status_change=None, user_errors=why)


@strawberry.type
class StatusChangeMutation:
    """Mutation fields."""

    @strawberry.mutation(
        description="Pause a campaign on its platform; takes write access to campaigns. It is looked at first, sent "
        "once, and counts when it is read back. Goes through under an emergency stop, too."
    )
    @refusing(_refused)
    async def campaign_pause(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        reason: StatusReason,
        idempotency_key: IdempotencyKey,
    ) -> CampaignStatusPayload:
        """Pause."""
        change = await status_changes.pause(
            info.context.ports, viewer(info), parse_id(id, "Campaign"), reason, idempotency_key
        )
        return CampaignStatusPayload(status_change=CampaignStatusChange.of(change), user_errors=[])

    @strawberry.mutation(
        description="Set a paused campaign running again; takes a person who may decide about budgets. Its budget "
        "comes back into what may be spent, so hard limits hold; under an emergency stop it is refused."
    )
    @refusing(_refused)
    async def campaign_resume(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        reason: StatusReason,
        idempotency_key: IdempotencyKey,
    ) -> CampaignStatusPayload:
        """Set running."""
        change = await status_changes.resume(
            info.context.ports, viewer(info), parse_id(id, "Campaign"), reason, idempotency_key
        )
        return CampaignStatusPayload(status_change=CampaignStatusChange.of(change), user_errors=[])


FIELDS = Fields(query=StatusChangeQuery, mutation=StatusChangeMutation)
