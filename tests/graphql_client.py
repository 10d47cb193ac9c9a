"""Runs GraphQL documents as a viewer, through the transport's own engine but without HTTP.

`execute` gives the response as it would go over the wire, errors masked; `events` the first responses of a subscription.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from functools import lru_cache
from typing import Any, cast

from app.graphql import build_schema
from app.graphql_transport import GraphQLEngine, TransportLimits
from app.graphql_transport.requests import GraphQLRequest
from kit.time import SystemClock
from realtime.relay import Relay
from resolvers.context import Context
from resolvers.loaders import TenantLoaders
from schema.base import global_id
from services.ports import Ports
from services.viewers import Viewer

__all__ = ["context_of", "engine", "events", "execute", "global_id"]


@lru_cache(maxsize=1)
def engine() -> GraphQLEngine:
    """The whole schema behind the limits that the server has."""
    return GraphQLEngine(build_schema(), TransportLimits(), production=False, clock=SystemClock())


def context_of(ports: Ports, viewer: Viewer | None, relay: Relay | None = None) -> Context:
    """A fresh context with fresh loaders, as for one operation."""
    tenant_id = None if viewer is None else viewer.tenant_id
    # Queries and mutations never touch the relay; a test of subscriptions passes a real one.
    return Context(ports, cast("Relay", relay), viewer, TenantLoaders(ports, tenant_id), "test")


async def execute(
    ports: Ports,
    viewer: Viewer | None,
    document: str,
    variables: Mapping[str, Any] | None = None,
    relay: Relay | None = None,
) -> dict[str, Any]:
    """The response to one query or mutation: `data`, and `errors` if there are any.

    Raises:
        RequestRefusedError: the document does not fit the schema or the limits.
    """
    operation = engine().prepare(_request(document, variables), anonymous=viewer is None)
    return await engine().execute(operation, context_of(ports, viewer, relay), "test")


async def events(
    ports: Ports, viewer: Viewer | None, relay: Relay, document: str, variables: Mapping[str, Any] | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The responses of a subscription, each resolved with a context of its own. Close it with `aclosing`."""
    operation = engine().prepare(_request(document, variables), anonymous=viewer is None)
    source = await engine().subscribe(operation, context_of(ports, viewer, relay), "test")
    async with aclosing(cast("Any", source)):
        async for event in source:
            yield await engine().execute_event(operation, event, context_of(ports, viewer, relay), "test")


def _request(document: str, variables: Mapping[str, Any] | None) -> GraphQLRequest:
    return GraphQLRequest(document, variables=dict(variables or {}))
