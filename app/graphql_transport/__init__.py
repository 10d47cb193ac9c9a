"""GraphQL over HTTP and WebSocket, for any strawberry schema.

Owns: reading requests, limits, the document cache, execution, error masking, and the graphql-transport-ws protocol.
Must not know: any type, table, service or setting of the product. Composition hands in a schema and a `Backend`.

Strawberry builds the schema; graphql-core's executor runs it. Strawberry's own ASGI application is not used: it builds
one context per socket, closes the whole socket on a syntax error, sends no pings and knows no limits.

    engine = GraphQLEngine(schema, TransportLimits(), production=True, clock=SystemClock())
    app = Starlette(routes=graphql_routes(engine, backend))
    uvicorn.run(app, **uvicorn_options(engine.limits))

What composition must know:
- `Backend.new_context` runs once per operation and looks up what the session may do. `Backend.event_context` runs once
  per subscription event, and once per `recheck_seconds` on every open socket: it must be cheap. Neither may hold
  anything that needs closing.
- Both raise `Unauthenticated` as soon as the session may not go on, and `event_context` raises `Forbidden` when the
  session lost a right. The socket closes with 4403 before any later event leaves.
- Operations of one `Backend.audience` with the same document and variables get one response to one event, executed and
  encoded once (see `sharing`).
- A subscription's source generator runs with the context of its start. It must not load through that context's loaders
  after its first event; the fields below each event get a context, and so loaders, of their own.
- Strawberry schema extensions and custom operation directives are refused when the engine is built: they hook into
  strawberry's own execution, which is not used.
"""

from app.graphql_transport.engine import GraphQLEngine
from app.graphql_transport.limits import TransportLimits
from app.graphql_transport.observing import Observed, Observer
from app.graphql_transport.ports import Backend, Session
from app.graphql_transport.routes import graphql_routes
from app.graphql_transport.server import GraphQLSocketProtocol, uvicorn_options

__all__ = [
    "Backend",
    "GraphQLEngine",
    "GraphQLSocketProtocol",
    "Observed",
    "Observer",
    "Session",
    "TransportLimits",
    "graphql_routes",
    "uvicorn_options",
]
