"""The real sandbox over a real socket, its machine clock standing still: days and budgets are then exact."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import httpx
import pytest
import uvicorn

from adapters.amazon import AmazonPlatform
from adapters.google import GooglePlatform
from adapters.linkedin import LinkedInPlatform
from adapters.meta import MetaPlatform
from adapters.microsoft import MicrosoftPlatform
from adapters.report_jobs import ReportWait
from adapters.tiktok import TikTokPlatform
from domain.platforms import AdPlatform
from sandbox.app import create_app

#: Sunday 2026-03-08 was the day on which New York's clocks changed; now is the Tuesday after, 11:00 there.
NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
SEED = 7


@dataclass(frozen=True)
class Stand:
    """One platform's adapter pointed at the sandbox."""

    client: httpx.AsyncClient
    platform: AdPlatform
    account: str
    stranger: AdPlatform
    now: datetime
    seed: int

    @property
    def today(self) -> date:
        return self.now.date()

    def hasty(self, total_seconds: float) -> AdPlatform:
        """The same adapter with a shorter deadline."""
        return make_platform(self.platform.platform.value, self.client, "", total_seconds)

    def impatient(self) -> AdPlatform:
        """The same adapter, which looks at a report no more than twice."""
        wait = ReportWait(first_seconds=0.01, longest_seconds=0.01, total_seconds=0.015)
        return make_platform(self.platform.platform.value, self.client, wait=wait)


ACCOUNTS = {
    "META": "1043380012345601",
    "META_EUR": "1043380012345602",
    "GOOGLE": "4201987001",
    "TIKTOK": "7100000000000000001",
    "LINKEDIN": "507100001",
    "AMAZON": "3312007700000001",
    "MICROSOFT": "149000001",
}

#: Reports are ready at the third look, whenever that is.
SOON = ReportWait(first_seconds=0.005, longest_seconds=0.005, total_seconds=1.0)


def make_platform(
    name: str, client: httpx.AsyncClient, suffix: str = "", total_seconds: float = 30.0, wait: ReportWait = SOON
) -> AdPlatform:
    token = f"sandbox-{name.lower()}-token{suffix}"
    match name:
        case "GOOGLE":
            return GooglePlatform(client, token, "any-developer-token", total_seconds=total_seconds)
        case "AMAZON":
            return AmazonPlatform(client, token, "any-client", total_seconds=total_seconds, report_wait=wait)
        case "MICROSOFT":
            return MicrosoftPlatform(client, token, "any-token", total_seconds=total_seconds, report_wait=wait)
        case "LINKEDIN":
            return LinkedInPlatform(client, token, total_seconds=total_seconds)
        case "META":
            return MetaPlatform(client, token, total_seconds=total_seconds)
        case _:
            return TikTokPlatform(client, token, total_seconds=total_seconds)


@pytest.fixture(scope="module")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = create_app(tmp_path_factory.mktemp("sandbox") / "sandbox.db", now=lambda: NOW, seed=SEED)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the sandbox did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The control endpoints of a world just reset."""
    async with httpx.AsyncClient(base_url=sandbox_url) as client:
        (await client.post("/control/reset", json={"seed": SEED})).raise_for_status()
        yield client


@pytest.fixture(params=ACCOUNTS)
async def stand(request: pytest.FixtureRequest, sandbox_url: str) -> AsyncIterator[Stand]:
    name = request.param.removesuffix("_EUR")
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/{name.lower()}") as client:
        platform, stranger = make_platform(name, client), make_platform(name, client, "-stale")
        yield Stand(client, platform, ACCOUNTS[request.param], stranger, NOW, SEED)
