"""Use-cases on recommendations: list, approve, edit, reject, decide many, expire.

A decision is compare-and-set on the version the person saw. The loser of a race gets VersionConflict, which says who
won and when; nothing of the loser's request stays behind.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain import recommendations as rules
from domain.access import Permission, ReservedAct
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.errors import BudgetChangedElsewhere, DomainError, InvalidInput, PlanUnfunded, VersionConflict
from domain.log import Actor, ActorKind
from domain.plans import shortfall_micros
from domain.platforms import limits
from domain.recommendations import Choice, Recommendation, RecommendationStatus
from kit.ids import new_id
from kit.pagination import Slice
from models import adjustments, campaigns, plans, recommendations
from models.recommendations import RecommendationFilter
from models.scope import Scope
from services.idempotency import once
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.verdicts import judge, require_limits, require_no_stop
from services.viewers import Viewer

SUBJECT: Final = "recommendation"
EXPIRER: Final = Actor(ActorKind.SYSTEM, "expire")
MAX_DECISIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision left: the recommendation as it is now and, after an approval, the adjustment it queued."""

    recommendation: Recommendation
    adjustment: Adjustment | None


async def page(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    place: Slice[UUID],
    wanted: RecommendationFilter,
    attributes: frozenset[str] | None = None,
) -> list[Recommendation]:
    """What a slice fetches of a workspace's recommendations, newest first. Raises NotFound, Forbidden.

    Of each these attributes can be read, None for all.
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await recommendations.recommendation_page(scope, workspace_id, place, wanted, attributes)


async def one(ports: Ports, viewer: Viewer, recommendation_id: UUID) -> Recommendation:
    """One recommendation. Raises NotFound for what the viewer cannot enter."""
    found = await recommendations.recommendation(ports.database.read(viewer.tenant_id), recommendation_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such recommendation")
    return found


async def _to_decide(ports: Ports, viewer: Viewer, recommendation_id: UUID) -> Recommendation:
    found = await one(ports, viewer, recommendation_id)
    viewer.require_act(found.workspace_id, ReservedAct.DECIDE_BUDGETS)
    return found


async def _require_not_stale(scope: Scope, found: Recommendation) -> None:
    """Whoever decides on a budget that was changed elsewhere is told what stands there now, whatever they saw."""
    if found.status is not RecommendationStatus.STALE:
        return
    budget = await campaigns.budget(scope, found.budget_id)
    if budget.daily_budget_micros == found.current_micros:
        return
    raise BudgetChangedElsewhere(
        f"{found.decision_reason or 'the budget was changed elsewhere'}; it now stands at "
        f"{budget.daily_budget_micros / 1_000_000:.2f} {found.currency_code} a day",
        budget_id=budget.id,
        daily_budget_micros=budget.daily_budget_micros,
        currency_code=found.currency_code,
    )


async def approve(
    ports: Ports, viewer: Viewer, recommendation_id: UUID, expected_version: int, idempotency_key: str
) -> Decided:
    """Approve: queue the adjustment in the same transaction (RB-1.2).

    Raises:
        NotFound, Forbidden, VersionConflict, InvalidTransition, PlanUnfunded, GuardrailBlocked, BudgetChangedElsewhere,
        IdempotencyMismatch, InvalidInput
    """
    found = await _to_decide(ports, viewer, recommendation_id)

    async def act(keep: Callable[[Work, Decided], Awaitable[None]]) -> Decided:
        await _require_not_stale(ports.database.read(viewer.tenant_id), found)
        _require_version(found, expected_version)
        now_utc = ports.clock.now_utc()
        approved = rules.approve(found, viewer.actor.id, new_id(), now_utc)
        # A person's approval passes the automation thresholds, never the hard limits.
        await require_limits(ports, ports.database.read(viewer.tenant_id), found, now_utc)
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            return await approve_in(work, found, approved, keep)

    arguments = {"id": str(recommendation_id), "expectedVersion": expected_version}
    return await once(ports, viewer, idempotency_key, "recommendationApprove", arguments, Decided, act)


async def approve_in(
    work: Work,
    found: Recommendation,
    approved: Recommendation,
    keep: Callable[[Work, Decided], Awaitable[None]] | None = None,
) -> Decided:
    """Store an approval, count it in its plan and queue its adjustment, inside an open transaction.

    Raises:
        VersionConflict, PlanUnfunded, GuardrailBlocked; the transaction must then be rolled back.
    """
    await require_no_stop(work.scope, found.workspace_id, found.currency_code)
    decided = Decided(approved, _queued(approved, work.actor.id))
    if keep is not None:
        await keep(work, decided)
    await _store(work, found, approved)
    await _fund(work, approved)
    await _queue(work, decided)
    work.record("recommendation.approved", SUBJECT, found, approved)
    return decided


async def reject(
    ports: Ports, viewer: Viewer, recommendation_id: UUID, expected_version: int, reason: str, idempotency_key: str
) -> Decided:
    """Reject with a reason; the idea stays away for as long as the workspace says (RB-1.3)."""
    found = await _to_decide(ports, viewer, recommendation_id)

    async def act(keep: Callable[[Work, Decided], Awaitable[None]]) -> Decided:
        _require_version(found, expected_version)
        decided = Decided(rules.reject(found, viewer.actor.id, reason, ports.clock.now_utc()), None)
        return await _change(ports, viewer, found, decided, "recommendation.rejected", keep)

    arguments = {"id": str(recommendation_id), "expectedVersion": expected_version, "reason": reason}
    return await once(ports, viewer, idempotency_key, "recommendationReject", arguments, Decided, act)


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """Exactly one of: `percent` of the current budget (-100 exclusive to 1000), or the absolute daily amount."""

    percent: Decimal | None = None
    daily_budget_micros: int | None = None


async def edit(
    ports: Ports,
    viewer: Viewer,
    recommendation_id: UUID,
    expected_version: int,
    change: BudgetChange,
    idempotency_key: str,
) -> Decided:
    """Change the amount before approval, by percentage or to an absolute spend (RB-F2); it still needs review."""
    found = await _to_decide(ports, viewer, recommendation_id)

    async def act(keep: Callable[[Work, Decided], Awaitable[None]]) -> Decided:
        await _require_not_stale(ports.database.read(viewer.tenant_id), found)
        _require_version(found, expected_version)
        wanted = _wanted_micros(found, change)
        edited = rules.edit(
            found, viewer.actor.id, wanted, limits(found.platform, found.currency_code), ports.clock.now_utc()
        )
        verdict = await judge(ports, ports.database.read(viewer.tenant_id), edited, ports.clock.now_utc())
        edited = replace(edited, needs_review_because=verdict.violations)
        return await _change(ports, viewer, found, Decided(edited, None), "recommendation.edited", keep)

    arguments = {
        "id": str(recommendation_id),
        "expectedVersion": expected_version,
        "percent": None if change.percent is None else str(change.percent),
        "dailyBudgetMicros": change.daily_budget_micros,
    }
    return await once(ports, viewer, idempotency_key, "recommendationEdit", arguments, Decided, act)


@dataclass(frozen=True, slots=True)
class Decision:
    """One item of a batch, with its own version, key and, for a rejection, reason."""

    recommendation_id: UUID
    expected_version: int
    choice: Choice
    reason: str | None
    idempotency_key: str


async def decide(ports: Ports, viewer: Viewer, decisions: Sequence[Decision]) -> list[Decided | DomainError]:
    """Decide many at once, each in its own transaction, with a result for each in the order given.

    Approvals that free money run first, so that a batch which is funded as a whole goes through in any order.
    """
    if not 1 <= len(decisions) <= MAX_DECISIONS:
        raise InvalidInput(f"decide 1 to {MAX_DECISIONS} recommendations at once", path=("decisions",))
    scope = ports.database.read(viewer.tenant_id)
    known = await recommendations.recommendations_by_id(scope, [d.recommendation_id for d in decisions])

    def spends(index: int) -> int:
        found = known.get(decisions[index].recommendation_id)
        return found.delta_reporting_micros if found is not None else 0

    results: dict[int, Decided | DomainError] = {}
    for index in sorted(range(len(decisions)), key=spends):
        try:
            results[index] = await _decide_one(ports, viewer, decisions[index])
        except DomainError as error:
            results[index] = error
    return [results[index] for index in range(len(decisions))]


async def _decide_one(ports: Ports, viewer: Viewer, item: Decision) -> Decided:
    if item.choice is Choice.APPROVE:
        return await approve(ports, viewer, item.recommendation_id, item.expected_version, item.idempotency_key)
    reason = item.reason or ""
    return await reject(ports, viewer, item.recommendation_id, item.expected_version, reason, item.idempotency_key)


async def expire_due(ports: Ports, tenant_id: UUID, workspace_id: UUID) -> int:
    """Close what nobody decided in time (RB-1.4). Returns how many."""
    now_utc = ports.clock.now_utc()
    open_now = await recommendations.open_recommendations(ports.database.read(tenant_id), workspace_id)
    late = [r for r in open_now if r.expires_at_utc <= now_utc]
    if not late:
        return 0
    return await close_all(ports, tenant_id, late, RecommendationStatus.EXPIRED)


async def close_all(
    ports: Ports, tenant_id: UUID, open_now: Sequence[Recommendation], status: RecommendationStatus
) -> int:
    """Close open recommendations as the system; one decided meanwhile keeps its decision. Returns how many closed."""
    async with begin(ports, tenant_id, EXPIRER) as work:
        return await close_in(work, open_now, status)


async def close_in(
    work: Work, open_now: Sequence[Recommendation], status: RecommendationStatus, reason: str | None = None
) -> int:
    """As close_all, inside an open transaction; `reason` is kept with each."""
    closed = 0
    for before in sorted(open_now, key=lambda r: r.id):
        after = rules.close(before, status, work.now_utc, reason)
        if await recommendations.store_if_unchanged(work.scope, after):
            work.record(f"recommendation.{status.value.lower()}", SUBJECT, before, after)
            closed += 1
    return closed


def _require_version(found: Recommendation, expected_version: int) -> None:
    if found.version != expected_version:
        raise conflict(found, expected_version)


def conflict(current: Recommendation, expected_version: int) -> VersionConflict:
    """The typed answer for the loser of a race: who changed it, when, and what it is now."""
    return VersionConflict(
        "somebody else changed this recommendation first",
        subject_id=current.id,
        expected_version=expected_version,
        current_version=current.version,
        changed_by_id=current.changed_by_id,
        changed_at_utc=current.changed_at_utc,
    )


def _wanted_micros(found: Recommendation, change: BudgetChange) -> int:
    if change.percent is not None and change.daily_budget_micros is None:
        return rules.percent_of_current(found, change.percent)
    if change.daily_budget_micros is not None and change.percent is None:
        return change.daily_budget_micros
    raise InvalidInput("give either a percentage or an absolute amount", path=("change",))


async def _change(
    ports: Ports,
    viewer: Viewer,
    found: Recommendation,
    decided: Decided,
    kind: str,
    keep: Callable[[Work, Decided], Awaitable[None]],
) -> Decided:
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        await keep(work, decided)
        await _store(work, found, decided.recommendation)
        work.record(kind, SUBJECT, found, decided.recommendation)
    return decided


async def _store(work: Work, found: Recommendation, after: Recommendation) -> None:
    """Compare-and-set; on a lost race read who won, inside this transaction, which then rolls back."""
    if not await recommendations.store_if_unchanged(work.scope, after):
        current = await recommendations.recommendation(work.scope, found.id)
        await _require_not_stale(work.scope, current)
        raise conflict(current, found.version)


async def _fund(work: Work, approved: Recommendation) -> None:
    """Count the approval in its plan, or refuse what the plan's approved decreases do not pay for."""
    increase = max(approved.delta_reporting_micros, 0)
    decrease = max(-approved.delta_reporting_micros, 0)
    if not await plans.fund(work.scope, approved.plan_id, increase, decrease):
        plan = await plans.plan(work.scope, approved.plan_id)
        short = shortfall_micros(plan, increase, decrease)
        raise PlanUnfunded(
            f"approving this would spend {short / 1_000_000:.2f} {plan.currency_code} a day more than the approved "
            "decreases of its plan free; approve decreases first, or edit this to less",
            plan_id=plan.id,
            shortfall_micros=short,
            currency_code=plan.currency_code,
        )


def _queued(approved: Recommendation, actor_id: str) -> Adjustment:
    if approved.decided_at_utc is None or approved.adjustment_id is None:
        raise ValueError("an approved recommendation says when it was decided, and names its adjustment")
    return Adjustment(
        id=approved.adjustment_id,
        tenant_id=approved.tenant_id,
        workspace_id=approved.workspace_id,
        recommendation_id=approved.id,
        plan_id=approved.plan_id,
        account_id=approved.account_id,
        budget_id=approved.budget_id,
        campaign_id=approved.campaign_id,
        status=AdjustmentStatus.PENDING,
        version=1,
        before_micros=approved.current_micros,
        intended_micros=approved.proposed_micros,
        delta_reporting_micros=approved.delta_reporting_micros,
        currency_code=approved.currency_code,
        approved_by_id=actor_id,
        auto_approved=approved.auto_approved,
        created_at_utc=approved.decided_at_utc,
        attempts=0,
        not_before_utc=approved.decided_at_utc,
        lease_token=None,
        lease_until_utc=None,
        dispatched_at_utc=None,
        confirmed_at_utc=None,
        platform_execution_id=None,
        failure_code=None,
        failure_reason=None,
    )


async def _queue(work: Work, decided: Decided) -> None:
    if decided.adjustment is None:
        raise ValueError("an approval queues an adjustment")
    await adjustments.add_adjustment(work.scope, decided.adjustment)
    work.record("adjustment.queued", "adjustment", None, decided.adjustment)
