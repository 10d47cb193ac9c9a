"""Bringing a database to the newest tables. Must not hold the migrations themselves; those are in migrations/."""

from tortoise import Tortoise
from tortoise.migrations.api import migrate as run_migrations

from models.scope import tortoise_config


async def migrate(database_url: str) -> None:
    """Apply every migration that is missing; does nothing on an up-to-date database."""
    try:
        await run_migrations(config=tortoise_config(database_url))
    finally:
        await Tortoise.close_connections()
