"""Workspaces over GraphQL on both databases: the review page's facts, who sees them, and changing settings."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.ad_accounts import AdAccount
from domain.campaigns import Budget, Campaign, CampaignDay
from domain.plans import SkippedBudget
from domain.platforms import BudgetType, CampaignStatus, Platform
from kit.ids import new_id
from kit.time import FixedClock
from models import ad_accounts, campaigns, daily_metrics, log, members, plans, tenants
from services import recommendations as decisions
from services.ports import Ports
from services.viewers import Viewer, look_up
from tests.conftest import NOON, House, principal_of, viewer_of
from tests.graphql_client import execute, global_id

REVIEW_PAGE = """query ($id: ID!) { workspace(id: $id) {
  name version reportingCurrency timeZone dailyDeadline reviewDeadline rejectionHoldDays maxChangeShare dispatchImmediately
  reviewProgress { deadline total decidedInTime waiting shareDecidedInTime }
  platformSummary { platform dailyBudget { amount currency } proposedDelta { amount currency }
    expectedRevenueChange { amount } openRecommendations spend { amount currency } revenue { amount } roas rationale }
  latestPlan { explanation skipped { campaignName code explanation campaign { name } } }
  adAccounts(first: 5) { nodes { name } } campaigns(first: 2) { nodes { name } pageInfo { hasNextPage } }
  recommendations(first: 5, statuses: [NEEDS_REVIEW], platform: META) { nodes { campaignName } }
  adjustments(first: 5) { nodes { status } }
} }"""


async def review_page(ports: Ports, viewer: Viewer, house: House) -> dict[str, Any]:
    return await execute(ports, viewer, REVIEW_PAGE, {"id": global_id("Workspace", house.workspace.id)})


def day(campaign_id: UUID, on: date, spend: int, revenue: int | None, rate: str = "1") -> CampaignDay:
    return CampaignDay(
        new_id(), campaign_id, on, 100, 10, Decimal(1), spend * 1_000_000,
        None if revenue is None else revenue * 1_000_000, None, Decimal(rate),
    )  # fmt: skip


async def somebody(ports: Ports, house: House, *roles: str) -> Viewer:
    """A new member with these roles in the house's workspace."""
    user_id = new_id()
    async with ports.database.write(house.tenant_id) as scope:
        await members.add_user(scope, user_id, f"{user_id}@acme.test", "Somebody", "!", NOON)
        await members.add_membership(scope, house.workspace.id, user_id, roles)
    return await look_up(ports, principal_of(house.tenant_id, user_id))


@pytest.mark.req("RB-1.1")
async def test_each_platform_shows_its_delta_its_results_and_the_reason_for_each_action(
    ports: Ports, house: House
) -> None:
    """The account's zone is New York, where it is 10 March: complete days are 3 to 9 March."""
    google = AdAccount(
        new_id(), house.tenant_id, house.workspace.id, Platform.GOOGLE, "g", "Google", "EUR", "UTC", None, None
    )
    budget = Budget(new_id(), house.tenant_id, house.workspace.id, google.id, "gb", BudgetType.DAILY, 50_000_000, NOON)
    lifetime = replace(budget, id=new_id(), external_id="gl", budget_type=BudgetType.LIFETIME)
    search = Campaign(
        new_id(),
        house.tenant_id,
        house.workspace.id,
        google.id,
        budget.id,
        "gc",
        "Search",
        CampaignStatus.ENABLED,
        None,
    )
    other = replace(search, id=new_id(), external_id="gl", budget_id=lifetime.id)
    first, second = house.campaigns[:2]
    stored = [
        day(first.id, date(2026, 3, 2), 1_000, 1_000),  # eight days ago
        day(first.id, date(2026, 3, 3), 10, 30),
        day(first.id, date(2026, 3, 9), 20, 30),
        day(second.id, date(2026, 3, 9), 40, None),  # no revenue told: not in the ratio
        day(first.id, date(2026, 3, 10), 1_000, 1_000),  # today is not over
        day(search.id, date(2026, 3, 8), 10, 20, "1.1"),
        day(search.id, date(2026, 3, 9), 10, 20, "1.2"),
    ]
    async with ports.database.write(house.tenant_id) as scope:
        await ad_accounts.add_ad_account(scope, google)
        await campaigns.add_budgets(scope, [budget, lifetime])
        await campaigns.add_campaigns(scope, [search, other])
        await campaigns.store_campaign(scope, replace(house.campaigns[3], status=CampaignStatus.PAUSED))
        await daily_metrics.replace_days(scope, stored)
    ana = await viewer_of(ports, house, house.owner_id)
    await decisions.reject(ports, ana, house.recommendations[1].id, 1, "no", "k")

    found = await review_page(ports, ana, house)

    assert "errors" not in found
    assert found["data"]["workspace"]["platformSummary"] == [
        {
            "platform": "META",
            "dailyBudget": {"amount": "300.00", "currency": "USD"},
            "proposedDelta": {"amount": "20.00", "currency": "USD"},
            "expectedRevenueChange": {"amount": "3.00"},
            "openRecommendations": 3,
            "spend": {"amount": "70.00", "currency": "USD"},
            "revenue": {"amount": "60.00"},
            "roas": 2.0,
            "rationale": [
                "acme 3: +25.00 USD a day. because",
                "acme 0: -10.00 USD a day. because",
                "acme 2: +5.00 USD a day. because",
            ],
        },
        {
            "platform": "GOOGLE",
            "dailyBudget": {"amount": "60.00", "currency": "USD"},  # 50 euros at the newest day's 1.2
            "proposedDelta": {"amount": "0.00", "currency": "USD"},
            "expectedRevenueChange": {"amount": "0.00"},
            "openRecommendations": 0,
            "spend": {"amount": "23.00", "currency": "USD"},
            "revenue": {"amount": "46.00"},
            "roas": 2.0,
            "rationale": [],
        },
    ]


async def test_a_budget_without_a_known_rate_is_not_guessed(ports: Ports, house: House) -> None:
    google = AdAccount(
        new_id(), house.tenant_id, house.workspace.id, Platform.GOOGLE, "g", "Google", "EUR", "UTC", None, None
    )
    async with ports.database.write(house.tenant_id) as scope:
        await ad_accounts.add_ad_account(scope, google)
    ana = await viewer_of(ports, house, house.owner_id)
    meta, other = (await review_page(ports, ana, house))["data"]["workspace"]["platformSummary"]
    assert (meta["dailyBudget"]["amount"], meta["revenue"], meta["roas"]) == ("400.00", None, None)
    assert (other["platform"], other["dailyBudget"], other["spend"]["amount"]) == ("GOOGLE", None, "0.00")


@pytest.mark.req("RB-1.4")
async def test_the_deadline_and_the_share_decided_in_time(ports: Ports, house: House, clock: FixedClock) -> None:
    """Noon in New York, where clocks changed two days before, is 16:00 UTC."""
    ana = await viewer_of(ports, house, house.owner_id)
    cut, other, third, _ = house.recommendations
    await decisions.approve(ports, ana, cut.id, 1, "a")
    await decisions.reject(ports, ana, other.id, 1, "no", "b")
    before = (await review_page(ports, ana, house))["data"]["workspace"]
    assert (before["dailyDeadline"], before["reviewDeadline"]) == ("12:00", "2026-03-10T16:00:00.000000Z")
    assert before["reviewProgress"] == {
        "deadline": "2026-03-10T16:00:00.000000Z",
        "total": 4,
        "decidedInTime": 2,
        "waiting": 2,
        "shareDecidedInTime": 0.5,
    }
    clock.advance(timedelta(hours=5))
    await decisions.reject(ports, ana, third.id, 1, "too late to count", "c")
    after = (await review_page(ports, ana, house))["data"]["workspace"]
    assert after["reviewDeadline"] == "2026-03-11T16:00:00.000000Z"
    assert after["reviewProgress"]["decidedInTime"] == 2
    assert (after["reviewProgress"]["total"], after["reviewProgress"]["waiting"]) == (4, 1)
    clock.advance(timedelta(days=1))
    tomorrow = (await review_page(ports, ana, house))["data"]["workspace"]["reviewProgress"]
    assert (tomorrow["total"], tomorrow["shareDecidedInTime"]) == (0, None)


@pytest.mark.req("RB-E1")
async def test_the_view_says_why_there_is_no_proposal(ports: Ports, house: House) -> None:
    skipped = SkippedBudget(
        house.campaigns[0].id, "acme 0", "INSUFFICIENT_HISTORY", "Only 3 days of data; 7 are needed."
    )
    newer = replace(house.plan, id=new_id(), explanation="Nothing to move yet.", skipped=(skipped,))
    async with ports.database.write(house.tenant_id) as scope:
        await plans.add_plan(scope, newer)
    ana = await viewer_of(ports, house, house.owner_id)
    found = await review_page(ports, ana, house)
    assert found["data"]["workspace"]["latestPlan"] == {
        "explanation": "Nothing to move yet.",
        "skipped": [
            {
                "campaignName": "acme 0",
                "code": "INSUFFICIENT_HISTORY",
                "explanation": "Only 3 days of data; 7 are needed.",
                "campaign": {"name": "acme 0"},
            }
        ],
    }


@pytest.mark.parametrize(
    "roles", [("owner",), ("reviewer",), ("campaign_manager",), ("data_analyst",), ("finance",)], ids=str
)
async def test_who_works_with_budgets_sees_the_whole_review_page(
    ports: Ports, house: House, roles: tuple[str, ...]
) -> None:
    found = await review_page(ports, await somebody(ports, house, *roles), house)
    assert "errors" not in found
    shown = found["data"]["workspace"]
    assert [each["name"] for each in shown["campaigns"]["nodes"]] == ["acme 0", "acme 1"]
    assert shown["campaigns"]["pageInfo"] == {"hasNextPage": True}
    assert [each["campaignName"] for each in shown["recommendations"]["nodes"]] == [f"acme {n}" for n in (3, 2, 1, 0)]
    assert shown["adAccounts"]["nodes"] == [{"name": "acme"}]
    assert shown["adjustments"]["nodes"] == []


async def test_who_may_not_see_campaigns_sees_the_settings_and_nothing_else(ports: Ports, house: House) -> None:
    found = await review_page(ports, await somebody(ports, house, "platform_engineer"), house)
    shown = found["data"]["workspace"]
    hidden = (
        "reviewProgress",
        "platformSummary",
        "latestPlan",
        "adAccounts",
        "campaigns",
        "recommendations",
        "adjustments",
    )
    assert [shown[name] for name in hidden] == [None] * 7
    assert (shown["name"], shown["maxChangeShare"]) == ("acme", 0.3)
    assert {error["extensions"]["code"] for error in found["errors"]} == {"FORBIDDEN"}
    assert sorted(error["path"][1] for error in found["errors"]) == sorted(hidden)


async def test_only_workspaces_one_is_in_are_listed(ports: Ports, house: House) -> None:
    others = [replace(house.workspace, id=new_id(), name=f"other {n}") for n in range(3)]
    chief = new_id()
    async with ports.database.write(house.tenant_id) as scope:
        for each in others:
            await tenants.add_workspace(scope, each)
        await members.add_user(scope, chief, "chief@acme.test", "Chief", "!", NOON)
        await members.add_membership(scope, None, chief, ["owner"])
    document = "query ($first: PageSize, $last: PageSize, $after: Cursor, $before: Cursor) { workspaces(first: $first, last: $last, after: $after, before: $before) { nodes { name } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }"

    async def listed(viewer: Viewer, **paging: object) -> tuple[list[str], dict[str, Any]]:
        page = (await execute(ports, viewer, document, paging))["data"]["workspaces"]
        return [each["name"] for each in page["nodes"]], page["pageInfo"]

    ana = await viewer_of(ports, house, house.owner_id)
    assert (await listed(ana, first=10))[0] == ["acme"]
    wide = await look_up(ports, principal_of(house.tenant_id, chief))
    names, info = await listed(wide, first=3)
    assert (names, info["hasNextPage"]) == (["acme", "other 0", "other 1"], True)
    assert (await listed(wide, first=3, after=info["endCursor"]))[0] == ["other 2"]
    names, info = await listed(wide, last=2)
    assert (names, info["hasPreviousPage"]) == (["other 1", "other 2"], True)
    assert (await listed(wide, last=9, before=info["startCursor"]))[0] == ["acme", "other 0"]
    refused = await execute(ports, wide, document, {})
    assert refused["errors"][0]["extensions"] == {"code": "INVALID_INPUT", "field": ["first"]}


UPDATE = """mutation ($id: ID!, $version: Int!, $change: WorkspaceChangeInput!, $key: String!) {
  workspaceUpdate(id: $id, expectedVersion: $version, change: $change, idempotencyKey: $key) {
    workspace { version name dailyDeadline rejectionHoldDays maxChangeShare dispatchImmediately }
    userErrors { __typename code field message
      ... on WorkspaceVersionConflict { current { version name } changedBy { kind name } changedAt } } } }"""


async def update(ports: Ports, viewer: Viewer, house: House, version: int, change: dict[str, Any], key: str) -> Any:
    variables = {"id": global_id("Workspace", house.workspace.id), "version": version, "change": change, "key": key}
    return (await execute(ports, viewer, UPDATE, variables))["data"]["workspaceUpdate"]


@pytest.mark.req("FR-PLT-005")
async def test_settings_change_once_per_key_and_the_log_says_who(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    change = {
        "name": " Acme Ltd ",
        "dailyDeadline": "9:30",
        "rejectionHoldDays": 2,
        "maxChangeShare": 0.2,
        "dispatchImmediately": False,
    }
    answer = await update(ports, ana, house, 1, change, "k")
    assert answer == {
        "workspace": {
            "version": 2,
            "name": "Acme Ltd",
            "dailyDeadline": "09:30",
            "rejectionHoldDays": 2,
            "maxChangeShare": 0.2,
            "dispatchImmediately": False,
        },
        "userErrors": [],
    }
    assert await update(ports, ana, house, 1, change, "k") == answer
    scope = ports.database.read(house.tenant_id)
    assert (await tenants.workspace(scope, house.workspace.id)).review_deadline == "09:30"
    (event,) = await log.events_after(scope, 0, 10)
    assert (event.entry.kind, event.entry.actor_id) == ("workspace.updated", str(house.owner_id))
    assert event.before is not None
    assert event.after is not None
    assert (event.before["name"], event.after["name"]) == ("acme", "Acme Ltd")


async def test_who_lost_the_race_for_the_settings_learns_who_won(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    await update(ports, ana, house, 1, {"name": "first"}, "a")
    lost = await update(ports, ana, house, 1, {"name": "second"}, "b")
    assert lost == {
        "workspace": None,
        "userErrors": [
            {
                "__typename": "WorkspaceVersionConflict",
                "code": "VERSION_CONFLICT",
                "field": ["expectedVersion"],
                "message": "somebody else changed this workspace first",
                "current": {"version": 2, "name": "first"},
                "changedBy": {"kind": "MEMBER", "name": "Owner of acme"},
                "changedAt": "2026-03-10T12:00:00.000000Z",
            }
        ],
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, ["change"]),
        ({"name": "acme"}, ["change"]),
        ({"name": "  "}, ["change", "name"]),
        ({"dailyDeadline": "25:00"}, ["change", "dailyDeadline"]),
        ({"rejectionHoldDays": 366}, ["change", "rejectionHoldDays"]),
        ({"maxChangeShare": 0}, ["change", "maxChangeShare"]),
        ({"maxChangeShare": 1.01}, ["change", "maxChangeShare"]),
    ],
)
async def test_settings_out_of_range_are_refused_at_their_field(
    ports: Ports, house: House, change: dict[str, Any], field: list[str]
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    answer = await update(ports, ana, house, 1, change, "k")
    assert [(each["code"], each["field"]) for each in answer["userErrors"]] == [("INVALID_INPUT", field)]
    assert await tenants.workspace(ports.database.read(house.tenant_id), house.workspace.id) == house.workspace


@pytest.mark.req("FR-PLT-003")
async def test_settings_take_write_access_to_the_system(ports: Ports, house: House) -> None:
    ben = await viewer_of(ports, house, house.reviewer_id)
    answer = await update(ports, ben, house, 1, {"name": "mine"}, "k")
    assert [each["code"] for each in answer["userErrors"]] == ["FORBIDDEN"]
    assert (await log.head(ports.database.read(house.tenant_id)))[0] == 0
