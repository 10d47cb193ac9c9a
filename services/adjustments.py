"""Use-cases on adjustments: list, read, send again, revert. Sending them is services/dispatch.py's."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from domain.access import Permission, ReservedAct
from domain.adjustments import SETTLED, Adjustment, AdjustmentStatus, restoring, retried
from domain.errors import InvalidInput, InvalidTransition, PlanUnfunded, VersionConflict
from domain.plans import uncovered_micros
from domain.recommendations import MAX_REASON_CHARACTERS
from kit.ids import new_id
from kit.pagination import Slice
from models import adjustments, campaigns, locks, plans, shifts
from models.scope import Scope
from services.conflicts import logged_conflict
from services.idempotency import once
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.verdicts import require_no_stop
from services.viewers import Viewer

SUBJECT: Final = "adjustment"


async def page(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    place: Slice[UUID],
    statuses: Sequence[AdjustmentStatus] | None = None,
) -> list[Adjustment]:
    """What a slice fetches of a workspace's adjustments, newest first. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await adjustments.adjustment_page(scope, workspace_id, place, statuses)


async def one(ports: Ports, viewer: Viewer, adjustment_id: UUID) -> Adjustment:
    """One adjustment. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await adjustments.adjustment(ports.database.read(viewer.tenant_id), adjustment_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such adjustment")
    return found


async def retry(
    ports: Ports, viewer: Viewer, adjustment_id: UUID, expected_version: int, idempotency_key: str
) -> Adjustment:
    """Queue one again that failed or whose outcome is unknown; the dispatcher looks before it sends, as ever.

    Raises:
        NotFound, Forbidden, VersionConflict, InvalidTransition, GuardrailBlocked, IdempotencyMismatch, InvalidInput
    """
    found = await one(ports, viewer, adjustment_id)
    viewer.require_act(found.workspace_id, ReservedAct.DECIDE_BUDGETS)

    async def act(keep: Callable[[Work, Adjustment], Awaitable[None]]) -> Adjustment:
        if found.version != expected_version:
            raise await _conflict(ports.database.read(viewer.tenant_id), found, expected_version)
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            if found.restores_id is None:
                await require_no_stop(work.scope, found.workspace_id, found.currency_code)
            after = retried(found, work.now_utc)
            if not await shifts.go_on_with_leg(work.scope, found.id):
                raise InvalidTransition(
                    "this is a leg of a shift that has ended: alone it would move budget by half; request a new shift",
                    state=found.status.value,
                )
            await keep(work, after)
            if not await adjustments.retry_if_unchanged(work.scope, found.id, found.version, after.not_before_utc):
                current = await adjustments.adjustment(work.scope, found.id)
                raise await _conflict(work.scope, current, expected_version)
            work.record("adjustment.retried", SUBJECT, found, after)
        return after

    arguments = {"id": str(adjustment_id), "expectedVersion": expected_version}
    return await once(ports, viewer, idempotency_key, "adjustmentRetry", arguments, Adjustment, act)


@dataclass(frozen=True, slots=True)
class Reverting:
    """A confirmed change, and the change on its way that puts back what it changed."""

    original: Adjustment
    restoring: Adjustment


async def revert(
    ports: Ports, viewer: Viewer, adjustment_id: UUID, expected_version: int, reason: str, idempotency_key: str
) -> Reverting:
    """Queue the change that puts back what a confirmed one changed, from the stored values (RO-08).

    It goes the way of every change; the original is REVERTED when it is confirmed.

    Raises:
        NotFound, Forbidden, VersionConflict, InvalidTransition, PlanUnfunded, GuardrailBlocked, IdempotencyMismatch,
        InvalidInput
    """
    found = await one(ports, viewer, adjustment_id)
    viewer.require_act(found.workspace_id, ReservedAct.DECIDE_BUDGETS)

    async def act(keep: Callable[[Work, Reverting], Awaitable[None]]) -> Reverting:
        if found.version != expected_version:
            raise await _conflict(ports.database.read(viewer.tenant_id), found, expected_version)
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            if found.restores_id is not None:
                # To undo a restoring change is to make the change again.
                await require_no_stop(work.scope, found.workspace_id, found.currency_code)
            reverting = await revert_in(work, found, reason)
            await keep(work, reverting)
        return reverting

    arguments = {"id": str(adjustment_id), "expectedVersion": expected_version, "reason": reason}
    return await once(ports, viewer, idempotency_key, "adjustmentRevert", arguments, Reverting, act)


async def revert_in(work: Work, found: Adjustment, reason: str, older: Sequence[Adjustment] = ()) -> Reverting:
    """As revert, inside an open transaction and for its actor. Whoever reverts many begins with the increases.

    Args:
        work: the transaction.
        found: the change as its caller saw it.
        reason: 1 to 500 characters, kept with the restoring change.
        older: confirmed changes under it to undo with the same stroke, as domain.adjustments.restoring takes them.

    Raises:
        VersionConflict, InvalidTransition, PlanUnfunded, InvalidInput
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(f"a reason has 1 to {MAX_REASON_CHARACTERS} characters", path=("reason",))
    back = restoring(found, new_id(), work.actor.id, reason, work.now_utc, older)
    undone = (found, *older)
    plan_ids = sorted({each.plan_id for each in undone})
    for plan_id in plan_ids:
        await locks.hold_plan(work.scope, plan_id)
    await _require_standing(work.scope, found)
    for plan_id in plan_ids:
        delta = -sum(each.delta_reporting_micros for each in undone if each.plan_id == plan_id)
        await _require_covered(work.scope, replace(back, plan_id=plan_id, delta_reporting_micros=delta))
        await plans.count_restore(work.scope, plan_id, max(delta, 0), max(-delta, 0))
    originals = [await _mark_restoring(work, each, back) for each in undone]
    await adjustments.add_adjustment(work.scope, back)
    work.record("adjustment.queued", SUBJECT, None, back)
    return Reverting(originals[0], back)


async def _mark_restoring(work: Work, found: Adjustment, back: Adjustment) -> Adjustment:
    if not await adjustments.restore_if_unchanged(work.scope, found.id, found.version, back.id):
        raise await _conflict(work.scope, await adjustments.adjustment(work.scope, found.id), found.version)
    original = replace(found, restored_by_id=back.id, version=found.version + 1)
    work.record("adjustment.restoring", SUBJECT, found, original)
    return original


async def _require_standing(scope: Scope, found: Adjustment) -> None:
    """The change must be what stands there now, and nothing else may be on its way to that budget."""
    for other in await adjustments.budget_adjustments(scope, found.budget_id):
        if other.id != found.id and other.status not in SETTLED:
            raise InvalidTransition(
                "another change of this budget is on its way; wait for it", state=found.status.value
            )
    budget = await campaigns.budget(scope, found.budget_id)
    if budget.daily_budget_micros != found.intended_micros:
        stands, wanted = (f"{m / 1_000_000:.2f}" for m in (budget.daily_budget_micros, found.intended_micros))
        raise InvalidTransition(
            f"the budget has moved on to {stands} {found.currency_code} from the {wanted} this change had set; revert "
            "what came later first",
            state=found.status.value,
        )


async def _require_covered(scope: Scope, back: Adjustment) -> None:
    short = uncovered_micros(back, await adjustments.plan_adjustments(scope, back.plan_id))
    if short > 0:
        plan = await plans.plan(scope, back.plan_id)
        raise PlanUnfunded(
            f"other changes of the plan spend what this one freed: {short / 1_000_000:.2f} {plan.currency_code} a day "
            "would be spent twice; revert those increases first",
            plan_id=plan.id,
            shortfall_micros=short,
            currency_code=plan.currency_code,
        )


async def _conflict(scope: Scope, current: Adjustment, expected_version: int) -> VersionConflict:
    return await logged_conflict(scope, "this adjustment changed meanwhile", current, expected_version)
