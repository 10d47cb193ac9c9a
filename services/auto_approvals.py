"""Approving without a person what lies inside both kinds of guardrail, as far as a workspace has switched that on.

Decreases come first, because they pay for the increases. Each recommendation is judged again and approved in a
transaction of its own that holds the workspace, so a switch or a guardrail set meanwhile counts from its own commit on.
What a guardrail stops stays with people and says why; the event recommendation.needs_review is recorded once for each.
"""

from dataclasses import replace
from typing import Final
from uuid import UUID

from domain import recommendations as rules
from domain.automations import Automation
from domain.errors import InvalidTransition, PlanUnfunded, VersionConflict
from domain.guardrails import PASSING, Guardrail, Violation
from domain.log import Actor, ActorKind
from domain.recommendations import Recommendation, RecommendationStatus
from kit.ids import new_id
from models import automations, locks, recommendations
from models.emergency_stops import is_stopped
from services.ports import Ports
from services.recommendations import SUBJECT, approve_in
from services.unit_of_work import Work, begin
from services.verdicts import judge

APPROVER: Final = Actor(ActorKind.SYSTEM, "auto-approval")


def needs_person(recommendation: Recommendation) -> bool:
    """Whether a guardrail stops automation for good; what only waits for an hour of the day does not need anybody."""
    return any(each.guardrail not in PASSING for each in recommendation.needs_review_because)


async def approve_what_may_be(ports: Ports, tenant_id: UUID, workspace_id: UUID) -> int:
    """Approve a workspace's open recommendations that need no person. Idempotent. Returns how many were approved."""
    scope = ports.database.read(tenant_id)
    if not (await automations.automation(scope, workspace_id)).acts:
        return 0
    open_now = await recommendations.open_recommendations(scope, workspace_id)
    waiting = sorted(
        (each for each in open_now if not needs_person(each)), key=lambda each: each.delta_reporting_micros
    )
    approved = 0
    for each in waiting:
        approved += await _decide(ports, each)
    return approved


async def _decide(ports: Ports, found: Recommendation) -> bool:
    """Judge one again and approve it, or say why not. Whoever decided it meanwhile was first, and that is that."""
    try:
        async with begin(ports, found.tenant_id, APPROVER) as work:
            if not (await _held(work, found)).acts or await is_stopped(work.scope, found.workspace_id):
                return False
            verdict = await judge(ports, work.scope, found, work.now_utc)
            if not verdict.automatic:
                await _leave(work, found, verdict.violations)
                return False
            approved = rules.approve(found, APPROVER.id, new_id(), work.now_utc)
            await approve_in(work, found, replace(approved, auto_approved=True, needs_review_because=()))
            return True
    except PlanUnfunded as error:
        return await _unfunded(ports, found, error)
    except (VersionConflict, InvalidTransition):
        return False


async def _held(work: Work, found: Recommendation) -> Automation:
    await locks.hold_workspace(work.scope, found.workspace_id)
    return await automations.automation(work.scope, found.workspace_id)


async def _unfunded(ports: Ports, found: Recommendation, error: PlanUnfunded) -> bool:
    """An increase waits quietly while a person may still approve the decrease that pays for it."""
    scope = ports.database.read(found.tenant_id)
    open_now = await recommendations.open_recommendations(scope, found.workspace_id)
    if any(each.plan_id == found.plan_id and each.delta_reporting_micros < 0 for each in open_now):
        return False
    short = f"{error.shortfall_micros / 1_000_000:.2f} {error.currency_code}"
    why = Violation(
        Guardrail.FUNDING,
        limit="paid for by approved decreases",
        actual=f"{short} a day short",
        passing="an increase that the decreases pay for",
        message=error.message,
    )
    async with begin(ports, found.tenant_id, APPROVER) as work:
        await _leave(work, found, (why,))
    return False


async def _leave(work: Work, found: Recommendation, violations: tuple[Violation, ...]) -> None:
    """Keep the reasons with the recommendation; people are told the first time that it needs one of them."""
    if found.status is not RecommendationStatus.NEEDS_REVIEW or found.needs_review_because == violations:
        return
    after = replace(
        found,
        needs_review_because=violations,
        version=found.version + 1,
        changed_by_id=work.actor.id,
        changed_at_utc=work.now_utc,
    )
    if not needs_person(after):
        return
    if await recommendations.store_if_unchanged(work.scope, after):
        work.record("recommendation.needs_review", SUBJECT, found, after)
