"""Whether this API process lives, and whether it should get requests. Must not hold rules.

/health  200 while it answers at all: a database that is away is no reason to start the process again
/ready   200 while it can serve; 503 while the database does not answer, or once it has been told to stop
"""

import asyncio
import logging
import sqlite3
from typing import Final

from asyncpg import PostgresError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from tortoise.exceptions import BaseORMException

from models import across_tenants
from models.scope import Database

logger = logging.getLogger("campaign_express.web")

DATABASE_ERRORS: Final = (BaseORMException, PostgresError, sqlite3.Error, OSError)


def health_routes(database: Database, stopping: asyncio.Event) -> list[BaseRoute]:
    """The two addresses. `stopping` is set when no more requests should come."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        if stopping.is_set():
            return JSONResponse({"status": "stopping"}, status_code=503)
        try:
            await across_tenants.heads(database.system())
        except DATABASE_ERRORS:
            logger.warning("not ready: the database does not answer", exc_info=True)
            return JSONResponse({"status": "the database does not answer"}, status_code=503)
        return JSONResponse({"status": "ok"})

    return [Route("/health", health), Route("/ready", ready)]
