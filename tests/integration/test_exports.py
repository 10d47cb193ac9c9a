"""The history as a CSV file over HTTP, on both databases: read back with csv, in pages, behind the same rights."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from adapters.tokens import AccessTokens
from app.backend import GraphQLBackend
from app.container import Container
from app.exports import COLUMNS, export_routes
from app.settings import Settings
from app.web import create_app
from domain.access import Permission
from domain.ad_accounts import AdAccount
from domain.adjustments import AdjustmentStatus
from domain.platforms import Platform
from domain.sessions import Identity
from kit.ids import new_id
from kit.time import FixedClock
from models import ad_accounts, campaigns
from realtime.hints import Hints
from realtime.relay import Relay
from services import api_keys, histories, sessions
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.graphql_client import global_id
from tests.integration.test_histories import APPROVED, CONFIRMED, UNIT, Planted

PATH = "/exports/history.csv"


@pytest.fixture
async def client(ports: Ports, access_tokens: AccessTokens) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that has only the exports."""
    relay = Relay(ports.database, Hints(), ports.clock)
    parts = {"settings": Settings(), "hints": None, "passwords": None, "relay": relay}
    backend = GraphQLBackend(Container(ports=ports, tokens=access_tokens, **parts))  # type: ignore[arg-type]
    app = Starlette(routes=export_routes(ports, backend))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened


@pytest.fixture
def planted(ports: Ports, house: House, clock: FixedClock) -> Planted:
    return Planted(ports, house, clock)


async def token(planted: Planted) -> dict[str, str]:
    """The analyst's token: analytics:read and no right to decide."""
    signed_in = await sessions.open_session(
        planted.ports, Identity(planted.house.tenant_id, planted.house.analyst_id)
    )  # fmt: skip
    return {"Authorization": f"Bearer {signed_in.access_token.text}"}


def asked(house: House, **more: str) -> dict[str, str]:
    return {"workspace": str(global_id("Workspace", house.workspace.id)), **more}


async def fetched(client: httpx.AsyncClient, planted: Planted, **more: str) -> list[dict[str, str]]:
    answer = await client.get(PATH, params=asked(planted.house, **more), headers=await token(planted))
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.mark.req("RB-3.2")
async def test_a_row_tells_deltas_moments_and_the_platforms_ids(client: httpx.AsyncClient, planted: Planted) -> None:
    made = await planted.change(0)
    (row,) = await fetched(client, planted)
    assert tuple(row) == COLUMNS
    assert row == {
        "adjustment_id": str(made.id),
        "status": "CONFIRMED",
        "executed": "true",
        "platform": "META",
        "account": "acme-1",
        "account_name": "acme",
        "campaign": "acme-c0",
        "campaign_name": "acme 0",
        "budget": "acme-b0",
        "currency": "USD",
        "budget_before": "100.00",
        "budget_suggested": "90.00",
        "budget_approved": "90.00",
        "delta": "-10.00",
        "reporting_currency": "USD",
        "delta_reporting": "-10.00",
        "automatic": "false",
        "decided_by_kind": "MEMBER",
        "decided_by": "Reviewer of acme",
        "suggested_at_utc": "2026-03-10T12:00:00.000000Z",
        "approved_at_utc": "2026-03-10T12:30:00.000000Z",
        "dispatched_at_utc": "2026-03-10T12:30:00.000000Z",
        "confirmed_at_utc": "2026-03-10T13:00:00.000000Z",
        "platform_execution": "req-1",
        "failure_code": "",
        "failure_reason": "",
    }
    assert float(row["delta"]) == -10.0


async def test_the_file_has_a_name_and_is_kept_by_nobody(client: httpx.AsyncClient, planted: Planted) -> None:
    answer = await client.get(
        PATH,
        params=asked(planted.house, platform="meta", since="2026-03-01", until="2026-03-31"),
        headers=await token(planted),
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="history-meta-2026-03-01-2026-03-31.csv"'
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == (
        "private, no-store",
        "nosniff",
    )
    assert answer.text == ",".join(COLUMNS) + "\r\n"


@pytest.mark.req("RB-3.2")
async def test_names_that_are_formulas_come_as_text_and_numbers_as_numbers(
    client: httpx.AsyncClient, planted: Planted
) -> None:
    named = replace(planted.house.campaigns[0], name='=cmd|"/C calc"!A0, "x"')
    async with planted.ports.database.write(planted.house.tenant_id) as scope:
        await campaigns.store_campaign(scope, named)
    await planted.change(
        0,
        status=AdjustmentStatus.FAILED,
        confirmed_at_utc=None,
        platform_execution_id="-1+1",
        failure_code="@BAD",
        failure_reason="\ttwo\r\nlines",
        intended_micros=100 * UNIT - 12_345,
        delta_reporting_micros=-12_345,
    )
    (row,) = await fetched(client, planted)
    assert row["campaign_name"] == '\'=cmd|"/C calc"!A0, "x"'
    assert (row["platform_execution"], row["failure_code"]) == ("'-1+1", "'@BAD")
    assert row["failure_reason"] == "'\ttwo\r\nlines"
    assert (row["delta"], row["delta_reporting"], row["budget_approved"]) == ("-0.012345", "-0.012345", "99.987655")
    assert (row["executed"], row["confirmed_at_utc"]) == ("false", "")


@pytest.mark.req("RB-3.2")
async def test_one_platform_or_all_of_a_period(client: httpx.AsyncClient, planted: Planted) -> None:
    google = AdAccount(
        new_id(), planted.house.tenant_id, planted.house.workspace.id, Platform.GOOGLE, "g-1", "Search", "EUR",
        "Europe/Berlin", None, None,
    )  # fmt: skip
    async with planted.ports.database.write(planted.house.tenant_id) as scope:
        await ad_accounts.add_ad_account(scope, google)
    await planted.change(0)
    await planted.change(1, account_id=google.id, currency_code="EUR", auto_approved=True, approved_by_id="guardrails")
    await planted.change(2, created_at_utc=APPROVED - timedelta(days=40), confirmed_at_utc=CONFIRMED)
    assert [row["campaign"] for row in await fetched(client, planted)] == ["acme-c1", "acme-c0"]
    (row,) = await fetched(client, planted, platform="GOOGLE")
    assert (row["platform"], row["currency"], row["automatic"]) == ("GOOGLE", "EUR", "true")
    assert (row["decided_by_kind"], row["decided_by"]) == ("SYSTEM", "guardrails")
    whole = await fetched(client, planted, since="2026-01-01", until="2026-03-10")
    assert [row["campaign"] for row in whole] == ["acme-c2", "acme-c1", "acme-c0"]


async def test_a_long_history_comes_in_pages_with_every_row_once(
    client: httpx.AsyncClient, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "EXPORT_PAGE", 3)
    made = [await planted.change(position % 4) for position in range(7)]
    rows = await fetched(client, planted)
    assert [row["adjustment_id"] for row in rows] == [str(each.id) for each in reversed(made)]


async def test_the_next_page_is_read_only_when_it_is_asked_for(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change made after the first page, and newer than it, does not move the pages that follow."""
    monkeypatch.setattr(histories, "EXPORT_PAGE", 2)
    made = [await planted.change(position) for position in range(3)]
    viewer = await viewer_of(planted.ports, planted.house, planted.house.analyst_id)
    found = await histories.export(planted.ports, viewer, planted.house.workspace.id, None, None, None)
    first = await anext(found.pages)
    await planted.change(3)
    second = await anext(found.pages)
    with pytest.raises(StopAsyncIteration):
        await anext(found.pages)
    assert [[each.id for each in page.entries] for page in (first, second)] == [
        [made[2].id, made[1].id],
        [made[0].id],
    ]


async def test_the_api_serves_the_file(ports: Ports, access_tokens: AccessTokens, planted: Planted) -> None:
    """Through the whole app, its middleware and its route table."""
    made = await planted.change(0)
    relay = Relay(ports.database, Hints(), ports.clock)
    parts = {"hints": None, "passwords": None}
    container = Container(settings=Settings(), ports=ports, tokens=access_tokens, relay=relay, **parts)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(create_app(container)[0])
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        (row,) = await fetched(client, planted)
    assert row["adjustment_id"] == str(made.id)


# --- rights -----------------------------------------------------------------------------------------------------------


async def refused(client: httpx.AsyncClient, headers: dict[str, str], params: dict[str, Any]) -> tuple[int, str]:
    answer = await client.get(PATH, params=params, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["code"]


async def test_nobody_and_wrong_tokens_get_nothing(client: httpx.AsyncClient, planted: Planted) -> None:
    await planted.change(0)
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
        assert await refused(client, headers, asked(planted.house)) == (401, "UNAUTHENTICATED")
    answer = await client.get(PATH, params=asked(planted.house))
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.req("FR-PLT-001")
async def test_another_tenants_workspace_is_as_unknown_as_none(
    client: httpx.AsyncClient, planted: Planted, other_house: House
) -> None:
    await Planted(planted.ports, other_house, planted.clock).change(0)
    headers = await token(planted)
    answers = [
        await client.get(PATH, params={"workspace": str(global_id("Workspace", id_))}, headers=headers)
        for id_ in (other_house.workspace.id, new_id())
    ]
    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


async def test_it_takes_analytics_read(client: httpx.AsyncClient, planted: Planted) -> None:
    ana = await viewer_of(planted.ports, planted.house, planted.house.owner_id)
    place = planted.house.workspace.id
    made = await api_keys.create(planted.ports, ana, place, "campaigns", [Permission.CAMPAIGN_READ], None)
    headers = {"Authorization": f"Bearer {made.secret.text}"}
    assert await refused(client, headers, asked(planted.house)) == (403, "FORBIDDEN")
    reading = await api_keys.create(planted.ports, ana, place, "reports", [Permission.ANALYTICS_READ], None)
    answer = await client.get(
        PATH, params=asked(planted.house), headers={"Authorization": f"Bearer {reading.secret.text}"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"workspace": "?"},
        {"platform": "MYSPACE"},
        {"since": "yesterday", "until": "2026-03-01"},
        {"since": "2026-03-01"},
        {"since": "2026-03-02", "until": "2026-03-01"},
        {"since": "2024-01-01", "until": "2026-03-01"},
    ],
)
async def test_what_makes_no_sense_is_refused_before_the_file_begins(
    client: httpx.AsyncClient, planted: Planted, wrong: dict[str, str]
) -> None:
    headers = await token(planted)
    assert await refused(client, headers, {**asked(planted.house), **wrong}) == (400, "INVALID_INPUT")
