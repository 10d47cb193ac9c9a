"""Presence as clients see it. No logic."""

from collections.abc import Mapping, Sequence
from typing import Self
from uuid import UUID

import strawberry

from domain.presences import Presence as Value
from domain.presences import PresenceMode
from schema.actors import Actor
from schema.base import DateTime, UserError, global_id
from schema.enums import describe_enum

describe_enum(
    PresenceMode,
    "What somebody at an item is about to do.",
    {PresenceMode.VIEWING: "Looking.", PresenceMode.EDITING: "About to change it."},
)


@strawberry.type(description="Somebody at an item right now.")
class Presence:
    """A presence."""

    subject_id: strawberry.ID = strawberry.field(description="Global id of the recommendation.")
    mode: PresenceMode = strawberry.field(description="Looking, or about to change it.")
    who: Actor | None = strawberry.field(description="The person.")
    expires_at: DateTime = strawberry.field(description="When it lapses unless renewed.")

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return cls(
            subject_id=global_id("Recommendation", value.subject_id),
            mode=value.mode,
            who=Actor.member(str(value.user_id)),
            expires_at=DateTime(value.expires_at_utc),
        )


@strawberry.type(description="Everybody at one item; nobody, when the last one left.")
class ItemPresences:
    """An item's presences."""

    subject_id: strawberry.ID = strawberry.field(description="Global id of the recommendation.")
    presences: list[Presence] = strawberry.field(description="Everybody at it now, at most one entry a member.")


@strawberry.type(description="Who is at which item now. Not resumed: each stream starts with the whole.")
class PresenceChange:
    """A message of presenceChanges."""

    whole: bool = strawberry.field(
        description="True for the first message: items not named have nobody. Later ones name only what changed."
    )
    items: list[ItemPresences] = strawberry.field(description="Items where somebody is or was; at most one a member.")

    @classmethod
    def of(cls, items: Mapping[UUID, Sequence[Value]], *, whole: bool) -> Self:
        """The clients' view of who is where."""
        return cls(
            whole=whole,
            items=[
                ItemPresences(
                    subject_id=global_id("Recommendation", subject_id),
                    presences=[Presence.of(value) for value in here],
                )
                for subject_id, here in items.items()
            ],
        )


@strawberry.type(description="What a presence mutation left.")
class PresencePayload:
    """The payload."""

    presences: list[Presence] = strawberry.field(description="Everybody at the item now.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")
