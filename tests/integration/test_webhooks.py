"""Webhooks in, over HTTP on both databases: believed only if signed, kept once, processed once, whatever dies between."""

import asyncio
import hashlib
import hmac
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from app.webhooks import webhook_routes
from domain.log import LogEvent
from domain.notifications.notices import NoticeKind
from domain.platforms import Platform
from domain.webhooks import DIGEST_LIFE, LEASE, MAX_BYTES, WebhookKind
from jobs.notifications import tell_all
from jobs.schedule import Loop, run_loops
from jobs.webhooks import forget_all_old, process_all, sync_all_requested
from kit.time import FixedClock
from models import ad_accounts, log
from sandbox.app import create_app
from sandbox.webhooks import WebhookTarget
from services import webhooks
from services.ports import Ports
from tests.conftest import NOON, House, viewer_of
from tests.integration.fake_platform import FakePlatform, campaign
from tests.integration.test_notifications import inbox

SECRET, TOKEN = "app secret", "verify token"
EXTERNAL_ID = "1043380012345601"


@pytest.fixture
async def connected(ports: Ports, house: House) -> House:
    """The house with its account under an id as Meta gives them."""
    account = replace(house.account, external_id=EXTERNAL_ID)
    async with ports.database.write(house.tenant_id) as scope:
        await scope.of(ad_accounts.AdAccountTable).filter(id=account.id).update(external_id=EXTERNAL_ID)
    return replace(house, account=account)


@pytest.fixture
async def client(ports: Ports) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=webhook_routes(ports, SECRET, TOKEN)))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as opened:
        yield opened


def delivery(account: str = EXTERNAL_ID, at: datetime = NOON, **facts: Any) -> bytes:
    change = {"field": "with_issues_ad_objects", "value": {"id": "7", **facts}}
    entry = {"id": account, "time": int(at.timestamp()), "changes": [change]}
    return json.dumps({"object": "ad_account", "entry": [entry]}).encode()


async def post(client: httpx.AsyncClient, kind: str, body: bytes, signature: str | None = None) -> httpx.Response:
    signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": signed if signature is None else signature}
    return await client.post(f"/api/webhooks/meta/{kind}", content=body, headers=headers)


async def kept(ports: Ports) -> list[dict[str, Any]]:
    return await ports.database.system().rows("SELECT * FROM webhook_deliveries ORDER BY id")


async def events(ports: Ports, house: House, kind: str) -> list[LogEvent]:
    found = await log.events_after(ports.database.read(house.tenant_id), 0, 1_000)
    return [event for event in found if event.entry.kind == kind]


@pytest.mark.req("RO-03")
async def test_the_challenge(client: httpx.AsyncClient) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "1158201444"}
    for kind in ("insights", "errors"):
        answer = await client.get(f"/api/webhooks/meta/{kind}", params=asked)
        assert (answer.status_code, answer.text) == (200, "1158201444")
        assert answer.headers["content-type"].startswith("text/plain")
    wrong = await client.get("/api/webhooks/meta/insights", params={**asked, "hub.verify_token": "guess"})
    assert (wrong.status_code, "1158201444" in wrong.text) == (403, False)
    long = await client.get("/api/webhooks/meta/insights", params={**asked, "hub.challenge": "x" * 500})
    assert long.status_code == 400


@pytest.mark.req("RO-03")
async def test_a_delivery_is_kept_and_answered_before_anything_is_done(
    ports: Ports, connected: House, client: httpx.AsyncClient
) -> None:
    answer = await post(client, "insights", delivery())
    assert (answer.status_code, answer.text) == (200, "kept")
    [row] = await kept(ports)
    assert (row["kind"], row["body"].encode(), row["processed_at_utc"]) == ("insights", delivery(), None)
    assert await webhooks.requested_syncs(ports) == []


@pytest.mark.req("RO-03")
@pytest.mark.parametrize("signature", ["", "sha256=" + "0" * 64, "sha1=abc"])
async def test_a_wrong_signature_is_401_and_nothing_is_kept(
    ports: Ports, connected: House, client: httpx.AsyncClient, signature: str
) -> None:
    assert (await post(client, "errors", delivery(), signature)).status_code == 401
    missing = await client.post("/api/webhooks/meta/errors", content=delivery())
    assert missing.status_code == 401
    assert await kept(ports) == []


async def test_a_body_too_long_is_refused_while_it_is_read(ports: Ports, client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BYTES // 65_536 + 2):
            yield b"x" * 65_536

    answer = await client.post("/api/webhooks/meta/insights", content=endless())
    assert answer.status_code == 413
    assert await kept(ports) == []


@pytest.mark.parametrize("body", [b"not json", b"{}", b'{"object": "page", "entry": []}'])
async def test_what_is_no_delivery_is_refused_although_signed(
    ports: Ports, client: httpx.AsyncClient, body: bytes
) -> None:
    assert (await post(client, "insights", body)).status_code == 400
    assert await kept(ports) == []


async def test_other_addresses_and_methods_are_not_there(client: httpx.AsyncClient) -> None:
    assert (await post(client, "leadgen", delivery())).status_code == 404
    assert (await client.put("/api/webhooks/meta/insights")).status_code == 405


def test_without_a_secret_there_is_no_address(ports: Ports) -> None:
    assert webhook_routes(ports, "", TOKEN) == []
    assert webhook_routes(ports, SECRET, "") == []


@pytest.mark.req("RO-03")
async def test_the_same_delivery_twice_counts_once(ports: Ports, connected: House, client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(client, "errors", delivery(error_code=5)) for _ in range(5)))
    assert sorted(each.text for each in answers) == ["kept", "known", "known", "known", "known"]
    assert {each.status_code for each in answers} == {200}
    assert await process_all(ports) == 1
    assert (await post(client, "errors", delivery(error_code=5))).text == "known"
    assert await process_all(ports) == 0
    assert len(await events(ports, connected, "ad_account_issue.reported")) == 1
    # The bodies are gone, what they are recognised by stays.
    assert [(row["body"], row["processed_at_utc"] is not None) for row in await kept(ports)] == [("", True)]


@pytest.mark.req("RO-03")
async def test_a_replay_from_outside_the_window_is_refused(
    ports: Ports, connected: House, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    old = delivery(at=NOON - timedelta(hours=36, seconds=1))
    assert (await post(client, "insights", old)).status_code == 400
    body = delivery()
    assert (await post(client, "insights", body)).text == "kept"
    await process_all(ports)
    # Inside the window its digest is known; when the digest is forgotten, the window is long over.
    clock.advance(timedelta(hours=36))
    assert (await post(client, "insights", body)).text == "known"
    clock.advance(DIGEST_LIFE)
    assert await forget_all_old(ports) == 1
    assert (await post(client, "insights", body)).status_code == 400
    assert await kept(ports) == []


@pytest.mark.req("RO-03")
async def test_an_error_becomes_an_event_and_people_are_told(
    ports: Ports, connected: House, other_house: House, client: httpx.AsyncClient
) -> None:
    body = delivery(
        "act_" + EXTERNAL_ID, level="ad", error_code=1815869, error_summary="ad rejected", error_message="the policy"
    )
    assert (await post(client, "errors", body)).text == "kept"
    assert await process_all(ports) == 1
    [event] = await events(ports, connected, "ad_account_issue.reported")
    assert event.after is not None
    facts = {name: event.after[name] for name in ("level", "external_id", "code", "summary", "message", "account_id")}
    assert facts == {
        "level": "AD", "external_id": "7", "code": "1815869", "summary": "ad rejected", "message": "the policy",
        "account_id": str(connected.account.id),
    }  # fmt: skip
    await tell_all(ports)
    [told] = await inbox(ports, await viewer_of(ports, connected, connected.owner_id), connected)
    assert (told.kind, told.title, told.body) == (
        NoticeKind.PLATFORM_ISSUE, "META reports ad rejected", "the policy",
    )  # fmt: skip
    assert await events(ports, other_house, "ad_account_issue.reported") == []


async def test_an_account_of_two_tenants_concerns_both_and_an_unknown_one_nobody(
    ports: Ports, connected: House, other_house: House, client: httpx.AsyncClient
) -> None:
    async with ports.database.write(other_house.tenant_id) as scope:
        account = replace(other_house.account, external_id=EXTERNAL_ID)
        await scope.of(ad_accounts.AdAccountTable).filter(id=account.id).update(external_id=EXTERNAL_ID)
    await post(client, "errors", delivery(error_code=1))
    await post(client, "errors", delivery("999", error_code=2))
    assert await process_all(ports) == 2
    for house in (connected, other_house):
        assert len(await events(ports, house, "ad_account_issue.reported")) == 1


@pytest.mark.req("RO-03")
async def test_news_of_an_account_syncs_it_once_and_not_again_within_a_minute(
    ports: Ports, connected: House, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    asked: list[str] = []

    class Counting(FakePlatform):
        async def fetch_campaigns(self, external_id: str) -> Any:
            asked.append(external_id)
            return await super().fetch_campaigns(external_id)

    platform = Counting(
        campaigns=[campaign(n, budget_external_id=b.external_id) for n, b in enumerate(connected.budgets)]
    )
    told = replace(ports, platforms={Platform.META: platform})
    for n in range(3):
        await post(client, "insights", delivery(n=n))
    assert await process_all(told) == 3
    assert await sync_all_requested(told) == 1
    assert await sync_all_requested(told) == 0
    await post(client, "insights", delivery(n=9))
    await process_all(told)
    assert await sync_all_requested(told) == 0
    clock.advance(timedelta(seconds=61))
    assert await sync_all_requested(told) == 1
    assert asked == [EXTERNAL_ID, EXTERNAL_ID]
    assert await webhooks.requested_syncs(told) == []


async def test_two_workers_process_each_delivery_once(
    ports: Ports, connected: House, client: httpx.AsyncClient
) -> None:
    for n in range(10):
        await post(client, "errors", delivery(error_code=n))
    done = await asyncio.gather(*(process_all(ports) for _ in range(4)))
    assert sum(done) == 10
    found = [
        event.after["code"] for event in await events(ports, connected, "ad_account_issue.reported") if event.after
    ]
    assert sorted(found, key=int) == [str(n) for n in range(10)]


@pytest.mark.req("RO-03")
@pytest.mark.parametrize("where", ["before", "between"])
async def test_a_crash_between_keeping_and_processing_loses_nothing_and_doubles_nothing(
    ports: Ports,
    connected: House,
    client: httpx.AsyncClient,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """Killed before the tenant's transaction commits, or after it and before the delivery counts as processed."""
    await post(client, "errors", delivery(error_code=5))
    killed = "models.log.append" if where == "before" else "models.across_tenants.end_webhook"

    async def crash(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(killed, crash)
        assert await process_all(ports) == 0
    assert len(await events(ports, connected, "ad_account_issue.reported")) == (0 if where == "before" else 1)
    # Its lease is still the dead worker's.
    assert await process_all(ports) == 0
    clock.advance(LEASE + timedelta(seconds=1))
    assert await process_all(ports) == 1
    assert len(await events(ports, connected, "ad_account_issue.reported")) == 1
    assert await process_all(ports) == 0


async def test_where_the_queue_does_not_answer_in_time_the_sender_is_told_to_try_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = asyncio.Event()

    async def hang(*_: Any) -> bool:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        return True

    monkeypatch.setattr("models.across_tenants.keep_webhook", hang)
    # The queue never answers here: that there is an answer at all shows that it is not waited for.
    assert (await post(client, "insights", delivery())).status_code == 503
    assert given_up.is_set()


# --- sent by the sandbox, over real HTTP ------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[tuple[str, WebhookTarget]]:
    """A sandbox whose target can still be moved to where the API listens."""
    target = WebhookTarget("", SECRET, TOKEN)
    app = create_app(tmp_path / "sandbox.db", now=lambda: NOON, webhooks=target)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the sandbox did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", target
    server.should_exit = True
    thread.join()


@pytest.fixture
async def api_url(ports: Ports) -> AsyncIterator[str]:
    app = Starlette(routes=webhook_routes(ports, SECRET, TOKEN))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server sets no event
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.mark.req("RO-03")
async def test_the_sandbox_sends_and_a_worker_processes_at_once(
    ports: Ports, connected: House, api_url: str, sandbox: tuple[str, WebhookTarget]
) -> None:
    url, target = sandbox
    object.__setattr__(target, "url", f"{api_url}/api/webhooks/meta")
    stop = asyncio.Event()
    working = asyncio.create_task(run_loops([Loop("webhooks", 0.25, lambda: process_all(ports))], stop))
    try:
        async with httpx.AsyncClient(base_url=url) as control:
            for kind in WebhookKind:
                verified = await control.post("/control/webhooks/meta/verify", json={"kind": kind.value})
                assert verified.json() == {"verified": True}
            wish = {"kind": "errors", "account": EXTERNAL_ID, "times": 2, "error": {"error_summary": "spend limit"}}
            sent = (await control.post("/control/webhooks/meta", json=wish)).json()
            assert sent == {"answers": [{"status": 200, "text": "kept"}, {"status": 200, "text": "known"}]}
            async with asyncio.timeout(3.0):
                while not await events(ports, connected, "ad_account_issue.reported"):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.02)
            forged = await control.post("/control/webhooks/meta", json={**wish, "times": 1, "signature": "sha256=00"})
            assert forged.json()["answers"][0]["status"] == 401
            late = await control.post("/control/webhooks/meta", json={**wish, "times": 1, "age_seconds": 200_000})
            assert late.json()["answers"][0]["status"] == 400
            assert (await control.post("/control/webhooks/meta", json={"kind": "x"})).status_code == 400
    finally:
        stop.set()
        await working
    assert len(await events(ports, connected, "ad_account_issue.reported")) == 1
