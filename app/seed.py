"""The demo workspace: a tenant, three people, four ad accounts of the sandbox, 90 days of metrics, recommendations.

And campaigns for the bid process.

Every change goes through the services, so the demo's log tells its own making. Must not touch a tenant
that is complete.
"""

import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx

from app.container import Container
from domain.access import SEEDED_ROLES
from domain.bid_campaigns import BidOffer, Brand
from domain.connections import Connection, ConnectionStatus
from domain.currencies import Rate
from domain.errors import PlatformError
from domain.log import Actor, ActorKind
from domain.platforms import Platform
from domain.workspaces import Workspace
from hotpath.demo import DEMO_CAMPAIGNS
from kit.ids import new_id
from kit.pagination import Slice
from models import across_tenants, connections, currency_rates, log, members, tenants
from models.bid_campaigns import bid_campaign_page
from models.plans import newest_plan
from services import ad_accounts, bid_campaigns, plans
from services.connection_tokens import connection_ports
from services.connections import keep, redirect_uri
from services.unit_of_work import begin

SEEDER: Final = Actor(ActorKind.SYSTEM, "seed")


@dataclass(frozen=True, slots=True)
class DemoMember:
    """A person of the demo."""

    email: str
    name: str
    roles: tuple[str, ...]
    title: str


DEMO_MEMBERS: Final = (
    DemoMember("ana@demo.test", "Ana Alvarez", ("owner", "reviewer"), "owner, may decide budgets"),
    DemoMember("ben@demo.test", "Ben Becker", ("campaign_manager", "reviewer"), "reviewer, may decide budgets"),
    DemoMember("cleo@demo.test", "Cleo Chen", ("data_analyst",), "analyst, may look but not decide"),
)

#: The sandbox's accounts (sandbox/roster.py).
DEMO_ACCOUNTS: Final = (
    (Platform.META, "1043380012345601"),
    (Platform.META, "1043380012345602"),
    (Platform.GOOGLE, "4201987001"),
    (Platform.TIKTOK, "7100000000000000001"),
)

#: The demo's euro rate. A made-up one, and its source says so.
DEMO_EUR_USD: Final = Decimal("1.08")


def demo_password(var_dir: Path) -> str:
    """The password of the demo's people, made once per var folder: no login that everybody knows."""
    path = var_dir / "demo-password"
    if not path.exists():
        var_dir.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"demo-password.{os.getpid()}")
        fresh.write_text("-".join(secrets.token_hex(2) for _ in range(4)), encoding="ascii")
        fresh.chmod(0o600)
        fresh.replace(path)
    return path.read_text(encoding="ascii")


async def seed_demo(container: Container) -> bool:
    """Make the demo workspace, or finish one whose making was cut off; False when it was complete already.

    Raises:
        PlatformError: the sandbox does not give what the demo is made of; a later call goes on from there.
    """
    ports = container.ports
    known = await across_tenants.user_by_email(ports.database.system(), DEMO_MEMBERS[0].email)
    if known is None:
        tenant_id, workspace_id = await _make_tenant(container)
    else:
        tenant_id = known.tenant_id
        scope = ports.database.read(tenant_id)
        workspace_id = (await tenants.workspaces(scope))[0].id
        # A workspace of an earlier release has none yet.
        await _start_bidding(container, tenant_id, workspace_id)
        # The first plan is the last thing made.
        if await newest_plan(scope, workspace_id) is not None:
            return False
    await _bring_accounts(container, tenant_id, workspace_id)
    return True


async def _make_tenant(container: Container) -> tuple[UUID, UUID]:
    """The tenant with its people, in one transaction; its id and the workspace's."""
    ports = container.ports
    tenant_id = new_id()
    workspace = Workspace(
        id=new_id(),
        tenant_id=tenant_id,
        name="Demo marketing",
        reporting_currency="USD",
        time_zone="America/New_York",
        review_deadline="12:00",
        rejection_hold_days=0,
        max_change_share=0.3,
        dispatch_immediately=True,
        version=1,
    )
    password_hash = await container.passwords.hash_soon(demo_password(container.settings.var_dir))
    async with begin(ports, tenant_id, SEEDER) as work:
        await tenants.add_tenant(work.scope, "Demo", work.now_utc)
        await log.open_head(work.scope)
        await tenants.add_workspace(work.scope, workspace)
        await members.add_roles(work.scope, SEEDED_ROLES)
        for each in DEMO_MEMBERS:
            user_id = new_id()
            await members.add_user(work.scope, user_id, each.email, each.name, password_hash, work.now_utc)
            await members.add_membership(work.scope, workspace.id, user_id, each.roles)
        oldest = (work.now_utc - timedelta(days=400)).date()
        await currency_rates.replace_rates(
            work.scope, [Rate(oldest, "EUR", "USD", DEMO_EUR_USD, "demo, not a market rate")]
        )
        work.record("workspace.created", "workspace", None, workspace)
        for draft in demo_drafts():
            await bid_campaigns.create_in(work, workspace.id, draft)
    return tenant_id, workspace.id


async def _start_bidding(container: Container, tenant_id: UUID, workspace_id: UUID) -> None:
    """The demo's bid campaigns, if the workspace has none."""
    async with begin(container.ports, tenant_id, SEEDER) as work:
        if not await bid_campaign_page(work.scope, workspace_id, Slice(1)):
            for draft in demo_drafts():
                await bid_campaigns.create_in(work, workspace_id, draft)


def demo_drafts() -> list[bid_campaigns.Draft]:
    """The bid process's demo campaigns as somebody would enter them."""
    return [
        bid_campaigns.Draft(
            name=name,
            seat=each.seat,
            currency_code="USD",
            bid_cpm_micros=each.bid_cpm_micros,
            daily_budget_micros=each.daily_budget_micros,
            brand=Brand(domains=each.domains, bundle=each.bundle, categories=each.categories),
            offers=tuple(BidOffer(id=new_id(), name=o.offer_id, creatives=o.creatives) for o in each.offers),
            targeting=each.targeting,
            hourly_cap=each.hourly_cap,
            daily_cap=each.daily_cap,
        )
        for name, each in DEMO_CAMPAIGNS.items()
    ]


async def _granted(container: Container, tenant_id: UUID, workspace_id: UUID, platform: Platform) -> Connection:
    """A grant on the sandbox's consent page, where this plays the person who allows; an earlier one is used again."""
    ports = container.ports
    for known in await connections.connection_page(ports.database.read(tenant_id), workspace_id, Slice(100)):
        if known.platform is platform and known.status is ConnectionStatus.CONNECTED:
            return known
    provider, verifier = connection_ports(ports).providers[platform], secrets.token_urlsafe(48)
    back = redirect_uri(ports, platform)
    page = provider.consent_url("demo", back, verifier)
    async with httpx.AsyncClient(trust_env=False) as browser:
        pressed = {**dict(parse_qsl(urlsplit(page).query)), "decision": "allow"}
        try:
            answer = await browser.post(page, data=pressed)
        except httpx.HTTPError as error:
            raise PlatformError(f"{platform.value} did not answer ({type(error).__name__})", retryable=True) from error
    told = dict(parse_qsl(urlsplit(answer.headers.get("location", "")).query))
    code = told.get("code") or told.get("auth_code") or ""
    tokens = await provider.exchange(code, back, verifier)
    return await keep(ports, tenant_id, workspace_id, platform, tokens, SEEDER)


async def _bring_accounts(container: Container, tenant_id: UUID, workspace_id: UUID) -> None:
    grants: dict[Platform, Connection] = {}
    for platform, external_id in DEMO_ACCOUNTS:
        if platform not in grants:
            grants[platform] = await _granted(container, tenant_id, workspace_id, platform)
        account = await ad_accounts.connect_over(container.ports, grants[platform], external_id, SEEDER)
        synced = await ad_accounts.sync(container.ports, tenant_id, account.id)
        if synced.sync_error is not None:
            raise PlatformError(f"{platform.value} account {external_id}: {synced.sync_error}")
    await plans.propose(container.ports, tenant_id, workspace_id, force=True)
