"""Bringing a database to the newest tables. Must not hold the migrations themselves; those are in migrations/."""

from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.migrations.api import migrate as run_migrations
from tortoise.migrations.executor import MigrationExecutor

from models.scope import tortoise_config


async def migrate(database_url: str) -> None:
    """Apply every migration that is missing; does nothing on an up-to-date database.

    Raises what the driver raises when the database cannot be used.
    """
    config = tortoise_config(database_url)
    # The migrations read a first failure as "none applied" and then wait for ever for the connection that failed.
    await Tortoise.init(config=config, init_connections=False)
    try:
        await _ask(get_connection("write"))
    finally:
        await Tortoise.close_connections()
    try:
        await run_migrations(config=config)
    finally:
        await Tortoise.close_connections()


async def is_current(database_url: str) -> bool:
    """Whether the open database has every migration.

    Raises what the driver raises when the database does not answer.
    """
    connection = get_connection("read")
    await _ask(connection)
    return not await MigrationExecutor(connection, tortoise_config(database_url)["apps"]).plan()


async def _ask(connection: BaseDBAsyncClient) -> None:
    await connection.execute_query("SELECT 1")
