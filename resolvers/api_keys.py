"""API key fields: authorise, parse, one service call, payload."""

from typing import Annotated

import strawberry

from resolvers.context import Info, viewer
from resolvers.errors import refusing
from resolvers.fields import Fields, one_or_null, page_of, workspace
from schema.api_keys import ApiKey, ApiKeyCreatePayload, ApiKeyPayload
from schema.arguments import After, Before, First, Id, Last, WorkspaceId
from schema.base import Connection, DateTime, parse_id, parse_slice
from schema.permissions import Permission
from services import api_keys

Name = Annotated[str, strawberry.argument(description="What it is for, 1 to 200 characters.")]
Scopes = Annotated[list[Permission], strawberry.argument(description="What it may do: at least one you hold there.")]
ExpiresAt = Annotated[DateTime | None, strawberry.argument(description="When it ends; without it, never.")]


@strawberry.type
class ApiKeyQuery:
    """Query fields."""

    @strawberry.field(description="A workspace's API keys, revoked ones too, newest first.")
    async def api_keys(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ApiKey]:
        """A page of API keys."""
        asked = parse_slice(first, after, last, before)
        return await page_of(info, workspace_id, asked, api_keys.page, ApiKey.of)

    @strawberry.field(description="One API key; null when there is none for you.")
    async def api_key(self, info: Info, id: Id) -> ApiKey | None:  # noqa: A002 - the schema's word
        """An API key by global id."""
        return await one_or_null(info, id, "ApiKey", api_keys.one, ApiKey.of)


@strawberry.type
class ApiKeyMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Make an API key with permissions out of your own there.")
    @refusing(lambda why: ApiKeyCreatePayload(api_key=None, secret=None, user_errors=why))
    async def api_key_create(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        name: Name,
        scopes: Scopes,
        expires_at: ExpiresAt = None,
    ) -> ApiKeyCreatePayload:
        """Make one."""
        created = await api_keys.create(
            info.context.ports, viewer(info), workspace(workspace_id), name, scopes, expires_at
        )
        return ApiKeyCreatePayload(api_key=ApiKey.of(created.api_key), secret=created.secret.text, user_errors=[])

    @strawberry.mutation(description="Revoke an API key; its next request is refused.")
    @refusing(lambda why: ApiKeyPayload(api_key=None, user_errors=why))
    async def api_key_revoke(self, info: Info, id: Id) -> ApiKeyPayload:  # noqa: A002 - the schema's word
        """Revoke one."""
        revoked = await api_keys.revoke(info.context.ports, viewer(info), parse_id(id, "ApiKey"))
        return ApiKeyPayload(api_key=ApiKey.of(revoked), user_errors=[])


FIELDS = Fields(query=ApiKeyQuery, mutation=ApiKeyMutation)
