"""Opening what the commands work on: a database that answers and has the newest tables. Must not hold commands."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Final
from urllib.parse import urlsplit

from asyncpg import PostgresError
from tortoise.exceptions import BaseORMException

from app.cli.errors import reason
from app.cli.main import fail
from app.container import Container, open_container
from app.migrations import is_current
from app.sandbox_clock import open_clock
from app.settings import Settings

#: How long a database may take to answer the first question.
DATABASE_SECONDS: Final = 10.0


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Container]:
    """The container, with the settings' clock, over a database that answers and has the newest tables.

    Exits 1 after one line where there is no such database.
    """
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings))
        with database_told(settings):
            async with asyncio.timeout(DATABASE_SECONDS):
                container = await stack.enter_async_context(open_container(settings, clock))
                current = await is_current(settings.database)
        if not current:
            raise fail(f"{_where(settings)} has not the newest tables; run: campaign-express migrate")
        yield container


@contextmanager
def database_told(settings: Settings) -> Iterator[None]:
    """Tell in one line why the database cannot be used, with its address but never with a password, and exit 1."""
    try:
        yield
    except (BaseORMException, PostgresError, sqlite3.Error, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise fail(f"{_where(settings)} cannot be used: {reason(error)}; check CE_DATABASE_URL") from error


def _where(settings: Settings) -> str:
    parts = urlsplit(settings.database)
    if parts.scheme == "sqlite":
        return f"the database {settings.database.removeprefix('sqlite://')}"
    return f"the database {parts.path.removeprefix('/')} at {parts.hostname}:{parts.port or 5432}"
