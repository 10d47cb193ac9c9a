"""1,000 approved changes on six platforms, from due to confirmed, beside the sandbox's own raw request rate.

    python -m bench.dispatch [postgres://user@host:port/database] [workers]

The sandbox and each worker run as processes of their own; nothing else is loaded. A change is three requests: look,
set, read back. The floor sends the same three requests for each budget straight to the sandbox, as many at once as all
workers together, with nothing of ours around them. Quotas are switched off in the workers, because what they cost is
known exactly: the last line admits the same changes through the platforms' real budgets of calls on a virtual clock.
The sandbox's ledger is compared with what was asked for; the bench fails if a change was made twice or not at all.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

import httpx
import uvicorn
import uvloop

from app.container import Container, open_container, sandbox_platforms
from app.migrations import migrate
from app.settings import Settings
from bench.api import created_database, free_port, process
from bench.demo_rows import store_rows
from domain.ad_accounts import AdAccount
from domain.adjustments import SETTLED, Adjustment, AdjustmentStatus
from domain.campaigns import Budget, Campaign
from domain.platforms import BudgetType, CampaignStatus, Platform
from domain.quotas import CHANGE, QUOTAS, Quota, QuotaUsage, admit
from domain.recommendations import Recommendation, RecommendationStatus
from jobs.dispatch import sweep
from jobs.sending import AT_ONCE as SLOTS
from kit.ids import new_id
from models import ad_accounts, adjustments, campaigns, recommendations
from models.adjustments import AdjustmentTable
from sandbox import app as sandbox_app
from sandbox.roster import PLATFORMS, Roster, demo_roster

CHANGES = 1_000
#: What one worker has on its way at once.
AT_ONCE = SLOTS * len(Platform)
STEP_MICROS = 1_000_000
UNLIMITED = dict.fromkeys(QUOTAS, Quota(0))


def roster(count: int) -> Roster:
    """`count` campaigns with a budget each, spread evenly over the six platforms."""
    demo = demo_roster()
    firsts = [next(each for each in demo.campaigns if each.budget.account.platform == name) for name in PLATFORMS]
    made = []
    for number, first in enumerate(islice(cycle(firsts), count)):
        external_id = str(90_000_000 + number)
        budget = replace(first.budget, external_id=external_id)
        made.append(replace(first, external_id=external_id, name=f"Campaign {number}", budget=budget))
    accounts = tuple(dict.fromkeys(first.budget.account for first in firsts))
    return Roster(accounts, tuple(each.budget for each in made), tuple(made))


def serve_sandbox(port: int, state: Path) -> None:
    """The sandbox with the bench's campaigns; what `python -m bench.dispatch sandbox` runs."""
    sandbox_app.demo_roster = lambda: roster(CHANGES)
    uvicorn.run(sandbox_app.create_app(state), host="127.0.0.1", port=port, log_level="error")


async def work(settings: Settings) -> None:
    """A worker without quotas, until nothing moves; what `python -m bench.dispatch worker` runs."""
    async with open_container(settings) as container:
        jitter = random.Random()
        while await sweep(container.ports, jitter, quota=UNLIMITED) or await _moving(container):
            pass


async def _moving(container: Container) -> bool:
    await asyncio.sleep(0.01)
    connection = container.ports.database.system().connection
    waiting = AdjustmentTable.exclude(status__in=[each.value for each in SETTLED]).using_db(connection)
    return await waiting.exists()


@dataclass(frozen=True, slots=True)
class Target:
    """One budget to change."""

    platform: Platform
    account: str
    entity: str
    campaign: str
    currency: str
    micros: int


async def targets(sandbox: str) -> list[Target]:
    """The sandbox's budgets as they stand."""
    async with httpx.AsyncClient(base_url=sandbox, trust_env=False, timeout=60) as client:
        told = (await client.get("/control/world")).raise_for_status().json()["campaigns"]
    return [
        Target(
            Platform(each["platform"]), each["account"], each["entity"], each["campaign"], each["currency"],
            each["daily_budget_micros"],
        )
        for each in told
    ]  # fmt: skip


async def straight(sandbox: str, found: Sequence[Target], at_once: int) -> float:
    """Seconds for the same requests without our pipeline."""
    gate = asyncio.Semaphore(at_once)
    async with AsyncExitStack() as stack:
        platforms = await sandbox_platforms(stack, sandbox)

        async def change(each: Target) -> None:
            async with gate:
                platform = platforms[each.platform]
                await platform.read_budget(each.account, each.entity)
                await platform.set_daily_budget(each.account, each.entity, each.micros - STEP_MICROS)
                await platform.read_budget(each.account, each.entity)

        for each in {each.account: each for each in found}.values():
            await platforms[each.platform].fetch_account(each.account)
        began = time.perf_counter()
        await asyncio.gather(*(change(each) for each in found))
        return time.perf_counter() - began


async def queue(settings: Settings, found: Sequence[Target]) -> None:
    """An approved decrease of every budget, due now."""
    async with open_container(settings) as container:
        ports = container.ports
        rows = await store_rows(ports, 1, 1)
        now = datetime.now(UTC)
        tenant_id, scope = rows.tenant_id, ports.database.read(rows.tenant_id)
        [pattern] = (await recommendations.recommendations_by_id(scope, list(rows.recommendation_ids))).values()
        accounts = {
            each.account: AdAccount(
                new_id(), tenant_id, pattern.workspace_id, each.platform, each.account, each.account, each.currency,
                "UTC", now, None,
            )
            for each in found
        }  # fmt: skip
        async with ports.database.write(tenant_id) as writing:
            for account in accounts.values():
                await ad_accounts.add_ad_account(writing, account)
            for each in found:
                account = accounts[each.account]
                budget = Budget(
                    new_id(), tenant_id, pattern.workspace_id, account.id, each.entity, BudgetType.DAILY, each.micros,
                    now,
                )  # fmt: skip
                campaign = Campaign(
                    new_id(), tenant_id, pattern.workspace_id, account.id, budget.id, each.campaign, each.campaign,
                    CampaignStatus.ENABLED, None,
                )  # fmt: skip
                change = _approved(pattern, budget, campaign, each, now)
                await campaigns.add_budgets(writing, [budget])
                await campaigns.add_campaigns(writing, [campaign])
                await recommendations.add_recommendations(writing, [_recommended(pattern, change, each)])
                await adjustments.add_adjustment(writing, change)
        if settings.database.startswith("postgres"):
            # A database in use has statistics; without any PostgreSQL looks for each change among all of the tenant's.
            await ports.database.system_write().execute("ANALYZE")


def _approved(pattern: Recommendation, budget: Budget, campaign: Campaign, each: Target, now: datetime) -> Adjustment:
    return Adjustment(
        id=new_id(), tenant_id=budget.tenant_id, workspace_id=budget.workspace_id, recommendation_id=new_id(),
        plan_id=pattern.plan_id, account_id=budget.account_id, budget_id=budget.id, campaign_id=campaign.id,
        status=AdjustmentStatus.PENDING, version=1, before_micros=each.micros,
        intended_micros=each.micros - STEP_MICROS, delta_reporting_micros=-STEP_MICROS, currency_code=each.currency,
        approved_by_id=str(new_id()), auto_approved=False, created_at_utc=now, attempts=0, not_before_utc=now,
        lease_token=None, lease_until_utc=None, dispatched_at_utc=None, confirmed_at_utc=None,
        platform_execution_id=None, failure_code=None, failure_reason=None,
    )  # fmt: skip


def _recommended(pattern: Recommendation, change: Adjustment, each: Target) -> Recommendation:
    return replace(
        pattern, id=change.recommendation_id, account_id=change.account_id, budget_id=change.budget_id,
        campaign_id=change.campaign_id, platform=each.platform, status=RecommendationStatus.APPROVED,
        current_micros=change.before_micros, suggested_micros=change.intended_micros,
        proposed_micros=change.intended_micros, delta_reporting_micros=change.delta_reporting_micros,
        adjustment_id=change.id,
    )  # fmt: skip


async def judge(sandbox: str, found: Sequence[Target]) -> None:
    """Fail unless every budget was changed by its own change, once."""
    async with httpx.AsyncClient(base_url=sandbox, trust_env=False, timeout=60) as client:
        effects = (await client.get("/control/ledger")).raise_for_status().json()["effects"]
    made = Counter((each["platform"], each["entity"], each["after_micros"]) for each in effects)
    wanted = Counter((each.platform.value, each.entity, each.micros - STEP_MICROS) for each in found)
    if made != wanted:
        raise SystemExit(f"the ledger shows {sum(made.values())} effects that are not the {CHANGES} changes asked for")


def run_workers(settings: Settings, workers: int) -> None:
    """Run so many workers to their end."""
    environment = {
        **os.environ,
        "CE_VAR_DIR": str(settings.var_dir),
        "CE_DATABASE_URL": settings.database_url,
        "CE_SANDBOX_URL": settings.sandbox_url,
    }
    command = [sys.executable, "-m", "bench.dispatch", "worker"]
    for child in [subprocess.Popen(command, env=environment) for _ in range(workers)]:
        if child.wait(300):
            raise SystemExit("a worker failed")


async def pipeline(settings: Settings, workers: int) -> float:
    """Seconds from when the first change was taken up to when the last was confirmed."""
    await asyncio.to_thread(run_workers, settings, workers)
    async with open_container(settings) as container:
        connection = container.ports.database.system().connection
        done = await AdjustmentTable.all().using_db(connection).values("dispatched_at_utc", "confirmed_at_utc")
    if len(done) != CHANGES or any(each["confirmed_at_utc"] is None for each in done):
        raise SystemExit("not every change was confirmed")
    first = min(each["dispatched_at_utc"] for each in done)
    return float((max(each["confirmed_at_utc"] for each in done) - first).total_seconds())


def lost_to_quotas(count: int) -> dict[str, float]:
    """Seconds until the last of a platform's changes is admitted, when all are due at once."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = {}
    for platform, quota in QUOTAS.items():
        usage, now = QuotaUsage(0.0, start), start
        for _ in range(count):
            answer = admit(quota, usage, CHANGE, now)
            while isinstance(answer, datetime):
                now = answer
                answer = admit(quota, usage, CHANGE, now)
            usage = answer
        found[platform] = (now - start) / timedelta(seconds=1)
    return found


async def measure(database: str, folder: Path, workers: int) -> tuple[float, float]:
    """Seconds straight and through the pipeline, against two sandboxes of the same world."""
    seconds = []
    for name in ("straight", "ours"):
        port = free_port()
        sandbox = f"http://127.0.0.1:{port}"
        argv = [sys.executable, "-m", "bench.dispatch", "sandbox", str(port), str(folder / f"{name}.db")]
        with process(argv, port, {}):
            found = await targets(sandbox)
            if name == "straight":
                seconds.append(await straight(sandbox, found, AT_ONCE * workers))
            else:
                settings = Settings(var_dir=folder, database_url=database, sandbox_url=sandbox)
                await migrate(settings.database)
                await queue(settings, found)
                seconds.append(await pipeline(settings, workers))
            await judge(sandbox, found)
    return seconds[0], seconds[1]


async def main(arguments: Sequence[str]) -> None:
    """Run on SQLite, and on PostgreSQL if its address is given."""
    postgres = next((each for each in arguments if "://" in each), None)
    workers = next((int(each) for each in arguments if each.isdigit()), 2)
    print(f"{CHANGES} changes, {workers} workers with {AT_ONCE} at once each, load {os.getloadavg()[0]:.1f}\n")
    print("| | seconds | changes a second | requests a second | of straight |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        await show("SQLite", f"sqlite://{folder}/bench.db", Path(folder), workers)
    if postgres is not None:
        async with created_database(postgres) as database:
            with tempfile.TemporaryDirectory() as folder:
                await show("PostgreSQL", database, Path(folder), workers)
    print("\nSeconds lost to quotas when all are due at once, none used before:")
    print(json.dumps({name: round(lost, 1) for name, lost in lost_to_quotas(CHANGES // len(QUOTAS)).items()}))


async def show(title: str, database: str, folder: Path, workers: int) -> None:
    """One database's rows."""
    direct, ours = await measure(database, folder, workers)
    for name, seconds in (("straight to the sandbox", direct), (f"ours, {title}", ours)):
        rate = CHANGES / seconds
        print(f"| {name} | {seconds:.1f} | {rate:.0f} | {3 * rate:.0f} | {direct / seconds:.2f} |", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sandbox", port_, state_]:
            serve_sandbox(int(port_), Path(state_))
        case ["worker"]:
            uvloop.run(work(Settings()))
        case rest:
            uvloop.run(main(rest))
