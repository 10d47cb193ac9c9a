"""Survival row 10: the whole pipeline for days of virtual time under random faults, judged; same seed, same trace."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from adapters.anchors import FileAnchors
from adapters.keyring import FileKeyRing
from adapters.signatures import AnchorSigner
from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.currencies import Rate
from domain.dispatch_times import DISPATCH_TIMES
from domain.errors import DomainError
from domain.log import Actor, ActorKind
from domain.platforms import Platform
from domain.recommendations import Choice
from kit.time import FixedClock
from models import adjustments, campaigns, currency_rates, log, recommendations
from models.adjustments import AdjustmentTable
from models.scope import Database
from sandbox.roster import demo_roster
from services import ad_accounts, dispatch, plans, rechecks
from services import adjustments as reversals
from services import recommendations as decisions
from services.logs import verify
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import House, RecordedHints, build_house, viewer_of
from tests.faults.checker import Effect, Place, Violation, check
from tests.faults.dispatch_worker import UNLIMITED, at_rest
from tests.faults.harness import size
from tests.faults.virtual import Died, VirtualSandbox, virtual_sandbox, without

#: Tuesday noon in New York.
BEGIN = datetime(2026, 3, 10, 16, tzinfo=UTC)
SEEDS = range(3) if size(1) == 1 else range(100)
DAYS = 3
ROUNDS = 25
#: What differs between two equal runs.
BY_NATURE = frozenset({"id", "lease_token", "send_key", "subject_id"})

Trace = list[tuple[datetime, str, str]]


@dataclass
class Life:
    """One run: the product, its sandbox, and the only source of chance."""

    ports: Ports
    clock: FixedClock
    rng: Random
    sandbox: VirtualSandbox
    house: House
    viewer: Viewer
    accounts: list[AdAccount]

    @property
    def tenant_id(self) -> UUID:
        return self.house.tenant_id

    async def morning(self) -> None:
        """Sync, propose, and approve most of it."""
        for account in self.accounts:
            await ad_accounts.sync(self.ports, self.tenant_id, account.id)
        await plans.propose(self.ports, self.tenant_id, self.house.workspace.id, force=True)
        scope = self.ports.database.read(self.tenant_id)
        found = await recommendations.open_recommendations(scope, self.house.workspace.id)
        found.sort(key=lambda each: (each.platform, each.campaign_name))
        chosen = [each for each in found if self.rng.random() < 0.8]
        items = [decisions.Decision(each.id, each.version, Choice.APPROVE, None, str(each.id)) for each in chosen]
        if items:
            await decisions.decide(self.ports, self.viewer, items)

    async def round(self) -> None:
        """One look of one worker, in an order that depends on nothing but the world."""
        await self.arrive()
        jitter = self.rng
        for item in await self.in_order(await rechecks.due(self.ports, 500)):
            await rechecks.recheck(self.ports, *item, jitter, DISPATCH_TIMES, UNLIMITED)
        for item in await self.in_order(await dispatch.due(self.ports, 500)):
            try:
                await dispatch.Dispatcher(self.ports, jitter, DISPATCH_TIMES, UNLIMITED).dispatch(*item)
            except Died:
                self.clock.advance(timedelta(seconds=self.rng.uniform(0, 5)))

    async def in_order(self, items: list[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
        places = await self.places()
        found = {each.id: (each.delta_reporting_micros >= 0, places[each.budget_id], each.intended_micros)
                 for each in await self.changes()}  # fmt: skip
        return sorted(items, key=lambda item: found[item[1]])

    async def arrive(self) -> None:
        """Late writes reach the platform; the frozen worker behind one wakes and says so, as it does."""
        for late in await self.sandbox.arrive():
            places = await self.places()
            [budget_id] = [key for key, place in places.items() if place[::2] == (late.platform.value, late.budget)]
            async with self.ports.database.write(self.tenant_id) as scope:
                await adjustments.recheck_newest(scope, budget_id, self.clock.now_utc())

    async def edit_elsewhere(self) -> None:
        """Somebody changes a budget in the platform's own pages."""
        told = (await self.sandbox.control.get("/control/world")).raise_for_status().json()["campaigns"]
        budget = self.rng.choice(told)
        amount = round(budget["daily_budget_micros"] * self.rng.uniform(0.9, 1.1) / 1_000_000) * 1_000_000 + 10_000
        body = {key: budget[key] for key in ("platform", "account", "entity")} | {"daily_budget_micros": amount}
        (await self.sandbox.control.post("/control/external-change", json=body)).raise_for_status()

    async def revert_one(self) -> None:
        """A person takes something back; a refusal is an answer."""
        done = [each for each in await self.changes() if each.status is AdjustmentStatus.CONFIRMED]
        if not done:
            return
        places = await self.places()
        which = self.rng.choice(sorted(done, key=lambda each: (places[each.budget_id], each.created_at_utc)))
        try:
            await reversals.revert(self.ports, self.viewer, which.id, which.version, "on second thoughts", uuid4().hex)
        except DomainError:
            return

    async def changes(self) -> list[Adjustment]:
        rows = await self.ports.database.read(self.tenant_id).of(AdjustmentTable).order_by("id").values("id")
        found = await adjustments.adjustments_by_id(self.ports.database.read(self.tenant_id), [r["id"] for r in rows])
        return [found[row["id"]] for row in rows]

    async def places(self) -> dict[UUID, Place]:
        accounts = {each.id: each for each in self.accounts}
        found = await campaigns.budgets(self.ports.database.read(self.tenant_id), self.house.workspace.id)
        return {
            each.id: (accounts[each.account_id].platform.value, accounts[each.account_id].external_id, each.external_id)
            for each in found
            if each.account_id in accounts
        }

    async def come_to_rest(self) -> None:
        self.sandbox.weather.calm()
        for _ in range(500):
            if await at_rest(self.ports.database, self.tenant_id) and not self.sandbox.weather.late:
                return
            await self.round()
            self.clock.advance(timedelta(seconds=10))
        raise AssertionError("it does not come to rest")

    async def violations(self) -> list[Violation]:
        assert await verify(self.ports, self.tenant_id) == []
        places = await self.places()
        changes = [(places[each.budget_id], each) for each in await self.changes()]
        ledger = [Effect.of(each) for each in await self.sandbox.ledger()]
        return check(ledger, changes, await log.events_after(self.ports.database.read(self.tenant_id), 0, 100_000))

    async def trace(self) -> Trace:
        """Every event in the order of time, by its values."""
        events = await log.events_after(self.ports.database.read(self.tenant_id), 0, 100_000)
        told = [(e.entry.at_utc, e.entry.kind, repr(without(e.after, BY_NATURE))) for e in events]
        return sorted(told)


def rough(life: Life) -> None:
    """Weather in which two of three writes meet something."""
    weather = life.sandbox.weather
    weather.refuse, weather.fail, weather.lose, weather.delay, weather.die = 0.1, 0.1, 0.15, 0.15, 0.2


@asynccontextmanager
async def life_of(seed: int, folder: Path, template: Path) -> AsyncIterator[Life]:
    """A tenant with the demo's seven accounts at a sandbox of its own, at BEGIN."""
    folder.mkdir()  # noqa: ASYNC240 - once, before anything runs
    shutil.copyfile(template, folder / "product.db")
    clock, rng = FixedClock(BEGIN), Random(seed)
    database = Database(f"sqlite://{folder / 'product.db'}")
    await database.open()
    try:
        async with virtual_sandbox(folder / "sandbox.db", clock, rng, seed=seed) as sandbox:
            signer = AnchorSigner(FileKeyRing(folder / "anchors.json", clock, None))
            nobody = cast("Any", None)
            ports = Ports(
                database=database, clock=clock, hints=RecordedHints(), log_key=b"k" * 32,
                anchors=FileAnchors(folder / "anchors", signer), platforms=sandbox.platforms, passwords=nobody,
                access_tokens=nobody, secrets=nobody, refresh_ttl=timedelta(days=30), live_platforms=frozenset(),
            )  # fmt: skip
            house = await build_house(ports, "acme")
            async with database.write(house.tenant_id) as scope:
                rates = [Rate(date(2025, 1, 1), "EUR", "USD", Decimal("1.08"), "a test")]
                await currency_rates.replace_rates(scope, rates)
            who = Actor(ActorKind.SYSTEM, "test")
            accounts = [
                await ad_accounts.connect(
                    ports, house.tenant_id, house.workspace.id, Platform(each.platform), each.external_id, who
                )
                for each in demo_roster().accounts
            ]  # fmt: skip
            viewer = await viewer_of(ports, house, house.owner_id)
            yield Life(ports, clock, rng, sandbox, house, viewer, accounts)
    finally:
        await database.close()


async def live(
    seed: int, folder: Path, template: Path, days: int = DAYS
) -> tuple[Trace, list[Violation], list[Adjustment]]:
    """A few days, each with its plan, its approvals, its faults and its edits; then everything comes to rest."""
    async with life_of(seed, folder, template) as life:
        for day in range(days):
            await life.morning()
            rough(life)
            for _ in range(ROUNDS):
                await life.round()
                lot = life.rng.random()
                if lot < 0.1:
                    await life.edit_elsewhere()
                elif lot < 0.2:
                    await life.revert_one()
                jump = life.rng.random() < 0.05
                life.clock.advance(timedelta(seconds=life.rng.uniform(0, 3_600 if jump else 15)))
            await life.come_to_rest()
            life.clock.advance(BEGIN + timedelta(days=day + 1) - life.clock.now_utc())
        return await life.trace(), await life.violations(), await life.changes()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
async def test_days_of_faults_leave_nothing_lost_doubled_stale_or_open(
    seed: int, tmp_path: Path, sqlite_template: Path
) -> None:
    _, violations, changes = await live(seed, tmp_path / "life", sqlite_template)
    assert violations == []
    assert len(changes) >= 15
    assert sum(each.attempts > 1 for each in changes) >= 3


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_same_seed_lives_the_same_life(tmp_path: Path, sqlite_template: Path) -> None:
    once, _, _ = await live(11, tmp_path / "once", sqlite_template, 1)
    again, _, _ = await live(11, tmp_path / "again", sqlite_template, 1)
    assert once == again
    other, _, _ = await live(12, tmp_path / "other", sqlite_template, 1)
    assert other != once
