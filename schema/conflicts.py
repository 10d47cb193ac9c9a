"""The loser's answer: what every version conflict says. Each versioned type has a conflict of its own beside it.

An interface, because a client that only wants to say "Ana was first, at 12:01" should not have to name every type;
one that shows the current state spreads the type it asked about.
"""

import strawberry

from schema.actors import Actor
from schema.base import DateTime, UserError


@strawberry.interface(description="Somebody else changed it first; each kind of object has its own conflict type.")
class VersionConflict(UserError):
    """A lost race. Implementations add `current`, the object as it is now."""

    changed_by: Actor | None = strawberry.field(description="Who was first; null if that is not known any more.")
    changed_at: DateTime | None = strawberry.field(description="When.")
