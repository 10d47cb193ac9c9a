"""Fixtures every integration test shares: both databases, ports with a clock that stands still, two tenants."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from adapters import tokens
from adapters.anchors import FileAnchors
from adapters.keyring import FileKeyRing
from adapters.passwords import Passwords
from adapters.signatures import AnchorSigner
from app.migrations import migrate
from domain.access import ALL_SCOPES, SEEDED_ROLES, Principal, PrincipalKind
from domain.ad_accounts import AdAccount
from domain.campaigns import Budget, Campaign
from domain.plans import Plan
from domain.platforms import AdPlatform, BudgetType, CampaignStatus, Platform
from domain.recommendations import Recommendation, RecommendationStatus
from domain.workspaces import Workspace
from kit.ids import new_id
from kit.time import FixedClock
from models import ad_accounts, campaigns, log, members, plans, recommendations, tenants
from models.scope import Database, WriteScope
from services.ports import Ports
from services.viewers import Viewer, look_up
from tests.both_ways import built_both_ways
from tests.integration.fake_grants import fake_connections

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:54329/postgres")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:56379/0")
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1):
            return True
    except OSError:
        return False


def require_service(url: str) -> None:
    """Skip without the service, or fail where REQUIRE_SERVICES says that it must be there."""
    if _answers(url):
        return
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{url} does not answer, and REQUIRE_SERVICES=1: run scripts/services.sh up")
    pytest.skip(f"{url} does not answer: run scripts/services.sh up")


@pytest.fixture(scope="session", autouse=True)
def _written_functions_are_held_to_the_general_way() -> Iterator[None]:
    with built_both_ways() as record:
        yield
    assert not record.differences, record.differences


@pytest.fixture
def redis_url() -> str:
    require_service(REDIS_URL)
    return REDIS_URL


def _database_named(name: str) -> str:
    return urlunsplit(urlsplit(POSTGRES_URL)._replace(path=f"/{name}"))


def _run(work: Coroutine[object, object, None]) -> None:
    """Run to its end in a thread: session fixtures may be asked for from inside a running loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, made once a session."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    _run(migrate(f"sqlite://{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a migrated, empty PostgreSQL database, made once a session."""
    require_service(POSTGRES_URL)
    name = f"template_{uuid4().hex}"

    async def sql(statement: str) -> None:
        connection = await asyncpg.connect(POSTGRES_URL)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    _run(sql(f'CREATE DATABASE "{name}"'))
    _run(migrate(_database_named(name)))
    yield name
    _run(sql(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(params=["sqlite", "postgres"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a migrated, empty database of each kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "test.db"
        shutil.copyfile(template, path)
        yield f"sqlite://{path}"
        return
    template_name: str = request.getfixturevalue("postgres_template")
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(POSTGRES_URL)
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template_name}"')
    try:
        yield _database_named(name)
    finally:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


@dataclass
class RecordedHints:
    """Hints that are only remembered."""

    published: list[tuple[UUID, int]] = field(default_factory=list)

    def publish(self, tenant_id: UUID, sequence: int) -> None:
        self.published.append((tenant_id, sequence))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def hints() -> RecordedHints:
    return RecordedHints()


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    """The real hasher: a check takes tens of milliseconds, so few tests sign in."""
    hasher = Passwords()
    yield hasher
    hasher.close()


@pytest.fixture
def access_tokens(clock: FixedClock, tmp_path: Path) -> tokens.AccessTokens:
    """Real tokens of 15 minutes, signed with a ring of this test's own."""
    ring = FileKeyRing(tmp_path / "keys" / "tokens.json", clock, 960)
    return tokens.AccessTokens(ring, "campaign-express", "campaign-express-api", clock, 900)


@pytest.fixture
def ports(
    database: Database,
    clock: FixedClock,
    hints: RecordedHints,
    passwords: Passwords,
    access_tokens: tokens.AccessTokens,
    tmp_path: Path,
) -> Ports:
    """Real database, anchors, credentials and log key; no platforms: a test that needs one puts it in `platforms`."""
    signer = AnchorSigner(FileKeyRing(tmp_path / "keys" / "anchors.json", clock, None))
    platforms: dict[Platform, AdPlatform] = {}
    return Ports(
        database=database,
        clock=clock,
        hints=hints,
        log_key=b"k" * 32,
        anchors=FileAnchors(tmp_path / "anchors", signer),
        platforms=platforms,
        passwords=passwords,
        access_tokens=access_tokens,
        secrets=tokens,
        live_platforms=frozenset(),
        refresh_ttl=timedelta(days=30),
        connections=fake_connections(platforms, clock),
    )


@dataclass(frozen=True)
class House:
    """A tenant with one workspace, three people, one account, four campaigns and a plan of four recommendations."""

    tenant_id: UUID
    workspace: Workspace
    owner_id: UUID
    reviewer_id: UUID
    analyst_id: UUID
    account: AdAccount
    campaigns: tuple[Campaign, ...]
    budgets: tuple[Budget, ...]
    plan: Plan
    recommendations: tuple[Recommendation, ...]  # two decreases, then the two increases they pay for


def principal_of(tenant_id: UUID, user_id: UUID) -> Principal:
    return Principal(PrincipalKind.USER, tenant_id, user_id, uuid4(), ALL_SCOPES, NOON + timedelta(days=365))


async def viewer_of(ports: Ports, house: House, user_id: UUID) -> Viewer:
    """The viewer behind one of the house's people, looked up as an operation would."""
    return await look_up(ports, principal_of(house.tenant_id, user_id))


async def build_house(ports: Ports, name: str) -> House:
    """A complete tenant, different from every other one."""
    tenant_id = new_id()
    workspace = Workspace(new_id(), tenant_id, name, "USD", "America/New_York", "12:00", 0, 0.3, True, 1)
    people = {who: new_id() for who in ("owner", "reviewer", "analyst")}
    account = AdAccount(
        new_id(), tenant_id, workspace.id, Platform.META, f"{name}-1", name, "USD", "America/New_York", None, None
    )
    budgets = tuple(
        Budget(new_id(), tenant_id, workspace.id, account.id, f"{name}-b{n}", BudgetType.DAILY, 100_000_000, NOON)
        for n in range(4)
    )
    made = tuple(
        Campaign(
            new_id(), tenant_id, workspace.id, account.id, b.id, f"{name}-c{n}", f"{name} {n}",
            CampaignStatus.ENABLED, None,
        )
        for n, b in enumerate(budgets)
    )  # fmt: skip
    plan = Plan(
        new_id(), tenant_id, workspace.id, "rebalancer", NOON, NOON + timedelta(days=1), "USD", 0, "why", (), 0, 0, 1
    )
    deltas = (-10_000_000, -20_000_000, 5_000_000, 25_000_000)
    proposed = tuple(
        Recommendation(
            id=new_id(), tenant_id=tenant_id, workspace_id=workspace.id, plan_id=plan.id, account_id=account.id,
            budget_id=b.id, campaign_id=c.id, platform=Platform.META, campaign_name=c.name, currency_code="USD",
            reporting_currency_code="USD", rate_to_reporting=Decimal(1), status=RecommendationStatus.NEEDS_REVIEW,
            version=1, current_micros=100_000_000, suggested_micros=100_000_000 + d, proposed_micros=100_000_000 + d,
            delta_reporting_micros=d, roas_now=2.0, roas_expected=2.5, roas_change_low=0.1, roas_change_high=0.9,
            revenue_change_reporting_micros=1_000_000, confidence=0.9, rationale="because", created_at_utc=NOON,
            expires_at_utc=NOON + timedelta(days=1), changed_by_id=None, changed_at_utc=None, decided_by_id=None,
            decided_at_utc=None, decision_reason=None, adjustment_id=None,
        )
        for b, c, d in zip(budgets, made, deltas, strict=True)
    )  # fmt: skip
    async with ports.database.write(tenant_id) as scope:
        await _store_tenant(scope, name, workspace, people)
        await ad_accounts.add_ad_account(scope, account)
        await campaigns.add_budgets(scope, budgets)
        await campaigns.add_campaigns(scope, made)
        await plans.add_plan(scope, plan)
        await recommendations.add_recommendations(scope, proposed)
    return House(
        tenant_id, workspace, people["owner"], people["reviewer"], people["analyst"], account, made, budgets, plan,
        proposed,
    )  # fmt: skip


async def _store_tenant(scope: WriteScope, name: str, workspace: Workspace, people: dict[str, UUID]) -> None:
    await tenants.add_tenant(scope, name, NOON)
    await log.open_head(scope)
    await tenants.add_workspace(scope, workspace)
    await members.add_roles(scope, SEEDED_ROLES)
    roles = {
        "owner": ("owner", "reviewer"),
        "reviewer": ("campaign_manager", "reviewer"),
        "analyst": ("data_analyst",),
    }
    for who, user_id in people.items():
        await members.add_user(scope, user_id, f"{who}@{name}.test", f"{who.title()} of {name}", "!", NOON)
        await members.add_membership(scope, workspace.id, user_id, roles[who])


@pytest.fixture
async def house(ports: Ports) -> House:
    return await build_house(ports, "acme")


@pytest.fixture
async def other_house(ports: Ports) -> House:
    return await build_house(ports, "globex")
