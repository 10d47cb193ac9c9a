"""Campaign fields: authorise, parse, one service call."""

import strawberry

from resolvers.context import Info
from resolvers.fields import Fields, one_or_null, page_of
from schema.arguments import After, Before, First, Id, Last, WorkspaceId
from schema.base import Connection, parse_slice
from schema.campaigns import Campaign
from services import campaigns


@strawberry.type
class CampaignQuery:
    """Query fields."""

    @strawberry.field(description="A workspace's campaigns, in the order they were first seen.")
    async def campaigns(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Campaign]:
        """A page of campaigns."""
        asked = parse_slice(first, after, last, before)
        return await page_of(info, workspace_id, asked, campaigns.page, Campaign.of)

    @strawberry.field(description="One campaign; null when there is none for you.")
    async def campaign(self, info: Info, id: Id) -> Campaign | None:  # noqa: A002 - the schema's word
        """A campaign by global id."""
        return await one_or_null(info, id, "Campaign", campaigns.one, Campaign.of)


FIELDS = Fields(query=CampaignQuery)
