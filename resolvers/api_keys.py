"""API key fields: authorise, parse, one service call, payload."""

from typing import Annotated

import strawberry

from domain.errors import DomainError, NotFound
from resolvers.context import Info, viewer
from resolvers.errors import user_errors
from schema.api_keys import ApiKey, ApiKeyCreatePayload, ApiKeyPayload
from schema.arguments import After, Before, First, Id, Last, WorkspaceId
from schema.base import Connection, DateTime, PageRequest, parse_id
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
        asked = PageRequest.parse(first, after, last, before)
        found = await api_keys.page(
            info.context.ports,
            viewer(info),
            parse_id(workspace_id, "Workspace", ("workspaceId",)),
            asked.after,
            asked.before,
            asked.fetch_limit(),
            backwards=asked.backwards,
        )
        return asked.connection(found, lambda value: value.id, ApiKey.of)

    @strawberry.field(description="One API key; null when there is none for you.")
    async def api_key(self, info: Info, id: Id) -> ApiKey | None:  # noqa: A002 - the schema's word
        """An API key by global id."""
        try:
            return ApiKey.of(await api_keys.one(info.context.ports, viewer(info), parse_id(id, "ApiKey")))
        except NotFound:
            return None


@strawberry.type
class ApiKeyMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Make an API key with permissions out of your own there.")
    async def api_key_create(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        name: Name,
        scopes: Scopes,
        expires_at: ExpiresAt = None,
    ) -> ApiKeyCreatePayload:
        """Make one."""
        try:
            created = await api_keys.create(
                info.context.ports,
                viewer(info),
                parse_id(workspace_id, "Workspace", ("workspaceId",)),
                name,
                scopes,
                expires_at,
            )
        except DomainError as error:
            return ApiKeyCreatePayload(api_key=None, secret=None, user_errors=await user_errors(info, error))
        return ApiKeyCreatePayload(api_key=ApiKey.of(created.api_key), secret=created.secret.text, user_errors=[])

    @strawberry.mutation(description="Revoke an API key; its next request is refused.")
    async def api_key_revoke(self, info: Info, id: Id) -> ApiKeyPayload:  # noqa: A002 - the schema's word
        """Revoke one."""
        try:
            revoked = await api_keys.revoke(info.context.ports, viewer(info), parse_id(id, "ApiKey"))
        except DomainError as error:
            return ApiKeyPayload(api_key=None, user_errors=await user_errors(info, error))
        return ApiKeyPayload(api_key=ApiKey.of(revoked), user_errors=[])
