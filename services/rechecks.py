"""Reading confirmed changes once more, when every call that was on its way has arrived. Sends nothing itself.

No platform checks a fencing token: a worker that was frozen with its request half sent may write over a newer change.
That is seen here, and the change is queued again; a person's edit is left alone.
"""

import random
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from domain.adjustments import SETTLED, STRAYED_CODE, Adjustment, AdjustmentStatus, moved, strayed
from domain.dispatch_times import DISPATCH_TIMES, DispatchTimes
from domain.platforms import Platform
from domain.quotas import QUOTAS, Quota
from kit.crash_points import reach
from models import across_tenants, ad_accounts, adjustments, campaigns
from services.dispatch_steps import DISPATCHER, SUBJECT
from services.platform_access import platform_of
from services.platform_lines import NotRead, PlatformLine
from services.ports import Ports
from services.unit_of_work import begin


async def due(ports: Ports, limit: int = 100, platform: Platform | None = None) -> list[tuple[UUID, UUID]]:
    """(tenant, adjustment) of the confirmed changes that are to be read again now, of one platform or of all."""
    return await across_tenants.due_rechecks(ports.database.system(), ports.clock.now_utc(), limit, platform)


async def recheck(
    ports: Ports,
    tenant_id: UUID,
    adjustment_id: UUID,
    jitter: random.Random,
    times: DispatchTimes = DISPATCH_TIMES,
    quota: Mapping[str, Quota] = QUOTAS,
) -> Adjustment | None:
    """Read a confirmed change's budget again; any number of workers may.

    Returns:
        The adjustment as it was queued again after a stray write undid it; None when all is well, it is no longer the
        newest of its budget, or the platform could not be read (then it is tried again later).
    """
    scope = ports.database.read(tenant_id)
    confirmed = await adjustments.adjustment(scope, adjustment_id)
    if confirmed.status is not AdjustmentStatus.CONFIRMED or confirmed.confirmed_at_utc is None:
        return None
    found = await adjustments.budget_adjustments(scope, confirmed.budget_id)
    others = [each for each in found if each.id != confirmed.id]
    if any(_supersedes(each, confirmed) for each in others):
        await _ended(ports, confirmed)
        return None
    account = await ad_accounts.ad_account(scope, confirmed.account_id)
    budget = await campaigns.budget(scope, confirmed.budget_id)
    platform, line = platform_of(ports, account), PlatformLine(ports, account, times, quota)
    try:
        observed = await line.look_again(
            tenant_id,
            confirmed.confirmed_at_utc,
            jitter,
            lambda: platform.read_budget(account.external_id, budget.external_id),
        )
    except NotRead as not_read:
        await _ended(ports, confirmed, not_read.again_at_utc)
        return None
    reach("recheck.after_read")
    if not strayed(confirmed, observed, others):
        await _ended(ports, confirmed)
        return None
    return await _reopen(ports, confirmed)


def _supersedes(other: Adjustment, confirmed: Adjustment) -> bool:
    """Whether another change of the budget is on its way, or was made later: then that one's read-back counts."""
    if other.status not in SETTLED:
        return other.status is not AdjustmentStatus.PENDING or other.sent_at_utc is not None
    sent, ours = other.sent_at_utc, confirmed.sent_at_utc
    return sent is not None and ours is not None and (sent, other.id) > (ours, confirmed.id)


async def _ended(ports: Ports, confirmed: Adjustment, again_at_utc: datetime | None = None) -> None:
    async with ports.database.write(confirmed.tenant_id) as scope:
        await adjustments.end_recheck(scope, confirmed.id, confirmed.version, again_at_utc)


async def _reopen(ports: Ports, confirmed: Adjustment) -> Adjustment | None:
    async with begin(ports, confirmed.tenant_id, DISPATCHER) as work:
        reopened = moved(
            confirmed,
            AdjustmentStatus.PENDING,
            attempts=0,
            not_before_utc=work.now_utc,
            confirmed_at_utc=None,
            recheck_at_utc=None,
            failure_code=STRAYED_CODE,
            failure_reason="an older change arrived late and undid this one",
        )
        stored = await adjustments.reopen_if_unchanged(work.scope, reopened)
        if stored:
            work.record("adjustment.strayed", SUBJECT, confirmed, reopened)
        reach("recheck.before_reopen_commit")
    return reopened if stored else None
