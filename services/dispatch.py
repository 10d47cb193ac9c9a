"""Sending approved adjustments to their platforms: claim, look, store the intent, send, read back, confirm.

Each step is its own short transaction; no transaction is open while a platform is called. A change counts only when it
was read back from the platform. A worker may die anywhere (kit/crash_points.py): what it leaves is enough for the next
one to find out what happened, after the platform has settled (docs/adr/0005). Must not decide what a look at the
platform means; that is domain/adjustments.py's.
"""

import random
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.adjustments import (
    NO_INTENT,
    STRAYED_CODE,
    Adjustment,
    AdjustmentStatus,
    Finding,
    after_failure,
    finding,
    is_due,
    moved,
)
from domain.campaigns import Budget
from domain.dispatch_times import DISPATCH_TIMES, DispatchTimes
from domain.emergency_stops import CUT_OFF_CODE, CUT_OFF_REASON
from domain.errors import PlatformError
from domain.guardrails import Guardrail, GuardrailBlocked
from domain.log import Actor, ActorKind
from domain.plans import Funding, funding_beside
from domain.platforms import AdPlatform, BudgetReceipt, BudgetType, Platform, PlatformBudget
from domain.quotas import QUOTAS, Quota
from domain.retries import MAX_ATTEMPTS
from kit.crash_points import reach
from kit.ids import new_id
from models import across_tenants, ad_accounts, adjustments, campaigns, locks
from models.scope import Scope
from services.platform_access import platform_of
from services.platform_calls import TooLate
from services.platform_lines import PlatformLine, QuotaUsedUp, Stopped
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.verdicts import reserve

DISPATCHER: Final = Actor(ActorKind.SYSTEM, "dispatch")
SUBJECT: Final = "adjustment"

_EVENTS: Final = {
    AdjustmentStatus.PENDING: "adjustment.postponed",
    AdjustmentStatus.APPLIED: "adjustment.applied",
    AdjustmentStatus.CONFIRMED: "adjustment.confirmed",
    AdjustmentStatus.FAILED: "adjustment.failed",
    AdjustmentStatus.UNKNOWN: "adjustment.unknown",
}
_COMMITS: Final = {
    AdjustmentStatus.PENDING: "dispatch.before_postpone_commit",
    AdjustmentStatus.APPLIED: "dispatch.before_applied_commit",
    AdjustmentStatus.CONFIRMED: "dispatch.before_confirm_commit",
}


async def due(ports: Ports, limit: int = 100, platform: Platform | None = None) -> list[tuple[UUID, UUID]]:
    """(tenant, adjustment) of what may be sent now, decreases first; to one platform or to any."""
    return await across_tenants.due_adjustments(ports.database.system(), ports.clock.now_utc(), limit, platform)


async def dispatch(
    ports: Ports,
    tenant_id: UUID,
    adjustment_id: UUID,
    jitter: random.Random,
    times: DispatchTimes = DISPATCH_TIMES,
    quota: Mapping[str, Quota] = QUOTAS,
) -> Adjustment | None:
    """Bring one due adjustment as far as it goes now.

    Returns:
        The adjustment afterwards, or None when it was not ours to send now: not funded yet, claimed by another worker,
        or its platform's quota is used up.
    """
    scope = ports.database.read(tenant_id)
    waiting = await adjustments.adjustment(scope, adjustment_id)
    if not is_due(waiting, ports.clock.now_utc()):
        return None
    match await _funding(scope, waiting):
        case Funding.WAITING:
            return None
        case Funding.LOST:
            return await _fail_unfunded(ports, waiting)
    account = await ad_accounts.ad_account(scope, waiting.account_id)
    budget = await campaigns.budget(scope, waiting.budget_id)
    line = PlatformLine(ports, account, times, quota)
    try:
        claimed = await _claim(line, waiting)
    except QuotaUsedUp as used_up:
        async with ports.database.write(tenant_id) as writing:
            await adjustments.postpone(writing, waiting.id, waiting.version, used_up.until_utc)
        return None
    if claimed is None:
        return None
    reach("dispatch.after_claim_commit")
    errand = _Errand(line, platform_of(ports, account), budget, jitter)
    return await errand.run(claimed, interrupted=waiting.status is AdjustmentStatus.SENDING)


async def _funding(scope: Scope, waiting: Adjustment) -> Funding:
    """Whether it may be sent. What was claimed before was funded then, and freed money stays freed."""
    if waiting.status is not AdjustmentStatus.PENDING or waiting.delta_reporting_micros <= 0:
        return Funding.READY
    return funding_beside(waiting, await adjustments.plan_shares(scope, waiting.plan_id, waiting.id))


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
        work.record("adjustment.failed", SUBJECT, waiting, failed)
    return failed


async def _claim(line: PlatformLine, waiting: Adjustment) -> Adjustment | None:
    """Take the lease, and with it the calls that the change needs; None when another worker or budget is first."""
    async with begin(line.ports, waiting.tenant_id, DISPATCHER) as work:
        # Two increases of one plan must not both count the same freed money: look again while holding the plan.
        await locks.hold_plan(work.scope, waiting.plan_id)
        if await _funding(work.scope, waiting) is not Funding.READY:
            return None
        claimed = await adjustments.claim(
            work.scope, waiting.id, new_id(), work.now_utc, work.now_utc + line.times.lease, version=waiting.version
        )
        if claimed is not None:
            await line.take_change(work.scope, work.now_utc)
            work.record("adjustment.dispatched", SUBJECT, waiting, claimed)
        reach("dispatch.before_claim_commit")
    return claimed


@dataclass(frozen=True, slots=True)
class _Errand:
    """One worker's way to one platform with one claimed adjustment."""

    line: PlatformLine
    platform: AdPlatform
    budget: Budget
    jitter: random.Random

    async def run(self, claimed: Adjustment, *, interrupted: bool) -> Adjustment | None:
        """Find out where it stands and act on it.

        Args:
            claimed: in SENDING, its lease ours.
            interrupted: another worker lost it in SENDING, so nobody knows when its last call ended.
        """
        if interrupted and claimed.sent_at_utc is not None:
            settled_at = self.line.times.settled_at_utc(self.line.account.platform, claimed.sent_at_utc)
            if self.line.ports.clock.now_utc() < settled_at:
                return await self._wait(claimed, settled_at, "INTERRUPTED", "the worker that sent it was interrupted")
        return await self._look_and_act(claimed)

    async def _look_and_act(self, claimed: Adjustment) -> Adjustment | None:
        try:
            observed = await self._read(claimed)
        except PlatformError as error:
            return await self._refused(claimed, error)
        except TooLate:
            return None
        match finding(claimed, observed):
            case Finding.ALREADY_APPLIED:
                return await self._confirm(claimed)
            case Finding.SEND if claimed.attempts > MAX_ATTEMPTS:
                return await self._end(claimed, "NO_EFFECT", "the platform accepts the change and does not make it")
            case Finding.SEND:
                return await self._send(claimed, observed)
            case Finding.CHANGED_ELSEWHERE | Finding.NOT_DAILY:
                return await self._changed_elsewhere(claimed, observed)

    async def _send(  # noqa: PLR0911 - a way out for each thing that may stop a change at the last moment
        self, claimed: Adjustment, observed: PlatformBudget
    ) -> Adjustment | None:
        try:
            intent = await self._intend(claimed, observed)
        except GuardrailBlocked as error:
            if all(each.guardrail is not Guardrail.EMERGENCY_STOP for each in error.violations):
                return await self._end(claimed, "GUARDRAIL", error.message)
            # Sent before or not: the platform has settled and was seen without it. What stood there once and was
            # undone by a stray write is a person's.
            strayed = claimed.failure_code == STRAYED_CODE
            return await self._cut_off(claimed if strayed else replace(claimed, **NO_INTENT))
        if intent is None:
            return None
        try:
            receipt = await self._call(intent)
        except Stopped:
            return await self._cut_off(replace(intent, **NO_INTENT))
        except PlatformError as error:
            return await self._refused(replace(intent, **NO_INTENT) if error.outcome_known else intent, error)
        except TooLate:
            return None
        reach("dispatch.after_call")
        applied = await self._store(intent, AdjustmentStatus.APPLIED, platform_execution_id=receipt.execution_id)
        if applied is None:
            return None
        reach("dispatch.after_applied_commit")
        return await self._read_back(applied)

    async def _intend(self, claimed: Adjustment, observed: PlatformBudget) -> Adjustment | None:
        """Store what is about to be sent, with a whole lease to send it in; None when the lease was lost.

        Raises:
            GuardrailBlocked: it lies outside a hard limit now; nothing was stored.
        """
        async with begin(self.line.ports, claimed.tenant_id, DISPATCHER) as work:
            await reserve(self.line.ports, work.scope, claimed, observed.daily_budget_micros, work.now_utc)
            intent = replace(
                claimed,
                observed_micros=observed.daily_budget_micros,
                send_key=new_id(),
                sent_at_utc=work.now_utc,
                lease_until_utc=work.now_utc + self.line.times.lease,
            )
            stored = await adjustments.store_intent(work.scope, intent, work.now_utc)
            reach("dispatch.before_intent_commit")
        if not stored:
            return None
        reach("dispatch.after_intent")
        return intent

    async def _cut_off(self, held: Adjustment) -> Adjustment | None:
        return await self._end(held, CUT_OFF_CODE, CUT_OFF_REASON)

    async def _read_back(self, applied: Adjustment) -> Adjustment | None:
        """A platform that still shows the amount before is given time to settle; then it is read, or sent, again."""
        try:
            observed = await self._read(applied)
        except TooLate:
            return applied
        except PlatformError as error:
            # The change went through, only the read-back failed: the lease runs out and the next worker looks again.
            if error.retry_after_seconds is not None:
                async with self.line.ports.database.write(applied.tenant_id) as scope:
                    await self.line.heed(scope, error.retry_after_seconds)
            return applied
        reach("dispatch.after_read_back")
        match finding(applied, observed):
            case Finding.ALREADY_APPLIED:
                return await self._confirm(applied)
            case Finding.SEND:
                settled_at = self.line.settled_at_utc()
                return await self._wait(applied, settled_at, "NOT_VISIBLE", "the platform does not show the change yet")
            case _:
                return await self._changed_elsewhere(applied, observed)

    async def _read(self, held: Adjustment) -> PlatformBudget:
        def call() -> Awaitable[PlatformBudget]:
            return self.platform.read_budget(self.line.account.external_id, self.budget.external_id)

        return await self.line.in_lease(held.lease_until_utc, call, writes=False)

    async def _call(self, intent: Adjustment) -> BudgetReceipt:
        async def call() -> BudgetReceipt:
            reach("dispatch.before_call")
            if intent.restores_id is None and intent.sent_at_utc is not None:
                await self.line.require_no_stop(intent.tenant_id, intent.workspace_id, intent.sent_at_utc)
            return await self.platform.set_daily_budget(
                self.line.account.external_id, self.budget.external_id, intent.intended_micros
            )

        return await self.line.in_lease(intent.lease_until_utc, call, writes=True)

    async def _confirm(self, held: Adjustment) -> Adjustment | None:
        now_utc = self.line.ports.clock.now_utc()
        settle = self.line.times.settle(self.line.account.platform)
        confirmed = await self._store(
            held,
            AdjustmentStatus.CONFIRMED,
            confirmed_at_utc=now_utc,
            # Read once more when every call that was on its way has arrived.
            recheck_at_utc=None if held.sent_at_utc is None else now_utc + settle,
            failure_code=None,
            failure_reason=None,
        )
        reach("dispatch.after_confirm_commit")
        return confirmed

    async def _changed_elsewhere(self, held: Adjustment, observed: PlatformBudget) -> Adjustment | None:
        """Somebody else's edit is left alone; a person decides."""
        if observed.budget_type is not BudgetType.DAILY:
            reason = f"the budget is now of type {observed.budget_type.value}; only daily ones change"
            return await self._end(held, "NOT_A_DAILY_BUDGET", reason)
        found, before, wanted = (
            f"{micros / 1_000_000:.2f}"
            for micros in (observed.daily_budget_micros, held.before_micros, held.intended_micros)
        )
        reason = (
            f"the platform's budget is {found} {held.currency_code}, neither the {before} seen before "
            f"nor the {wanted} intended"
        )
        return await self._end(held, "BUDGET_CHANGED_ELSEWHERE", reason)

    async def _end(self, held: Adjustment, code: str, reason: str) -> Adjustment | None:
        """Unknown, once it may have been sent; before that nothing is unknown: it just fails."""
        never_sent = held.sent_at_utc is None
        status = AdjustmentStatus.FAILED if never_sent else AdjustmentStatus.UNKNOWN
        return await self._store(held, status, failure_code=code, failure_reason=reason)

    async def _wait(self, held: Adjustment, until_utc: datetime, code: str, reason: str) -> Adjustment | None:
        return await self._store(
            held, AdjustmentStatus.PENDING, not_before_utc=until_utc, failure_code=code, failure_reason=reason
        )

    async def _refused(self, held: Adjustment, error: PlatformError) -> Adjustment | None:
        settle = self.line.times.settle(self.line.account.platform)
        after = after_failure(held, error, self.jitter.random(), self.line.ports.clock.now_utc(), settle)
        return await self._book(held, after, rest_seconds=error.retry_after_seconds)

    async def _store(self, held: Adjustment, status: AdjustmentStatus, **changes: object) -> Adjustment | None:
        return await self._book(held, moved(held, status, **changes))

    async def _book(
        self, held: Adjustment, after: Adjustment, *, rest_seconds: float | None = None
    ) -> Adjustment | None:
        """Write the next state if the lease is still ours; None when it was lost, and then no state is written.

        Args:
            held: the state before, under our lease.
            after: the next one.
            rest_seconds: how long the platform asked to be left alone, if it did; all workers heed it.
        """
        if held.lease_token is None:
            raise ValueError("only a claimed adjustment can be moved")
        async with begin(self.line.ports, held.tenant_id, DISPATCHER) as work:
            stored = await adjustments.store_if_leased(work.scope, after, held.lease_token)
            if stored:
                work.record(_EVENTS[after.status], SUBJECT, held, after)
                if after.status is AdjustmentStatus.CONFIRMED:
                    await _note_confirmed(work, after)
            elif held.sent_at_utc is not None:
                # What we sent may have come late, over somebody's newer change: have that one read again.
                await adjustments.recheck_newest(work.scope, held.budget_id, work.now_utc)
            if rest_seconds is not None:
                await self.line.heed(work.scope, rest_seconds)
            if after.status in _COMMITS:
                reach(_COMMITS[after.status])
        return after if stored else None


async def _note_confirmed(work: Work, confirmed: Adjustment) -> None:
    """What a confirmation also says: where the budget stands, and that the change it restores is undone."""
    await campaigns.observe_budget(work.scope, confirmed.budget_id, confirmed.intended_micros, work.now_utc)
    if confirmed.restores_id is None:
        return
    undone = {each.id: each for each in await adjustments.restored_by(work.scope, confirmed)}
    # Somebody may have queued another restoring change since; this one has undone it all the same.
    undone[confirmed.restores_id] = await adjustments.adjustment(work.scope, confirmed.restores_id)
    for original in sorted(undone.values(), key=lambda each: each.id):
        reverted = await adjustments.mark_reverted(work.scope, original.id)
        if reverted is not None:
            work.record("adjustment.reverted", SUBJECT, original, reverted)
