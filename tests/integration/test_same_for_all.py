"""Fields that declare @sameForAll keep their word: nobody to ask, and people of different rights, make no difference."""

from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type, parse, print_ast, separate_operations

from app.graphql import build_schema
from app.graphql_transport.declared import declared
from app.graphql_transport.field_kinds import plain_attribute
from app.graphql_transport.independence import DIRECTIVE
from app.graphql_transport.requests import GraphQLRequest
from domain.presences import PresenceMode
from realtime.hints import Hints
from realtime.relay import Relay
from resolvers.context import Context, SharedContext
from resolvers.loaders import TenantLoaders
from schema.base import global_id
from schema.changes import cursor_of
from services import presences, recommendations
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.graphql_client import context_of, engine

SCHEMA = build_schema()._schema
OPERATIONS = Path(__file__).parents[2] / "console" / "src" / "operations"
#: Each stream's message, and how deep to ask: no document has more than a thousand tokens.
STREAMS = {"recommendationChanges": ("RecommendationChanged", 4), "adjustmentProgress": ("AdjustmentProgressed", 2)}


def independent_fields(type_: GraphQLObjectType, depth: int, seen: set[str]) -> str:
    """A selection of every field that is the same for all, down to a depth; `seen` gets those that declare it."""
    found = ["__typename"]
    for name, field in type_.fields.items():
        says_so = declared(field, DIRECTIVE) is not None
        if not says_so and plain_attribute(field) is None:
            continue
        named = get_named_type(field.type)
        if is_leaf_type(named):
            found.append(name)
        elif isinstance(named, GraphQLObjectType) and depth:
            found.append(f"{name} {{ {independent_fields(named, depth - 1, seen)} }}")
        else:
            continue
        if says_so:
            seen.add(f"{type_.name}.{name}")
    return " ".join(found)


def document(stream: str, seen: set[str]) -> str:
    name, depth = STREAMS[stream]
    message = SCHEMA.type_map[name]
    assert isinstance(message, GraphQLObjectType)
    parts = f"... on {name} {{ {independent_fields(message, depth, seen)} }}"
    return f"subscription ($ws: ID!, $after: Cursor) {{ {stream}(workspaceId: $ws, after: $after) {{ {parts} }} }}"


def test_every_field_that_declares_it_is_tried_below() -> None:
    seen: set[str] = set()
    for stream in STREAMS:
        document(stream, seen)
    every = {
        f"{type_.name}.{name}"
        for type_ in SCHEMA.type_map.values()
        if isinstance(type_, GraphQLObjectType) and type_ is not SCHEMA.subscription_type
        for name, field in type_.fields.items()
        if declared(field, DIRECTIVE) is not None
    }
    assert seen == every


@pytest.mark.parametrize("stream", STREAMS)
async def test_the_same_with_nobody_to_ask_and_for_people_of_different_rights(
    ports: Ports, house: House, stream: str
) -> None:
    owner = await viewer_of(ports, house, house.owner_id)
    analyst = await viewer_of(ports, house, house.analyst_id)
    await presences.come(ports, owner, house.recommendations[0].id, PresenceMode.EDITING)
    await recommendations.approve(ports, owner, house.recommendations[0].id, 1, "key")
    async with Relay.run(ports.database, Hints(), ports.clock) as relay:
        own = [await first_change(ports, context_of(ports, each, relay), stream, house) for each in (owner, analyst)]
        asked = context_of(ports, owner, relay)
        nobody = SharedContext(ports, relay, TenantLoaders(ports, house.tenant_id), "test")
        shared = await first_change(ports, asked, stream, house, nobody)
    assert own[0] == own[1] == shared
    assert "errors" not in shared


async def first_change(
    ports: Ports, asked: Context, stream: str, house: House, shown: SharedContext | None = None
) -> dict[str, Any]:
    """The first change of a stream resumed from the log's beginning, executed with `shown` or a context as `asked`."""
    variables = {"ws": global_id("Workspace", house.workspace.id), "after": cursor_of(0)}
    request = GraphQLRequest(document(stream, set()), variables=variables)
    operation = engine().prepare(request, anonymous=False)
    assert operation.same_for_all
    async with aclosing(cast("Any", await engine().subscribe(operation, asked, "test"))) as events:
        event = await anext(events)
    return await engine().execute_event(operation, event, shown or context_of(ports, asked.viewer, asked.relay), "test")


def test_what_the_console_streams_to_every_reviewer_is_executed_once_for_all() -> None:
    text = "\n".join(path.read_text() for path in sorted(OPERATIONS.glob("*.graphql")))
    streams = {
        name: GraphQLRequest(print_ast(document), variables={"workspaceId": "w"})
        for name, document in separate_operations(parse(text)).items()
        if f"subscription {name}(" in text
    }
    assert {name: engine().prepare(each, anonymous=False).same_for_all for name, each in streams.items()} == {
        "RecommendationChanges": True,
        "AdjustmentProgress": True,
        "PresenceChanges": False,
        "NotificationAdded": False,
    }
