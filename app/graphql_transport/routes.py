"""Mounts the transport. Owns the two routes of one path."""

from starlette.routing import BaseRoute, Route, WebSocketRoute

from app.graphql_transport.engine import GraphQLEngine
from app.graphql_transport.http import GraphQLHTTP
from app.graphql_transport.ports import Backend
from app.graphql_transport.socket import GraphQLSocket


def graphql_routes(engine: GraphQLEngine, backend: Backend, path: str = "/graphql") -> list[BaseRoute]:
    """HTTP GET and POST, and WebSocket, on the same path."""
    return [Route(path, GraphQLHTTP(engine, backend)), WebSocketRoute(path, GraphQLSocket(engine, backend))]
