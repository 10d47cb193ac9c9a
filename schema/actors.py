"""Who did something, as clients see it."""

from typing import Self
from uuid import UUID

import strawberry

from domain.log import ActorKind
from schema.context import Info
from schema.enums import describe_enum

describe_enum(
    ActorKind,
    "What kind of actor did something.",
    {
        ActorKind.MEMBER: "A person.",
        ActorKind.API_KEY: "A program with an API key.",
        ActorKind.SYSTEM: "A job of the system itself.",
    },
)


@strawberry.type(description="Who did something: a person, a program with an API key, or the system itself.")
class Actor:
    """An actor of the log."""

    kind: ActorKind = strawberry.field(description="A person, an API key, or the system.")
    reference: strawberry.Private[str]

    @strawberry.field(description="The person's name; for the system, the name of the job. Null for who is unknown.")
    async def name(self, info: Info) -> str | None:
        """The actor's name."""
        if self.kind is not ActorKind.MEMBER:
            return self.reference if self.kind is ActorKind.SYSTEM else None
        return await info.context.loaders.user_name(UUID(self.reference))

    @classmethod
    def member(cls, user_id: str | None) -> Self | None:
        """The person with this user id, None for nobody."""
        return None if user_id is None else cls(kind=ActorKind.MEMBER, reference=user_id)
