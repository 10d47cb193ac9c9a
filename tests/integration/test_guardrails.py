"""Guardrails against both databases: who may set them, what they stop when, and what two workers cannot pass together."""

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.access import Permission, Principal, PrincipalKind
from domain.adjustments import Adjustment, AdjustmentStatus, restoring
from domain.automations import AutomationChange
from domain.errors import Forbidden, IdempotencyMismatch, InvalidInput, NotFound, VersionConflict
from domain.guardrails import (
    Guardrail,
    GuardrailBlocked,
    HardLimits,
    RuleSet,
    Scope,
    ScopeKind,
    Settings,
    Thresholds,
)
from domain.platforms import Platform
from kit.ids import new_id
from kit.time import FixedClock
from models import adjustments, guardrails, log, recommendations
from services import api_keys, automations, dispatch, dispatch_steps
from services import guardrails as service
from services import recommendations as decisions
from services.ports import Ports
from services.unit_of_work import begin
from services.verdicts import Sending, reserve
from services.viewers import Viewer, look_up
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration.fake_platform import FakePlatform, campaign

UNIT = 1_000_000
EVERYWHERE = Scope(ScopeKind.WORKSPACE)


def limits(**given: Any) -> Settings:
    return Settings(limits=HardLimits(**given))


@dataclass
class Desk:
    """The house, its platform in memory, and four recommendations: -10, -20, +5 and +25 of 100 a day each."""

    ports: Ports
    house: House
    meta: FakePlatform
    clock: FixedClock
    ana: Viewer

    async def set_(self, settings: Settings, scope: Scope = EVERYWHERE, version: int | None = None) -> RuleSet:
        return await service.set_(self.ports, self.ana, self.house.workspace.id, scope, settings, version, str(uuid4()))

    async def approve(self, *positions: int) -> list[Adjustment]:
        queued = []
        for position in positions:
            one = await decisions.one(self.ports, self.ana, self.house.recommendations[position].id)
            decided = await decisions.approve(self.ports, self.ana, one.id, one.version, str(uuid4()))
            assert decided.adjustment is not None
            queued.append(decided.adjustment)
        return queued

    async def send(self, adjustment: Adjustment) -> Adjustment | None:
        return await dispatch.Dispatcher(self.ports, random.Random(1)).dispatch(self.house.tenant_id, adjustment.id)

    def amounts(self) -> list[int]:
        return [row.daily_budget_micros // UNIT for row in self.meta.campaigns]


@pytest.fixture
async def desk(ports: Ports, house: House, clock: FixedClock) -> Desk:
    meta = FakePlatform(
        campaigns=[
            campaign(n, external_id=c.external_id, name=c.name, budget_external_id=b.external_id)
            for n, (c, b) in enumerate(zip(house.campaigns, house.budgets, strict=True))
        ]
    )
    ports.platforms[Platform.META] = meta
    return Desk(ports, house, meta, clock, await viewer_of(ports, house, house.owner_id))


# --- setting them -----------------------------------------------------------------------------------------------------


@pytest.mark.req("RB-F3")
async def test_what_was_set_is_kept_versioned_and_logged(desk: Desk) -> None:
    settings = Settings(Thresholds(max_change_share=Decimal("0.1")), HardLimits(max_daily_micros=200 * UNIT))
    first = await desk.set_(settings)
    assert (first.version, first.currency_code, first.settings) == (1, "USD", settings)
    second = await desk.set_(limits(max_daily_micros=300 * UNIT), version=1)
    scope = desk.ports.database.read(desk.house.tenant_id)
    assert await guardrails.rule_sets(scope, desk.house.workspace.id) == [second]
    assert (second.id, second.version) == (first.id, 2)
    removed = await service.remove(desk.ports, desk.ana, first.id, 2, "gone")
    assert removed == second
    assert await guardrails.rule_sets(scope, desk.house.workspace.id) == []
    events = await log.events_after(scope, 0, 10)
    assert [(e.entry.kind, e.entry.actor_id) for e in events] == [
        ("guardrail.set", str(desk.house.owner_id)),
        ("guardrail.set", str(desk.house.owner_id)),
        ("guardrail.removed", str(desk.house.owner_id)),
    ]
    assert events[1].before is not None
    assert events[1].before["settings"]["limits"]["max_daily_micros"] == 200 * UNIT


async def test_the_second_of_two_setters_learns_who_was_first(desk: Desk) -> None:
    await desk.set_(limits(max_changes=3))
    for version in (None, 7):
        with pytest.raises(VersionConflict) as lost:
            await desk.set_(limits(max_changes=2), version=version)
        assert (lost.value.current_version, lost.value.changed_by_id) == (1, str(desk.house.owner_id))
    with pytest.raises(NotFound):
        await desk.set_(limits(max_changes=2), Scope(ScopeKind.PLATFORM, "META"), version=1)


async def test_a_key_replays_and_is_refused_with_other_settings(desk: Desk) -> None:
    place = desk.house.workspace.id
    lists = limits(denied_platforms=frozenset({Platform.META, Platform.TIKTOK}))
    first = await service.set_(desk.ports, desk.ana, place, EVERYWHERE, lists, None, "k")
    assert await service.set_(desk.ports, desk.ana, place, EVERYWHERE, lists, None, "k") == first
    with pytest.raises(IdempotencyMismatch):
        await service.set_(desk.ports, desk.ana, place, EVERYWHERE, limits(max_changes=1), None, "k")


async def test_guardrails_take_a_person_who_writes_campaigns_and_settings(desk: Desk) -> None:
    """A reviewer with campaigns alone must not widen what binds reviewers, nor a key what binds automation."""
    house, ports = desk.house, desk.ports
    ben = await viewer_of(ports, house, house.reviewer_id)
    permissions = [Permission.CAMPAIGN_READ, Permission.CAMPAIGN_WRITE, Permission.SYSTEM_WRITE]
    made = await api_keys.create(ports, desk.ana, house.workspace.id, "robot", permissions, None)
    key = made.api_key.id
    scopes = frozenset(each.value for each in permissions)
    robot = await look_up(ports, Principal(PrincipalKind.API_KEY, house.tenant_id, key, key, scopes, None))
    for viewer in (ben, robot, await viewer_of(ports, house, house.analyst_id)):
        with pytest.raises(Forbidden):
            await service.set_(ports, viewer, house.workspace.id, EVERYWHERE, limits(max_changes=9), None, "k")
    assert await guardrails.rule_sets(ports.database.read(house.tenant_id), house.workspace.id) == []


async def test_a_campaigns_amounts_are_in_its_accounts_currency_and_it_must_be_here(
    desk: Desk, other_house: House
) -> None:
    mine = await desk.set_(limits(max_daily_micros=1), Scope(ScopeKind.CAMPAIGN, str(desk.house.campaigns[0].id)))
    assert mine.currency_code == "USD"
    for stranger in (other_house.campaigns[0].id, uuid4()):
        with pytest.raises(NotFound):
            await desk.set_(limits(max_daily_micros=1), Scope(ScopeKind.CAMPAIGN, str(stranger)))
    with pytest.raises(InvalidInput):
        await desk.set_(limits(max_daily_micros=1, min_daily_micros=2))


# --- approving --------------------------------------------------------------------------------------------------------


async def test_a_person_passes_thresholds_and_no_hard_limit(desk: Desk) -> None:
    strict = Thresholds(max_change_share=Decimal("0.01"), min_roas=Decimal(100), min_confidence=Decimal(1))
    await desk.set_(Settings(strict, HardLimits(min_daily_micros=85 * UNIT)))
    await desk.approve(0)  # 90 a day: outside every threshold, inside the floor
    with pytest.raises(GuardrailBlocked) as blocked:
        await desk.approve(1)  # 80 a day
    [violation] = blocked.value.violations
    assert (violation.guardrail, violation.passing_micros) == (Guardrail.MIN_DAILY_BUDGET, 85 * UNIT)
    assert str(blocked.value) == (
        "80.00 USD a day is 5.00 USD below the floor of 85.00 USD; 85.00 USD or more would pass"
    )
    stored = await recommendations.recommendation(
        desk.ports.database.read(desk.house.tenant_id), desk.house.recommendations[1].id
    )
    assert stored == desk.house.recommendations[1]


async def test_approvals_leave_room_for_what_was_approved_before(desk: Desk) -> None:
    await desk.set_(limits(max_account_change_micros=25 * UNIT))
    await desk.approve(1)  # 20 of 25
    with pytest.raises(GuardrailBlocked) as blocked:
        await desk.approve(0)  # 10 more
    assert "5.00 USD above the limit of 25.00 USD" in str(blocked.value)
    await desk.approve(2)  # 5 more


APPROVE = """mutation ($id: ID!, $key: String!) {
  recommendationApprove(id: $id, expectedVersion: 1, idempotencyKey: $key) {
    recommendation { status }
    userErrors {
      __typename code message
      ... on GuardrailBlocked {
        violations { guardrail hard limit actual wouldPass wouldPassBudget { amount currency } message }
      }
    }
  }
}"""


async def test_a_client_is_told_what_would_pass(desk: Desk) -> None:
    await desk.set_(limits(min_daily_micros=85 * UNIT))
    cut = global_id("Recommendation", desk.house.recommendations[1].id)
    answer = await execute(desk.ports, desk.ana, APPROVE, {"id": cut, "key": "k"})
    message = "80.00 USD a day is 5.00 USD below the floor of 85.00 USD; 85.00 USD or more would pass"
    assert answer["data"]["recommendationApprove"] == {
        "recommendation": None,
        "userErrors": [
            {
                "__typename": "GuardrailBlocked",
                "code": "GUARDRAIL_BLOCKED",
                "message": message,
                "violations": [
                    {
                        "guardrail": "MIN_DAILY_BUDGET",
                        "hard": True,
                        "limit": "85.00 USD",
                        "actual": "80.00 USD",
                        "wouldPass": "85.00 USD or more",
                        "wouldPassBudget": {"amount": "85.00", "currency": "USD"},
                        "message": message,
                    }
                ],
            }
        ],
    }


async def test_real_platforms_wait_for_the_owner(desk: Desk) -> None:
    live = replace(desk.ports, live_platforms=frozenset({Platform.META}))
    cut = desk.house.recommendations[0]
    with pytest.raises(GuardrailBlocked, match="live sending is off in this workspace"):
        await decisions.approve(live, desk.ana, cut.id, 1, "a")
    [queued] = await desk.approve(0)  # while the platform was a sandbox
    sent = await dispatch.Dispatcher(live, random.Random(1)).dispatch(desk.house.tenant_id, queued.id)
    assert sent is not None
    assert (sent.status, sent.failure_code) == (AdjustmentStatus.FAILED, "GUARDRAIL")
    assert desk.amounts() == [100, 100, 100, 100]
    switches = AutomationChange(live_sending=True)
    await automations.set_(live, desk.ana, desk.house.workspace.id, 0, switches, "live")
    await decisions.approve(live, desk.ana, desk.house.recommendations[1].id, 1, "b")


# --- sending ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("RB-S2", "AS-04")
async def test_a_limit_that_tightened_after_the_approval_stops_the_sending(desk: Desk) -> None:
    [cut] = await desk.approve(1)
    await desk.set_(limits(min_daily_micros=85 * UNIT))
    failed = await desk.send(cut)
    assert failed is not None
    assert (failed.status, failed.failure_code) == (AdjustmentStatus.FAILED, "GUARDRAIL")
    assert failed.failure_reason == (
        "80.00 USD a day is 5.00 USD below the floor of 85.00 USD; 85.00 USD or more would pass"
    )
    assert desk.meta.calls_of("set_daily_budget") == []
    # What never reached the platform takes no room of the day.
    totals = await guardrails.reserved(
        desk.ports.database.read(desk.house.tenant_id), cut.account_id, cut.budget_id, NOON.date(), uuid4()
    )
    assert (totals.moved_micros, totals.changes) == (0, 0)


@pytest.mark.req("RO-05", "GO-15")
async def test_two_workers_cannot_both_take_the_last_room_of_an_account(desk: Desk) -> None:
    """-10 and -20 were approved while there was no limit; 25 a day leave room for one of them."""
    queued = await desk.approve(0, 1)
    await desk.set_(limits(max_account_change_micros=25 * UNIT))
    sent = [each for each in await asyncio.gather(*map(desk.send, queued)) if each is not None]
    assert sorted(each.status for each in sent) == [AdjustmentStatus.CONFIRMED, AdjustmentStatus.FAILED]
    assert len(desk.meta.calls_of("set_daily_budget")) == 1


async def test_room_is_taken_under_the_accounts_lock_whoever_looks_at_once(desk: Desk) -> None:
    """Both look before either commits: without the lock both would see the room that only one can have."""
    queued = await desk.approve(0, 1)
    await desk.set_(limits(max_account_change_micros=25 * UNIT))

    async def take(sending: Adjustment) -> bool:
        async with begin(desk.ports, desk.house.tenant_id, dispatch_steps.DISPATCHER) as work:
            [refusal] = await reserve(desk.ports, work.scope, [Sending(sending, 100 * UNIT)], work.now_utc)
            await asyncio.sleep(0.1)
        return refusal is None

    assert sum(await asyncio.gather(*map(take, queued))) == 1


@pytest.mark.req("RO-05")
async def test_a_budget_changes_three_times_a_day_and_the_fourth_is_for_a_restore(desk: Desk) -> None:
    scope = desk.ports.database.read(desk.house.tenant_id)
    [first] = await desk.approve(0)
    assert (await desk.send(first)) is not None
    last = await adjustments.adjustment(scope, first.id)
    for amount in (91, 92):
        last = await _another(desk, last, amount)
        done = await desk.send(last)
        assert done is not None
        assert done.status is AdjustmentStatus.CONFIRMED
        last = done
    fourth = await _another(desk, last, 93)
    failed = await desk.send(fourth)
    assert failed is not None
    assert failed.failure_reason is not None
    assert failed.failure_reason.startswith("this budget changed 3 times on this day, and 3 of the 4")
    # Putting back is what the fourth was kept for.
    back = restoring(last, new_id(), str(desk.house.owner_id), "it was wrong", desk.clock.now_utc())
    async with desk.ports.database.write(desk.house.tenant_id) as writing:
        await adjustments.add_adjustment(writing, back)
    restored = await desk.send(back)
    assert restored is not None
    assert restored.status is AdjustmentStatus.CONFIRMED
    assert desk.amounts()[0] == 91
    # Tomorrow, in the account's zone, the count begins anew.
    desk.clock.advance(timedelta(days=1))
    assert (await desk.send(await _another(desk, restored, 95))) is not None
    assert desk.amounts()[0] == 95


async def _another(desk: Desk, last: Adjustment, units: int) -> Adjustment:
    """Another change of the same budget, approved by a person."""
    now_utc = desk.clock.now_utc()
    made = replace(
        last, id=new_id(), status=AdjustmentStatus.PENDING, version=1, before_micros=last.intended_micros,
        intended_micros=units * UNIT, delta_reporting_micros=0, attempts=0, created_at_utc=now_utc,
        not_before_utc=now_utc, lease_token=None, lease_until_utc=None, dispatched_at_utc=None, confirmed_at_utc=None,
        sent_at_utc=None, send_key=None, observed_micros=None, recheck_at_utc=None, restores_id=None,
    )  # fmt: skip
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        await adjustments.add_adjustment(scope, made)
    return made


async def test_a_restore_still_keeps_caps(desk: Desk) -> None:
    [cut] = await desk.approve(1)
    done = await desk.send(cut)
    assert done is not None
    await desk.set_(limits(max_daily_micros=90 * UNIT, max_account_change_micros=0, max_changes=0))
    back = restoring(done, new_id(), str(desk.house.owner_id), "it was wrong", desk.clock.now_utc())
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        await adjustments.add_adjustment(scope, back)
    failed = await desk.send(back)
    assert failed is not None
    assert failed.failure_reason == (
        "100.00 USD a day is 10.00 USD above the cap of 90.00 USD; 90.00 USD or less would pass"
    )


@pytest.mark.req("AS-04")
async def test_an_accounts_budgets_are_capped_together_also_while_changes_are_on_their_way(desk: Desk) -> None:
    """Four budgets of 100 and a cap of 402: the cuts pay for the rise of 25, unless one of them is still to come."""
    await desk.set_(limits(max_account_budget_micros=402 * UNIT))
    cut, big_cut = await desk.approve(0, 1)
    with pytest.raises(GuardrailBlocked, match=r"above the limit of 402\.00 USD"):
        await desk.approve(3)
    assert await desk.send(cut) is not None
    assert await desk.send(big_cut) is not None
    [rise] = await desk.approve(3)
    assert await desk.send(rise) is not None
    assert desk.amounts() == [90, 80, 100, 125]


# --- clients ----------------------------------------------------------------------------------------------------------

SET = """mutation ($ws: ID!, $scope: GuardrailScopeInput!, $change: GuardrailChangeInput!, $v: Int, $key: String!) {
  guardrailSet(workspaceId: $ws, scope: $scope, change: $change, expectedVersion: $v, idempotencyKey: $key) {
    guardrail {
      version currency automationPaused
      scope { kind platform rule campaign { name } }
      thresholds { maxChangeShare maxIncrease { amount currency } activeHours { start end } minConfidence }
      limits { maxDailyBudget { amount } allowedPlatforms deniedPlatforms maxChanges changesDenied }
    }
    userErrors { __typename code field message ... on GuardrailVersionConflict { current { version } } }
  }
}"""
CHANGE = {
    "thresholds": {"maxChangeShare": "0.15", "maxIncrease": "50", "activeHours": {"start": 22, "end": 6}},
    "limits": {"maxDailyBudget": "400", "allowedPlatforms": ["META", "GOOGLE"]},
    "automationPaused": True,
}


@pytest.mark.req("RB-F3")
async def test_clients_set_and_read_guardrails(desk: Desk) -> None:
    place = global_id("Workspace", desk.house.workspace.id)
    given = {"ws": place, "scope": {"rule": "rebalancer"}, "change": CHANGE, "key": "a"}
    answer = await execute(desk.ports, desk.ana, SET, given)
    shown = {
        "version": 1,
        "currency": "USD",
        "automationPaused": True,
        "scope": {"kind": "RULE", "platform": None, "rule": "rebalancer", "campaign": None},
        "thresholds": {
            "maxChangeShare": "0.15",
            "maxIncrease": {"amount": "50.00", "currency": "USD"},
            "activeHours": {"start": 22, "end": 6},
            "minConfidence": None,
        },
        "limits": {
            "maxDailyBudget": {"amount": "400.00"},
            "allowedPlatforms": ["GOOGLE", "META"],
            "deniedPlatforms": [],
            "maxChanges": None,
            "changesDenied": False,
        },
    }
    assert answer["data"]["guardrailSet"] == {"guardrail": shown, "userErrors": []}
    lost = await execute(desk.ports, desk.ana, SET, {**given, "key": "b"})
    [error] = lost["data"]["guardrailSet"]["userErrors"]
    assert (error["__typename"], error["current"]) == ("GuardrailVersionConflict", {"version": 1})
    listed = await execute(
        desk.ports, desk.ana, "query ($ws: ID!) { guardrails(workspaceId: $ws, first: 5) { nodes { id version } } }",
        {"ws": place},
    )  # fmt: skip
    assert [each["version"] for each in listed["data"]["guardrails"]["nodes"]] == [1]


@pytest.mark.parametrize(
    ("scope", "change", "field"),
    [
        ({"rule": "a", "platform": "META"}, {}, ["scope"]),
        ({}, {"limits": {"maxDailyBudget": "1e999"}}, ["change", "limits", "maxDailyBudget"]),
        ({}, {"thresholds": {"minConfidence": "2"}}, ["change", "thresholds", "minConfidence"]),
        ({}, {"limits": {"minDailyBudget": "9", "maxDailyBudget": "8"}}, ["change", "limits", "minDailyBudget"]),
        ({}, {"thresholds": {"activeHours": {"start": 5, "end": 5}}}, ["change", "thresholds", "activeHours"]),
        ({"campaignId": "x"}, {}, ["scope", "campaignId"]),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_field(
    desk: Desk, scope: dict[str, Any], change: dict[str, Any], field: list[str]
) -> None:
    place = global_id("Workspace", desk.house.workspace.id)
    answer = await execute(desk.ports, desk.ana, SET, {"ws": place, "scope": scope, "change": change, "key": "k"})
    [error] = answer["data"]["guardrailSet"]["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_INPUT", field)


PREVIEW = """query ($ws: ID!, $scope: GuardrailScopeInput, $change: GuardrailChangeInput) {
  guardrailPreview(workspaceId: $ws, scope: $scope, change: $change) {
    considered autoApproved needsReview blocked
    items { outcome recommendation { campaignName } violations { guardrail } }
  }
}"""


async def test_a_preview_tells_last_weeks_outcome_and_changes_nothing(desk: Desk) -> None:
    """No history is stored: the rises of +5 and +25 would need people; a cap of 110 blocks the larger one."""
    place = global_id("Workspace", desk.house.workspace.id)
    wide = {"thresholds": {"maxChangeShare": "1", "minRoas": "0", "minConfidence": "0", "minHistoryDays": 0}}
    desk.clock.advance(timedelta(days=6))
    before = await log.head(desk.ports.database.read(desk.house.tenant_id))
    given = {"ws": place, "scope": {}, "change": {**wide, "limits": {"maxDailyBudget": "110"}}}
    found = (await execute(desk.ports, desk.ana, PREVIEW, given))["data"]["guardrailPreview"]
    assert [found[each] for each in ("considered", "autoApproved", "needsReview", "blocked")] == [4, 2, 1, 1]
    assert [(each["outcome"], [v["guardrail"] for v in each["violations"]]) for each in found["items"]] == [
        ("BLOCKED", ["MAX_DAILY_BUDGET", "HISTORY_DAYS"]),
        ("NEEDS_REVIEW", ["HISTORY_DAYS"]),
        ("AUTO_APPROVED", []),
        ("AUTO_APPROVED", []),
    ]
    as_set = (await execute(desk.ports, desk.ana, PREVIEW, {"ws": place}))["data"]["guardrailPreview"]
    assert as_set["autoApproved"] == 0
    assert await log.head(desk.ports.database.read(desk.house.tenant_id)) == before
    desk.clock.advance(timedelta(days=2))
    later = (await execute(desk.ports, desk.ana, PREVIEW, given))["data"]["guardrailPreview"]
    assert later["considered"] == 0
