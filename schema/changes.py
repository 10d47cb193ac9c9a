"""What subscriptions to the log send: a change, a watermark, or the word to reload. No logic but the place's spelling.

Every message has a `sequence` and a `cursor`; a client keeps the newest cursor and gives it as `after` when it comes
back.
"""

import base64
import re
from typing import Annotated, Self

import strawberry

from domain import changes
from domain.adjustments import Adjustment as AdjustmentValue
from domain.changes import ReloadReason
from domain.errors import InvalidInput
from domain.log import LogEntry
from domain.recommendations import Recommendation as RecommendationValue
from schema.actors import Actor
from schema.adjustments import Adjustment
from schema.base import Cursor, DateTime
from schema.enums import describe_enum
from schema.recommendations import Recommendation

describe_enum(
    ReloadReason,
    "Why a stream cannot go on where it left off.",
    {
        ReloadReason.TOO_FAR_BEHIND: "More was missed than is kept at hand.",
        ReloadReason.UNKNOWN_PLACE: "`after` is not a place of this log.",
    },
)

#: At most 18 digits: more would be no number of the databases.
_PLACE = re.compile(rb"log:(\d{1,18})")


def cursor_of(sequence: int) -> Cursor:
    """A place in the log as clients keep it."""
    return Cursor(base64.urlsafe_b64encode(f"log:{sequence}".encode()).decode())


def parse_place(cursor: str | None) -> int | None:
    """The sequence number behind an `after`. Raises InvalidInput for what we never gave out."""
    if cursor is None:
        return None
    try:
        place = _PLACE.fullmatch(base64.urlsafe_b64decode(cursor.encode()))
    except ValueError:
        place = None
    if place is None:
        raise InvalidInput("this is not a cursor this API gave out", path=("after",))
    return int(place[1])


@strawberry.interface(description="A message of a stream that can be resumed.")
class StreamMessage:
    """What all messages of a stream share."""

    sequence: int = strawberry.field(description="Counts every change of the tenant, so a filtered stream skips some.")
    cursor: Cursor = strawberry.field(description="Give the newest one as `after` to go on where this left off.")


@strawberry.type(
    description="Nothing was left out up to here. The first one of a stream says that it is live from here on."
)
class Watermark(StreamMessage):
    """A watermark."""

    @classmethod
    def of(cls, value: changes.Watermark) -> Self:
        """The clients' view of a value."""
        return cls(sequence=value.sequence, cursor=cursor_of(value.sequence))


@strawberry.type(description="What happened before this place is not sent: query the state again. The stream goes on.")
class Reload(StreamMessage):
    """The word to reload."""

    reason: ReloadReason = strawberry.field(description="Why what was missed is not sent.")

    @classmethod
    def of(cls, value: changes.Reload) -> Self:
        """The clients' view of a value."""
        return cls(sequence=value.sequence, cursor=cursor_of(value.sequence), reason=value.reason)


@strawberry.type(description="Something happened to a recommendation.")
class RecommendationChanged(StreamMessage):
    """A recommendation's event."""

    at: DateTime = strawberry.field(description="When.")
    actor: Actor = strawberry.field(description="Who did it.")
    kind: str = strawberry.field(description="What happened, such as recommendation.approved.")
    recommendation: Recommendation | None = strawberry.field(
        description="As it was right after this change, with its version then; null where it was erased since."
    )

    @classmethod
    def of(cls, entry: LogEntry, value: RecommendationValue | None) -> Self:
        """The clients' view of an event."""
        return cls(
            sequence=entry.sequence,
            cursor=cursor_of(entry.sequence),
            at=DateTime(entry.at_utc),
            actor=Actor(kind=entry.actor_kind, reference=entry.actor_id),
            kind=entry.kind,
            recommendation=None if value is None else Recommendation.of(value),
        )


@strawberry.type(description="An adjustment went a step on its way.")
class AdjustmentProgressed(StreamMessage):
    """An adjustment's event."""

    at: DateTime = strawberry.field(description="When.")
    actor: Actor = strawberry.field(description="Who did it: the dispatching job, or a person.")
    kind: str = strawberry.field(description="What happened, such as adjustment.confirmed.")
    adjustment: Adjustment | None = strawberry.field(
        description="As it was right after this step, with its version then; null where it was erased since."
    )

    @classmethod
    def of(cls, entry: LogEntry, value: AdjustmentValue | None) -> Self:
        """The clients' view of an event."""
        return cls(
            sequence=entry.sequence,
            cursor=cursor_of(entry.sequence),
            at=DateTime(entry.at_utc),
            actor=Actor(kind=entry.actor_kind, reference=entry.actor_id),
            kind=entry.kind,
            adjustment=None if value is None else Adjustment.of(value),
        )


RecommendationMessage = Annotated[
    RecommendationChanged | Watermark | Reload,
    strawberry.union(name="RecommendationMessage", description="What recommendationChanges sends."),
]
AdjustmentMessage = Annotated[
    AdjustmentProgressed | Watermark | Reload,
    strawberry.union(name="AdjustmentMessage", description="What adjustmentProgress sends."),
]
