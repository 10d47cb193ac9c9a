"""From the platforms' metrics to a confirmed budget, end to end: the real sandbox over sockets, both databases."""

import random
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import httpx
import pytest
import uvicorn

from adapters.amazon import AmazonPlatform
from adapters.google import GooglePlatform
from adapters.linkedin import LinkedInPlatform
from adapters.meta import MetaPlatform
from adapters.microsoft import MicrosoftPlatform
from adapters.report_jobs import ReportWait
from adapters.tiktok import TikTokPlatform
from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.currencies import Rate
from domain.log import Actor, ActorKind
from domain.plans import Plan
from domain.platforms import Platform, limits
from domain.recommendations import Choice, Recommendation, RecommendationStatus, direction
from jobs.dispatch import sweep
from jobs.sync import sync_all
from kit.time import FixedClock, local_day
from models import ad_accounts as models_ad_accounts
from models import adjustments, campaigns, currency_rates, daily_metrics, log, recommendations
from models import plans as models_plans
from models.scope import Scope
from sandbox.app import create_app
from services import ad_accounts, plans, reviews
from services import recommendations as decisions
from services.logs import verify
from services.ports import Ports
from tests.conftest import House, viewer_of

#: Tuesday noon in New York, two days after its clocks changed.
NOW = datetime(2026, 3, 10, 16, tzinfo=UTC)
SEED = 7
SEEDER = Actor(ActorKind.SYSTEM, "seed")
ACCOUNTS = (
    (Platform.META, "1043380012345601"),
    (Platform.META, "1043380012345602"),
    (Platform.GOOGLE, "4201987001"),
    (Platform.TIKTOK, "7100000000000000001"),
    (Platform.LINKEDIN, "507100001"),
    (Platform.AMAZON, "3312007700000001"),
    (Platform.MICROSOFT, "149000001"),
)
#: The sandbox's reports are ready at the third look, whenever that is.
SOON = ReportWait(first_seconds=0.005, longest_seconds=0.005)


@pytest.fixture(scope="module")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = create_app(tmp_path_factory.mktemp("sandbox") / "sandbox.db", now=lambda: NOW, seed=SEED)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the sandbox did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@dataclass
class World:
    """The ports with three adapters that speak to the sandbox, its control endpoints, and the workspace."""

    ports: Ports
    house: House
    control: httpx.AsyncClient
    clock: FixedClock

    @property
    def scope(self) -> Scope:
        return self.ports.database.read(self.house.tenant_id)

    async def connect_all(self) -> list[AdAccount]:
        found = []
        for platform, external_id in ACCOUNTS:
            account = await ad_accounts.connect(
                self.ports, self.house.tenant_id, self.house.workspace.id, platform, external_id, SEEDER
            )
            found.append(await ad_accounts.sync(self.ports, self.house.tenant_id, account.id))
        return found

    async def propose(self, *, force: bool = False) -> Plan | None:
        return await plans.propose(self.ports, self.house.tenant_id, self.house.workspace.id, force=force)

    async def start(self) -> list[Recommendation]:
        """Connect, sync, propose (the house has a plan of that day); what is open then, by campaign name."""
        await self.connect_all()
        assert await self.propose(force=True) is not None
        return sorted(await self.open_now(), key=lambda each: each.campaign_name)

    async def open_now(self) -> list[Recommendation]:
        return await recommendations.open_recommendations(self.scope, self.house.workspace.id)

    async def approve(self, *wanted: Recommendation) -> list[Adjustment]:
        ana = await viewer_of(self.ports, self.house, self.house.owner_id)
        items = [decisions.Decision(each.id, each.version, Choice.APPROVE, None, str(each.id)) for each in wanted]
        decided = await decisions.decide(self.ports, ana, items)
        assert [type(each) for each in decided] == [decisions.Decided] * len(wanted)
        return [each.adjustment for each in decided if isinstance(each, decisions.Decided) and each.adjustment]

    async def decided(self, wanted: Iterable[Recommendation]) -> list[Recommendation]:
        found = await recommendations.recommendations_by_id(self.scope, [each.id for each in wanted])
        return list(found.values())

    async def sweep(self) -> int:
        return await sweep(self.ports, random.Random(1))

    async def now(self, adjustment: Adjustment) -> Adjustment:
        return await adjustments.adjustment(self.scope, adjustment.id)

    async def kinds_of(self, subject_id: UUID) -> list[tuple[str, str]]:
        """(kind, actor) of what the log tells of a subject, oldest first."""
        entries = [event.entry for event in await log.events_after(self.scope, 0, 1_000)]
        return [(entry.kind, entry.actor_id) for entry in entries if entry.subject_id == subject_id]

    async def budgets(self) -> dict[str, int]:
        """What stands at the platforms, account micros by budget entity."""
        told = (await self.control.get("/control/world")).raise_for_status().json()["campaigns"]
        return {each["entity"]: each["daily_budget_micros"] for each in told}

    async def ledger(self) -> list[tuple[str, int, int, str]]:
        """(entity, before, after, source) of every effect at the platforms, oldest first."""
        told = (await self.control.get("/control/ledger")).raise_for_status().json()["effects"]
        return [(each["entity"], each["before_micros"], each["after_micros"], each["source"]) for each in told]

    async def fault(self, platform: Platform, kind: str, operation: str = "set_budget", **more: object) -> None:
        body = {"platform": platform.value, "operation": operation, "kind": kind, **more}
        (await self.control.post("/control/faults", json=body)).raise_for_status()

    async def entity(self, subject: Recommendation) -> str:
        return (await campaigns.budget(self.scope, subject.budget_id)).external_id


def pair(open_now: list[Recommendation]) -> tuple[Recommendation, Recommendation]:
    """A Meta decrease in dollars and an increase that it pays for."""
    cut = next(r for r in open_now if r.platform is Platform.META and r.delta_micros < 0 and r.currency_code == "USD")
    rise = next(r for r in open_now if 0 < r.delta_reporting_micros <= -cut.delta_reporting_micros)
    return cut, rise


@pytest.fixture
async def world(sandbox_url: str, ports: Ports, clock: FixedClock, house: House) -> AsyncIterator[World]:
    clock.advance(NOW - clock.now_utc())
    async with (
        httpx.AsyncClient(base_url=sandbox_url) as control,
        httpx.AsyncClient(base_url=f"{sandbox_url}/meta") as meta,
        httpx.AsyncClient(base_url=f"{sandbox_url}/google") as google,
        httpx.AsyncClient(base_url=f"{sandbox_url}/tiktok") as tiktok,
        httpx.AsyncClient(base_url=f"{sandbox_url}/linkedin") as linkedin,
        httpx.AsyncClient(base_url=f"{sandbox_url}/amazon") as amazon,
        httpx.AsyncClient(base_url=f"{sandbox_url}/microsoft") as microsoft,
    ):
        (await control.post("/control/reset", json={"seed": SEED})).raise_for_status()
        ports.platforms.update(
            {
                Platform.META: MetaPlatform(meta, "sandbox-meta-token"),
                Platform.GOOGLE: GooglePlatform(google, "sandbox-google-token", "any-developer-token"),
                Platform.TIKTOK: TikTokPlatform(tiktok, "sandbox-tiktok-token"),
                Platform.LINKEDIN: LinkedInPlatform(linkedin, "sandbox-linkedin-token"),
                Platform.AMAZON: AmazonPlatform(amazon, "sandbox-amazon-token", "any-client", report_wait=SOON),
                Platform.MICROSOFT: MicrosoftPlatform(
                    microsoft, "sandbox-microsoft-token", "any-developer-token", report_wait=SOON
                ),
            }
        )
        async with ports.database.write(house.tenant_id) as scope:
            await currency_rates.replace_rates(scope, [Rate(date(2025, 1, 1), "EUR", "USD", Decimal("1.08"), "a test")])
        yield World(ports, house, control, clock)


async def test_seven_accounts_bring_ninety_days_in_their_own_money(world: World) -> None:
    accounts = await world.connect_all()
    assert [(each.platform, each.currency_code, each.sync_error, each.synced_at_utc) for each in accounts] == [
        (Platform.META, "USD", None, NOW),
        (Platform.META, "EUR", None, NOW),
        (Platform.GOOGLE, "USD", None, NOW),
        (Platform.TIKTOK, "USD", None, NOW),
        (Platform.LINKEDIN, "USD", None, NOW),
        (Platform.AMAZON, "USD", None, NOW),
        (Platform.MICROSOFT, "USD", None, NOW),
    ]
    lasting = []
    for account in accounts:
        known = await campaigns.account_campaigns(world.scope, account.id)
        days = await daily_metrics.days_since(
            world.scope, [each.id for each in known.values()], date(2020, 1, 1), date(2030, 1, 1)
        )
        assert {day.rate_to_reporting for day in days} == {
            Decimal("1.08") if account.currency_code == "EUR" else Decimal(1)
        }
        lasting.append((len(known), len(days), min(day.day for day in days), max(day.day for day in days)))
    first, today = date(2025, 12, 10), date(2026, 3, 10)
    assert lasting == [
        (6, 5 * 91 + 5, first, today),
        (2, 2 * 91, first, today),
        (5, 5 * 91, first, today),
        (5, 4 * 91 + 6, first, today),
        (4, 4 * 91, first, today),
        (4, 4 * 91, first, today),
        (4, 4 * 91, first, today),
    ]


@pytest.mark.req("RB-F1", "RB-E1")
async def test_one_plan_weighs_all_platforms_and_leaves_out_the_young(world: World) -> None:
    open_now = await world.start()
    plan = await models_plans.newest_plan(world.scope, world.house.workspace.id)
    assert plan is not None
    ours = {each.id for each in open_now if each.plan_id == plan.id}
    assert len(ours) == len(open_now) >= 12
    assert {each.platform for each in open_now} == set(Platform)
    assert sum(each.delta_reporting_micros for each in open_now) == -plan.unallocated_micros
    for each in open_now:
        allowed = limits(each.platform, each.currency_code)
        assert each.proposed_micros % allowed.step_micros == 0
        assert each.proposed_micros >= allowed.min_daily_micros
        assert 0 < abs(each.delta_micros) <= 0.3 * each.current_micros
        assert each.roas_change_low <= each.roas_change_high
        assert 0.7 <= each.confidence <= 1.0
        assert each.rationale
    young = {each.campaign_name: each.code for each in plan.skipped if not each.campaign_name.startswith("acme")}
    assert young == {
        "New collection launch": "INSUFFICIENT_HISTORY",
        "Creator test | Autumn": "INSUFFICIENT_HISTORY",
    }
    # Tuesday noon in New York leaves less than four hours to Tuesday's deadline: Wednesday's holds.
    assert plan.expires_at_utc == datetime(2026, 3, 11, 16, tzinfo=UTC)
    superseded = await recommendations.recommendations_by_id(
        world.scope, [each.id for each in world.house.recommendations]
    )
    assert {each.status for each in superseded.values()} == {RecommendationStatus.SUPERSEDED}
    assert await world.kinds_of(open_now[0].id) == [("recommendation.suggested", "rebalancer")]
    assert await world.kinds_of(plan.id) == [("plan.proposed", "rebalancer")]


@pytest.mark.req("RB-1.2", "RB-F5")
async def test_approved_changes_reach_the_platforms_once_and_nothing_else_moves(world: World) -> None:
    open_now = await world.start()
    before = await world.budgets()
    queued = await world.approve(*open_now)
    assert await world.budgets() == before

    await world.sweep()
    # The budgets of calls let some wait a moment, and this clock moves only when told.
    world.clock.advance(timedelta(seconds=1))
    await world.sweep()

    wanted = {await world.entity(each): each for each in open_now}
    assert await world.budgets() == before | {entity: each.proposed_micros for entity, each in wanted.items()}
    assert sorted(await world.ledger()) == sorted(
        (entity, each.current_micros, each.proposed_micros, "API") for entity, each in wanted.items()
    )
    assert await world.sweep() == 0
    for adjustment in queued:
        done = await world.now(adjustment)
        assert (done.status, done.failure_code) == (AdjustmentStatus.CONFIRMED, None)
        assert done.confirmed_at_utc in {NOW, NOW + timedelta(seconds=1)}
        assert done.platform_execution_id
        assert await world.kinds_of(done.id) == [
            ("adjustment.queued", str(world.house.owner_id)),
            ("adjustment.dispatched", "dispatch"),
            ("adjustment.applied", "dispatch"),
            ("adjustment.confirmed", "dispatch"),
        ]
        assert await world.kinds_of(done.recommendation_id) == [
            ("recommendation.suggested", "rebalancer"),
            ("recommendation.approved", str(world.house.owner_id)),
        ]
        stored = await campaigns.budget(world.scope, done.budget_id)
        assert stored.daily_budget_micros == done.intended_micros
    events = await log.events_after(world.scope, 0, 1_000)
    assert {event.entry.at_utc for event in events} <= {NOW, NOW + timedelta(seconds=1)}
    assert await verify(world.ports, world.house.tenant_id) == []
    # What we changed ourselves is nobody else's doing.
    await world.connect_all()
    assert "budget.changed_elsewhere" not in {event.entry.kind for event in await log.events_after(world.scope, 0, 999)}


async def test_one_approved_change_leaves_every_other_budget_alone(world: World) -> None:
    cut, _ = pair(await world.start())
    before = await world.budgets()
    [adjustment] = await world.approve(cut)
    assert await world.sweep() == 1
    assert await world.budgets() == before | {await world.entity(cut): cut.proposed_micros}
    assert (await world.now(adjustment)).status is AdjustmentStatus.CONFIRMED


async def test_a_refused_decrease_fails_with_the_platforms_reason_and_its_increase_is_never_sent(world: World) -> None:
    cut, rise = pair(await world.start())
    down, up = await world.approve(cut, rise)
    await world.fault(Platform.META, "refuse")
    before = await world.budgets()

    await world.sweep()

    failed = await world.now(down)
    assert failed.status is AdjustmentStatus.FAILED
    assert failed.failure_code
    assert failed.failure_reason is not None
    assert failed.failure_reason.startswith("Meta: ")
    unfunded = await world.now(up)
    assert (unfunded.status, unfunded.failure_code) == (AdjustmentStatus.FAILED, "UNFUNDED")
    assert await world.budgets() == before
    assert await world.ledger() == []
    assert await world.kinds_of(down.id) == [
        ("adjustment.queued", str(world.house.owner_id)),
        ("adjustment.dispatched", "dispatch"),
        ("adjustment.failed", "dispatch"),
    ]
    assert (await world.kinds_of(up.id))[-1] == ("adjustment.failed", "dispatch")


async def test_an_outsiders_change_before_the_dispatch_is_not_overwritten(world: World) -> None:
    cut, _ = pair(await world.start())
    [adjustment] = await world.approve(cut)
    entity = await world.entity(cut)
    account = await models_ad_accounts.ad_account(world.scope, cut.account_id)
    change = {
        "platform": "META",
        "account": account.external_id,
        "entity": entity,
        "daily_budget_micros": cut.current_micros + 5_000_000,
    }
    (await world.control.post("/control/external-change", json=change)).raise_for_status()

    await world.sweep()

    failed = await world.now(adjustment)
    assert (failed.status, failed.failure_code) == (AdjustmentStatus.FAILED, "BUDGET_CHANGED_ELSEWHERE")
    assert await world.ledger() == [(entity, cut.current_micros, cut.current_micros + 5_000_000, "EXTERNAL")]
    await ad_accounts.sync(world.ports, world.house.tenant_id, account.id)
    assert await world.kinds_of(cut.budget_id) == [("budget.changed_elsewhere", "sync")]


async def test_a_quota_postpones_a_decrease_and_the_increase_it_pays_for_waits(world: World) -> None:
    cut, rise = pair(await world.start())
    down, up = await world.approve(cut, rise)
    await world.fault(Platform.META, "quota")

    await world.sweep()

    postponed = await world.now(down)
    assert (postponed.status, postponed.attempts) == (AdjustmentStatus.PENDING, 1)
    assert NOW < postponed.not_before_utc <= NOW + timedelta(minutes=10)
    assert postponed.failure_reason
    assert (await world.now(up)).status is AdjustmentStatus.PENDING
    assert await world.sweep() == 0
    assert await world.ledger() == []

    world.clock.advance(postponed.not_before_utc - NOW)
    await world.sweep()

    for adjustment in (down, up):
        done = await world.now(adjustment)
        assert (done.status, done.failure_code, done.failure_reason) == (AdjustmentStatus.CONFIRMED, None, None)
    assert [row[0] for row in await world.ledger()] == [await world.entity(cut), await world.entity(rise)]
    assert [kind for kind, _ in await world.kinds_of(down.id)] == [
        "adjustment.queued",
        "adjustment.dispatched",
        "adjustment.postponed",
        "adjustment.dispatched",
        "adjustment.applied",
        "adjustment.confirmed",
    ]


async def test_an_answer_lost_after_the_platform_applied_it_leaves_one_effect(world: World) -> None:
    cut, _ = pair(await world.start())
    [adjustment] = await world.approve(cut)
    await world.fault(Platform.META, "cut_after_apply")
    await world.sweep()
    waiting = await world.now(adjustment)
    assert waiting.status is AdjustmentStatus.PENDING
    world.clock.advance(max(waiting.not_before_utc - NOW, timedelta()))
    await world.sweep()
    assert (await world.now(adjustment)).status is AdjustmentStatus.CONFIRMED
    assert await world.ledger() == [(await world.entity(cut), cut.current_micros, cut.proposed_micros, "API")]


@pytest.mark.req("RB-1.3")
async def test_a_rejected_idea_stays_away_for_the_day_and_may_return_the_next(world: World) -> None:
    open_now = await world.start()
    rejected = next(each for each in open_now if each.campaign_name == "Lookalike | Purchasers")
    ana = await viewer_of(world.ports, world.house, world.house.owner_id)
    decided = await decisions.reject(world.ports, ana, rejected.id, rejected.version, "not this week", "r")
    assert decided.recommendation.decision_reason == "not this week"

    same_day = await world.propose(force=True)

    assert same_day is not None
    assert rejected.budget_id not in {each.budget_id for each in await world.open_now()}
    skipped = {each.campaign_name: each.code for each in same_day.skipped}
    assert skipped["Lookalike | Purchasers"] == "DIRECTION_BLOCKED"

    (await world.control.post("/control/clock/advance", json={"days": 1})).raise_for_status()
    world.clock.advance(timedelta(days=1))
    await world.connect_all()
    next_day = await world.propose()

    assert next_day is not None
    again = {each.budget_id: each for each in await world.open_now()}
    assert direction(again[rejected.budget_id]) is direction(rejected)
    days = await daily_metrics.days_since(world.scope, [rejected.campaign_id], date(2026, 3, 9), date(2026, 3, 12))
    assert [day.day for day in days] == [date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)]
    archived = await recommendations.recommendation(world.scope, rejected.id)
    assert archived == decided.recommendation


async def test_a_change_made_today_rests_before_the_next_proposal(world: World) -> None:
    cut, _ = pair(await world.start())
    await world.approve(cut)
    await world.sweep()
    again = await world.propose(force=True)
    assert again is not None
    assert cut.budget_id not in {each.budget_id for each in await world.open_now()}
    resting = next(each for each in again.skipped if each.campaign_id == cut.campaign_id)
    assert resting.code == "FROZEN"
    assert "left to settle" in resting.explanation


@pytest.mark.req("GO-12")
async def test_acquisition_costs_are_the_platforms_own_reports(world: World) -> None:
    """Every platform's cost per conversion is what its reporting API says of the last seven complete days."""
    accounts = await world.connect_all()
    ana = await viewer_of(world.ports, world.house, world.house.owner_id)
    summaries = await reviews.platform_summaries(world.ports, ana, world.house.workspace.id)
    found = {each.platform: each for each in summaries}
    assert set(found) == set(Platform)
    for account in accounts:
        platform, external_id = account.platform, account.external_id
        if platform is Platform.META:
            continue  # its second account reports in euros
        today = local_day(NOW, account.time_zone)
        since, until = today - timedelta(days=7), today - timedelta(days=1)
        rows = await world.ports.platforms[platform].fetch_daily_metrics(external_id, since, until)
        spend, conversions = sum(row.spend_micros for row in rows), sum(row.conversions for row in rows)
        assert conversions > 0
        assert float(found[platform].conversions) == pytest.approx(conversions)
        assert found[platform].cac_micros == pytest.approx(spend / conversions, abs=1)


@pytest.mark.req("GO-06")
async def test_one_platforms_failure_does_not_stop_the_rest(world: World) -> None:
    """Meta breaks down: every other platform is synced, sent to and read back in the same round."""
    found = await world.start()
    cuts = [each for each in found if each.delta_micros < 0]
    assert len({each.platform for each in cuts}) > 1
    broken = cuts[0].platform
    fault = {"platform": broken.value, "operation": "any", "kind": "server_error", "count": 1_000}
    (await world.control.post("/control/faults", json=fault)).raise_for_status()

    queued = await world.approve(*cuts)
    await world.sweep()
    platforms = {each.adjustment_id: each.platform for each in await world.decided(cuts)}
    for each in [await world.now(adjustment) for adjustment in queued]:
        expected = AdjustmentStatus.PENDING if platforms[each.id] is broken else AdjustmentStatus.CONFIRMED
        assert each.status is expected
    assert await sync_all(world.ports) == sum(platform is not broken for platform, _ in ACCOUNTS)
