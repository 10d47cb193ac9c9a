"""Survival row 8: random sequences of people, automation, guardrails and clocks that jump.

Nothing is approved alone outside either kind of guardrail, nothing is sent outside a hard limit. What is allowed is
told again here, by the oracle of the domain's properties and by this test's own books of what was approved and sent.
`make faults` does a hundred times as many, GUARDRAIL_SEQUENCES=10000 the survival table's number.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from domain.adjustments import AdjustmentStatus
from domain.automations import AutomationChange
from domain.campaigns import CampaignDay
from domain.errors import DomainError, InvalidInput
from domain.guardrails import (
    ActiveHours,
    Change,
    ChangeKind,
    Evidence,
    HardLimits,
    RuleSet,
    Scope,
    ScopeKind,
    Settings,
    Standing,
    Subject,
    Thresholds,
)
from domain.plans import Plan
from domain.platforms import Platform
from domain.recommendations import Recommendation, RecommendationStatus
from kit.ids import new_id
from kit.time import FixedClock
from models import adjustments, daily_metrics, guardrails, plans, recommendations
from services import auto_approvals, automations, dispatch
from services import guardrails as service
from services import recommendations as decisions
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import NOON, House, build_house, viewer_of
from tests.faults.harness import size
from tests.integration.fake_platform import FakePlatform, campaign
from tests.unit.domain.guardrails.test_properties import breaks_a_limit, breaks_a_threshold, in_force

SEQUENCES: Final = int(os.environ.get("GUARDRAIL_SEQUENCES", size(8)))
STEPS: Final = 30
UNIT: Final = 1_000_000
ZONE: Final = ZoneInfo("America/New_York")
#: The rebalancer's defaults, told again.
DEFAULTS: Final = {
    "max_change_share": Decimal("0.1"),
    "min_roas": Decimal(3),
    "min_confidence": Decimal("0.95"),
    "min_history_days": 7,
    "max_automatic_changes": 1,
}


def day_of(at_utc: datetime) -> date:
    return at_utc.astimezone(ZONE).date()


@dataclass
class Made:
    """A change that was approved, and when it was sent."""

    id: UUID
    budget_id: UUID
    moved_micros: int
    automatic: bool
    sent_at_utc: datetime | None = None


@dataclass
class World:
    """A house, its platform, the guardrails in force, and the books."""

    ports: Ports
    house: House
    meta: FakePlatform
    clock: FixedClock
    ana: Viewer
    dice: random.Random
    rules: dict[Scope, RuleSet] = field(default_factory=dict)
    made: dict[UUID, Made] = field(default_factory=dict)
    seen: set[UUID] = field(default_factory=set)
    auto: bool = False
    paused: bool = False
    approved_alone: int = 0
    sent: int = 0

    @property
    def scope(self) -> Any:
        return self.ports.database.read(self.house.tenant_id)

    def subject(self, budget_id: UUID) -> Subject:
        ids = frozenset(each.id for each in self.house.campaigns if each.budget_id == budget_id)
        return Subject("rebalancer", Platform.META, ids, "USD", Decimal(1))

    def standing(self, budget_id: UUID, except_id: UUID, *, with_queued: bool) -> tuple[Standing, int]:
        """Of today; and how often automation changed the budget."""
        today = day_of(self.clock.now_utc())
        there = [
            each
            for each in self.made.values()
            if each.id != except_id and (with_queued if each.sent_at_utc is None else day_of(each.sent_at_utc) == today)
        ]
        mine = [each for each in there if each.budget_id == budget_id]
        total = sum(row.daily_budget_micros for row in self.meta.campaigns)
        standing = Standing(len(mine), sum(each.moved_micros for each in there), total, total)
        return standing, sum(each.automatic for each in mine)

    async def before_call(self, name: str) -> None:
        """What is about to be sent keeps every hard limit in force; the platform's call comes right after its intent."""
        if name != "set_daily_budget":
            return
        _, _, external_id, amount = self.meta.calls[-1]
        budget = next(each for each in self.house.budgets if each.external_id == external_id)
        [sending] = [
            each
            for each in await adjustments.budget_adjustments(self.scope, budget.id)
            if each.status is AdjustmentStatus.SENDING
        ]
        before = self.at_platform(budget.id)
        change = Change(ChangeKind.CHANGE, Platform.META, "USD", Decimal(1), before, int(str(amount)), UNIT, 10_000)
        standing, _ = self.standing(budget.id, sending.id, with_queued=False)
        rules = in_force(list(self.rules.values()), self.subject(budget.id))
        assert not breaks_a_limit(rules, self.subject(budget.id), change, standing), (change, standing)
        assert not (sending.auto_approved and (self.paused or any(each.settings.automation_paused for each in rules)))
        self.made[sending.id].sent_at_utc = self.clock.now_utc()
        self.sent += 1

    def at_platform(self, budget_id: UUID) -> int:
        budget = next(each for each in self.house.budgets if each.id == budget_id)
        rows = [row for row in self.meta.campaigns if row.budget_external_id == budget.external_id]
        return rows[0].daily_budget_micros

    # --- steps --------------------------------------------------------------------------------------------------------

    async def propose(self) -> None:
        """A plan of random changes; its deltas count as nothing in it, so that funding, shown elsewhere, stops none."""
        now_utc = self.clock.now_utc()
        open_now = await recommendations.open_recommendations(self.scope, self.house.workspace.id)
        await decisions.close_all(self.ports, self.house.tenant_id, open_now, RecommendationStatus.SUPERSEDED)
        plan = Plan(
            new_id(), self.house.tenant_id, self.house.workspace.id, "rebalancer", now_utc,
            now_utc + timedelta(days=2), "USD", 0, "why", (), 0, 0, 1,
        )  # fmt: skip
        busy = await adjustments.budgets_in_flight(self.scope, self.house.workspace.id)
        made = []
        for template in self.house.recommendations:
            if template.budget_id in busy:
                continue
            now = self.at_platform(template.budget_id)
            wanted = max(now + self.dice.randint(-1_200, 1_200) * 10_000, UNIT)
            made.append(
                replace(
                    template, id=new_id(), plan_id=plan.id, current_micros=now, suggested_micros=wanted,
                    proposed_micros=wanted, delta_reporting_micros=0, created_at_utc=now_utc,
                    expires_at_utc=plan.expires_at_utc, roas_now=self.dice.uniform(1, 6),
                    confidence=self.dice.choice([0.9, 0.96, 0.99]),
                )
            )  # fmt: skip
        async with self.ports.database.write(self.house.tenant_id) as scope:
            await plans.add_plan(scope, plan)
            await recommendations.add_recommendations(scope, made)

    async def set_guardrails(self) -> None:
        dice = self.dice

        def some(value: Any) -> Any:
            return value if dice.random() < 0.35 else None

        scope = dice.choice(
            [
                Scope(ScopeKind.WORKSPACE),
                Scope(ScopeKind.PLATFORM, "META"),
                Scope(ScopeKind.RULE, "rebalancer"),
                Scope(ScopeKind.CAMPAIGN, str(dice.choice(self.house.campaigns).id)),
            ]
        )
        wide = scope.kind is not ScopeKind.CAMPAIGN
        limits = HardLimits(
            max_daily_micros=some(dice.randint(95, 130) * UNIT),
            min_daily_micros=some(dice.randint(70, 94) * UNIT),
            max_account_change_micros=some(dice.randint(0, 60) * UNIT) if wide else None,
            max_account_budget_micros=some(dice.randint(380, 460) * UNIT) if wide else None,
            max_changes=some(dice.randint(1, 6)),
            changes_denied=dice.random() < 0.03,
        )
        thresholds = Thresholds(
            max_change_share=some(Decimal(dice.randint(1, 30)) / 100),
            max_change_micros=some(dice.randint(1, 20) * UNIT),
            max_increase_micros=some(dice.randint(1, 20) * UNIT),
            min_roas=some(Decimal(dice.randint(1, 5))),
            min_confidence=some(Decimal("0.9")),
            cool_down_hours=some(dice.randint(0, 40)),
            active_hours=some(ActiveHours(dice.randint(0, 11), dice.randint(12, 24))),
            max_automatic_changes=some(dice.randint(0, 4)),
        )
        settings = Settings(thresholds, limits, automation_paused=dice.random() < 0.05)
        before = self.rules.get(scope)
        version = None if before is None else before.version
        place = self.house.workspace.id
        self.rules[scope] = await service.set_(self.ports, self.ana, place, scope, settings, version, str(uuid4()))

    async def remove_guardrails(self) -> None:
        if self.rules:
            scope, rules = self.dice.choice(list(self.rules.items()))
            await service.remove(self.ports, self.ana, rules.id, rules.version, str(uuid4()))
            del self.rules[scope]

    async def switch(self) -> None:
        place = self.house.workspace.id
        if not self.paused and self.dice.random() < 0.3:
            await automations.pause(self.ports, self.ana, place, str(uuid4()))
            self.paused = True
            return
        now = await automations.one(self.ports, self.ana, place)
        self.auto, self.paused = self.dice.random() < 0.9, False
        try:
            change = AutomationChange(auto_approval=self.auto, paused=False)
            await automations.set_(self.ports, self.ana, place, now.version, change, str(uuid4()))
        except InvalidInput:
            pass  # they stood like that already

    async def automate(self) -> None:
        await auto_approvals.approve_what_may_be(self.ports, self.house.tenant_id, self.house.workspace.id)
        found = await self._newly_approved()
        assert not found or (self.auto and not self.paused)
        for each, adjustment_id in found:
            assert each.auto_approved
            await self._check_alone(each, adjustment_id)
            self._keep(each, adjustment_id)
            self.approved_alone += 1

    async def decide(self) -> None:
        open_now = await recommendations.open_recommendations(self.scope, self.house.workspace.id)
        if not open_now:
            return
        one = self.dice.choice(open_now)
        try:
            await decisions.approve(self.ports, self.ana, one.id, one.version, str(uuid4()))
        except DomainError:
            assert await self._newly_approved() == []
            return
        [(approved, adjustment_id)] = await self._newly_approved()
        self._keep(approved, adjustment_id)

    async def send(self) -> None:
        moved = True
        while moved:
            due = [each for tenant_id, each in await dispatch.due(self.ports) if tenant_id == self.house.tenant_id]
            sent = [
                await dispatch.Dispatcher(self.ports, random.Random(1)).dispatch(self.house.tenant_id, e) for e in due
            ]
            moved = any(each is not None for each in sent)
        for each in [each for each in self.made.values() if each.sent_at_utc is None]:
            now = await adjustments.adjustment(self.scope, each.id)
            if now.status is AdjustmentStatus.FAILED:
                assert now.failure_code in {"GUARDRAIL", "BUDGET_CHANGED_ELSEWHERE"}
                del self.made[each.id]

    async def jump(self) -> None:
        hours = self.dice.choice([1, 3, 7, 12, 25, 50, 24 * 8, -2, -13, -30])
        self.clock.advance(timedelta(hours=hours, minutes=self.dice.randint(0, 59)))

    # --- the books ----------------------------------------------------------------------------------------------------

    async def _newly_approved(self) -> list[tuple[Recommendation, UUID]]:
        """In the order in which they were queued."""
        page = await guardrails.changes_since(self.scope, self.house.workspace.id, datetime(2020, 1, 1, tzinfo=UTC))
        fresh = [each for each in page if each.id not in self.seen]
        self.seen |= {each.id for each in fresh}
        by_id = await recommendations.recommendations_by_id(self.scope, [each.recommendation_id for each in fresh])
        return [(by_id[each.recommendation_id], each.id) for each in fresh]

    def _keep(self, approved: Recommendation, adjustment_id: UUID) -> None:
        self.made[adjustment_id] = Made(
            adjustment_id, approved.budget_id, abs(approved.delta_micros), approved.auto_approved
        )

    async def _check_alone(self, approved: Recommendation, adjustment_id: UUID) -> None:
        budget_id, now_utc = approved.budget_id, self.clock.now_utc()
        subject = self.subject(budget_id)
        now = self.at_platform(budget_id)
        change = Change(
            ChangeKind.CHANGE, Platform.META, "USD", Decimal(1), now, approved.proposed_micros, UNIT, 10_000
        )
        standing, automatic = self.standing(budget_id, adjustment_id, with_queued=True)
        mine = in_force(list(self.rules.values()), subject)
        assert not breaks_a_limit(mine, subject, change, replace(standing, account_budget_micros=0))
        assert not any(each.settings.automation_paused for each in mine)
        sent = [each.sent_at_utc for each in self.made.values() if each.budget_id == budget_id and each.sent_at_utc]
        evidence = Evidence(
            now_utc=now_utc, time_zone="America/New_York", roas=approved.roas_now, confidence=approved.confidence,
            impressions=0, spend_micros=0, conversions=Decimal(0), history_days=_days_before(now_utc),
            changed_at_utc=max(sent, default=None), automatic_changes_today=automatic,
        )  # fmt: skip
        defaults = RuleSet(
            uuid4(), uuid4(), uuid4(), Scope(ScopeKind.WORKSPACE), "USD", Settings(Thresholds(**DEFAULTS)), 1
        )
        ladder = [defaults, *sorted(mine, key=lambda each: list(ScopeKind).index(each.scope.kind))]
        for place, each in enumerate(ladder):
            own = replace(each.settings.thresholds, **_said_later(ladder[place + 1 :]))
            assert not breaks_a_threshold(own, each, subject, change, evidence), (own, change, evidence)
        assert change.delta_micros <= 0 or evidence.history_days >= 7


def _said_later(narrower: Sequence[RuleSet]) -> dict[str, None]:
    return {
        name: None
        for name in Thresholds.__dataclass_fields__
        if any(getattr(each.settings.thresholds, name) is not None for each in narrower)
    }


#: The world has just the seven days that an increase needs; a clock that jumps back takes some away.
FIRST_DAY: Final = NOON.date() - timedelta(days=7)


def _days_before(now_utc: datetime) -> int:
    """Complete days with spend; the data begin a week before the sequence and go on."""
    return max((day_of(now_utc) - FIRST_DAY).days, 0)


async def build(ports: Ports, clock: FixedClock, number: int) -> World:
    house = await build_house(ports, f"house{number}")
    open_now = await recommendations.open_recommendations(ports.database.read(house.tenant_id), house.workspace.id)
    await decisions.close_all(ports, house.tenant_id, open_now, RecommendationStatus.SUPERSEDED)
    meta = FakePlatform(
        campaigns=[
            campaign(n, external_id=c.external_id, name=c.name, budget_external_id=b.external_id)
            for n, (c, b) in enumerate(zip(house.campaigns, house.budgets, strict=True))
        ]
    )
    days = [
        CampaignDay(
            new_id(), each.id, FIRST_DAY + timedelta(days=n), 2_000, 50, Decimal(5), UNIT, UNIT, None, Decimal(1)
        )
        for each in house.campaigns
        for n in range(80)
    ]
    async with ports.database.write(house.tenant_id) as scope:
        await daily_metrics.replace_days(scope, days)
    ports.platforms[Platform.META] = meta  # type: ignore[index]  # the fixture's is a dictionary
    ana = await viewer_of(ports, house, house.owner_id)
    world = World(ports, house, meta, clock, ana, random.Random(number))
    meta.before_call = world.before_call
    return world


@pytest.mark.timeout(max(120, SEQUENCES * 3))
@pytest.mark.req("RB-S2", "RB-2.1")
async def test_no_sequence_approves_alone_or_sends_outside_its_guardrails(ports: Ports, clock: FixedClock) -> None:
    approved_alone = sent = 0
    for number in range(SEQUENCES):
        clock.advance(NOON - clock.now_utc())
        world = await build(ports, clock, number)
        while not world.auto:
            await world.switch()
        await world.propose()
        often = (world.propose, world.automate, world.send)
        steps = (*often, *often, world.automate, world.decide, world.set_guardrails, world.remove_guardrails,
                 world.switch, world.jump)  # fmt: skip
        for _ in range(STEPS):
            await world.dice.choice(steps)()
        approved_alone += world.approved_alone
        sent += world.sent
    # A test in which nothing happens would show nothing.
    assert approved_alone >= SEQUENCES
    assert sent >= SEQUENCES
