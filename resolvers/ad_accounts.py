"""Ad account fields: authorise, parse, one service call."""

import strawberry

from domain.errors import NotFound
from resolvers.context import Info, viewer
from schema.ad_accounts import AdAccount
from schema.arguments import After, Before, First, Id, Last, WorkspaceId
from schema.base import Connection, PageRequest, parse_id
from services import ad_accounts


@strawberry.type
class AdAccountQuery:
    """Query fields."""

    @strawberry.field(description="A workspace's ad accounts, in the order they were connected.")
    async def ad_accounts(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AdAccount]:
        """A page of accounts."""
        page = PageRequest.parse(first, after, last, before)
        found = await ad_accounts.page(
            info.context.ports,
            viewer(info),
            parse_id(workspace_id, "Workspace", ("workspaceId",)),
            page.after,
            page.before,
            page.fetch_limit(),
            backwards=page.backwards,
        )
        return page.connection(found, lambda value: value.id, AdAccount.of)

    @strawberry.field(description="One ad account; null when there is none for you.")
    async def ad_account(self, info: Info, id: Id) -> AdAccount | None:  # noqa: A002 - the schema's word
        """An account by global id."""
        try:
            found = await ad_accounts.one(info.context.ports, viewer(info), parse_id(id, "AdAccount"))
        except NotFound:
            return None
        return AdAccount.of(found)
