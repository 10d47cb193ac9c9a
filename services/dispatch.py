"""Sending approved adjustments to their platforms: claim, look, store the intent, send, read back, confirm.

What is durable when stands in services/dispatch_steps.py; no transaction is open while a platform is called. A change
counts only when it was read back from the platform. A worker may die anywhere (kit/crash_points.py): what it leaves is
enough for the next one to find out what happened, after the platform has settled (docs/adr/0005). Must not decide what
a look at the platform means; that is domain/adjustments.py's.
"""

import random
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
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
from domain.plans import Funding
from domain.platforms import AdPlatform, BudgetReceipt, BudgetType, Platform, PlatformBudget
from domain.quotas import QUOTAS, Quota
from domain.retries import MAX_ATTEMPTS
from kit.crash_points import reach
from models import across_tenants, adjustments
from services.dispatch_steps import DISPATCHER, SUBJECT, DispatchSteps, Result, funding
from services.platform_access import platform_of
from services.platform_calls import TooLate
from services.platform_lines import PlatformLine, Stopped
from services.ports import Ports
from services.unit_of_work import begin
from services.verdicts import Sending


async def due(ports: Ports, limit: int = 100, platform: Platform | None = None) -> list[tuple[UUID, UUID]]:
    """(tenant, adjustment) of what may be sent now, decreases first; to one platform or to any."""
    return await across_tenants.due_adjustments(ports.database.system(), ports.clock.now_utc(), limit, platform)


class Dispatcher:
    """One worker's sending: changes of one tenant that go their way side by side share their transactions."""

    def __init__(
        self,
        ports: Ports,
        jitter: random.Random,
        times: DispatchTimes = DISPATCH_TIMES,
        quota: Mapping[str, Quota] = QUOTAS,
    ) -> None:
        """Args: `jitter` spreads the retries of several workers; `quota` is what the platforms take."""
        self.ports, self.jitter, self.times, self.quota = ports, jitter, times, quota
        self._steps: dict[UUID, DispatchSteps] = {}

    async def dispatch(self, tenant_id: UUID, adjustment_id: UUID) -> Adjustment | None:
        """Bring one due adjustment as far as it goes now.

        Returns:
            The adjustment afterwards, or None when it was not ours to send now: not funded yet, claimed by another
            worker, or its platform's quota is used up.
        """
        steps = self._steps.get(tenant_id)
        if steps is None:
            steps = self._steps[tenant_id] = DispatchSteps(self.ports, tenant_id, self.times, self.quota)
        found = await steps.look(adjustment_id)
        waiting, account = found.adjustment, found.account
        if not is_due(waiting, self.ports.clock.now_utc()):
            return None
        match await funding(self.ports.database.read(tenant_id), waiting):
            case Funding.WAITING:
                return None
            case Funding.LOST:
                return await _fail_unfunded(self.ports, waiting)
        claimed = await steps.claim(found)
        if claimed is None:
            return None
        reach("dispatch.after_claim_commit")
        line = PlatformLine(self.ports, account, self.times, self.quota)
        errand = _Errand(steps, line, platform_of(self.ports, account), found.budget, self.jitter)
        return await errand.run(claimed, interrupted=waiting.status is AdjustmentStatus.SENDING)


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


@dataclass(frozen=True, slots=True)
class _Errand:
    """One worker's way to one platform with one claimed adjustment."""

    steps: DispatchSteps
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

    async def _send(self, claimed: Adjustment, observed: PlatformBudget) -> Adjustment | None:
        intent = await self.steps.intend(Sending(claimed, observed.daily_budget_micros))
        if isinstance(intent, GuardrailBlocked):
            return await self._blocked(claimed, intent)
        return None if intent is None else await self._make(intent)

    async def _make(self, intent: Adjustment) -> Adjustment | None:
        reach("dispatch.after_intent")
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

    async def _blocked(self, claimed: Adjustment, error: GuardrailBlocked) -> Adjustment | None:
        if all(each.guardrail is not Guardrail.EMERGENCY_STOP for each in error.violations):
            return await self._end(claimed, "GUARDRAIL", error.message)
        # Sent before or not: the platform has settled and was seen without it. What stood there once and was undone by
        # a stray write is a person's.
        strayed = claimed.failure_code == STRAYED_CODE
        return await self._cut_off(claimed if strayed else replace(claimed, **NO_INTENT))

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
        """Write the next state if the lease is still ours; None when it was lost, and then no state is written."""
        stored = await self.steps.book(Result(held, after, self.line.account, rest_seconds))
        return after if stored else None
