"""Refetching by global id: `node` and `nodes`, for every Node type."""

import asyncio
from typing import Annotated

import strawberry

from domain.errors import InvalidInput
from resolvers.context import Info, viewer
from resolvers.fields import Fields
from schema.arguments import Id
from schema.base import MAX_PAGE, Node, split_global_id
from schema.nodes import view

Ids = Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 global ids, of any types.")]


@strawberry.type
class NodeQuery:
    """Query fields."""

    @strawberry.field(description="The object with this global id; null when there is none for you.")
    async def node(self, info: Info, id: Id) -> Node | None:  # noqa: A002 - the schema's word
        """One object."""
        viewer(info)
        found: Node | None = view(await info.context.reads.node_value(*split_global_id(id)))
        return found

    @strawberry.field(description="The objects with these global ids, in the same order; null for each there is not.")
    async def nodes(self, info: Info, ids: Ids) -> list[Node | None]:
        """Many objects, loaded together."""
        viewer(info)
        if len(ids) > MAX_PAGE:
            raise InvalidInput(f"ask for at most {MAX_PAGE} objects at once", path=("ids",))
        wanted = [split_global_id(each, ("ids", str(place))) for place, each in enumerate(ids)]
        reads = info.context.reads
        found = await asyncio.gather(*(reads.node_value(type_name, id_) for type_name, id_ in wanted))
        return [view(value) for value in found]


FIELDS = Fields(query=NodeQuery)
