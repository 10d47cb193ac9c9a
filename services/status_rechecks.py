"""Reading confirmed status changes once more, when every call that was on its way has arrived. Sends nothing itself.

As with budgets (services/rechecks.py): a worker that was frozen with its request half sent may write over a newer
change. That is seen here, and the change is queued again; what a person did on the platform is left alone.
"""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.dispatch_times import DISPATCH_TIMES, DispatchTimes
from domain.errors import PlatformError
from domain.platforms import CampaignStatus, Platform
from domain.quotas import LOOK, QUOTAS, Quota
from domain.retries import backoff
from domain.status_changes import SETTLED, StatusChange, StatusChangeState, reopened, strayed
from kit.crash_points import reach
from models import across_tenants, ad_accounts, campaigns, status_changes
from services import quotas
from services.platform_access import platform_of
from services.platform_calls import in_time
from services.ports import Ports
from services.status_changes import SUBJECT
from services.status_dispatch import DISPATCHER, note_status
from services.unit_of_work import begin

#: A platform that cannot be read for so long after a confirmation is not asked again; the next sync sees the campaign.
_GIVE_UP: Final = timedelta(minutes=30)


async def due(ports: Ports, limit: int = 100, platform: Platform | None = None) -> list[tuple[UUID, UUID]]:
    """(tenant, status change) of the confirmed ones that are to be read again now, of one platform or of all."""
    return await across_tenants.due_status_rechecks(ports.database.system(), ports.clock.now_utc(), limit, platform)


async def recheck(
    ports: Ports,
    tenant_id: UUID,
    change_id: UUID,
    jitter: random.Random,
    times: DispatchTimes = DISPATCH_TIMES,
    quota: Mapping[str, Quota] = QUOTAS,
) -> StatusChange | None:
    """Read a confirmed change's campaign again; any number of workers may.

    Returns:
        The change as it was queued again after a stray write undid it; None when all is well, it is no longer the
        newest of its campaign, or the platform could not be read (then it is tried again later).
    """
    scope = ports.database.read(tenant_id)
    confirmed = await status_changes.status_change(scope, change_id)
    if confirmed.state is not StatusChangeState.CONFIRMED or confirmed.confirmed_at_utc is None:
        return None
    found = await status_changes.campaign_changes(scope, confirmed.campaign_id)
    others = [each for each in found if each.id != confirmed.id]
    if any(_supersedes(each, confirmed) for each in others):
        await _ended(ports, confirmed)
        return None
    account = await ad_accounts.ad_account(scope, confirmed.account_id)
    async with ports.database.write(tenant_id) as writing:
        wait_until = await quotas.ask(
            writing, quota, account.platform, account.external_id, LOOK, ports.clock.now_utc()
        )
    if wait_until is not None:
        await _ended(ports, confirmed, wait_until)
        return None
    try:
        observed = await _read(ports, confirmed, account, times)
    except PlatformError as error:
        wait = max(times.settle(account.platform), backoff(5, jitter.random(), error.retry_after_seconds))
        again_at = ports.clock.now_utc() + wait
        if error.retry_after_seconds is not None:
            place, rest = (account.platform, account.external_id), error.retry_after_seconds
            async with ports.database.write(tenant_id) as writing:
                await quotas.note_refusal(writing, quota, *place, rest, ports.clock.now_utc())
        await _ended(ports, confirmed, None if again_at > confirmed.confirmed_at_utc + _GIVE_UP else again_at)
        return None
    if not strayed(confirmed, observed, others):
        await _ended(ports, confirmed)
        return None
    return await _reopen(ports, confirmed, observed)


async def _read(ports: Ports, confirmed: StatusChange, account: AdAccount, times: DispatchTimes) -> CampaignStatus:
    campaign = await campaigns.campaign(ports.database.read(confirmed.tenant_id), confirmed.campaign_id)
    platform = platform_of(ports, account)
    return await in_time(
        account.platform,
        (times.lease - times.margin).total_seconds(),
        lambda: platform.read_campaign_status(account.external_id, campaign.external_id),
        writes=False,
    )


def _supersedes(other: StatusChange, confirmed: StatusChange) -> bool:
    """Whether another change of the campaign is on its way, or was made later: then that one's read-back counts."""
    if other.state not in SETTLED:
        return not other.never_sent
    sent, ours = other.sent_at_utc, confirmed.sent_at_utc
    return sent is not None and ours is not None and (sent, other.id) > (ours, confirmed.id)


async def _ended(ports: Ports, confirmed: StatusChange, again_at_utc: datetime | None = None) -> None:
    async with ports.database.write(confirmed.tenant_id) as scope:
        await status_changes.end_recheck(scope, confirmed.id, confirmed.version, again_at_utc)


async def _reopen(ports: Ports, confirmed: StatusChange, observed: CampaignStatus) -> StatusChange | None:
    async with begin(ports, confirmed.tenant_id, DISPATCHER) as work:
        again = reopened(confirmed, work.now_utc)
        stored = await status_changes.reopen_if_unchanged(work.scope, again)
        if stored:
            work.record("status_change.strayed", SUBJECT, confirmed, again)
            await note_status(work, confirmed.campaign_id, observed)
        reach("status_recheck.before_reopen_commit")
    return again if stored else None
