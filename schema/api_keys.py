"""API keys as clients see them: the type and its payloads. No logic."""

from typing import Self

import strawberry

from domain.api_keys import ApiKey as Value
from domain.log import ActorKind
from schema.actors import Actor
from schema.base import DateTime, Node, UserError, global_id
from schema.nodes import shows
from schema.permissions import Permission


@shows(Value)
@strawberry.type(description="The key of a program in one workspace. It never decides budgets.")
class ApiKey(Node):
    """An API key."""

    name: str = strawberry.field(description="What it was called when it was made.")
    prefix: str = strawberry.field(description="The middle part of ce_<prefix>_...: tells keys apart, proves nothing.")
    scopes: list[Permission] = strawberry.field(description="What it may do in its workspace.")
    created_by: Actor = strawberry.field(description="Who made it.")
    created_at: DateTime = strawberry.field(description="When it was made.")
    expires_at: DateTime | None = strawberry.field(description="Null for a key without an end.")
    revoked_at: DateTime | None = strawberry.field(description="Since when it is refused; null while it is good.")

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("ApiKey", value.id),
            name=value.name,
            prefix=value.prefix,
            scopes=list(value.permissions),
            created_by=Actor(kind=ActorKind.MEMBER, reference=str(value.created_by_id)),
            created_at=DateTime(value.created_at_utc),
            expires_at=None if value.expires_at_utc is None else DateTime(value.expires_at_utc),
            revoked_at=None if value.revoked_at_utc is None else DateTime(value.revoked_at_utc),
        )


@strawberry.type(description="What apiKeyCreate left; on a refusal userErrors says why and nothing changed.")
class ApiKeyCreatePayload:
    """The payload of apiKeyCreate."""

    api_key: ApiKey | None = strawberry.field(description="The new key; null on a refusal.")
    secret: str | None = strawberry.field(description="The key itself, as a program sends it. Shown this once.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="What apiKeyRevoke left; on a refusal userErrors says why and nothing changed.")
class ApiKeyPayload:
    """The payload of apiKeyRevoke."""

    api_key: ApiKey | None = strawberry.field(description="The key afterwards; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")
