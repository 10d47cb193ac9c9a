"""Who did something, as clients see it."""

from typing import Self
from uuid import NAMESPACE_OID, UUID, uuid5

import strawberry

from domain.log import ActorKind
from schema.audiences import SAME_FOR_ALL
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

    @strawberry.field(
        description="Equal ids are the same actor; a person or API key has the id that `viewer` has.",
        directives=[SAME_FOR_ALL],
    )
    def id(self) -> strawberry.ID:
        """The actor's global id; a job's is made of its name."""
        if self.kind is ActorKind.SYSTEM:
            return global_id("Job", uuid5(NAMESPACE_OID, self.reference))
        return global_id("User" if self.kind is ActorKind.MEMBER else "ApiKey", UUID(self.reference))

    @strawberry.field(
        description="The person's name; for the system, the name of the job. Null for who is unknown.",
        directives=[SAME_FOR_ALL],
    )
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
