"""What each domain gives to the schema, and the bodies that reading fields share. Must know no domain."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from uuid import UUID

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

from domain.errors import NotFound
from kit.pagination import Slice
from resolvers.context import Info, viewer
from schema.base import Connection, Identified, connection, parse_id
from schema.lazy import reads
from services.ports import Ports
from services.viewers import Viewer

V = TypeVar("V")
W = TypeVar("W", bound=Identified)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fields:
    """A domain's part of the schema, which `app/graphql.py` lists.

    Attributes:
        query: the class with its fields of Query, if it has any; likewise `mutation` and `subscription`.
        types: object types that no field names, such as implementations of UserError.
    """

    query: type | None = None
    mutation: type | None = None
    subscription: type | None = None
    types: tuple[type, ...] = ()


async def one_or_null(
    info: Info,
    id_: strawberry.ID,
    type_name: str,
    one: Callable[[Ports, Viewer, UUID], Awaitable[V]],
    show: Callable[[V], T],
) -> T | None:
    """The object behind a global id; None where the service, or the id, says that there is none for the viewer.

    Raises:
        domain.errors.Unauthenticated, domain.errors.Forbidden, domain.errors.InvalidInput
    """
    try:
        return show(await one(info.context.ports, viewer(info), parse_id(id_, type_name)))
    except NotFound:
        return None


async def page_of(
    info: Info,
    workspace_id: strawberry.ID,
    asked: Slice[UUID],
    page: Callable[[Ports, Viewer, UUID, Slice[UUID]], Awaitable[list[W]]],
    show: Callable[[W], T],
) -> Connection[T]:
    """A slice of what a workspace has of something. Raises what the service raises, and for an id that is none."""
    found = await page(info.context.ports, viewer(info), workspace(workspace_id), asked)
    return connection(asked, found, show)


def attributes_read(info: Info, node: type) -> frozenset[str]:
    """The attributes of a lazy type's values that the operation may read in the page which `info`'s field returns.

    Fields that a directive leaves out count too. From the document itself: strawberry's `selected_fields` would coerce
    every argument below again.
    """
    raw = info._raw_info  # noqa: SLF001 - strawberry shows the nodes nowhere else
    reading, below = reads(node), partial(_below, fragments=raw.fragments)
    pages = [field for each in raw.field_nodes for field in below(each.selection_set)]
    edges = [field for each in pages if each.name.value == "edges" for field in below(each.selection_set)]
    items = [*(each for each in pages if each.name.value == "nodes"), *(e for e in edges if e.name.value == "node")]
    selected = (field.name.value for item in items for field in below(item.selection_set))
    return frozenset(("id", *(attribute for name in selected for attribute in reading.get(name, ()))))


def _below(selections: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    """The fields of a selection set, those of its fragments among them."""
    for each in selections.selections if selections else ():
        if isinstance(each, FieldNode):
            yield each
        elif isinstance(each, InlineFragmentNode):
            yield from _below(each.selection_set, fragments)
        elif isinstance(each, FragmentSpreadNode):
            yield from _below(fragments[each.name.value].selection_set, fragments)


def workspace(global_id: strawberry.ID) -> UUID:
    """The id behind a field's `workspaceId`. Raises InvalidInput, NotFound."""
    return parse_id(global_id, "Workspace", ("workspaceId",))
