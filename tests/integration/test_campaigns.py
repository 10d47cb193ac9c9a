"""Campaigns and their metrics over GraphQL on both databases: pages, days, sums, and statements counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest

from domain.campaigns import CampaignDay
from kit.ids import new_id
from models import campaigns, daily_metrics, recommendations
from services.ports import Ports
from services.viewers import Viewer, look_up
from tests.conftest import House, principal_of, viewer_of
from tests.graphql_client import execute, global_id


@contextmanager
def statements(ports: Ports) -> Iterator[list[int]]:
    """Counts the statements of the read connection in its one item."""
    connection = ports.database.system().connection
    counted = [0]
    take = connection.acquire_connection

    def counting() -> Any:
        counted[0] += 1
        return take()

    with patch.object(connection, "acquire_connection", counting):
        yield counted


def days_of(house: House, place: int, since: date, count: int) -> list[CampaignDay]:
    return [
        CampaignDay(
            new_id(), house.campaigns[place].id, since + timedelta(days=n), 100, 10, Decimal("1.5"), 2_500_000,
            None if n == 0 else 5_000_000, None, Decimal(1),
        )
        for n in range(count)
    ]  # fmt: skip


async def store(ports: Ports, house: House, days: list[CampaignDay]) -> None:
    async with ports.database.write(house.tenant_id) as scope:
        await daily_metrics.replace_days(scope, days)


METRICS = """query ($id: ID!, $since: Date, $until: Date) { campaign(id: $id) {
  name status productMargin account { name currency timeZone } budget { dailyBudget { amount currency } account { name } }
  dailyMetrics(since: $since, until: $until) { day impressions clicks conversions spend { amount currency } revenue { amount } roas }
  metricsSummary(since: $since, until: $until) { since until daysWithData impressions clicks conversions spend { amount } revenue { amount } roas }
} }"""


async def metrics(ports: Ports, viewer: Viewer, house: House, **period: str | None) -> dict[str, Any]:
    return await execute(ports, viewer, METRICS, {"id": global_id("Campaign", house.campaigns[0].id), **period})


async def test_a_campaign_shows_the_last_seven_complete_days_unless_asked(ports: Ports, house: House) -> None:
    """It is 10 March in the account's zone: the complete days are 3 to 9 March."""
    await store(ports, house, days_of(house, 0, date(2026, 3, 8), 3))
    ana = await viewer_of(ports, house, house.owner_id)
    found = await metrics(ports, ana, house)
    assert found["data"]["campaign"] == {
        "name": "acme 0",
        "status": "ENABLED",
        "productMargin": None,
        "account": {"name": "acme", "currency": "USD", "timeZone": "America/New_York"},
        "budget": {"dailyBudget": {"amount": "100.00", "currency": "USD"}, "account": {"name": "acme"}},
        "dailyMetrics": [
            {
                "day": "2026-03-08",
                "impressions": 100,
                "clicks": 10,
                "conversions": "1.500000",
                "spend": {"amount": "2.50", "currency": "USD"},
                "revenue": None,
                "roas": None,
            },
            {
                "day": "2026-03-09",
                "impressions": 100,
                "clicks": 10,
                "conversions": "1.500000",
                "spend": {"amount": "2.50", "currency": "USD"},
                "revenue": {"amount": "5.00"},
                "roas": 2.0,
            },
        ],
        "metricsSummary": {
            "since": "2026-03-03",
            "until": "2026-03-09",
            "daysWithData": 2,
            "impressions": 200,
            "clicks": 20,
            "conversions": "3.000000",
            "spend": {"amount": "5.00"},
            "revenue": {"amount": "5.00"},
            "roas": 2.0,  # over the day that told its revenue
        },
    }


async def test_days_asked_for_include_both_ends_up_to_a_year(ports: Ports, house: House) -> None:
    await store(ports, house, days_of(house, 0, date(2025, 1, 1), 370))
    ana = await viewer_of(ports, house, house.owner_id)
    found = (await metrics(ports, ana, house, since="2025-01-02", until="2026-01-02"))["data"]["campaign"]
    shown = [each["day"] for each in found["dailyMetrics"]]
    assert (len(shown), shown[0], shown[-1]) == (366, "2025-01-02", "2026-01-02")
    assert found["metricsSummary"]["daysWithData"] == 366


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        ("2025-01-01", "2026-01-02", "since"),
        ("2026-01-02", "2026-01-01", "until"),
        ("2026-01-02", None, "until"),
        (None, "2026-01-02", "since"),
    ],
)
async def test_a_wrong_stretch_of_days_fails_alone(
    ports: Ports, house: House, since: str | None, until: str | None, field: str
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    found = await metrics(ports, ana, house, since=since, until=until)
    assert found["data"]["campaign"]["name"] == "acme 0"
    assert (found["data"]["campaign"]["dailyMetrics"], found["data"]["campaign"]["metricsSummary"]) == (None, None)
    assert [each["extensions"] for each in found["errors"]] == [{"code": "INVALID_INPUT", "field": [field]}] * 2


async def test_metrics_take_read_access_to_analytics(ports: Ports, house: House) -> None:
    principal = principal_of(house.tenant_id, house.owner_id)
    narrow = replace(principal, scopes=frozenset({"campaign:read"}))
    found = await metrics(ports, await look_up(ports, narrow), house)
    assert found["data"]["campaign"]["name"] == "acme 0"
    assert found["data"]["campaign"]["dailyMetrics"] is None
    assert {each["extensions"]["code"] for each in found["errors"]} == {"FORBIDDEN"}


async def test_campaigns_page_in_both_directions(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    document = """query ($w: ID!, $first: PageSize, $last: PageSize, $after: Cursor) {
      campaigns(workspaceId: $w, first: $first, last: $last, after: $after) {
        edges { cursor node { name } } pageInfo { hasNextPage hasPreviousPage } } }"""
    workspace = global_id("Workspace", house.workspace.id)
    start = (await execute(ports, ana, document, {"w": workspace, "first": 3}))["data"]
    assert [each["node"]["name"] for each in start["campaigns"]["edges"]] == ["acme 0", "acme 1", "acme 2"]
    assert start["campaigns"]["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
    after = start["campaigns"]["edges"][-1]["cursor"]
    rest = (await execute(ports, ana, document, {"w": workspace, "first": 3, "after": after}))["data"]["campaigns"]
    assert [each["node"]["name"] for each in rest["edges"]] == ["acme 3"]
    assert rest["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": True}
    end = (await execute(ports, ana, document, {"w": workspace, "last": 1}))["data"]["campaigns"]
    assert [each["node"]["name"] for each in end["edges"]] == ["acme 3"]


async def test_a_page_and_what_it_refers_to_take_one_statement_each(ports: Ports, house: House) -> None:
    """100 recommendations with their campaigns: two. With metrics of each campaign: accounts and days besides."""
    more = [replace(house.campaigns[0], id=new_id(), external_id=f"more {n}") for n in range(100)]
    proposed = [replace(house.recommendations[0], id=new_id(), campaign_id=each.id) for each in more]
    async with ports.database.write(house.tenant_id) as scope:
        await campaigns.add_campaigns(scope, more)
        await recommendations.add_recommendations(scope, proposed)
    ana = await viewer_of(ports, house, house.owner_id)
    workspace = {"w": global_id("Workspace", house.workspace.id)}
    with statements(ports) as counted:
        found = await execute(
            ports, ana, "query ($w: ID!) { recommendations(workspaceId: $w, first: 100) { nodes { campaign { id } } } }", workspace
        )  # fmt: skip
    nodes = found["data"]["recommendations"]["nodes"]
    assert len({each["campaign"]["id"] for each in nodes}) == 100
    assert counted == [2]
    with statements(ports) as counted:
        await execute(
            ports, ana, "query ($w: ID!) { recommendations(workspaceId: $w, first: 100) { nodes { adjustment { id } plan { id } presences { mode } campaign { dailyMetrics { day } metricsSummary { roas } } } } }", workspace
        )  # fmt: skip
    assert counted == [6]  # recommendations, plans, presences, campaigns, accounts, days


async def test_one_operation_cannot_load_endless_days(ports: Ports, house: House) -> None:
    more = [replace(house.campaigns[0], id=new_id(), external_id=f"more {n}") for n in range(60)]
    async with ports.database.write(house.tenant_id) as scope:
        await campaigns.add_campaigns(scope, more)
    ana = await viewer_of(ports, house, house.owner_id)
    document = """query ($w: ID!, $first: PageSize!) { campaigns(workspaceId: $w, first: $first) { nodes {
      name dailyMetrics(since: "2025-03-01", until: "2026-03-01") { day } } } }"""
    workspace = global_id("Workspace", house.workspace.id)
    fine = await execute(ports, ana, document, {"w": workspace, "first": 50})
    assert "errors" not in fine
    refused = await execute(ports, ana, document, {"w": workspace, "first": 51})
    assert {each["message"] for each in refused["errors"]} == {
        "this operation asks for more than 18300 campaign days; ask for fewer"
    }
    assert [each["dailyMetrics"] for each in refused["data"]["campaigns"]["nodes"]] == [None] * 51
