"""Who did something, as clients see it."""

from typing import Self
from uuid import UUID

import strawberry

from domain.log import ActorKind
from schema.base import global_id
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

    @strawberry.field(description="Whose id `viewer` has: equal ids are the same person or key. Null for the system.")
    def id(self) -> strawberry.ID | None:
        """The actor's global id."""
        type_name = {ActorKind.MEMBER: "User", ActorKind.API_KEY: "ApiKey"}.get(self.kind)
        return None if type_name is None else global_id(type_name, UUID(self.reference))

    @strawberry.field(description="The person's name; for the system, the name of the job. Null for who is unknown.")
    async def name(self, info: Info) -> str | None:
        """The actor's name."""
        if self.kind is not ActorKind.MEMBER:
            return self.reference if self.kind is ActorKind.SYSTEM else None
        return await info.context.loaders.user_name(UUID(self.reference))

    @classmethod
    def member(cls, user_id: str | None) -> Self | None:
        """The person with this user id, or the job of the system with this name; None for nobody."""
        if user_id is None:
            return None
        return cls(kind=ActorKind.MEMBER if _is_id(user_id) else ActorKind.SYSTEM, reference=user_id)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
