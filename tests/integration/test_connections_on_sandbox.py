"""The whole way against the real sandbox over HTTP, both databases: consent, connect, sync, expiry, revocation, the end."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from adapters.credential_keys import CredentialCipher, FixedCredentialRing
from app.connections import AdapterPool, provider, sandbox_clients
from app.oauth_callbacks import oauth_routes
from domain.ad_accounts import AdAccount
from domain.connections import Connection, ConnectionStatus
from domain.errors import PlatformError
from domain.platforms import Platform
from domain.sessions import Session
from jobs.connections import renew_all
from kit.time import FixedClock
from models import connections, sessions
from sandbox.app import create_app
from schema.base import parse_id
from services import ad_accounts, connection_tokens
from services import connections as service
from services.platform_access import platform_of
from services.ports import ConnectionPorts, Ports
from services.viewers import Viewer
from tests.conftest import NOON, House, viewer_of
from tests.integration.fake_grants import KEYS

MICROSOFT_ACCOUNT = "149000001"


@pytest.fixture
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = create_app(tmp_path_factory.mktemp("sandbox") / "sandbox.db", now=lambda: NOON, seed=7)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the sandbox did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@dataclass
class Person:
    """Somebody signed in, with a browser, and the sandbox's controls."""

    ports: Ports
    viewer: Viewer
    house: House
    browser: httpx.AsyncClient
    api: httpx.AsyncClient

    async def decide(self, platform: Platform, decision: str) -> str:
        """Where the app sends the browser in the end."""
        begun = await service.start(self.ports, self.viewer, self.house.workspace.id, platform)
        form = {**dict(parse_qsl(urlsplit(begun.consent_url).query)), "decision": decision}
        back = urlsplit((await self.browser.post(begun.consent_url, data=form)).headers["location"])
        assert f"{back.scheme}://{back.netloc}" == self.ports.app_url
        answer = await self.api.get(f"{back.path}?{back.query}")
        replayed = await self.api.get(f"{back.path}?{back.query}")
        assert replayed.headers["location"].endswith("connection_error=INVALID_INPUT")
        return str(answer.headers["location"])

    async def granted(self, platform: Platform) -> Connection:
        location = await self.decide(platform, "allow")
        made = dict(parse_qsl(urlsplit(location).query))["connection"]
        return await self.stored(parse_id(made, "PlatformGrant"))

    async def stored(self, connection_id) -> Connection:
        return await connections.connection(self.ports.database.read(self.house.tenant_id), connection_id)

    async def connected(self, platform: Platform) -> tuple[Connection, AdAccount]:
        made = await self.granted(platform)
        offered = await service.offered(self.ports, self.viewer, made.id)
        [account] = await service.connect(self.ports, self.viewer, made.id, [offered[0].external_id])
        return made, account

    async def tell(self, what: str, **body: object) -> None:
        (await self.browser.post(f"/control/{what}", json=body)).raise_for_status()


@pytest.fixture
async def ana(ports: Ports, house: House, clock: FixedClock, sandbox_url: str) -> AsyncIterator[Person]:
    async with AsyncExitStack() as stack:
        clients = await sandbox_clients(stack, sandbox_url)
        tools = ConnectionPorts(
            CredentialCipher(FixedCredentialRing(KEYS)),
            {each: provider(each, clients[each], clock) for each in Platform},
            AdapterPool(clients),
        )
        real = replace(ports, connections=tools, platforms={})
        browser = await stack.enter_async_context(httpx.AsyncClient(base_url=sandbox_url, trust_env=False))
        transport = httpx.ASGITransport(Starlette(routes=oauth_routes(real)))
        api = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://api"))
        viewer = await viewer_of(real, house, house.owner_id)
        session = Session(viewer.principal.credential_id, house.tenant_id, house.owner_id, NOON, None, None)
        async with real.database.write(house.tenant_id) as scope:
            await sessions.add_session(scope, session)
        yield Person(real, viewer, house, browser, api)


@pytest.mark.parametrize("platform", sorted(Platform))
async def test_every_platform_is_connected_read_and_disconnected(ana: Person, platform: Platform) -> None:
    assert (await ana.decide(platform, "deny")).endswith("connection_error=DENIED")
    made, account = await ana.connected(platform)
    told = await platform_of(ana.ports, account).fetch_campaigns(account.external_id)
    assert len(told) >= 3
    left = await service.disconnect(ana.ports, ana.viewer, made.id)
    assert left.revoked == (platform not in {Platform.AMAZON, Platform.MICROSOFT})
    with pytest.raises(PlatformError) as caught:
        await platform_of(ana.ports, account).fetch_campaigns(account.external_id)
    assert caught.value.platform_code == "DISCONNECTED"


async def test_workers_that_all_renew_at_once_keep_a_rotating_token(ana: Person, clock: FixedClock) -> None:
    made, account = await ana.connected(Platform.MICROSOFT)
    for _ in range(3):
        clock.advance(timedelta(minutes=59, seconds=30))
        await ana.tell("clock/advance", seconds=3_570)
        await asyncio.gather(
            *(renew_all(ana.ports) for _ in range(3)),
            *(platform_of(ana.ports, account).fetch_campaigns(MICROSOFT_ACCOUNT) for _ in range(3)),
        )
    stored = await connections.stored_connection(ana.ports.database.read(ana.house.tenant_id), made.id)
    assert (stored.connection.status, stored.generation) == (ConnectionStatus.CONNECTED, 4)


async def test_a_token_ended_early_is_renewed_and_a_grant_taken_back_needs_a_person(ana: Person) -> None:
    made, account = await ana.connected(Platform.GOOGLE)
    await ana.tell("oauth/expire", platform="GOOGLE")
    assert await platform_of(ana.ports, account).fetch_campaigns(account.external_id)
    await ana.tell("oauth/revoke", platform="GOOGLE")
    after = await ad_accounts.sync(ana.ports, ana.house.tenant_id, account.id)
    assert (after.sync_error or "").startswith("the connection to GOOGLE has to be granted again: GOOGLE: the refresh")
    assert (await ana.stored(made.id)).status is ConnectionStatus.NEEDS_RECONNECT
    again = await ana.granted(Platform.GOOGLE)
    healed = await ad_accounts.sync(ana.ports, ana.house.tenant_id, account.id)
    assert (healed.sync_error, healed.connection_id) == (None, again.id)
    assert await connection_tokens.due(ana.ports) == []
