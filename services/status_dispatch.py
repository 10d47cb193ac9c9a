"""Sending status changes to their platforms: claim, look, store the intent, send, read back, confirm.

As with budgets (services/dispatch.py), but for transactions, which each change has of its own here: none is open while
a platform is called, a change counts only when it was read back, and a worker may die anywhere. Must not decide what a
look at the platform means; that is domain/status_changes.py's.
"""

import random
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.campaigns import Campaign
from domain.dispatch_times import DISPATCH_TIMES, DispatchTimes
from domain.emergency_stops import CUT_OFF_CODE, CUT_OFF_REASON
from domain.errors import PlatformError
from domain.guardrails import Guardrail, GuardrailBlocked
from domain.log import Actor, ActorKind
from domain.platforms import AdPlatform, CampaignStatus, Platform, StatusReceipt
from domain.quotas import CHANGE, QUOTAS, Quota
from domain.retries import MAX_ATTEMPTS
from domain.status_changes import (
    NO_INTENT,
    Finding,
    StatusChange,
    StatusChangeState,
    after_failure,
    finding,
    moved,
)
from kit.crash_points import reach
from kit.ids import new_id
from models import across_tenants, ad_accounts, campaigns, emergency_stops, locks, status_changes
from services import quotas
from services.platform_access import platform_of
from services.platform_calls import TooLate
from services.platform_lines import PlatformLine, Stopped
from services.ports import Ports
from services.status_changes import SUBJECT
from services.status_verdicts import require_leave
from services.unit_of_work import Work, begin

DISPATCHER: Final = Actor(ActorKind.SYSTEM, "status-dispatch")

_EVENTS: Final = {
    StatusChangeState.PENDING: "status_change.postponed",
    StatusChangeState.CONFIRMED: "status_change.confirmed",
    StatusChangeState.FAILED: "status_change.failed",
    StatusChangeState.UNKNOWN: "status_change.unknown",
}
_COMMITS: Final = {
    StatusChangeState.PENDING: "status.before_postpone_commit",
    StatusChangeState.CONFIRMED: "status.before_confirm_commit",
}


class _QuotaUsedUp(Exception):
    """The platform takes no change before `until_utc`; the claim is undone."""

    def __init__(self, until_utc: datetime) -> None:
        super().__init__(until_utc)
        self.until_utc = until_utc


async def due(ports: Ports, limit: int = 100, platform: Platform | None = None) -> list[tuple[UUID, UUID]]:
    """(tenant, status change) of what may be sent now, pauses first; to one platform or to any."""
    return await across_tenants.due_status_changes(ports.database.system(), ports.clock.now_utc(), limit, platform)


async def dispatch(
    ports: Ports,
    tenant_id: UUID,
    change_id: UUID,
    jitter: random.Random,
    times: DispatchTimes = DISPATCH_TIMES,
    quota: Mapping[str, Quota] = QUOTAS,
) -> StatusChange | None:
    """Bring one due status change as far as it goes now.

    Returns:
        The change afterwards, or None when it was not ours to send now: claimed by another worker, behind another
        change of its campaign, held by an emergency stop, or its platform's quota is used up.
    """
    scope = ports.database.read(tenant_id)
    waiting = await status_changes.status_change(scope, change_id)
    account = await ad_accounts.ad_account(scope, waiting.account_id)
    campaign = await campaigns.campaign(scope, waiting.campaign_id)
    line = PlatformLine(ports, account, times, quota)
    try:
        claimed = await _claim(line, waiting)
    except _QuotaUsedUp as used_up:
        async with ports.database.write(tenant_id) as writing:
            await status_changes.postpone(writing, waiting.id, waiting.version, used_up.until_utc)
        return None
    if claimed is None:
        return None
    reach("status.after_claim_commit")
    errand = _Errand(line, platform_of(ports, account), campaign, jitter)
    return await errand.run(claimed, interrupted=waiting.state is StatusChangeState.SENDING)


async def _claim(line: PlatformLine, waiting: StatusChange) -> StatusChange | None:
    """Take the lease, and with it the calls that the change needs; None when another worker or change is first.

    All calls at once, since one that is sent must also be read back. Raises _QuotaUsedUp.
    """
    place = (line.account.platform, line.account.external_id)
    async with begin(line.ports, waiting.tenant_id, DISPATCHER) as work:
        claimed = await status_changes.claim(
            work.scope, waiting.id, waiting.version, new_id(), work.now_utc, work.now_utc + line.times.lease
        )
        if claimed is not None:
            until_utc = await quotas.ask(work.scope, line.quota, *place, CHANGE, work.now_utc)
            if until_utc is not None:
                raise _QuotaUsedUp(until_utc)
            work.record("status_change.dispatched", SUBJECT, waiting, claimed)
        reach("status.before_claim_commit")
    return claimed


@dataclass(frozen=True, slots=True)
class _Errand:
    """One worker's way to one platform with one claimed status change."""

    line: PlatformLine
    platform: AdPlatform
    campaign: Campaign
    jitter: random.Random

    async def run(self, claimed: StatusChange, *, interrupted: bool) -> StatusChange | None:
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

    async def _look_and_act(self, claimed: StatusChange) -> StatusChange | None:
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
            case Finding.CHANGED_ELSEWHERE:
                return await self._changed_elsewhere(claimed, observed)

    async def _send(self, claimed: StatusChange, observed: CampaignStatus) -> StatusChange | None:
        try:
            intent = await self._intend(claimed, observed)
        except GuardrailBlocked as error:
            # Sent before or not: the platform has settled and was seen without it.
            never_sent = replace(claimed, **NO_INTENT)
            if any(each.guardrail is Guardrail.EMERGENCY_STOP for each in error.violations):
                return await self._cut_off(never_sent)
            return await self._end(never_sent, "GUARDRAIL", error.message)
        return None if intent is None else await self._make(intent)

    async def _make(self, intent: StatusChange) -> StatusChange | None:
        try:
            receipt = await self._call(intent)
        except Stopped:
            return await self._cut_off(replace(intent, **NO_INTENT))
        except PlatformError as error:
            return await self._refused(replace(intent, **NO_INTENT) if error.outcome_known else intent, error)
        except TooLate:
            return None
        reach("status.after_call")
        return await self._read_back(replace(intent, platform_execution_id=receipt.execution_id))

    async def _intend(self, claimed: StatusChange, observed: CampaignStatus) -> StatusChange | None:
        """Store what is about to be sent, with a whole lease to send it in; None when the lease was lost.

        Raises:
            GuardrailBlocked: it must not be sent now; nothing was stored.
        """
        async with begin(self.line.ports, claimed.tenant_id, DISPATCHER) as work:
            if not claimed.pauses:
                await locks.hold_account(work.scope, claimed.account_id)
            await require_leave(
                self.line.ports, work.scope, self.campaign, self.line.account, work.now_utc, pauses=claimed.pauses,
                change_id=claimed.id,
            )  # fmt: skip
            intent = replace(
                claimed,
                observed=observed,
                send_key=new_id(),
                sent_at_utc=work.now_utc,
                lease_until_utc=work.now_utc + self.line.times.lease,
            )
            stored = await status_changes.store_intent(work.scope, intent, work.now_utc)
            reach("status.before_intent_commit")
        if not stored:
            return None
        reach("status.after_intent")
        return intent

    async def _cut_off(self, held: StatusChange) -> StatusChange | None:
        stop = await emergency_stops.in_force(self.line.ports.database.read(held.tenant_id), held.workspace_id)
        by_stop = held if stop is None else replace(held, stop_id=stop.id)
        return await self._end(by_stop, CUT_OFF_CODE, CUT_OFF_REASON)

    async def _read_back(self, sent: StatusChange) -> StatusChange | None:
        """A platform that still shows the status before is given time to settle; then it is read, or sent, again."""
        settled_at = self.line.settled_at_utc()
        try:
            observed = await self._read(sent)
        except TooLate:
            return None
        except PlatformError as error:
            return await self._wait(
                sent, settled_at, "NOT_READ_BACK", error.message, rest_seconds=error.retry_after_seconds
            )
        reach("status.after_read_back")
        match finding(sent, observed):
            case Finding.ALREADY_APPLIED:
                return await self._confirm(sent)
            case Finding.SEND:
                return await self._wait(sent, settled_at, "NOT_VISIBLE", "the platform does not show the change yet")
            case Finding.CHANGED_ELSEWHERE:
                return await self._changed_elsewhere(sent, observed)

    async def _read(self, held: StatusChange) -> CampaignStatus:
        def call() -> Awaitable[CampaignStatus]:
            return self.platform.read_campaign_status(self.line.account.external_id, self.campaign.external_id)

        return await self.line.in_lease(held.lease_until_utc, call, writes=False)

    async def _call(self, intent: StatusChange) -> StatusReceipt:
        async def call() -> StatusReceipt:
            reach("status.before_call")
            if not intent.pauses and intent.sent_at_utc is not None:
                await self.line.require_no_stop(intent.tenant_id, intent.workspace_id, intent.sent_at_utc)
            if self.line.seconds_left(intent.lease_until_utc) <= 0:
                # Frozen until its lease was over: somebody else may have gone on, and newer changes may have been made.
                raise TooLate
            return await self.platform.set_campaign_status(
                self.line.account.external_id, self.campaign.external_id, intent.wanted
            )

        return await self.line.in_lease(intent.lease_until_utc, call, writes=True)

    async def _confirm(self, held: StatusChange) -> StatusChange | None:
        now_utc = self.line.ports.clock.now_utc()
        settled_at = now_utc + self.line.times.settle(self.line.account.platform)
        confirmed = moved(
            held,
            StatusChangeState.CONFIRMED,
            confirmed_at_utc=now_utc,
            # Read once more when every call that was on its way has arrived.
            recheck_at_utc=None if held.sent_at_utc is None else settled_at,
            failure_code=None,
            failure_reason=None,
        )
        booked = await self._book(held, confirmed)
        reach("status.after_confirm_commit")
        return booked

    async def _changed_elsewhere(self, held: StatusChange, observed: CampaignStatus) -> StatusChange | None:
        """Neither running nor paused: it was removed, and a person decides what that means."""
        reason = (
            f"the campaign is {observed.value} on its platform, neither {held.before.value} nor {held.wanted.value}"
        )
        return await self._end(held, "CHANGED_ELSEWHERE", reason)

    async def _end(self, held: StatusChange, code: str, reason: str) -> StatusChange | None:
        """Unknown, once it may have been sent; before that nothing is unknown: it just fails."""
        state = StatusChangeState.FAILED if held.sent_at_utc is None else StatusChangeState.UNKNOWN
        return await self._book(held, moved(held, state, failure_code=code, failure_reason=reason))

    async def _wait(
        self, held: StatusChange, until_utc: datetime, code: str, reason: str, *, rest_seconds: float | None = None
    ) -> StatusChange | None:
        waiting = moved(
            held, StatusChangeState.PENDING, not_before_utc=until_utc, failure_code=code, failure_reason=reason
        )
        return await self._book(held, waiting, rest_seconds=rest_seconds)

    async def _refused(self, held: StatusChange, error: PlatformError) -> StatusChange | None:
        now_utc = self.line.ports.clock.now_utc()
        settled_at = now_utc + self.line.times.settle(self.line.account.platform)
        after = after_failure(held, error, self.jitter.random(), now_utc, settle_until_utc=settled_at)
        return await self._book(held, after, rest_seconds=error.retry_after_seconds)

    async def _book(
        self, held: StatusChange, after: StatusChange, *, rest_seconds: float | None = None
    ) -> StatusChange | None:
        """Write the next state if the lease is still ours; None when it was lost, and then no state is written.

        Args:
            held: the state before, under our lease.
            after: the next one.
            rest_seconds: how long the platform asked to be left alone, if it did; all workers heed it.
        """
        if held.lease_token is None:
            raise ValueError("only a claimed status change can be moved")
        async with begin(self.line.ports, held.tenant_id, DISPATCHER) as work:
            stored = await status_changes.store_if_leased(work.scope, after, held.lease_token)
            if stored:
                work.record(_EVENTS[after.state], SUBJECT, held, after)
                if after.state is StatusChangeState.CONFIRMED:
                    await note_status(work, after.campaign_id, after.wanted)
            elif held.sent_at_utc is not None:
                # What we sent may have come late, over somebody's newer change: have that one read again.
                await status_changes.recheck_newest(work.scope, held.campaign_id, work.now_utc)
            if rest_seconds is not None:
                await self.line.heed(work.scope, rest_seconds)
            if after.state in _COMMITS:
                reach(_COMMITS[after.state])
        return after if stored else None


async def note_status(work: Work, campaign_id: UUID, status: CampaignStatus) -> None:
    """Keep what a campaign was just read to be."""
    before = await campaigns.observe_status(work.scope, campaign_id, status)
    if before is not None:
        work.record("campaign.changed", "campaign", before, replace(before, status=status))
