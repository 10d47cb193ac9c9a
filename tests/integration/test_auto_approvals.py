"""Approving without a person on both databases: what runs alone, in which order, what stays with people and why."""

import random
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.adjustments import AdjustmentStatus
from domain.automations import AutomationChange
from domain.campaigns import CampaignDay
from domain.errors import PlanUnfunded
from domain.guardrails import ActiveHours, Guardrail, HardLimits, Scope, ScopeKind, Settings, Thresholds
from domain.platforms import Platform
from domain.recommendations import Recommendation, RecommendationStatus
from jobs.auto_approve import auto_approve_all
from jobs.dispatch import sweep
from kit.ids import new_id
from kit.time import FixedClock
from models import adjustments, daily_metrics, log, recommendations
from services import auto_approvals, automations, guardrails
from services import recommendations as decisions
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration.fake_platform import FakePlatform, campaign
from tests.integration.test_plans import Place, place  # noqa: F401 - a fixture

UNIT = 1_000_000
#: Lets all four of the house's recommendations pass: -10, -20, +5 and +25 of 100 a day, ROAS 2, confidence 0.9.
WIDE = Thresholds(max_change_share=Decimal("0.3"), min_roas=Decimal(2), min_confidence=Decimal("0.9"))


@dataclass
class Desk:
    """The house with ten days of data, its platform in memory, and auto-approval still off."""

    ports: Ports
    house: House
    meta: FakePlatform
    clock: FixedClock
    ana: Viewer

    async def switch(self, **positions: bool) -> None:
        now = await automations.one(self.ports, self.ana, self.house.workspace.id)
        change = AutomationChange(**positions)
        await automations.set_(self.ports, self.ana, self.house.workspace.id, now.version, change, str(uuid4()))

    async def set_(self, thresholds: Thresholds, limits: HardLimits | None = None, **scope: Any) -> None:
        where = Scope(**scope) if scope else Scope(ScopeKind.WORKSPACE)
        settings = Settings(thresholds, limits or HardLimits())
        place_id = self.house.workspace.id
        await guardrails.set_(self.ports, self.ana, place_id, where, settings, None, str(uuid4()))

    async def run(self) -> int:
        return await auto_approvals.approve_what_may_be(self.ports, self.house.tenant_id, self.house.workspace.id)

    async def now(self) -> list[Recommendation]:
        scope = self.ports.database.read(self.house.tenant_id)
        return [await recommendations.recommendation(scope, each.id) for each in self.house.recommendations]

    async def kinds(self) -> list[tuple[str, str]]:
        events = await log.events_after(self.ports.database.read(self.house.tenant_id), 0, 1_000)
        return [(e.entry.kind, e.entry.actor_id) for e in events]


@pytest.fixture
async def desk(ports: Ports, house: House, clock: FixedClock) -> Desk:
    meta = FakePlatform(
        campaigns=[
            campaign(n, external_id=c.external_id, name=c.name, budget_external_id=b.external_id)
            for n, (c, b) in enumerate(zip(house.campaigns, house.budgets, strict=True))
        ]
    )
    ports.platforms[Platform.META] = meta
    days = [
        CampaignDay(new_id(), each.id, NOON.date() - timedelta(days=back), 2_000, 50, Decimal(5), 100 * UNIT,
                    200 * UNIT, None, Decimal(1))
        for each in house.campaigns
        for back in range(1, 11)
    ]  # fmt: skip
    async with ports.database.write(house.tenant_id) as scope:
        await daily_metrics.replace_days(scope, days)
    return Desk(ports, house, meta, clock, await viewer_of(ports, house, house.owner_id))


async def test_nothing_runs_alone_until_it_is_switched_on(desk: Desk) -> None:
    await desk.set_(WIDE)
    assert await desk.run() == 0
    assert await desk.now() == list(desk.house.recommendations)


@pytest.mark.req("RB-2.1", "RB-K1")
async def test_what_lies_inside_both_kinds_is_approved_and_sent_by_the_system(desk: Desk) -> None:
    await desk.set_(WIDE)
    await desk.switch(auto_approval=True)
    assert await auto_approve_all(desk.ports) == 4
    assert await auto_approve_all(desk.ports) == 0
    for each in await desk.now():
        assert (each.status, each.auto_approved, each.decided_by_id) == (
            RecommendationStatus.APPROVED, True, "auto-approval",
        )  # fmt: skip
    queued = await adjustments.plan_adjustments(desk.ports.database.read(desk.house.tenant_id), desk.house.plan.id)
    assert {(each.auto_approved, each.approved_by_id) for each in queued} == {(True, "auto-approval")}
    # The larger decrease first, then the smaller one, then what they pay for.
    order = [each.delta_reporting_micros // UNIT for each in queued]
    assert order == [-20, -10, 5, 25]
    assert await sweep(desk.ports, random.Random(1)) == 4
    assert [row.daily_budget_micros // UNIT for row in desk.meta.campaigns] == [90, 80, 105, 125]
    mine = [kind for kind, actor in await desk.kinds() if actor == "auto-approval"]
    assert mine == ["adjustment.queued", "recommendation.approved"] * 4


SHOWN = """query ($id: ID!) { recommendation(id: $id) {
  status autoApproved decidedBy { kind name } needsReviewBecause { guardrail hard message }
  adjustment { autoApproved approvedBy { kind name } }
} }"""


@pytest.mark.req("RB-2.1", "RB-2.2")
async def test_clients_see_who_decided_and_what_needs_a_person(desk: Desk) -> None:
    """By the rebalancer's own defaults only the cut of 10 % may run alone, with its confidence asked for less."""
    await desk.set_(Thresholds(min_confidence=Decimal("0.9")))
    await desk.switch(auto_approval=True)
    assert await desk.run() == 1
    ids = [global_id("Recommendation", each.id) for each in desk.house.recommendations]
    first, second, third, _ = [
        (await execute(desk.ports, desk.ana, SHOWN, {"id": each}))["data"]["recommendation"] for each in ids
    ]
    system = {"kind": "SYSTEM", "name": "auto-approval"}
    assert first == {
        "status": "APPROVED",
        "autoApproved": True,
        "decidedBy": system,
        "needsReviewBecause": [],
        "adjustment": {"autoApproved": True, "approvedBy": system},
    }
    assert second == {
        "status": "NEEDS_REVIEW",
        "autoApproved": False,
        "decidedBy": None,
        "needsReviewBecause": [
            {
                "guardrail": "CHANGE_SHARE",
                "hard": False,
                "message": "the change is 20 % of the budget, 10 % above the 10 % that runs alone; "
                "a change of 10.00 USD or less would",
            }
        ],
        "adjustment": None,
    }
    assert [each["guardrail"] for each in third["needsReviewBecause"]] == ["ROAS"]


@pytest.mark.req("RB-2.2")
async def test_what_exceeds_a_guardrail_stays_with_people_who_are_told_once(desk: Desk) -> None:
    await desk.set_(replace(WIDE, max_increase_micros=20 * UNIT), HardLimits(min_daily_micros=85 * UNIT))
    await desk.switch(auto_approval=True)
    assert [await desk.run() for _ in range(3)] == [2, 0, 0]
    small_cut, big_cut, small_rise, big_rise = await desk.now()
    assert (small_cut.status, small_rise.status) == (RecommendationStatus.APPROVED, RecommendationStatus.APPROVED)
    for each, guardrail in ((big_cut, Guardrail.MIN_DAILY_BUDGET), (big_rise, Guardrail.INCREASE_AMOUNT)):
        assert each.status is RecommendationStatus.NEEDS_REVIEW
        assert [violation.guardrail for violation in each.needs_review_because] == [guardrail]
    told = [kind for kind, _ in await desk.kinds() if kind == "recommendation.needs_review"]
    assert len(told) == 2
    # A person passes the threshold.
    ana = desk.ana
    with pytest.raises(PlanUnfunded):
        await decisions.approve(desk.ports, ana, big_rise.id, big_rise.version, "a")


async def test_an_increase_waits_quietly_for_the_decrease_that_a_person_may_still_approve(desk: Desk) -> None:
    await desk.set_(replace(WIDE, max_change_share=Decimal("0.05")))
    await desk.switch(auto_approval=True)
    assert await desk.run() == 0
    small_cut, big_cut, small_rise, _ = await desk.now()
    assert small_rise.needs_review_because == ()
    await decisions.reject(desk.ports, desk.ana, small_cut.id, small_cut.version, "no", "r1")
    assert await desk.run() == 0
    await decisions.approve(desk.ports, desk.ana, big_cut.id, big_cut.version, "a1")
    assert await desk.run() == 1
    assert (await desk.now())[2].auto_approved


async def test_an_increase_that_nothing_pays_for_any_more_needs_a_person(desk: Desk) -> None:
    await desk.set_(replace(WIDE, max_change_share=Decimal("0.05")))
    await desk.switch(auto_approval=True)
    await desk.run()
    for number, each in enumerate((await desk.now())[:2]):
        await decisions.reject(desk.ports, desk.ana, each.id, each.version, "no", f"r{number}")
    assert [await desk.run() for _ in range(2)] == [0, 0]
    [why] = (await desk.now())[2].needs_review_because
    assert (why.guardrail, why.actual) == (Guardrail.FUNDING, "5.00 USD a day short")


@pytest.mark.req("RB-2.1")
async def test_the_kill_switch_stops_approvals_and_what_was_approved_alone(desk: Desk) -> None:
    await desk.set_(WIDE)
    await desk.switch(auto_approval=True)
    assert await desk.run() == 4
    await automations.pause(desk.ports, desk.ana, desk.house.workspace.id, "stop")
    await sweep(desk.ports, random.Random(1))
    assert desk.meta.calls_of("set_daily_budget") == []
    scope = desk.ports.database.read(desk.house.tenant_id)
    sent = await adjustments.plan_adjustments(scope, desk.house.plan.id)
    cuts = [each for each in sent if each.delta_reporting_micros < 0]
    assert {(each.status, each.failure_code) for each in cuts} == {(AdjustmentStatus.FAILED, "GUARDRAIL")}
    assert cuts[0].failure_reason is not None
    assert "automation was paused before it was sent" in cuts[0].failure_reason


async def test_a_rules_kill_switch_stops_that_rule(desk: Desk) -> None:
    await desk.set_(WIDE)
    paused = Settings(automation_paused=True)
    rule = Scope(ScopeKind.RULE, "rebalancer")
    await guardrails.set_(desk.ports, desk.ana, desk.house.workspace.id, rule, paused, None, "pause")
    await desk.switch(auto_approval=True)
    assert await desk.run() == 0
    whys = {violation.guardrail for each in await desk.now() for violation in each.needs_review_because}
    assert whys == {Guardrail.AUTOMATION_PAUSED}


async def test_what_only_waits_for_its_hours_is_approved_when_they_begin(desk: Desk) -> None:
    """Noon UTC is 8:00 in New York; automation begins at 9:00."""
    await desk.set_(replace(WIDE, active_hours=ActiveHours(9, 17)))
    await desk.switch(auto_approval=True)
    assert await desk.run() == 0
    assert "recommendation.needs_review" not in [kind for kind, _ in await desk.kinds()]
    desk.clock.advance(timedelta(hours=1))
    assert await desk.run() == 4


async def test_a_clock_that_jumps_back_approves_nothing_twice(desk: Desk) -> None:
    """The changes of tomorrow have not rested yesterday."""
    await desk.set_(replace(WIDE, cool_down_hours=24))
    await desk.switch(auto_approval=True)
    assert await desk.run() == 4
    await sweep(desk.ports, random.Random(1))
    again = [
        replace(each, id=new_id(), status=RecommendationStatus.NEEDS_REVIEW, version=1, adjustment_id=None)
        for each in desk.house.recommendations
    ]
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        await recommendations.add_recommendations(scope, again)
    desk.clock.advance(-timedelta(hours=36))
    assert await desk.run() == 0


# --- plans ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("RB-2.2")
async def test_a_plan_says_of_each_recommendation_what_keeps_it_from_running_alone(place: Place) -> None:  # noqa: F811
    change = AutomationChange(auto_approval=True)
    await automations.set_(place.ports, place.ana, place.workspace.id, 0, change, "on")
    seen = (await log.head(place.scope))[0]
    await place.made()
    found = (await place.open_now()).values()
    moved = {each.campaign_name: abs(each.delta_micros) / each.current_micros for each in found}
    for each in found:
        whys = {violation.guardrail for violation in each.needs_review_because}
        assert (Guardrail.CHANGE_SHARE in whys) == (moved[each.campaign_name] > 0.1)
    told = [
        e.entry.subject_id
        for e in await log.events_after(place.scope, seen, 100)
        if e.entry.kind == "recommendation.needs_review"
    ]
    assert set(told) == {each.id for each in found if auto_approvals.needs_person(each)}
    assert told


@pytest.mark.req("AS-04", "RB-F3")
async def test_a_plan_stays_inside_the_hard_limits_and_says_what_they_stop(place: Place) -> None:  # noqa: F811
    names = {each.campaign_name: each for each in (await _proposed(place)).values()}
    one = names["Campaign 1"]
    assert one.proposed_micros > 105 * UNIT  # with nothing set it would get more
    cap = Settings(limits=HardLimits(max_daily_micros=105 * UNIT, min_daily_micros=95 * UNIT))
    whole, denied = Scope(ScopeKind.WORKSPACE), Scope(ScopeKind.CAMPAIGN, str(names["Campaign 3"].campaign_id))
    await guardrails.set_(place.ports, place.ana, place.workspace.id, whole, cap, None, "cap")
    still = Settings(limits=HardLimits(changes_denied=True))
    await guardrails.set_(place.ports, place.ana, place.workspace.id, denied, still, None, "denied")
    plan = await place.made(force=True)
    found = await place.open_now()
    assert found
    assert all(95 * UNIT <= each.proposed_micros <= 105 * UNIT for each in found.values())
    assert "Campaign 3" not in found
    [skipped] = [each for each in plan.skipped if each.campaign_name == "Campaign 3"]
    assert (skipped.code, skipped.explanation) == (
        "FROZEN",
        "Campaign 3 stays as it is: changes are denied here; nothing passes until that guardrail is removed.",
    )


async def _proposed(place: Place) -> dict[str, Recommendation]:  # noqa: F811
    await place.made()
    return await place.open_now()
