"""Campaign fields: authorise, parse, one service call."""

import strawberry

from domain.errors import NotFound
from resolvers.context import Info, viewer
from schema.arguments import After, Before, First, Id, Last, WorkspaceId
from schema.base import Connection, PageRequest, parse_id
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
        page = PageRequest.parse(first, after, last, before)
        found = await campaigns.page(
            info.context.ports,
            viewer(info),
            parse_id(workspace_id, "Workspace", ("workspaceId",)),
            page.after,
            page.before,
            page.fetch_limit(),
            backwards=page.backwards,
        )
        return page.connection(found, lambda value: value.id, Campaign.of)

    @strawberry.field(description="One campaign; null when there is none for you.")
    async def campaign(self, info: Info, id: Id) -> Campaign | None:  # noqa: A002 - the schema's word
        """A campaign by global id."""
        try:
            found = await campaigns.one(info.context.ports, viewer(info), parse_id(id, "Campaign"))
        except NotFound:
            return None
        return Campaign.of(found)
