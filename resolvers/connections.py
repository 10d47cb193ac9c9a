"""Connection fields: authorise, parse, one service call, payload."""

from typing import Annotated

import strawberry

from domain.connections import OfferedAccount
from resolvers.context import Info, viewer
from resolvers.errors import refusing
from resolvers.fields import Fields, one_or_null, page_of, workspace
from schema.ad_accounts import AdAccount
from schema.arguments import After, Before, First, Id, Last, WorkspaceId
from schema.base import Connection, DateTime, parse_id, parse_slice
from schema.connections import (
    AdAccountConnectionStartPayload,
    AdAccountConnectPayload,
    AdAccountDisconnectPayload,
    AdAccountOffer,
    PlatformGrant,
)
from schema.costs import PLATFORM
from schema.platforms import Platform
from services import connections

GrantId = Annotated[strawberry.ID, strawberry.argument(description="Global id of the grant.")]
OnPlatform = Annotated[Platform, strawberry.argument(description="Which platform to connect.")]
ExternalIds = Annotated[
    list[str], strawberry.argument(description="The platform's own ids of 1 to 50 accounts on offer.")
]


@strawberry.type
class ConnectionQuery:
    """Query fields."""

    @strawberry.field(description="A workspace's grants on ad platforms, ended ones too, newest first.")
    async def platform_grants(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[PlatformGrant]:
        """A page of connections."""
        asked = parse_slice(first, after, last, before)
        return await page_of(info, workspace_id, asked, connections.page, PlatformGrant.of)

    @strawberry.field(description="One grant; null when there is none for you.")
    async def platform_grant(self, info: Info, id: Id) -> PlatformGrant | None:  # noqa: A002 - the schema's word
        """A connection by global id."""
        return await one_or_null(info, id, "PlatformGrant", connections.one, PlatformGrant.of)

    @strawberry.field(
        description="Those you may connect over a grant, asked of its platform now; null for no such grant.",
        directives=[PLATFORM],
    )
    async def ad_account_offers(self, info: Info, grant_id: GrantId) -> list[AdAccountOffer] | None:
        """Accounts on offer."""
        return await one_or_null(
            info,
            grant_id,
            "PlatformGrant",
            connections.offered,
            lambda found: [AdAccountOffer.of(each) for each in found],
        )


def _offers(found: list[OfferedAccount]) -> list[AdAccountOffer]:
    return [AdAccountOffer.of(each) for each in found]


@strawberry.type
class ConnectionMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Begin to connect ad accounts: open consentUrl, the platform sends you back here.")
    @refusing(lambda why: AdAccountConnectionStartPayload(consent_url=None, expires_at=None, user_errors=why))
    async def ad_account_connection_start(
        self, info: Info, workspace_id: WorkspaceId, platform: OnPlatform
    ) -> AdAccountConnectionStartPayload:
        """Set out."""
        begun = await connections.start(info.context.ports, viewer(info), workspace(workspace_id), platform)
        return AdAccountConnectionStartPayload(
            consent_url=begun.consent_url, expires_at=DateTime(begun.expires_at_utc), user_errors=[]
        )

    @strawberry.mutation(description="Connect chosen accounts of a grant to its workspace.", directives=[PLATFORM])
    @refusing(lambda why: AdAccountConnectPayload(ad_accounts=None, user_errors=why))
    async def ad_account_connect(
        self, info: Info, grant_id: GrantId, external_ids: ExternalIds
    ) -> AdAccountConnectPayload:
        """Connect."""
        found = await connections.connect(
            info.context.ports, viewer(info), parse_id(grant_id, "PlatformGrant", ("grantId",)), external_ids
        )
        return AdAccountConnectPayload(ad_accounts=[AdAccount.of(each) for each in found], user_errors=[])

    @strawberry.mutation(
        description="End a grant at once: its tokens are revoked and erased, what waits for its accounts fails.",
        directives=[PLATFORM],
    )
    @refusing(lambda why: AdAccountDisconnectPayload(grant=None, revoked=None, user_errors=why))
    async def ad_account_disconnect(self, info: Info, grant_id: GrantId) -> AdAccountDisconnectPayload:
        """Disconnect."""
        left = await connections.disconnect(
            info.context.ports, viewer(info), parse_id(grant_id, "PlatformGrant", ("grantId",))
        )
        return AdAccountDisconnectPayload(grant=PlatformGrant.of(left.connection), revoked=left.revoked, user_errors=[])


FIELDS = Fields(query=ConnectionQuery, mutation=ConnectionMutation)
