"""The API process as an ASGI app: GraphQL, console and explorer, health and metrics. Must not hold rules."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from app.backend import GraphQLBackend
from app.console import console_routes
from app.container import Container
from app.explorer import explorer_routes
from app.exports import export_routes
from app.graphql import build_schema
from app.graphql_transport import GraphQLEngine, TransportLimits, graphql_routes
from app.health import health_routes
from app.http_metrics import HttpMetrics
from app.known_documents import BUILT_IN, KnownDocuments
from app.oauth_callbacks import oauth_routes
from app.operation_metrics import OperationMetrics
from app.pages import PAGES
from app.request_ids import RequestIds
from app.settings import Settings
from app.tracing import TracedRequests, tracer
from app.unsubscribe import unsubscribe_routes
from app.webhooks import webhook_routes
from domain.errors import Unauthenticated
from kit.collector import few_collections

#: Smaller answers fit into few packets as they are; most GraphQL answers are.
_LEAST_COMPRESSED_BYTES: Final = 4_096
#: Of nine. The review page's list, 24 KB, takes 40 µs and becomes 4.8 KB; with the last level 100 µs and 4.1 KB.
_GZIP_LEVEL: Final = 1


def known_folders(settings: Settings) -> list[Path]:
    """Where the documents lie that everybody may run: what a partner needs to begin, the pages', the operator's."""
    own = [settings.documents_dir] if settings.documents_dir else []
    return [BUILT_IN, PAGES / "review.html", settings.console_dir, *own]


def create_app(
    container: Container,
    around: AbstractAsyncContextManager[object] | None = None,
    stopping: asyncio.Event | None = None,
) -> tuple[ASGIApp, TransportLimits]:
    """The app over an open container, and the transport limits its server must be set to.

    Args:
        container: open for as long as the app serves.
        around: entered while the app serves, such as a worker in the same process.
        stopping: set once no more requests should come.
    """
    settings = container.settings
    limits = TransportLimits(rate_burst=settings.rate_burst, rate_per_second=settings.rate_per_second)
    schema = build_schema()
    registry = CollectorRegistry()
    known = KnownDocuments(known_folders(settings))
    observer = OperationMetrics(registry, tracer() if settings.otlp_url else None, known.by_name)
    engine = GraphQLEngine(
        schema, limits, production=settings.production, clock=container.ports.clock, observer=observer
    )
    backend = GraphQLBackend(container, known)
    sdl = schema.as_str()

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def may_read(request: Request) -> bool:
        # What introspection keeps from strangers lies nowhere else for them.
        if not settings.production:
            return True
        authorization = request.headers.get("authorization")
        try:
            return authorization is not None and await backend.authenticate(authorization) is not None
        except Unauthenticated:
            return False

    async def schema_text(request: Request) -> Response:
        if not await may_read(request):
            return PlainTextResponse("sign in to read the schema", 401, {"www-authenticate": "Bearer"})
        return PlainTextResponse(sdl)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with around or nullcontext():
            with few_collections():
                yield

    routes: list[BaseRoute] = [
        *graphql_routes(engine, backend),
        *export_routes(container.ports, backend),
        *health_routes(container.ports.database, stopping or asyncio.Event()),
        Route("/metrics", metrics),
        Route("/schema.graphql", schema_text),
        *console_routes(container.settings.console_dir),
        *explorer_routes(container.settings.console_dir, known if settings.documents == "known" else None, may_read),
        *oauth_routes(container.ports),
        *unsubscribe_routes(container.ports),
        *webhook_routes(
            container.ports,
            container.settings.meta_app_secret.get_secret_value(),
            container.settings.meta_verify_token.get_secret_value(),
        ),
    ]
    # Answers to streams of events and files that the build compressed are left as they are.
    middleware = [
        Middleware(HttpMetrics, registry=registry),
        Middleware(GZipMiddleware, minimum_size=_LEAST_COMPRESSED_BYTES, compresslevel=_GZIP_LEVEL),
    ]
    if settings.otlp_url:
        middleware.insert(0, Middleware(TracedRequests))
    return RequestIds(Starlette(routes=routes, lifespan=lifespan, middleware=middleware)), limits
