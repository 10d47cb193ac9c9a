"""Use-cases of the emergency stop: look ahead, start, go on, lift (RO-10). Its report is services/incidents.py's.

A start holds the workspace only, not its accounts: a worker that hangs with one must not keep anybody from stopping. An
intent that is being stored at that moment may not see the stop, but a worker that lets a quarter of a second pass from
the beginning of its intent to its call looks again (services/dispatch.py), so that nothing leaves a second after the
commit. Putting back goes through services/adjustments.revert_in like any reversal; must not send anything itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from domain import emergency_stops as rules
from domain.access import Permission, may
from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.campaigns import Campaign
from domain.connections import ConnectionStatus
from domain.emergency_stops import EmergencyStop, NextSteps, StopItem, StopOutcome, StopPausing
from domain.errors import DomainError, InvalidTransition, VersionConflict
from domain.log import Actor, ActorKind
from domain.platforms import CampaignStatus
from domain.recommendations import MAX_REASON_CHARACTERS
from domain.status_changes import StatusChangeState, moved
from kit.ids import new_id
from kit.pagination import Slice
from models import (
    across_tenants,
    ad_accounts,
    adjustments,
    automations,
    campaigns,
    emergency_stops,
    locks,
    status_changes,
    tenants,
)
from models.scope import Scope
from services.adjustments import SUBJECT as ADJUSTMENT
from services.adjustments import revert_in
from services.automations import SUBJECT as AUTOMATION
from services.conflicts import logged_conflict
from services.guardrails import hold, require_setting
from services.idempotency import once
from services.ports import Ports
from services.status_changes import SUBJECT as STATUS_CHANGE
from services.status_changes import request
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SUBJECT: Final = "emergency_stop"
STOPPER: Final = Actor(ActorKind.SYSTEM, "emergency-stop")
_DISCONNECTED: Final = ConnectionStatus.DISCONNECTED.value
#: Campaigns whose pauses are queued in one transaction: the log's head is held for all of them.
_PAUSED_AT_ONCE: Final = 200


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[EmergencyStop]:
    """What a slice fetches of a workspace's stops, newest first. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    return await emergency_stops.emergency_stop_page(ports.database.read(viewer.tenant_id), workspace_id, place)


async def one(ports: Ports, viewer: Viewer, stop_id: UUID) -> EmergencyStop:
    """One stop. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await emergency_stops.emergency_stop(ports.database.read(viewer.tenant_id), stop_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such emergency stop")
    return found


@dataclass(frozen=True, slots=True)
class Preview:
    """What a stop would do now: changes that would never be sent, others on their way, and those put back."""

    cut_off: tuple[Adjustment, ...]
    on_their_way: tuple[Adjustment, ...]
    restored: tuple[Adjustment, ...]
    paused: tuple[Campaign, ...]
    restarts_cut_off: int


async def preview(
    ports: Ports, viewer: Viewer, workspace_id: UUID, window_hours: int, pausing: StopPausing = StopPausing.NONE
) -> Preview:
    """What a stop with this window, pausing these campaigns, would do now. Raises NotFound, Forbidden, InvalidInput."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    rules.check_window(window_hours)
    scope, now_utc = ports.database.read(viewer.tenant_id), ports.clock.now_utc()
    await tenants.workspace(scope, workspace_id)
    stop = _new(viewer, workspace_id, "preview", window_hours, now_utc, pausing)
    changes = await emergency_stops.changes_in_reach(scope, workspace_id, stop.since_utc)
    waiting = [each for each in changes if rules.never_sent(each)]
    on_way = [
        each
        for each in changes
        if each.status in {AdjustmentStatus.PENDING, AdjustmentStatus.SENDING, AdjustmentStatus.APPLIED}
        and each not in waiting
    ]
    gone = {each.id for each in waiting}
    steps = rules.next_steps(stop, [each for each in changes if each.id not in gone])
    paused = await campaigns.running(scope, workspace_id, rules.budgets_in_reach(pausing, changes))
    return Preview(
        tuple(waiting),
        tuple(on_way),
        tuple(each for its in steps.restore for each in its),
        tuple(paused),
        await status_changes.restarts_waiting(scope, workspace_id),
    )


async def start(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    reason: str,
    window_hours: int,
    idempotency_key: str,
    pausing: StopPausing = StopPausing.NONE,
) -> EmergencyStop:
    """Stop a workspace: automation off, what waits fails, what was confirmed in the window is put back, people told.

    Anybody who may pause automation may do it, an API key too: stopping must be easier than starting. Where one is in
    force already, that one is the answer; it pauses more campaigns from then on where more are asked for.

    Raises:
        NotFound, Forbidden, InvalidInput, IdempotencyMismatch
    """
    authority = viewer.authority(workspace_id)
    if not may(authority, Permission.SYSTEM_WRITE):
        viewer.require(workspace_id, Permission.CAMPAIGN_WRITE)
    reason = rules.check_reason(reason)
    rules.check_window(window_hours)

    async def act(keep: Callable[[Work, EmergencyStop], Awaitable[None]]) -> EmergencyStop:
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            await locks.hold_workspace(work.scope, workspace_id)
            await tenants.workspace(work.scope, workspace_id)
            standing = await emergency_stops.in_force(work.scope, workspace_id)
            if standing is not None:
                wider = rules.widened(standing, pausing)
                await keep(work, wider or standing)
                if wider is not None:
                    await _note_next(work, standing, wider, "emergency_stop.widened")
                return wider or standing
            stop = _new(viewer, workspace_id, reason, window_hours, work.now_utc, pausing)
            stop = replace(stop, items=await _cut_off(work, stop))
            await keep(work, stop)
            await emergency_stops.add_emergency_stop(work.scope, stop)
            await _pause(work, workspace_id)
            work.record("workspace.stopped", SUBJECT, None, stop)
        return stop

    arguments = {
        "workspaceId": str(workspace_id),
        "reason": reason,
        "windowHours": window_hours,
        "pauseCampaigns": pausing.value,
    }
    return await once(ports, viewer, idempotency_key, "emergencyStopStart", arguments, EmergencyStop, act)


def _new(
    viewer: Viewer, workspace_id: UUID, reason: str, window_hours: int, now_utc: datetime, pausing: StopPausing
) -> EmergencyStop:
    return EmergencyStop(
        id=new_id(),
        tenant_id=viewer.tenant_id,
        workspace_id=workspace_id,
        version=1,
        reason=reason,
        window_hours=window_hours,
        started_by_kind=viewer.actor.kind,
        started_by_id=viewer.actor.id,
        started_at_utc=now_utc,
        lifted_by_id=None,
        lifted_at_utc=None,
        still_at_utc=None,
        pausing=pausing,
    )


async def _cut_off(work: Work, stop: EmergencyStop) -> tuple[StopItem, ...]:
    """Fail what waits: budget changes, which become the stop's items, and restarts of campaigns."""
    workspace_id = stop.workspace_id
    await _cut_off_restarts(work, stop)
    before = {each.id: each for each in await emergency_stops.changes_in_reach(work.scope, workspace_id, work.now_utc)}
    failed = await emergency_stops.fail_waiting(work.scope, workspace_id)
    after = await adjustments.adjustments_by_id(work.scope, sorted(failed))
    for each in sorted(failed):
        work.record("adjustment.failed", ADJUSTMENT, before[each], after[each])
    return tuple(StopItem(each, StopOutcome.CUT_OFF) for each in sorted(failed))


async def _cut_off_restarts(work: Work, stop: EmergencyStop) -> bool:
    failed = await status_changes.fail_waiting(work.scope, stop.workspace_id, stop.id)
    for after in failed:
        waiting = StatusChangeState.PENDING
        before = replace(
            after, state=waiting, version=after.version - 1, failure_code=None, failure_reason=None, stop_id=None
        )
        work.record("status_change.failed", STATUS_CHANGE, before, after)
    return bool(failed)


async def _pause(work: Work, workspace_id: UUID) -> None:
    """All rules off: automation stays paused when the stop is lifted, until somebody resumes it."""
    found = await automations.automation(work.scope, workspace_id)
    if not found.paused:
        after = replace(found, paused=True, version=found.version + 1)
        await automations.store_automation(work.scope, after)
        work.record("automation.paused", AUTOMATION, found, after)


async def lift(
    ports: Ports, viewer: Viewer, stop_id: UUID, expected_version: int, idempotency_key: str
) -> EmergencyStop:
    """Lift a stop: people may approve again, automation stays paused. Takes whoever may set guardrails.

    Raises:
        NotFound, Forbidden, VersionConflict, InvalidTransition, IdempotencyMismatch, InvalidInput
    """
    found = await one(ports, viewer, stop_id)
    require_setting(viewer, found.workspace_id)

    async def act(keep: Callable[[Work, EmergencyStop], Awaitable[None]]) -> EmergencyStop:
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            await hold(work, found.workspace_id)
            current = await emergency_stops.emergency_stop(work.scope, stop_id)
            if current.version != expected_version:
                raise await logged_conflict(
                    work.scope, "this emergency stop went on meanwhile", current, expected_version
                )
            # An approval that began before the stop may have come after it: it must not leave when nobody expects it.
            late = await _cut_off(work, current)
            after = rules.lifted(replace(current, items=(*current.items, *late)), viewer.actor.id, work.now_utc)
            await keep(work, after)
            await emergency_stops.store_emergency_stop(work.scope, after)
            work.record("emergency_stop.lifted", SUBJECT, current, after)
        return after

    arguments = {"id": str(stop_id), "expectedVersion": expected_version}
    return await once(ports, viewer, idempotency_key, "emergencyStopLift", arguments, EmergencyStop, act)


async def unfinished(ports: Ports) -> list[tuple[UUID, UUID]]:
    """(tenant, stop) of the stops in force under which not all is still yet."""
    return await across_tenants.unfinished_stops(ports.database.system())


async def go_on(ports: Ports, tenant_id: UUID, stop_id: UUID) -> bool:
    """Do a stop's next steps: pause, queue what can be put back, note what needs a person, say when all is still.

    Idempotent; any number of workers may. Returns whether anything was done.
    """
    scope = ports.database.read(tenant_id)
    stop = await emergency_stops.emergency_stop(scope, stop_id)
    if not stop.in_force or stop.still_at_utc is not None:
        return False
    changes = await emergency_stops.changes_in_reach(scope, stop.workspace_id, stop.since_utc)
    steps = rules.next_steps(stop, changes)
    late = bool(steps.cut_off) or await status_changes.restarts_waiting(scope, stop.workspace_id) > 0
    acted = await _cut_off_late(ports, stop) if late else False
    acted |= await _pause_campaigns(ports, stop_id, await _left_to_pause(scope, stop, changes))
    for each in steps.restore:
        acted |= await _restore(ports, stop_id, each)
    if acted or steps.restore:
        return acted
    busy = steps.busy or await status_changes.any_unsettled(scope, stop.workspace_id)
    return await _settle(ports, stop, replace(steps, busy=busy))


async def _cut_off_late(ports: Ports, stop: EmergencyStop) -> bool:
    """Fail what an approval that began before the stop queued after it."""
    try:
        async with begin(ports, stop.tenant_id, STOPPER) as work:
            items = await _cut_off(work, stop)
            return bool(items) and await _note(work, stop, list(items))
    except VersionConflict:
        return False


async def _left_to_pause(scope: Scope, stop: EmergencyStop, changes: Sequence[Adjustment]) -> list[Campaign]:
    """Campaigns that the stop is to ask to pause now, a transaction's worth of them."""
    budget_ids = rules.budgets_in_reach(stop.pausing, changes)
    if budget_ids == []:
        return []
    running = await campaigns.running(scope, stop.workspace_id, budget_ids)
    asked = await status_changes.changes_of_stops(scope, [stop.id])
    return rules.left_to_pause(running, asked.get(stop.id, ()))[:_PAUSED_AT_ONCE]


async def _pause_campaigns(ports: Ports, stop_id: UUID, running: Sequence[Campaign]) -> bool:
    """Queue the stop's pauses; of two workers one does. What an account that is gone keeps from us is a person's."""
    if not running:
        return False
    try:
        async with begin(ports, running[0].tenant_id, STOPPER) as work:
            stop = await emergency_stops.emergency_stop(work.scope, stop_id)
            accounts = await ad_accounts.ad_accounts_by_id(work.scope, [each.account_id for each in running])
            queued = [await _pause_campaign(work, stop, each, accounts[each.account_id]) for each in running]
            return any(queued) and await _note(work, stop, [])
    except VersionConflict:
        return False


async def _pause_campaign(work: Work, stop: EmergencyStop, campaign: Campaign, account: AdAccount) -> bool:
    try:
        change = await request(work, campaign, CampaignStatus.PAUSED, _reason(stop), stop.id)
    except InvalidTransition:
        # Somebody's own pause is on its way: should that fail, the stop asks.
        return False
    if not account.connected:
        why = "the ad account is not connected to its platform any more: pause the campaign there"
        failed = moved(change, StatusChangeState.FAILED, failure_code=_DISCONNECTED, failure_reason=why)
        if await status_changes.fail_never_sent(work.scope, failed):
            work.record("status_change.failed", STATUS_CHANGE, change, failed)
    return True


def _reason(stop: EmergencyStop) -> str:
    return f"emergency stop: {stop.reason}"[:MAX_REASON_CHARACTERS]


async def _restore(ports: Ports, stop_id: UUID, changes: Sequence[Adjustment]) -> bool:
    """Queue what puts changes of one budget, the newest first, back; what is refused is noted with its reason."""
    newest, *older = changes
    try:
        async with begin(ports, newest.tenant_id, STOPPER) as work:
            stop = await emergency_stops.emergency_stop(work.scope, stop_id)
            back = (await revert_in(work, newest, _reason(stop), older)).restoring
            return await _note(work, stop, [StopItem(each.id, StopOutcome.RESTORING, back.id) for each in changes])
    except VersionConflict:
        return False
    except DomainError as error:
        return await _leave(ports, stop_id, changes, error.message)


async def _leave(ports: Ports, stop_id: UUID, changes: Sequence[Adjustment], note: str) -> bool:
    try:
        async with begin(ports, changes[0].tenant_id, STOPPER) as work:
            stop = await emergency_stops.emergency_stop(work.scope, stop_id)
            items = [StopItem(each.id, StopOutcome.NEEDS_PERSON, note=note) for each in changes]
            return await _note(work, stop, items)
    except VersionConflict:
        return False


async def _note(work: Work, stop: EmergencyStop, items: list[StopItem]) -> bool:
    """Keep what was done with the stop. Raises VersionConflict when another worker was first: all is rolled back."""
    return await _note_next(work, stop, rules.noted(stop, items), "emergency_stop.went_on")


async def _note_next(work: Work, stop: EmergencyStop, after: EmergencyStop, kind: str) -> bool:
    if not stop.in_force or not await emergency_stops.store_emergency_stop(work.scope, after):
        raise VersionConflict(
            "the stop went on meanwhile",
            subject_id=stop.id,
            expected_version=stop.version,
            current_version=stop.version + 1,
            changed_by_id=None,
            changed_at_utc=None,
        )
    work.record(kind, SUBJECT, stop, after)
    return True


async def _settle(ports: Ports, stop: EmergencyStop, steps: NextSteps) -> bool:
    """Nothing is left to put back: note what came to rest and, if nothing is on its way, that all is still."""
    if steps.busy and not steps.noted:
        return False
    after = rules.noted(stop, steps.noted)
    async with begin(ports, stop.tenant_id, STOPPER) as work:
        if not steps.busy:
            after = replace(after, still_at_utc=work.now_utc)
        if not await emergency_stops.store_emergency_stop(work.scope, after):
            return False
        work.record("emergency_stop.went_on" if steps.busy else "emergency_stop.still", SUBJECT, stop, after)
    return True
