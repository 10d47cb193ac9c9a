"""Ad account fields: authorise, parse, one service call."""

import strawberry

from resolvers.context import Info
from resolvers.fields import Fields, one_or_null, page_of
from schema.ad_accounts import AdAccount
from schema.arguments import After, Before, First, Id, Last, WorkspaceId
from schema.base import Connection, parse_slice
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
        asked = parse_slice(first, after, last, before)
        return await page_of(info, workspace_id, asked, ad_accounts.page, AdAccount.of)

    @strawberry.field(description="One ad account; null when there is none for you.")
    async def ad_account(self, info: Info, id: Id) -> AdAccount | None:  # noqa: A002 - the schema's word
        """An account by global id."""
        return await one_or_null(info, id, "AdAccount", ad_accounts.one, AdAccount.of)


FIELDS = Fields(query=AdAccountQuery)
