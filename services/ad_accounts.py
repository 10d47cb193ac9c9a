"""Use-cases on ad accounts: read, connect, sync. Must not know how a platform is spoken to; that is an adapter's.

A sync asks first and writes afterwards, in one transaction under the account's row: a platform that hangs holds no
connection, and what it half told leaves nothing behind.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain.access import Permission
from domain.ad_accounts import AdAccount
from domain.campaigns import Budget, Campaign, CampaignDay
from domain.connections import Connection
from domain.currencies import RateUnavailable
from domain.errors import InvalidInput, InvalidTransition, PlatformError
from domain.fetches import last_day
from domain.log import Actor, ActorKind
from domain.platforms import CampaignStatus, Platform, PlatformAccount, PlatformCampaign, PlatformDailyMetric
from domain.recommendations import RecommendationStatus
from kit.ids import new_id
from kit.metering import Meter
from kit.pagination import Slice
from kit.time import local_day
from models import ad_accounts, adjustments, campaigns, daily_metrics, locks, recommendations, status_changes, tenants
from services import fetches
from services.currency_rates import STORED_RATE_DAYS, rate_table
from services.platform_access import platform_of, platform_over
from services.ports import Ports
from services.recommendations import close_in
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SYNCER: Final = Actor(ActorKind.SYSTEM, "sync")

#: How far back the first sync looks.
FIRST_DAYS: Final = 90
#: How many days before the last stored one are asked for again: conversions are attributed late.
LATE_DAYS: Final = 14

_ACCOUNT: Final = "ad_account"
_CAMPAIGN: Final = "campaign"
_NAME_CHARACTERS: Final = 200
_CAMPAIGN_NAME_CHARACTERS: Final = 300
#: The column keeps six digits.
_CONVERSIONS_STEP: Final = Decimal("0.000001")


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[AdAccount]:
    """What a slice fetches of a workspace's accounts, in the order they were connected. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await ad_accounts.ad_account_page(scope, workspace_id, place)


async def one(ports: Ports, viewer: Viewer, account_id: UUID) -> AdAccount:
    """One account. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await ad_accounts.ad_account(ports.database.read(viewer.tenant_id), account_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such ad account")
    return found


async def connect(
    ports: Ports, tenant_id: UUID, workspace_id: UUID, platform: Platform, external_id: str, actor: Actor
) -> AdAccount:
    """Connect a platform's account to a workspace; one that is connected already is brought up to date.

    Args:
        ports: the platform is asked before the transaction opens.
        tenant_id: the workspace's tenant.
        workspace_id: where the account will be reviewed.
        platform: whose account it is.
        external_id: the platform's own id of it.
        actor: who connects.

    Raises:
        NotFound: no such workspace.
        PlatformError: the platform does not give the account.
        InvalidInput: files imported for this account were in another currency.
    """
    await tenants.workspace(ports.database.read(tenant_id), workspace_id)
    told = await ports.platforms[platform].fetch_account(external_id)
    return await _store_connected(ports, tenant_id, workspace_id, platform, told, actor, None)


async def connect_over(ports: Ports, connection: Connection, external_id: str, actor: Actor) -> AdAccount:
    """Connect an account that a connection opens. Raises as `connect` does."""
    told = await platform_over(ports, connection).fetch_account(external_id)
    place = connection.tenant_id, connection.workspace_id, connection.platform
    return await _store_connected(ports, *place, told, actor, connection.id)


async def _store_connected(
    ports: Ports,
    tenant_id: UUID,
    workspace_id: UUID,
    platform: Platform,
    told: PlatformAccount,
    actor: Actor,
    connection_id: UUID | None,
) -> AdAccount:
    async with begin(ports, tenant_id, actor) as work:
        await locks.hold_workspace(work.scope, workspace_id)
        known = await ad_accounts.find_ad_account(work.scope, workspace_id, platform.value, told.external_id)
        if known is None:
            account = replace(_new_account(tenant_id, workspace_id, platform, told), connection_id=connection_id)
            await ad_accounts.add_ad_account(work.scope, account)
        else:
            account = replace(_as_told(known, told), connection_id=connection_id)
            await ad_accounts.store_ad_account(work.scope, account)
        if account != known:
            was_connected = known is not None and known.connected
            kind = "ad_account.changed" if was_connected else "ad_account.connected"
            work.record(kind, _ACCOUNT, known, account)
    return account


def _new_account(tenant_id: UUID, workspace_id: UUID, platform: Platform, told: PlatformAccount) -> AdAccount:
    return AdAccount(
        id=new_id(),
        tenant_id=tenant_id,
        workspace_id=workspace_id,
        platform=platform,
        external_id=told.external_id,
        name=told.name[:_NAME_CHARACTERS],
        currency_code=told.currency_code,
        time_zone=told.time_zone,
        synced_at_utc=None,
        sync_error=None,
    )


def _as_told(known: AdAccount, told: PlatformAccount) -> AdAccount:
    if known.currency_code != told.currency_code:
        raise InvalidInput(
            f"{known.platform.value} keeps this account in {told.currency_code}, but days imported for it are in "
            f"{known.currency_code}",
            path=("externalId",),
        )
    return replace(known, name=told.name[:_NAME_CHARACTERS], time_zone=told.time_zone, connected=True)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a platform said of an account, its days up to `until`. `looked_at_utc`: the moment before it was asked."""

    campaigns: list[PlatformCampaign]
    days: list[PlatformDailyMetric]
    rates: dict[date, Decimal]
    looked_at_utc: datetime
    until: date


async def sync(ports: Ports, tenant_id: UUID, account_id: UUID) -> AdAccount:
    """Bring an account's campaigns, budgets and days up to now; all of it or nothing is stored.

    No transaction is open while the platform is asked. Days from 14 before the last stored one are asked again, because
    attribution comes late; 90 at first. What the platform refuses, or a missing exchange rate, ends in `sync_error`.
    It stays within the calls an hour that polling may make (domain/fetches.py): a large account's first days come in
    over several syncs, and a sync beyond the budget asks for nothing.

    Returns:
        The account afterwards; its `sync_error` says whether it worked.

    Raises:
        NotFound: no such account.
        InvalidTransition: it is known from imported files only.
    """
    account = await ad_accounts.ad_account(ports.database.read(tenant_id), account_id)
    if not account.connected:
        state = "IMPORTED" if account.connection_id is None else "DISCONNECTED"
        raise InvalidTransition("this account was imported from files or disconnected; connect it first", state=state)
    try:
        async with fetches.within_budget(ports, account) as meter:
            if meter is None:
                return account
            told = await _ask(ports, account, meter)
    except PlatformError as error:
        return await _note_failure(ports, account, error.message)
    except RateUnavailable as error:
        return await _note_failure(ports, account, f"its amounts cannot be converted: {error.message}; import rates")
    return await _store(ports, account, told)


async def connected(ports: Ports, tenant_id: UUID) -> list[AdAccount]:
    """All accounts of a tenant that a sync can ask for, by workspace: for the sync job."""
    scope = ports.database.read(tenant_id)
    places = await tenants.workspaces(scope)
    return [each for place in places for each in await ad_accounts.ad_accounts(scope, place.id) if each.connected]


async def _ask(ports: Ports, account: AdAccount, meter: Meter) -> _Told:
    scope = ports.database.read(account.tenant_id)
    workspace = await tenants.workspace(scope, account.workspace_id)
    looked_at_utc = ports.clock.now_utc()
    today = local_day(looked_at_utc, account.time_zone)
    since = _since(account, today)
    platform = platform_of(ports, account)
    told = await platform.fetch_campaigns(account.external_id)
    until = last_day(since, today, len(told), meter.allowed - meter.used)
    days = await platform.fetch_daily_metrics(account.external_id, since, until)
    reporting = workspace.reporting_currency
    table = await rate_table(scope, reporting, max_age_days=STORED_RATE_DAYS)
    asked = {row.day for row in days} | {today}
    rates = {day: table.lookup(day, account.currency_code, reporting).rate for day in asked}
    return _Told(told, days, rates, looked_at_utc, until)


def _since(account: AdAccount, today: date) -> date:
    """The first day to ask for: what is missing, and what was too young to be whole at the last sync."""
    if account.synced_at_utc is None or account.fetched_until is None:
        return today - timedelta(days=FIRST_DAYS)
    last_look = min(local_day(account.synced_at_utc, account.time_zone), today)
    return min(account.fetched_until + timedelta(days=1), last_look - timedelta(days=LATE_DAYS))


async def _note_failure(ports: Ports, account: AdAccount, reason: str) -> AdAccount:
    """Store why; the log hears of the first failure after a success only, not of each attempt."""
    async with begin(ports, account.tenant_id, SYNCER) as work:
        await locks.hold_account(work.scope, account.id)
        before = await ad_accounts.ad_account(work.scope, account.id)
        await ad_accounts.mark_synced(work.scope, account.id, work.now_utc, reason)
        after = replace(before, sync_error=reason)
        if before.sync_error is None:
            work.record("ad_account.sync_failed", _ACCOUNT, before, after)
    return after


async def _store(ports: Ports, account: AdAccount, told: _Told) -> AdAccount:
    async with begin(ports, account.tenant_id, SYNCER) as work:
        await locks.hold_account(work.scope, account.id)
        before = await ad_accounts.ad_account(work.scope, account.id)
        budget_ids = await _store_budgets(work, before, told)
        campaign_ids = await _store_campaigns(work, before, told, budget_ids)
        await daily_metrics.replace_days(work.scope, _days(told, campaign_ids), keep_margins=True)
        await ad_accounts.mark_synced(work.scope, account.id, work.now_utc, None, told.until)
        after = replace(before, synced_at_utc=work.now_utc, sync_error=None, fetched_until=told.until)
        if before.sync_error is not None or before.synced_at_utc is None:
            work.record("ad_account.synced", _ACCOUNT, before, after)
    return after


async def _store_budgets(work: Work, account: AdAccount, told: _Told) -> dict[str, UUID]:
    """Store what the budgets were seen to be; a change that is not ours is logged. Returns ids by external id."""
    known = await campaigns.account_budgets(work.scope, account.id)
    ours = await adjustments.intended_amounts(work.scope, account.id)
    seen = {each.budget_external_id: each for each in told.campaigns}
    fresh = []
    # In the order of our ids, in which the dispatcher holds budgets, too; what is new comes last.
    known_first = sorted(seen, key=lambda each: (each not in known, known[each].id if each in known else each))
    for external_id, row in ((each, seen[each]) for each in known_first):
        before = known.get(external_id)
        after = Budget(
            id=new_id() if before is None else before.id,
            tenant_id=account.tenant_id,
            workspace_id=account.workspace_id,
            account_id=account.id,
            external_id=external_id,
            budget_type=row.budget_type,
            daily_budget_micros=row.daily_budget_micros,
            observed_at_utc=told.looked_at_utc,
        )
        if before is None:
            fresh.append(after)
            continue
        elsewhere = _changed_elsewhere(before, after, ours)
        after = _marked(before, after, elsewhere=elsewhere)
        if await campaigns.observe_unless_newer(work.scope, after) and elsewhere:
            work.record("budget.changed_elsewhere", "budget", before, after)
            await _close_stale(work, account, before, after)
    await campaigns.add_budgets(work.scope, fresh)
    return {each.external_id: each.id for each in (*known.values(), *fresh)}


def _marked(before: Budget, after: Budget, *, elsewhere: bool) -> Budget:
    """The budget with what is known of changes that are not ours."""
    if elsewhere:
        at, amount = after.observed_at_utc, before.daily_budget_micros
        return replace(after, changed_elsewhere_at_utc=at, before_elsewhere_micros=amount)
    return replace(
        after,
        changed_elsewhere_at_utc=before.changed_elsewhere_at_utc,
        before_elsewhere_micros=before.before_elsewhere_micros,
    )


async def _close_stale(work: Work, account: AdAccount, before: Budget, after: Budget) -> None:
    """Close what waits for a decision on a budget that is no longer what the decision would rest on."""
    found, now = (f"{each.daily_budget_micros / 1_000_000:.2f}" for each in (before, after))
    reason = f"the budget was changed on {account.platform.value} from {found} to {now} {account.currency_code} a day"
    if after.budget_type is not before.budget_type:
        reason = f"the budget was made {after.budget_type.value} on {account.platform.value}"
    open_now = await recommendations.open_on_budgets(work.scope, [after.id])
    await close_in(work, open_now, RecommendationStatus.STALE, reason)


def _changed_elsewhere(before: Budget, after: Budget, ours: set[tuple[UUID, int]]) -> bool:
    if after.budget_type is not before.budget_type:
        return True
    return after.daily_budget_micros != before.daily_budget_micros and (after.id, after.daily_budget_micros) not in ours


async def _store_campaigns(work: Work, account: AdAccount, told: _Told, budget_ids: dict[str, UUID]) -> dict[str, UUID]:
    """Store new, renamed, paused and removed campaigns. Returns ids by external id."""
    known = await campaigns.account_campaigns(work.scope, account.id)
    ours = await status_changes.changed_since(work.scope, account.id, told.looked_at_utc)
    fresh: list[Campaign] = []
    for row in {each.external_id: each for each in told.campaigns}.values():
        before = known.get(row.external_id)
        after = Campaign(
            id=new_id() if before is None else before.id,
            tenant_id=account.tenant_id,
            workspace_id=account.workspace_id,
            account_id=account.id,
            budget_id=budget_ids[row.budget_external_id],
            external_id=row.external_id,
            name=row.name[:_CAMPAIGN_NAME_CHARACTERS],
            # What we changed since the platform was asked is known better than it told.
            status=row.status if before is None or before.id not in ours else before.status,
            product_margin=None if before is None else before.product_margin,
        )
        if before is None:
            fresh.append(after)
            work.record("campaign.added", _CAMPAIGN, None, after)
        elif after != before:
            await campaigns.store_campaign(work.scope, after)
            work.record("campaign.changed", _CAMPAIGN, before, after)
    await campaigns.add_campaigns(work.scope, fresh)
    await _mark_removed(work, known, {each.external_id for each in told.campaigns})
    return {each.external_id: each.id for each in (*known.values(), *fresh)}


async def _mark_removed(work: Work, known: dict[str, Campaign], told: set[str]) -> None:
    """Campaigns that the platform no longer lists; those known from files only were never listed."""
    for external_id, before in known.items():
        if external_id in told or before.budget_id is None or before.status is CampaignStatus.REMOVED:
            continue
        after = replace(before, status=CampaignStatus.REMOVED)
        await campaigns.store_campaign(work.scope, after)
        work.record("campaign.changed", _CAMPAIGN, before, after)


def _days(told: _Told, campaign_ids: dict[str, UUID]) -> list[CampaignDay]:
    """The days of known campaigns, each once: pages may overlap where rows arrive while they are read."""
    days: dict[tuple[UUID, date], CampaignDay] = {}
    for row in told.days:
        campaign_id = campaign_ids.get(row.campaign_external_id)
        if campaign_id is None:
            continue
        days[campaign_id, row.day] = CampaignDay(
            id=new_id(),
            campaign_id=campaign_id,
            day=row.day,
            impressions=row.impressions,
            clicks=row.clicks,
            conversions=Decimal(repr(row.conversions)).quantize(_CONVERSIONS_STEP),
            spend_micros=row.spend_micros,
            revenue_micros=row.revenue_micros,
            product_margin=None,
            rate_to_reporting=told.rates[row.day],
        )
    return list(days.values())
