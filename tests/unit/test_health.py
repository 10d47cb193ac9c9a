"""What /health and /ready say, of which only one depends on anything else."""

import asyncio
from typing import Any

import httpx
from starlette.applications import Starlette

from app.health import health_routes


class Databases:
    """A database that may be away."""

    def __init__(self) -> None:
        self.away = False

    def system(self) -> Any:
        if self.away:
            raise ConnectionRefusedError
        return self


async def test_a_database_that_is_away_or_a_stop_ends_readiness_but_not_health(monkeypatch: Any) -> None:
    async def heads(scope: object) -> list[object]:
        assert scope is database
        return []

    monkeypatch.setattr("models.across_tenants.heads", heads)
    database, stopping = Databases(), asyncio.Event()
    app = Starlette(routes=health_routes(database, stopping))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as client:

        async def said() -> list[tuple[int, str]]:
            answers = [await client.get(path) for path in ("/health", "/ready")]
            return [(each.status_code, each.json()["status"]) for each in answers]

        assert await said() == [(200, "ok"), (200, "ok")]
        database.away = True
        assert await said() == [(200, "ok"), (503, "the database does not answer")]
        database.away = False
        assert await said() == [(200, "ok"), (200, "ok")]
        stopping.set()
        assert await said() == [(200, "ok"), (503, "stopping")]
