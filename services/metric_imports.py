"""Use-case: import campaign days from a file that people have. Must not read files or know CSV; lines come in.

All of a file is stored or nothing. A day that was stored before is replaced, others stay.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain.access import Permission
from domain.ad_accounts import AdAccount
from domain.campaigns import Campaign, CampaignDay
from domain.errors import InvalidInput
from domain.metric_imports import ImportedDay, ImportProfile, ParsedFile, parse_file
from domain.platforms import CampaignStatus, Platform
from domain.workspaces import Workspace
from kit.ids import new_id
from models import ad_accounts, campaigns, daily_metrics, locks, metric_imports, tenants
from services.currency_rates import rate_table
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.viewers import Viewer

#: A file's days are converted once and for all, so a rate must be of that week; seven days bridge every bank holiday.
FILE_RATE_DAYS: Final = 7

#: What the columns keep.
_CONVERSIONS_STEP: Final = Decimal("0.000001")
_MOST_CONVERSIONS: Final = Decimal(10) ** 14
_RATE_STEP: Final = Decimal("0.0000000001")
_LEAST_MARGIN: Final = Decimal("-9.999999")
_ACCOUNT_ID_CHARACTERS: Final = 64
_CAMPAIGN_ID_CHARACTERS: Final = 128

_AccountKey = tuple[Platform, str]


@dataclass(frozen=True, slots=True)
class MetricImport:
    """What the log keeps of an import. `rows_read` counts good and rejected rows, `days` the campaign days stored."""

    id: UUID
    workspace_id: UUID
    rows_read: int
    rejected_rows: int
    accounts: int
    campaigns: int
    days: int
    first_day: date
    last_day: date


async def import_file(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    lines: Iterable[str],
    profile: ImportProfile,
    *,
    skip_rejected: bool = False,
) -> ParsedFile:
    """Read a file by a profile and store its days, all of them or nothing.

    Args:
        ports: the database.
        viewer: who imports; must hold campaign:write in the workspace.
        workspace_id: where the accounts and campaigns are found, or made where they are new.
        lines: the file's lines, read in a thread of its own.
        profile: which column fills which field, and the zone of new accounts (else the workspace's).
        skip_rejected: store the good rows although others were rejected.

    Returns:
        The report with its rejected rows. Where a row was rejected and `skip_rejected` is false, nothing was stored.

    Raises:
        NotFound, Forbidden
        InvalidInput: no header, a column is missing, an account has another currency, an id is too long.
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_WRITE)
    scope = ports.database.read(viewer.tenant_id)
    workspace = await tenants.workspace(scope, workspace_id)
    rates = await rate_table(scope, workspace.reporting_currency, max_age_days=FILE_RATE_DAYS)
    report = await asyncio.to_thread(
        parse_file, lines, profile, reporting_currency=workspace.reporting_currency, rates=rates
    )
    if not report.days or (report.rejected_count and not skip_rejected):
        return report
    days = report.accepted_days(skip_rejected=skip_rejected)
    by_account: defaultdict[_AccountKey, list[ImportedDay]] = defaultdict(list)
    for day in days:
        by_account[day.platform, day.account_external_id].append(day)
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        await locks.hold_workspace(work.scope, workspace_id)
        for key, its_days in by_account.items():
            account = await _account(work, workspace, key, its_days[0].currency_code, profile.time_zone)
            await _store_days(work, account, its_days)
        work.record("metrics.imported", "metric_import", None, _told(workspace_id, report, days))
    return report


def _told(workspace_id: UUID, report: ParsedFile, days: Sequence[ImportedDay]) -> MetricImport:
    return MetricImport(
        id=new_id(),
        workspace_id=workspace_id,
        rows_read=report.rows_read,
        rejected_rows=report.rejected_count,
        accounts=len({(day.platform, day.account_external_id) for day in days}),
        campaigns=len({(day.platform, day.account_external_id, day.campaign_external_id) for day in days}),
        days=len(days),
        first_day=min(day.day for day in days),
        last_day=max(day.day for day in days),
    )


async def _account(
    work: Work, workspace: Workspace, key: _AccountKey, currency_code: str, time_zone: str | None
) -> AdAccount:
    """The account a file speaks of, made where it is new: nobody is asked for it, so it is not connected."""
    platform, external_id = key
    if len(external_id) > _ACCOUNT_ID_CHARACTERS:
        raise InvalidInput(f"the account id {external_id!r} is longer than {_ACCOUNT_ID_CHARACTERS}", ("account",))
    known = await ad_accounts.find_ad_account(work.scope, workspace.id, platform.value, external_id)
    if known is not None:
        if known.currency_code != currency_code:
            raise InvalidInput(
                f"account {external_id} is kept in {known.currency_code}; the file says {currency_code}", ("currency",)
            )
        return known
    account = AdAccount(
        id=new_id(),
        tenant_id=workspace.tenant_id,
        workspace_id=workspace.id,
        platform=platform,
        external_id=external_id,
        name=external_id,
        currency_code=currency_code,
        time_zone=time_zone or workspace.time_zone,
        synced_at_utc=None,
        sync_error=None,
        connected=False,
    )
    await ad_accounts.add_ad_account(work.scope, account)
    work.record("ad_account.imported", "ad_account", None, account)
    return account


async def _store_days(work: Work, account: AdAccount, days: Sequence[ImportedDay]) -> None:
    known = await campaigns.account_campaigns(work.scope, account.id)
    await _store_campaigns(work, account, days, known)
    known = await campaigns.account_campaigns(work.scope, account.id)
    await daily_metrics.replace_days(work.scope, [_day(day, known[day.campaign_external_id].id) for day in days])
    margins = await metric_imports.latest_margins(work.scope, account.id)
    for external_id in sorted({day.campaign_external_id for day in days}):
        before = known[external_id]
        after = replace(before, product_margin=margins.get(before.id, before.product_margin))
        if after != before:
            await campaigns.store_campaign(work.scope, after)
            work.record("campaign.changed", "campaign", before, after)


async def _store_campaigns(
    work: Work, account: AdAccount, days: Sequence[ImportedDay], known: dict[str, Campaign]
) -> None:
    """New campaigns, and new names of those that no platform names."""
    names = {day.campaign_external_id: day.campaign_name for day in days}
    fresh = []
    for external_id, name in names.items():
        before = known.get(external_id)
        if before is None:
            after = _campaign(account, external_id, name)
            fresh.append(after)
            work.record("campaign.added", "campaign", None, after)
        elif before.budget_id is None and before.name != name:
            after = replace(before, name=name)
            await campaigns.store_campaign(work.scope, after)
            work.record("campaign.changed", "campaign", before, after)
    await campaigns.add_campaigns(work.scope, fresh)


def _campaign(account: AdAccount, external_id: str, name: str) -> Campaign:
    if len(external_id) > _CAMPAIGN_ID_CHARACTERS:
        raise InvalidInput(f"the campaign id {external_id!r} is longer than {_CAMPAIGN_ID_CHARACTERS}", ("campaign",))
    return Campaign(
        id=new_id(),
        tenant_id=account.tenant_id,
        workspace_id=account.workspace_id,
        account_id=account.id,
        budget_id=None,
        external_id=external_id,
        name=name,
        status=CampaignStatus.ENABLED,
        product_margin=None,
    )


def _day(day: ImportedDay, campaign_id: UUID) -> CampaignDay:
    conversions = day.conversions.quantize(_CONVERSIONS_STEP)
    if conversions >= _MOST_CONVERSIONS:
        raise InvalidInput(f"campaign {day.campaign_external_id} has too many conversions on {day.day}", ("file",))
    margin = day.product_margin
    return CampaignDay(
        id=new_id(),
        campaign_id=campaign_id,
        day=day.day,
        impressions=day.impressions,
        clicks=day.clicks,
        conversions=conversions,
        spend_micros=day.spend_micros,
        revenue_micros=day.revenue_micros,
        # The parser lets losses of ten times the revenue pass; the column ends a millionth before.
        product_margin=None if margin is None else max(margin.quantize(_CONVERSIONS_STEP), _LEAST_MARGIN),
        rate_to_reporting=day.reporting_rate.rate.quantize(_RATE_STEP),
    )
