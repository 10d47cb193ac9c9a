"""Connections to ad platforms as clients see them: types and payloads, never a token. No logic."""

from typing import Self

import strawberry

from domain.connections import Connection as Value
from domain.connections import ConnectionStatus, OfferedAccount
from domain.log import ActorKind
from schema.actors import Actor
from schema.ad_accounts import AdAccount
from schema.base import DateTime, Node, UserError, global_id
from schema.enums import describe_enum
from schema.nodes import shows
from schema.platforms import Platform

describe_enum(
    ConnectionStatus,
    "Whether a grant can be used.",
    {
        ConnectionStatus.CONNECTED: "Its tokens are good and renewed in time.",
        ConnectionStatus.NEEDS_RECONNECT: "The platform renews it no longer: a person has to grant it again.",
        ConnectionStatus.DISCONNECTED: "It was ended; its tokens are erased.",
    },
    name="PlatformGrantStatus",
)


@shows(Value)
@strawberry.type(description="What somebody granted on an ad platform: the connection of a workspace's ad accounts.")
class PlatformGrant(Node):
    """A connection."""

    platform: Platform = strawberry.field(description="Where it was granted.")
    status: ConnectionStatus = strawberry.field(description="Whether it can be used.")
    version: int = strawberry.field(description="Goes up with every change.")
    scopes: list[str] = strawberry.field(description="What was granted, in the platform's words.")
    connected_at: DateTime = strawberry.field(description="When it was granted.")
    expires_at: DateTime | None = strawberry.field(
        description="When its present access token ends; renewed before that. Null for one without an end."
    )
    ended_at: DateTime | None = strawberry.field(description="Since when it cannot be used; null while it can.")
    reason: str | None = strawberry.field(description="Why it cannot be used.")
    value: strawberry.Private[Value]

    @strawberry.field(description="Who granted it.")
    def connected_by(self) -> Actor | None:
        """The person, or the job that made the demo."""
        return Actor.member(self.value.connected_by_id) or Actor(
            kind=ActorKind.SYSTEM, reference=self.value.connected_by_id
        )

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("PlatformGrant", value.id),
            platform=value.platform,
            status=value.status,
            version=value.version,
            scopes=list(value.scopes),
            connected_at=DateTime(value.connected_at_utc),
            expires_at=None if value.expires_at_utc is None else DateTime(value.expires_at_utc),
            ended_at=None if value.ended_at_utc is None else DateTime(value.ended_at_utc),
            reason=value.reason,
            value=value,
        )


@strawberry.type(description="An ad account that a grant opens, as its platform lists it.")
class AdAccountOffer:
    """An account on offer."""

    external_id: str = strawberry.field(description="The platform's own id.")
    name: str = strawberry.field(description="As the platform shows it.")

    @classmethod
    def of(cls, value: OfferedAccount) -> Self:
        """The clients' view of a value."""
        return cls(external_id=value.external_id, name=value.name)


@strawberry.type(description="What adAccountConnectionStart left; on a refusal userErrors says why.")
class AdAccountConnectionStartPayload:
    """The payload of adAccountConnectionStart."""

    consent_url: str | None = strawberry.field(description="The platform's page to open; null on a refusal.")
    expires_at: DateTime | None = strawberry.field(description="Until when the person must be back.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="What adAccountConnect left; on a refusal userErrors says why and nothing was connected.")
class AdAccountConnectPayload:
    """The payload of adAccountConnect."""

    ad_accounts: list[AdAccount] | None = strawberry.field(
        description="The accounts in the order sent, at most 50; null on a refusal."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")


@strawberry.type(description="What adAccountDisconnect left; on a refusal userErrors says why and nothing changed.")
class AdAccountDisconnectPayload:
    """The payload of adAccountDisconnect."""

    grant: PlatformGrant | None = strawberry.field(description="The grant afterwards; null on a refusal.")
    revoked: bool | None = strawberry.field(
        description="Whether the platform ended it, too; some have no call for that: remove the application there."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")
