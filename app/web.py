"""The API process as an ASGI app: GraphQL, console and explorer, health and metrics. Must not hold rules."""

import gc
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Final

from asyncpg import PostgresError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from tortoise.exceptions import BaseORMException

from app.backend import GraphQLBackend
from app.console import console_routes
from app.container import Container
from app.exports import export_routes
from app.graphql import build_schema
from app.graphql_transport import GraphQLEngine, TransportLimits, graphql_routes
from app.http_metrics import HttpMetrics
from app.oauth_callbacks import oauth_routes
from app.pages import PAGES, page
from app.unsubscribe import unsubscribe_routes
from app.webhooks import webhook_routes
from models import across_tenants

#: Objects made, less those freed, before the collector looks for circles among the young; so many such looks before it
#: looks among the older ones.
_THRESHOLDS = (50_000, 20, 20)


@contextmanager
def few_collections() -> Iterator[None]:
    """Let the collector leave alone what stands for as long as the process: schema, modules, routes.

    Measured with bench/fanout.py, a thousand subscribers on two cores, two runs of seven events each: the median p99
    went from 121 and 276 ms to 106 and 107 ms, the worst from 724 and 1,244 ms to 168 and 163 ms.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


logger = logging.getLogger("campaign_express.web")

DATABASE_ERRORS: Final = (BaseORMException, PostgresError, sqlite3.Error, OSError)


def create_app(
    container: Container, around: AbstractAsyncContextManager[object] | None = None
) -> tuple[Starlette, TransportLimits]:
    """The app over an open container, and the transport limits its server must be set to.

    Args:
        container: open for as long as the app serves.
        around: entered while the app serves, such as a worker in the same process.
    """
    settings = container.settings
    limits = TransportLimits(rate_burst=settings.rate_burst, rate_per_second=settings.rate_per_second)
    schema = build_schema()
    engine = GraphQLEngine(schema, limits, production=settings.production, clock=container.ports.clock)
    backend = GraphQLBackend(container)
    registry = CollectorRegistry()
    sdl = schema.as_str()

    async def health(_: Request) -> Response:
        try:
            await across_tenants.heads(container.ports.database.system())
        except DATABASE_ERRORS:
            logger.warning("not well: the database does not answer", exc_info=True)
            return JSONResponse({"status": "the database does not answer"}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def schema_text(_: Request) -> Response:
        return PlainTextResponse(sdl)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with around or nullcontext():
            with few_collections():
                yield

    routes: list[BaseRoute] = [
        *graphql_routes(engine, backend),
        *export_routes(container.ports, backend),
        Route("/health", health),
        Route("/metrics", metrics),
        Route("/schema.graphql", schema_text),
        *console_routes(container.settings.console_dir),
        page("/explorer", PAGES / "explorer.html"),
        *oauth_routes(container.ports),
        *unsubscribe_routes(container.ports),
        *webhook_routes(
            container.ports,
            container.settings.meta_app_secret.get_secret_value(),
            container.settings.meta_verify_token.get_secret_value(),
        ),
    ]
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(HttpMetrics, registry=registry)]), limits
