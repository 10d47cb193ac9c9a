"""Reading confirmed status changes once more, when every call that was on its way has arrived. Sends nothing itself.

As with budgets (services/rechecks.py): a worker that was frozen with its request half sent may write over a newer
change. That is seen here, and the change is queued again; what a person did on the platform is left alone.
"""

import random
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from domain.dispatch_times import DISPATCH_TIMES, DispatchTimes
from domain.platforms import CampaignStatus, Platform
from domain.quotas import QUOTAS, Quota
from domain.status_changes import SETTLED, StatusChange, StatusChangeState, reopened, strayed
from kit.crash_points import reach
from models import across_tenants, ad_accounts, campaigns, status_changes
from services.platform_access import platform_of
from services.platform_lines import NotRead, PlatformLine
from services.ports import Ports
from services.status_changes import SUBJECT
from services.status_dispatch import DISPATCHER, note_status
from services.unit_of_work import begin


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
    campaign = await campaigns.campaign(scope, confirmed.campaign_id)
    platform, line = platform_of(ports, account), PlatformLine(ports, account, times, quota)
    try:
        observed = await line.look_again(
            tenant_id,
            confirmed.confirmed_at_utc,
            jitter,
            lambda: platform.read_campaign_status(account.external_id, campaign.external_id),
        )
    except NotRead as not_read:
        await _ended(ports, confirmed, not_read.again_at_utc)
        return None
    if not strayed(confirmed, observed, others):
        await _ended(ports, confirmed)
        return None
    return await _reopen(ports, confirmed, observed)


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
