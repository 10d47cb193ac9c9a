"""The fault suite's bench: a sandbox process with many budgets, a tenant that owns them, workers as real processes."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import httpx

from app.container import sandbox_platforms
from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.campaigns import Budget, Campaign
from domain.log import Actor, ActorKind, LogEvent
from domain.platforms import AdPlatform, BudgetType, CampaignStatus, Platform
from domain.recommendations import Recommendation, RecommendationStatus
from kit.ids import new_id
from kit.time import SystemClock
from models import ad_accounts, adjustments, campaigns, log, recommendations
from services.logs import verify
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import House
from tests.faults.checker import Effect, Place, Violation, check

HERE = Path(__file__).parent
#: Quick enough for a test, and long enough for a loaded machine.
LEASE_SECONDS = 2.0
SETTLE_SCALE = 0.04
#: What tells a request that changes something from those that only ask, on any of the platforms.
_WRITES = (b"PUT ", b"POST /meta/", b"PARTIAL_UPDATE", b":mutate", b"/campaign/update/", b"/campaign/status/update/")
#: Ten cents: any budget stands hundreds of such cuts.
STEP_MICROS = 100_000

QUEUER = Actor(ActorKind.SYSTEM, "test")


def size(small: int) -> int:
    """How many of something a fault test does; FAULT_SCALE makes it more, 100 at night (`make faults`)."""
    return small * int(os.environ.get("FAULT_SCALE", "1"))


def writes(request: bytes) -> bool:
    """Whether a request to the sandbox changes something."""
    return any(mark in request for mark in _WRITES)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sandbox_process(state_path: Path, budgets: int) -> Iterator[str]:
    """A sandbox with so many budgets; its address."""
    port = free_port()
    command = [sys.executable, str(HERE / "sandbox_process.py"), str(port), str(state_path), str(budgets)]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 60
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            while True:
                assert process.poll() is None, "the sandbox ended"
                try:
                    client.get("/health").raise_for_status()
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, "the sandbox did not answer"
                    time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@dataclass
class Bench:
    """A tenant with its budgets at a sandbox, and the records to compare in the end."""

    ports: Ports
    house: House
    database_url: str
    sandbox: str
    control: httpx.AsyncClient
    platforms: Mapping[Platform, AdPlatform]
    budgets: list[Budget] = field(default_factory=list)
    campaign_ids: list = field(default_factory=list)
    places: dict = field(default_factory=dict)
    lease_seconds: float = LEASE_SECONDS
    settle_scale: float = SETTLE_SCALE

    async def bring_budgets(self) -> None:
        """The sandbox's budgets as the tenant's, as a sync would find them."""
        told = (await self.control.get("/control/world")).raise_for_status().json()["campaigns"]
        tenant_id, workspace_id, now = self.house.tenant_id, self.house.workspace.id, self.ports.clock.now_utc()
        keys = {(each["platform"], each["account"], each["currency"]): new_id() for each in told}
        accounts = {
            (platform, external_id): AdAccount(
                key, tenant_id, workspace_id, Platform(platform), external_id, external_id, currency, "UTC", now, None
            )
            for (platform, external_id, currency), key in keys.items()
        }
        made = []
        for each in told:
            account = accounts[each["platform"], each["account"]]
            budget = Budget(
                new_id(), tenant_id, workspace_id, account.id, each["entity"], BudgetType.DAILY,
                each["daily_budget_micros"], now,
            )  # fmt: skip
            made.append(
                Campaign(
                    new_id(), tenant_id, workspace_id, account.id, budget.id, each["campaign"], each["name"],
                    CampaignStatus.ENABLED, None,
                )
            )  # fmt: skip
            self.budgets.append(budget)
            self.places[budget.id] = (each["platform"], each["account"], each["entity"])
        self.campaign_ids = [each.id for each in made]
        async with self.ports.database.write(tenant_id) as scope:
            for account in accounts.values():
                await ad_accounts.add_ad_account(scope, account)
            await campaigns.add_budgets(scope, self.budgets)
            await campaigns.add_campaigns(scope, made)

    async def queue(
        self, positions: Sequence[int], *, step_micros: int = -STEP_MICROS, at_utc: datetime | None = None
    ) -> list[Adjustment]:
        """An approved change of each of these budgets, from where our records say it stands; of now unless told."""
        queued = []
        async with begin(self.ports, self.house.tenant_id, QUEUER) as work:
            for position in positions:
                budget = self.budgets[position]
                change = self._change(
                    position, budget.daily_budget_micros, step_micros, at_utc or SystemClock().now_utc()
                )
                await adjustments.add_adjustment(work.scope, change)
                await recommendations.add_recommendations(work.scope, [self._approved(change)])
                work.record("adjustment.queued", "adjustment", None, change)
                self.budgets[position] = replace(budget, daily_budget_micros=change.intended_micros)
                queued.append(change)
        return queued

    def _change(self, position: int, before: int, step_micros: int, now: datetime) -> Adjustment:
        budget = self.budgets[position]
        return Adjustment(
            id=new_id(), tenant_id=budget.tenant_id, workspace_id=budget.workspace_id, recommendation_id=new_id(),
            plan_id=self.house.plan.id, account_id=budget.account_id, budget_id=budget.id,
            campaign_id=self.campaign_ids[position], status=AdjustmentStatus.PENDING, version=1, before_micros=before,
            intended_micros=before + step_micros, delta_reporting_micros=step_micros, currency_code="USD",
            approved_by_id=str(self.house.owner_id), auto_approved=False, created_at_utc=now, attempts=0,
            not_before_utc=now, lease_token=None, lease_until_utc=None, dispatched_at_utc=None, confirmed_at_utc=None,
            platform_execution_id=None, failure_code=None, failure_reason=None,
        )  # fmt: skip

    def _approved(self, change: Adjustment) -> Recommendation:
        platform, _, _ = self.places[change.budget_id]
        return replace(
            self.house.recommendations[0], id=change.recommendation_id, account_id=change.account_id,
            budget_id=change.budget_id, campaign_id=change.campaign_id, platform=Platform(platform),
            status=RecommendationStatus.APPROVED, current_micros=change.before_micros,
            suggested_micros=change.intended_micros, proposed_micros=change.intended_micros,
            delta_reporting_micros=change.delta_reporting_micros, adjustment_id=change.id,
        )  # fmt: skip

    async def worker(self, platforms_url: str | None = None, **environment: str) -> asyncio.subprocess.Process:
        """A dispatching process; `environment` arms its crash points."""
        return await asyncio.create_subprocess_exec(
            sys.executable, str(HERE / "dispatch_worker.py"), self.database_url, platforms_url or self.sandbox,
            str(self.house.tenant_id), str(self.lease_seconds), str(self.settle_scale),
            env={**os.environ, **environment}, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def run_worker(self, seconds: float = 60, platforms_url: str | None = None, **environment: str) -> int:
        """Run a worker to its end; its exit status. What it said is part of a failure."""
        process = await self.worker(platforms_url, **environment)
        try:
            async with asyncio.timeout(seconds):
                _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert b"locked" not in said, said.decode()
        assert b"Traceback" not in said, said.decode()
        return int(process.returncode or 0)

    async def fault(self, platform: Platform, kind: str, count: int = 1, **more: object) -> None:
        body = {"platform": platform.value, "operation": "set_budget", "kind": kind, "count": count, **more}
        (await self.control.post("/control/faults", json=body)).raise_for_status()

    async def effects(self) -> list[Effect]:
        told = (await self.control.get("/control/ledger")).raise_for_status().json()["effects"]
        return [Effect.of(each) for each in told]

    async def changes(self) -> list[tuple[Place, Adjustment]]:
        found = await adjustments.plan_adjustments(self.ports.database.read(self.house.tenant_id), self.house.plan.id)
        return [(self.places[each.budget_id], each) for each in found]

    async def events(self) -> list[LogEvent]:
        scope, found = self.ports.database.read(self.house.tenant_id), []
        while more := await log.events_after(scope, len(found), 2_000):
            found += more
        return found

    async def violations(self) -> list[Violation]:
        """What the judge finds, and the log's chain proves itself besides."""
        assert await verify(self.ports, self.house.tenant_id) == []
        return check(await self.effects(), await self.changes(), await self.events())


@asynccontextmanager
async def open_bench(ports: Ports, house: House, database_url: str, folder: Path, budgets: int) -> AsyncIterator[Bench]:
    """A bench with so many budgets, ready for changes. The ports' clock stands still; the workers' runs."""
    with sandbox_process(folder / "sandbox.db", budgets) as address:
        async with AsyncExitStack() as stack:
            control = await stack.enter_async_context(httpx.AsyncClient(base_url=address, trust_env=False, timeout=60))
            bench = Bench(ports, house, database_url, address, control, await sandbox_platforms(stack, address))
            await bench.bring_budgets()
            yield bench
