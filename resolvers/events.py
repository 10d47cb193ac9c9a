"""Audit trail fields: authorise, parse, one service call."""

from typing import Annotated
from uuid import UUID

import strawberry

from domain.errors import NotFound
from kit.pagination import Slice
from resolvers.context import Info, viewer
from resolvers.fields import Fields, workspace
from schema.arguments import After, Before, First, Last, WorkspaceId
from schema.base import Connection, keyed_connection, parse_slice, split_global_id
from schema.events import NODE_TYPES, Event
from services import events

SubjectId = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only what happened to the object with this global id.")
]

#: Above every number a log can have, below what a database integer holds.
_END = 2**62


@strawberry.type
class EventQuery:
    """Query fields."""

    @strawberry.field(
        description="What happened in a workspace, newest first. Read access to system settings shows everything; read "
        "access to campaigns alone shows what happened to recommendations, adjustments, plans, campaigns, budgets, ad "
        "accounts and alerts."
    )
    async def events(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        subject_id: SubjectId = None,
    ) -> Connection[Event]:
        """A page of the trail."""
        asked = parse_slice(first, after, last, before)
        place = Slice(asked.limit, _sequence(asked.after), _sequence(asked.before), asked.backwards)
        found = await events.page(
            info.context.ports, viewer(info), workspace(workspace_id), place, _subject(subject_id)
        )
        return keyed_connection(asked, found, lambda value: UUID(int=value.entry.sequence), Event.of)


def _subject(subject_id: str | None) -> UUID | None:
    if subject_id is None:
        return None
    type_name, id_ = split_global_id(subject_id, ("subjectId",))
    if type_name not in NODE_TYPES.values():
        raise NotFound("this id is not one of anything that has a history")
    return id_


def _sequence(place: UUID | None) -> int | None:
    """A cursor of the trail is a sequence number in a UUID's clothes, so that all lists page alike."""
    return None if place is None else min(place.int, _END)


FIELDS = Fields(query=EventQuery)
