"""Sending approved adjustments to their platforms: claim, look, send, read back, confirm.

Each step is its own short transaction; no transaction is open while a platform is called. A change counts only when it
was read back from the platform.
"""

import random
from uuid import UUID

from domain.adjustments import LEASE, Adjustment, AdjustmentStatus, Finding, after_failure, finding, moved
from domain.errors import PlatformError
from domain.log import Actor, ActorKind
from domain.plans import Funding, funding
from kit.ids import new_id
from models import across_tenants, ad_accounts, adjustments, campaigns, locks
from models.scope import Scope
from services.ports import Ports
from services.unit_of_work import begin

DISPATCHER = Actor(ActorKind.SYSTEM, "dispatch")

_SUBJECT = "adjustment"


async def due(ports: Ports, limit: int = 100) -> list[tuple[UUID, UUID]]:
    """(tenant, adjustment) of what may be sent now, decreases first."""
    return await across_tenants.due_adjustments(ports.database.system(), ports.clock.now_utc(), limit)


async def dispatch(ports: Ports, tenant_id: UUID, adjustment_id: UUID, jitter: random.Random) -> Adjustment | None:
    """Bring one due adjustment as far as it goes now.

    Returns:
        The adjustment afterwards, or None when it was not ours to send: not funded yet, or claimed by another worker.
    """
    waiting = await adjustments.adjustment(ports.database.read(tenant_id), adjustment_id)
    match await _funding(ports.database.read(tenant_id), waiting):
        case Funding.WAITING:
            return None
        case Funding.LOST:
            return await _fail_unfunded(ports, waiting)
    claimed = await _claim(ports, waiting)
    return None if claimed is None else await _send(ports, claimed, jitter)


async def _funding(scope: Scope, waiting: Adjustment) -> Funding:
    """Whether it may be sent. What was claimed before was funded then, and freed money stays freed."""
    if waiting.status is not AdjustmentStatus.PENDING:
        return Funding.READY
    return funding(waiting, await adjustments.plan_adjustments(scope, waiting.plan_id))


async def _fail_unfunded(ports: Ports, waiting: Adjustment) -> Adjustment | None:
    failed = moved(
        waiting,
        AdjustmentStatus.FAILED,
        failure_code="UNFUNDED",
        failure_reason="the decrease that would have paid for this increase did not happen",
    )
    async with begin(ports, waiting.tenant_id, DISPATCHER) as work:
        if not await adjustments.fail_pending(
            work.scope, waiting.id, str(failed.failure_code), str(failed.failure_reason)
        ):
            return None
        work.record("adjustment.failed", _SUBJECT, waiting, failed)
    return failed


async def _claim(ports: Ports, waiting: Adjustment) -> Adjustment | None:
    async with begin(ports, waiting.tenant_id, DISPATCHER) as work:
        # Two increases of one plan must not both count the same freed money: look again while holding the plan.
        await locks.hold_plan(work.scope, waiting.plan_id)
        if await _funding(work.scope, waiting) is not Funding.READY:
            return None
        claimed = await adjustments.claim(work.scope, waiting.id, new_id(), work.now_utc, work.now_utc + LEASE)
        if claimed is not None:
            work.record("adjustment.dispatched", _SUBJECT, waiting, claimed)
    return claimed


async def _send(ports: Ports, claimed: Adjustment, jitter: random.Random) -> Adjustment | None:
    scope = ports.database.read(claimed.tenant_id)
    account = await ad_accounts.ad_account(scope, claimed.account_id)
    budget = await campaigns.budget(scope, claimed.budget_id)
    platform = ports.platforms[account.platform]
    sent = claimed
    try:
        observed = await platform.read_budget(account.external_id, budget.external_id)
        match finding(claimed, observed):
            case Finding.CHANGED_ELSEWHERE:
                return await _changed_elsewhere(ports, claimed, observed.daily_budget_micros)
            case Finding.NOT_DAILY:
                return await _move(
                    ports,
                    claimed,
                    AdjustmentStatus.FAILED,
                    failure_code="NOT_A_DAILY_BUDGET",
                    failure_reason=f"the budget is now of type {observed.budget_type.value}; only daily ones change",
                )
            case Finding.SEND:
                receipt = await platform.set_daily_budget(
                    account.external_id, budget.external_id, claimed.intended_micros
                )
                applied = await _move(
                    ports, claimed, AdjustmentStatus.APPLIED, platform_execution_id=receipt.execution_id
                )
                if applied is None:
                    return None
                sent = applied
        observed = await platform.read_budget(account.external_id, budget.external_id)
    except PlatformError as error:
        return await _failed(ports, sent, error, jitter)
    if finding(sent, observed) is not Finding.ALREADY_APPLIED:
        return await _changed_elsewhere(ports, sent, observed.daily_budget_micros)
    return await _move(
        ports,
        sent,
        AdjustmentStatus.CONFIRMED,
        confirmed_at_utc=ports.clock.now_utc(),
        failure_code=None,
        failure_reason=None,
    )


async def _changed_elsewhere(ports: Ports, held: Adjustment, observed_micros: int) -> Adjustment | None:
    """Somebody else's edit is left alone; a person decides. Before the first send nothing is unknown: it just fails."""
    never_sent = held.status is AdjustmentStatus.SENDING and held.attempts == 1
    return await _move(
        ports,
        held,
        AdjustmentStatus.FAILED if never_sent else AdjustmentStatus.UNKNOWN,
        failure_code="BUDGET_CHANGED_ELSEWHERE",
        failure_reason=(
            f"the platform's budget is {observed_micros / 1_000_000:.2f} {held.currency_code}, neither the "
            f"{held.before_micros / 1_000_000:.2f} seen before nor the {held.intended_micros / 1_000_000:.2f} intended"
        ),
    )


async def _failed(ports: Ports, held: Adjustment, error: PlatformError, jitter: random.Random) -> Adjustment | None:
    if held.status is AdjustmentStatus.APPLIED:
        # The change went through, only the read-back failed: the lease runs out and the next worker looks again.
        return held
    after = after_failure(held, error, jitter.random(), ports.clock.now_utc())
    return await _store(ports, held, after)


async def _move(ports: Ports, held: Adjustment, status: AdjustmentStatus, **changes: object) -> Adjustment | None:
    return await _store(ports, held, moved(held, status, **changes))


_EVENTS = {
    AdjustmentStatus.PENDING: "adjustment.postponed",
    AdjustmentStatus.APPLIED: "adjustment.applied",
    AdjustmentStatus.CONFIRMED: "adjustment.confirmed",
    AdjustmentStatus.FAILED: "adjustment.failed",
    AdjustmentStatus.UNKNOWN: "adjustment.unknown",
}


async def _store(ports: Ports, held: Adjustment, after: Adjustment) -> Adjustment | None:
    """Write the next state if the lease is still ours; None when it was lost, and then nothing is recorded."""
    if held.lease_token is None:
        raise ValueError("only a claimed adjustment can be moved")
    async with begin(ports, held.tenant_id, DISPATCHER) as work:
        if not await adjustments.store_if_leased(work.scope, after, held.lease_token):
            return None
        if after.status is AdjustmentStatus.CONFIRMED:
            await campaigns.observe_budget(work.scope, after.budget_id, after.intended_micros, work.now_utc)
        work.record(_EVENTS[after.status], _SUBJECT, held, after)
    return after
