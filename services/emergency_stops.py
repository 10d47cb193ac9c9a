"""Use-cases of the emergency stop: look ahead, start, go on, lift, report (RO-10).

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
from domain.emergency_stops import EmergencyStop, NextSteps, StopItem, StopOutcome
from domain.errors import DomainError, VersionConflict
from domain.histories import is_uuid
from domain.log import Actor, ActorKind
from domain.recommendations import MAX_REASON_CHARACTERS
from domain.workspaces import Workspace
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
    members,
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
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SUBJECT: Final = "emergency_stop"
STOPPER: Final = Actor(ActorKind.SYSTEM, "emergency-stop")


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


async def preview(ports: Ports, viewer: Viewer, workspace_id: UUID, window_hours: int) -> Preview:
    """What a stop with this window would do now. Raises NotFound, Forbidden, InvalidInput."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    rules.check_window(window_hours)
    scope, now_utc = ports.database.read(viewer.tenant_id), ports.clock.now_utc()
    await tenants.workspace(scope, workspace_id)
    stop = _new(viewer, workspace_id, "preview", window_hours, now_utc)
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
    return Preview(tuple(waiting), tuple(on_way), tuple(each for its in steps.restore for each in its))


async def start(
    ports: Ports, viewer: Viewer, workspace_id: UUID, reason: str, window_hours: int, idempotency_key: str
) -> EmergencyStop:
    """Stop a workspace: automation off, what waits fails, what was confirmed in the window is put back, people told.

    Anybody who may pause automation may do it, an API key too: stopping must be easier than starting. Where one is in
    force already, that one is the answer.

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
                await keep(work, standing)
                return standing
            stop = _new(viewer, workspace_id, reason, window_hours, work.now_utc)
            stop = replace(stop, items=await _cut_off(work, workspace_id))
            await keep(work, stop)
            await emergency_stops.add_emergency_stop(work.scope, stop)
            await _pause(work, workspace_id)
            work.record("workspace.stopped", SUBJECT, None, stop)
        return stop

    arguments = {"workspaceId": str(workspace_id), "reason": reason, "windowHours": window_hours}
    return await once(ports, viewer, idempotency_key, "emergencyStopStart", arguments, EmergencyStop, act)


def _new(viewer: Viewer, workspace_id: UUID, reason: str, window_hours: int, now_utc: datetime) -> EmergencyStop:
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
    )


async def _cut_off(work: Work, workspace_id: UUID) -> tuple[StopItem, ...]:
    before = {each.id: each for each in await emergency_stops.changes_in_reach(work.scope, workspace_id, work.now_utc)}
    failed = await emergency_stops.fail_waiting(work.scope, workspace_id)
    after = await adjustments.adjustments_by_id(work.scope, sorted(failed))
    for each in sorted(failed):
        work.record("adjustment.failed", ADJUSTMENT, before[each], after[each])
    return tuple(StopItem(each, StopOutcome.CUT_OFF) for each in sorted(failed))


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
            late = await _cut_off(work, found.workspace_id)
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
    """Do a stop's next steps: queue what can be put back now, note what needs a person, say when all is still.

    Idempotent; any number of workers may. Returns whether anything was done.
    """
    scope = ports.database.read(tenant_id)
    stop = await emergency_stops.emergency_stop(scope, stop_id)
    if not stop.in_force or stop.still_at_utc is not None:
        return False
    steps = rules.next_steps(stop, await emergency_stops.changes_in_reach(scope, stop.workspace_id, stop.since_utc))
    acted = await _cut_off_late(ports, stop) if steps.cut_off else False
    for each in steps.restore:
        acted |= await _restore(ports, stop_id, each)
    if acted or steps.restore:
        return acted
    return await _settle(ports, stop, steps)


async def _cut_off_late(ports: Ports, stop: EmergencyStop) -> bool:
    """Fail what an approval that began before the stop queued after it."""
    try:
        async with begin(ports, stop.tenant_id, STOPPER) as work:
            items = await _cut_off(work, stop.workspace_id)
            return bool(items) and await _note(work, stop, list(items))
    except VersionConflict:
        return False


async def _restore(ports: Ports, stop_id: UUID, changes: Sequence[Adjustment]) -> bool:
    """Queue what puts changes of one budget, the newest first, back; what is refused is noted with its reason."""
    newest, *older = changes
    try:
        async with begin(ports, newest.tenant_id, STOPPER) as work:
            stop = await emergency_stops.emergency_stop(work.scope, stop_id)
            reason = f"emergency stop: {stop.reason}"[:MAX_REASON_CHARACTERS]
            back = (await revert_in(work, newest, reason, older)).restoring
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
    after = rules.noted(stop, items)
    if not stop.in_force or not await emergency_stops.store_emergency_stop(work.scope, after):
        raise VersionConflict(
            "the stop went on meanwhile",
            subject_id=stop.id,
            expected_version=stop.version,
            current_version=stop.version + 1,
            changed_by_id=None,
            changed_at_utc=None,
        )
    work.record("emergency_stop.went_on", SUBJECT, stop, after)
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


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One change that a stop met, with what it changed and what puts it back."""

    item: StopItem
    adjustment: Adjustment
    restoring: Adjustment | None
    account: AdAccount
    campaign: Campaign | None
    approved_by: str


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """All there is to say of a stop at this moment; names where people have them."""

    stop: EmergencyStop
    workspace: Workspace
    started_by: str
    lifted_by: str | None
    lines: tuple[ReportLine, ...]


async def report(ports: Ports, viewer: Viewer, stop_id: UUID) -> IncidentReport:
    """The incident report of a stop. Raises NotFound, Forbidden."""
    stop = await one(ports, viewer, stop_id)
    scope = ports.database.read(viewer.tenant_id)
    ids = [item.adjustment_id for item in stop.items]
    known = await adjustments.adjustments_by_id(scope, ids)
    restoring = await adjustments.adjustments_by_id(
        scope, [item.restoring_id for item in stop.items if item.restoring_id is not None]
    )
    accounts = await ad_accounts.ad_accounts_by_id(scope, [each.account_id for each in known.values()])
    named = await campaigns.campaigns_by_id(scope, [each.campaign_id for each in known.values()])
    people = await _names(
        scope, {stop.started_by_id, stop.lifted_by_id or "", *(each.approved_by_id for each in known.values())}
    )
    lines = [
        ReportLine(
            item=item,
            adjustment=each,
            restoring=None if item.restoring_id is None else restoring.get(item.restoring_id),
            account=accounts[each.account_id],
            campaign=named.get(each.campaign_id),
            approved_by=people.get(each.approved_by_id, each.approved_by_id),
        )
        for item in stop.items
        for each in [known[item.adjustment_id]]
    ]
    return IncidentReport(
        stop,
        await tenants.workspace(scope, stop.workspace_id),
        people.get(stop.started_by_id, stop.started_by_id),
        None if stop.lifted_by_id is None else people.get(stop.lifted_by_id, stop.lifted_by_id),
        tuple(lines),
    )


async def _names(scope: Scope, actor_ids: set[str]) -> dict[str, str]:
    """Names of those actors who are people."""
    named = await members.names_by_user_id(scope, sorted(UUID(each) for each in actor_ids if is_uuid(each)))
    return {str(user_id): name for user_id, name in named.items()}
