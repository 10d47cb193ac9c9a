"""Making plans against both databases: one a day, what is held back and why, what an older plan leaves behind."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from domain.ad_accounts import AdAccount
from domain.adjustments import AdjustmentStatus
from domain.currencies import Rate
from domain.errors import NotFound
from domain.plans import Plan
from domain.platforms import BudgetType, CampaignStatus, Platform, PlatformAccount
from domain.rebalancing import propose_plan
from domain.recommendations import Choice, Recommendation, RecommendationStatus
from domain.workspaces import Workspace
from kit.ids import new_id
from kit.time import FixedClock
from models import campaigns, currency_rates, daily_metrics, log, members, recommendations, tenants
from models import plans as stored_plans
from services import ad_accounts
from services import plans as service
from services import recommendations as decisions
from services.metric_imports import import_file
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration.fake_platform import FakePlatform, campaign, days_of
from tests.integration.test_metric_imports import profile
from tests.integration.test_sync import ANA

TODAY = NOON.date()
CEILINGS = {1: 900.0, 2: 250.0, 3: 700.0, 4: 180.0}


@dataclass
class Place:
    """A workspace of its own (no plan yet) with one Meta account of four campaigns and 60 days."""

    ports: Ports
    house: House
    workspace: Workspace
    meta: FakePlatform
    account: AdAccount
    clock: FixedClock
    ana: Viewer

    @property
    def scope(self):
        return self.ports.database.read(self.house.tenant_id)

    async def sync(self) -> None:
        synced = await ad_accounts.sync(self.ports, self.house.tenant_id, self.account.id)
        assert synced.sync_error is None

    async def propose(self, *, force: bool = False) -> Plan | None:
        return await service.propose(self.ports, self.house.tenant_id, self.workspace.id, force=force)

    async def made(self, *, force: bool = False) -> Plan:
        plan = await self.propose(force=force)
        assert plan is not None
        assert await stored_plans.newest_plan(self.scope, self.workspace.id) == plan
        return plan

    async def open_now(self) -> dict[str, Recommendation]:
        found = await recommendations.open_recommendations(self.scope, self.workspace.id)
        return {each.campaign_name: each for each in found}

    async def approve(self, *wanted: Recommendation) -> list[decisions.Decided]:
        items = [decisions.Decision(r.id, r.version, Choice.APPROVE, None, str(r.id)) for r in wanted]
        decided = await decisions.decide(self.ports, self.ana, items)
        found = [each for each in decided if isinstance(each, decisions.Decided)]
        assert len(found) == len(wanted)
        return found

    async def change(self, **changes: object) -> None:
        current = await tenants.workspace(self.scope, self.workspace.id)
        async with self.ports.database.write(self.house.tenant_id) as scope:
            assert await tenants.store_workspace(scope, replace(current, version=current.version + 1, **changes))


def reasons(plan: Plan) -> dict[str, tuple[str, str]]:
    return {each.campaign_name: (each.code, each.explanation) for each in plan.skipped}


@pytest.fixture
async def place(ports: Ports, house: House, clock: FixedClock) -> Place:
    workspace = Workspace(new_id(), house.tenant_id, "Shop", "USD", "America/New_York", "12:00", 0, 0.3, True, 1)
    async with ports.database.write(house.tenant_id) as scope:
        await tenants.add_workspace(scope, workspace)
        await members.add_membership(scope, workspace.id, house.owner_id, ("owner", "reviewer"))
    meta = FakePlatform(
        campaigns=[campaign(n) for n in CEILINGS],
        days=[row for n, ceiling in CEILINGS.items() for row in days_of(n, TODAY, 60, ceiling=ceiling)],
    )
    ports.platforms[Platform.META] = meta
    account = await ad_accounts.connect(ports, house.tenant_id, workspace.id, Platform.META, "1", ANA)
    made = Place(ports, house, workspace, meta, account, clock, await viewer_of(ports, house, house.owner_id))
    await made.sync()
    return made


@pytest.mark.req("RB-F1", "RB-1.4")
async def test_a_plan_is_stored_with_its_recommendations_and_events(place: Place) -> None:
    seen = (await log.head(place.scope))[0]
    plan = await place.made()
    found = await place.open_now()
    assert set(found) == {f"Campaign {n}" for n in CEILINGS}
    ups = {name for name, each in found.items() if each.delta_micros > 0}
    assert ups == {"Campaign 1", "Campaign 3"}
    assert sum(each.delta_reporting_micros for each in found.values()) == -plan.unallocated_micros == 0
    for each in found.values():
        assert (each.plan_id, each.status, each.version, each.created_at_utc) == (
            plan.id,
            RecommendationStatus.NEEDS_REVIEW,
            1,
            NOON,
        )
        assert each.suggested_micros == each.proposed_micros
        assert (each.current_micros, each.currency_code, each.rate_to_reporting) == (100_000_000, "USD", Decimal(1))
    assert (plan.proposer, plan.currency_code, plan.version) == ("rebalancer", "USD", 1)
    # Noon in New York is 16:00 UTC, exactly the four hours away that a reviewer gets at least.
    assert plan.expires_at_utc == datetime(2026, 3, 10, 16, tzinfo=UTC)
    assert {each.expires_at_utc for each in found.values()} == {plan.expires_at_utc}
    events = await log.events_after(place.scope, seen, 100)
    assert [e.entry.kind for e in events] == ["plan.proposed"] + ["recommendation.suggested"] * 4
    assert {(e.entry.actor_id, e.entry.at_utc) for e in events} == {("rebalancer", NOON)}


CURVE = """query ($id: ID!) { recommendation(id: $id) {
  currentBudget { amount } suggestedBudget { amount } roasNow
  responseCurve { evidenceShare seenHigh { amount currency } points { budget { amount } revenueLow { amount } revenue { amount } revenueHigh { amount } } }
} }"""


async def test_the_curve_behind_a_recommendation_is_kept_and_what_has_none_says_so(place: Place) -> None:
    await place.made()
    for each in (await place.open_now()).values():
        asked = await execute(place.ports, place.ana, CURVE, {"id": global_id("Recommendation", each.id)})
        found = asked["data"]["recommendation"]
        points = {point["budget"]["amount"]: point for point in found["responseCurve"]["points"]}
        now = points[found["currentBudget"]["amount"]]
        assert float(now["revenue"]["amount"]) == pytest.approx(found["roasNow"] * 100, abs=0.01)
        assert (
            float(now["revenueLow"]["amount"]) < float(now["revenue"]["amount"]) < float(now["revenueHigh"]["amount"])
        )
        assert found["suggestedBudget"]["amount"] in points
        assert found["responseCurve"]["seenHigh"]["currency"] == "USD"
    of_nobodys_curve = global_id("Recommendation", place.house.recommendations[0].id)
    asked = await execute(place.ports, place.ana, CURVE, {"id": of_nobodys_curve})
    assert asked["data"]["recommendation"]["responseCurve"] is None


async def test_a_plan_made_too_late_for_todays_deadline_expires_at_tomorrows(place: Place) -> None:
    place.clock.advance(timedelta(seconds=1))
    assert (await place.made()).expires_at_utc == datetime(2026, 3, 11, 16, tzinfo=UTC)


async def test_a_day_of_the_workspaces_zone_gets_one_plan_unless_forced(place: Place) -> None:
    first = await place.made()
    place.clock.advance(timedelta(hours=15, minutes=59))  # 23:59 in New York
    assert await place.propose() is None
    forced = await place.made(force=True)
    assert forced.id != first.id
    place.clock.advance(timedelta(minutes=1))
    assert (await place.made()).id not in {first.id, forced.id}
    assert await place.propose() is None


async def test_two_workers_make_one_plan(place: Place) -> None:
    made = await asyncio.gather(*(place.propose() for _ in range(4)))
    assert sum(plan is not None for plan in made) == 1
    kinds = [e.entry.kind for e in await log.events_after(place.scope, 0, 1_000)]
    assert kinds.count("plan.proposed") == 1
    assert kinds.count("recommendation.suggested") == 4


async def test_a_new_plan_supersedes_what_is_open_and_keeps_what_was_decided(place: Place) -> None:
    await place.made()
    first = await place.open_now()
    [approved] = await place.approve(first["Campaign 2"])
    await place.made(force=True)
    old = await recommendations.recommendations_by_id(place.scope, [each.id for each in first.values()])
    assert {each.campaign_name: each.status for each in old.values()} == {
        "Campaign 1": RecommendationStatus.SUPERSEDED,
        "Campaign 2": RecommendationStatus.APPROVED,
        "Campaign 3": RecommendationStatus.SUPERSEDED,
        "Campaign 4": RecommendationStatus.SUPERSEDED,
    }
    assert approved.adjustment is not None
    assert approved.adjustment.status is AdjustmentStatus.PENDING


async def test_a_budget_with_an_approved_change_on_its_way_is_left_alone(place: Place) -> None:
    await place.made()
    await place.approve((await place.open_now())["Campaign 2"])
    plan = await place.made(force=True)
    assert "Campaign 2" not in await place.open_now()
    assert reasons(plan)["Campaign 2"] == (
        "FROZEN",
        "Campaign 2 stays as it is: an approved change of it is still on its way.",
    )


async def test_what_is_approved_while_a_plan_is_thought_out_is_not_proposed_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.made()
    cut = (await place.open_now())["Campaign 2"]
    loop, thoughts = asyncio.get_running_loop(), []

    def think(*arguments: object):
        if not thoughts:
            asyncio.run_coroutine_threadsafe(place.approve(cut), loop).result(10)
        thoughts.append(arguments)
        return propose_plan(*arguments)

    monkeypatch.setattr(service, "propose_plan", think)
    plan = await place.made(force=True)
    assert len(thoughts) == 2
    assert "Campaign 2" not in await place.open_now()
    assert reasons(plan)["Campaign 2"][0] == "FROZEN"


@pytest.mark.req("RB-1.3")
async def test_a_rejected_direction_is_held_for_the_day_and_as_long_as_the_workspace_sets(place: Place) -> None:
    await place.made()
    rise = (await place.open_now())["Campaign 1"]
    await decisions.reject(place.ports, place.ana, rise.id, rise.version, "no", "k")
    plan = await place.made(force=True)
    assert "Campaign 1" not in await place.open_now()
    assert reasons(plan)["Campaign 1"][0] in {"DIRECTION_BLOCKED", "NO_ROOM"}
    await place.change(rejection_hold_days=1)
    place.clock.advance(timedelta(days=1))
    await place.sync()
    await place.made()
    assert "Campaign 1" not in await place.open_now()
    place.clock.advance(timedelta(days=1))
    await place.sync()
    await place.made()
    assert "Campaign 1" in await place.open_now()


async def test_a_budget_rejected_both_ways_stands_still(place: Place) -> None:
    await place.made()
    rise = (await place.open_now())["Campaign 1"]
    down = replace(rise, id=new_id(), suggested_micros=rise.current_micros - 10_000)
    async with place.ports.database.write(place.house.tenant_id) as scope:
        await recommendations.add_recommendations(scope, [down])
    for each in (rise, down):
        await decisions.reject(place.ports, place.ana, each.id, 1, "no", str(each.id))
    plan = await place.made(force=True)
    assert reasons(plan)["Campaign 1"] == (
        "FROZEN",
        "Campaign 1 stays as it is: reviewers rejected changes in both directions in this period.",
    )


@pytest.mark.req("RB-E1")
async def test_under_seven_days_nothing_is_proposed_and_the_plan_says_why(
    ports: Ports, house: House, place: Place
) -> None:
    place.meta.account = PlatformAccount("2", "Young", "USD", "America/New_York")
    place.meta.campaigns = [campaign(n) for n in CEILINGS]
    place.meta.days = [row for n in CEILINGS for row in days_of(n, TODAY - timedelta(days=1), 6)]
    workspace = replace(place.workspace, id=new_id())
    async with ports.database.write(house.tenant_id) as scope:
        await tenants.add_workspace(scope, workspace)
    account = await ad_accounts.connect(ports, house.tenant_id, workspace.id, Platform.META, "2", ANA)
    await ad_accounts.sync(ports, house.tenant_id, account.id)
    plan = await service.propose(ports, house.tenant_id, workspace.id)
    assert plan is not None
    assert plan.explanation == "No change: 4 with too little history."
    assert {each.code for each in plan.skipped} == {"INSUFFICIENT_HISTORY"}
    assert reasons(plan)["Campaign 1"][1] == (
        "Campaign 1 has 6 complete days with spend; suggestions start at 7. "
        "Until then its budget stays as it is and out of the plan."
    )
    assert await recommendations.open_recommendations(place.scope, workspace.id) == []


async def test_paused_removed_lifetime_and_imported_campaigns_are_not_proposed(place: Place) -> None:
    place.meta.campaigns = [
        campaign(1, status=CampaignStatus.PAUSED),
        campaign(2, budget_type=BudgetType.LIFETIME),
        campaign(3),
        campaign(5, status=CampaignStatus.PAUSED, budget_external_id="b3"),
    ]  # campaign 4 is removed
    await place.sync()
    lines = ["day,id,name,cost,value,margin,conv\n", "2026-03-01,file,From a file,10,30,,1\n"]
    await import_file(place.ports, place.ana, place.workspace.id, lines, profile())
    plan = await place.made()
    assert {name: code for name, (code, _) in reasons(plan).items()} == {
        "Campaign 1": "FROZEN",
        "Campaign 2": "NOT_DAILY",
        "Campaign 3 + Campaign 5": "NO_COUNTERPART",
    }
    assert reasons(plan)["Campaign 1"][1] == "Campaign 1 stays as it is: it is paused."
    assert await place.open_now() == {}


async def test_campaigns_of_one_budget_are_weighed_as_one(place: Place) -> None:
    place.meta.campaigns = [
        campaign(1, 300_000_000),
        campaign(2),
        campaign(3, 300_000_000, budget_external_id="b1"),
        campaign(4, 300_000_000, budget_external_id="b1"),
    ]
    await place.sync()
    plan = await place.made()
    known = await campaigns.account_campaigns(place.scope, place.account.id)
    shared = (await place.open_now())["Campaign 1 + 2 more"]
    assert (shared.campaign_id, shared.budget_id) == (known["c1"].id, known["c1"].budget_id)
    assert known["c3"].budget_id == known["c4"].budget_id == shared.budget_id
    assert plan.skipped == ()
    # The three spend 300 together and earn half of their ceilings.
    assert shared.current_micros == 300_000_000
    assert shared.roas_now == pytest.approx((900 + 700 + 180) / 2 / 300, rel=0.05)


async def test_an_account_not_synced_for_a_day_is_left_alone(place: Place) -> None:
    place.clock.advance(timedelta(hours=24, seconds=1))
    plan = await place.made()
    assert {each.code for each in plan.skipped} == {"FROZEN"}
    assert reasons(plan)["Campaign 3"][1] == (
        "Campaign 3 stays as it is: its account was not synced in the last 24 hours."
    )


async def test_a_currency_without_a_rate_is_left_out_and_with_one_adds_up(place: Place) -> None:
    euro = FakePlatform(
        Platform.GOOGLE,
        PlatformAccount("9", "EU", "EUR", "Europe/Berlin"),
        [campaign(7)],
        days_of(7, TODAY, 60, ceiling=900.0),
    )
    place.ports.platforms[Platform.GOOGLE] = euro
    rate = Rate(date(2026, 3, 11), "EUR", "USD", Decimal("1.1"), "test")
    async with place.ports.database.write(place.house.tenant_id) as scope:
        await currency_rates.replace_rates(scope, [replace(rate, day=date(2025, 1, 1))])
    account = await ad_accounts.connect(
        place.ports, place.house.tenant_id, place.workspace.id, Platform.GOOGLE, "9", ANA
    )
    await ad_accounts.sync(place.ports, place.house.tenant_id, account.id)
    plan = await place.made()
    found = await place.open_now()
    assert (found["Campaign 7"].currency_code, found["Campaign 7"].rate_to_reporting) == ("EUR", Decimal("1.1"))
    assert found["Campaign 7"].platform is Platform.GOOGLE
    total = sum(each.delta_reporting_micros for each in found.values())
    assert 0 <= plan.unallocated_micros == -total < 20_000
    await place.change(reporting_currency="GBP")
    plan = await place.made(force=True)
    assert {each.code for each in plan.skipped} == {"NO_RATE"}
    assert reasons(plan)["Campaign 7"][1] == ("Campaign 7 cannot be compared in GBP: no rate from EUR to GBP.")


async def test_the_largest_change_is_the_workspaces(place: Place) -> None:
    await place.change(max_change_share=0.1)
    await place.made()
    assert {abs(each.delta_micros) for each in (await place.open_now()).values()} == {10_000_000}


async def test_a_product_margin_turns_money_to_what_keeps_more(place: Place) -> None:
    """Campaign 1 earns the most revenue and keeps almost nothing of it."""
    known = await campaigns.account_campaigns(place.scope, place.account.id)
    async with place.ports.database.write(place.house.tenant_id) as scope:
        for key, margin in {"c1": "0.02", "c2": "0.6", "c3": "0.6", "c4": "0.6"}.items():
            await campaigns.store_campaign(scope, replace(known[key], product_margin=Decimal(margin)))
    await place.made()
    found = await place.open_now()
    assert found["Campaign 1"].delta_micros < 0
    assert found["Campaign 3"].delta_micros > 0


async def test_days_without_known_revenue_do_not_count_as_days_without_revenue(place: Place) -> None:
    known = await campaigns.account_campaigns(place.scope, place.account.id)
    days = await daily_metrics.days_since(place.scope, [known["c1"].id], date(2026, 1, 1), TODAY)
    async with place.ports.database.write(place.house.tenant_id) as scope:
        await daily_metrics.replace_days(scope, [replace(day, revenue_micros=None) for day in days])
    plan = await place.made()
    assert reasons(plan)["Campaign 1"][0] == "INSUFFICIENT_HISTORY"


async def test_a_workspace_without_budgets_gets_no_plan(ports: Ports, house: House, other_house: House) -> None:
    empty = Workspace(new_id(), house.tenant_id, "Empty", "USD", "UTC", "12:00", 0, 0.3, True, 1)
    async with ports.database.write(house.tenant_id) as scope:
        await tenants.add_workspace(scope, empty)
    assert await service.propose(ports, house.tenant_id, empty.id) is None
    with pytest.raises(NotFound):
        await service.propose(ports, house.tenant_id, other_house.workspace.id)
