"""Use-cases on plans: read them, make them. Must not decide what is proposed; that is a proposer's, in domain/."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.access import Permission
from domain.candidates import Candidates, Situation, gather
from domain.guarded_budgets import GuardedBudgets
from domain.guardrails import Proposer
from domain.log import Actor, ActorKind
from domain.plans import Plan, SkippedBudget
from domain.rebalancing import BudgetCandidate, Proposal, RebalancePlan, RebalanceSettings, propose_plan
from domain.recommendations import Recommendation, RecommendationStatus
from domain.response_curves import ResponseCurve
from domain.workspaces import Workspace, next_deadline_utc
from kit.ids import new_id
from kit.time import local_day
from models import adjustments, emergency_stops, locks, plans, recommendations, response_curves, tenants
from models.scope import Scope
from services.auto_approvals import needs_person
from services.guarded_budgets import known
from services.ports import Ports
from services.recommendations import SUBJECT, close_in
from services.unit_of_work import begin
from services.viewers import Viewer

PROPOSER: Final = Actor(ActorKind.SYSTEM, Proposer.REBALANCER.value)

#: People get at least this long to decide; a plan made later than that before a deadline waits for the next one.
MIN_REVIEW_TIME: Final = timedelta(hours=4)

#: Longer than any budget is left to settle (domain/cool_downs.py).
_SETTLING: Final = timedelta(days=9)
_NAME_CHARACTERS: Final = 300
#: Thinking takes a second at most; somebody who approves in each of three such seconds leaves it to the next run.
_TRIES: Final = 3


async def newest(ports: Ports, viewer: Viewer, workspace_id: UUID) -> Plan | None:
    """A workspace's latest plan, None before the first one: what it skipped says why there is no proposal (RB-E1).

    Raises:
        NotFound, Forbidden
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    return await plans.newest_plan(ports.database.read(viewer.tenant_id), workspace_id)


class _ChangedMeanwhile(Exception):
    """Something was approved while the plan was thought out."""


async def propose(ports: Ports, tenant_id: UUID, workspace_id: UUID, *, force: bool = False) -> Plan | None:
    """Make the workspace's plan of the day: store it with its recommendations, close what an older plan left open.

    A plan without recommendations is stored too: what it skipped says why (RB-E1). Recommendations expire at the
    workspace's next review deadline that leaves at least four hours to decide (RB-1.4).

    Args:
        ports: the database; the calculation runs in a thread of its own.
        tenant_id: whose workspace it is.
        workspace_id: where to propose.
        force: also if there is a plan of this workspace-zone day.

    Returns:
        The new plan; None if the day has one already, no budget is known yet, or an emergency stop is in force.

    Raises:
        NotFound: no such workspace.
    """
    for _ in range(_TRIES):
        workspace = await tenants.workspace(ports.database.read(tenant_id), workspace_id)
        if await emergency_stops.is_stopped(ports.database.read(tenant_id), workspace_id):
            return None
        if not force and await _has_plan(ports.database.read(tenant_id), workspace, ports.clock.now_utc()):
            return None
        situation = await _look(ports, workspace)
        candidates = gather(situation)
        if not candidates.budgets and not candidates.skipped:
            return None
        settings = RebalanceSettings(
            reporting_currency_code=workspace.reporting_currency, max_change_share=workspace.max_change_share
        )
        proposed = await asyncio.to_thread(propose_plan, candidates.budgets, settings, situation.now_utc)
        drafted = _draft(situation, candidates, proposed)
        try:
            return await _store(ports, drafted, force=force)
        except _ChangedMeanwhile:
            continue
    return None


async def _has_plan(scope: Scope, workspace: Workspace, now_utc: datetime) -> bool:
    newest = await plans.newest_plan(scope, workspace.id)
    if newest is None:
        return False
    zone_name = workspace.time_zone
    return local_day(newest.created_at_utc, zone_name) >= local_day(now_utc, zone_name)


async def _look(ports: Ports, workspace: Workspace) -> Situation:
    """Read what the workspace knows."""
    scope = ports.database.read(workspace.tenant_id)
    now_utc = ports.clock.now_utc()
    its = await known(ports, scope, workspace, now_utc, timedelta(0))
    held_since = now_utc - timedelta(days=workspace.rejection_hold_days + 2)
    return Situation(
        workspace=workspace,
        now_utc=now_utc,
        accounts=its.accounts,
        budgets=its.budgets,
        campaigns=its.campaigns,
        days=its.days,
        rejected=await recommendations.rejected_since(scope, workspace.id, held_since),
        in_flight=frozenset(await adjustments.budgets_in_flight(scope, workspace.id)),
        confirmed=await adjustments.confirmed_since(scope, workspace.id, now_utc - _SETTLING),
        rates=its.rates,
        guarded=GuardedBudgets(its, now_utc),
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """A plan about to be stored.

    Attributes:
        curves: the fitted curves behind the recommendations, by their ids.
        in_flight: the budgets it held still because they were being changed.
        automated: whether automation acts in the workspace, so that what it must not approve is told.
    """

    plan: Plan
    recommendations: tuple[Recommendation, ...]
    curves: Mapping[UUID, ResponseCurve]
    in_flight: frozenset[UUID]
    automated: bool


def _draft(situation: Situation, candidates: Candidates, proposed: RebalancePlan) -> _Draft:
    workspace = situation.workspace
    names = {each.campaign_id: each.name for each in candidates.budgets}
    skipped = [
        SkippedBudget(each.campaign_id, names[each.campaign_id], each.reason.value, each.sentence)
        for each in proposed.skipped
    ]
    plan = Plan(
        id=new_id(),
        tenant_id=workspace.tenant_id,
        workspace_id=workspace.id,
        proposer=PROPOSER.id,
        created_at_utc=situation.now_utc,
        # A moment less, so that a deadline exactly four hours ahead still counts.
        expires_at_utc=next_deadline_utc(workspace, situation.now_utc + MIN_REVIEW_TIME - timedelta(microseconds=1)),
        currency_code=workspace.reporting_currency,
        unallocated_micros=proposed.unallocated_micros,
        explanation=proposed.explanation,
        skipped=(*skipped, *candidates.skipped),
        approved_increase_micros=0,
        approved_decrease_micros=0,
        version=1,
    )
    by_budget = {each.budget_id: each for each in candidates.budgets}
    accounts = {each.id: each.account_id for each in situation.budgets}
    suggested = tuple(
        _recommendation(plan, each, by_budget[each.budget_id], accounts[each.budget_id]) for each in proposed.proposals
    )
    judged = tuple(
        replace(each, needs_review_because=situation.guarded.verdict(each, PROPOSER.id).violations)
        for each in suggested
    )
    curves = {each.id: proposal.curve for each, proposal in zip(judged, proposed.proposals, strict=True)}
    return _Draft(plan, judged, curves, situation.in_flight, situation.guarded.automated)


def _recommendation(plan: Plan, proposal: Proposal, candidate: BudgetCandidate, account_id: UUID) -> Recommendation:
    return Recommendation(
        id=new_id(),
        tenant_id=plan.tenant_id,
        workspace_id=plan.workspace_id,
        plan_id=plan.id,
        account_id=account_id,
        budget_id=proposal.budget_id,
        campaign_id=proposal.campaign_id,
        platform=proposal.platform,
        campaign_name=candidate.name[:_NAME_CHARACTERS],
        currency_code=proposal.currency_code,
        reporting_currency_code=plan.currency_code,
        rate_to_reporting=candidate.rate_to_reporting,
        status=RecommendationStatus.NEEDS_REVIEW,
        version=1,
        current_micros=proposal.current_micros,
        suggested_micros=proposal.proposed_micros,
        proposed_micros=proposal.proposed_micros,
        delta_reporting_micros=proposal.delta_reporting_micros,
        roas_now=proposal.roas_now,
        roas_expected=proposal.roas_expected,
        roas_change_low=proposal.roas_change.lo,
        roas_change_high=proposal.roas_change.hi,
        revenue_change_reporting_micros=proposal.revenue_change.mid_micros,
        confidence=proposal.confidence,
        rationale=proposal.rationale,
        created_at_utc=plan.created_at_utc,
        expires_at_utc=plan.expires_at_utc,
        changed_by_id=None,
        changed_at_utc=None,
        decided_by_id=None,
        decided_at_utc=None,
        decision_reason=None,
        adjustment_id=None,
    )


async def _store(ports: Ports, draft: _Draft, *, force: bool) -> Plan | None:
    """Supersede and store in one transaction; None if another worker made the day's plan first."""
    plan = draft.plan
    async with begin(ports, plan.tenant_id, PROPOSER) as work:
        await locks.hold_workspace(work.scope, plan.workspace_id)
        workspace = await tenants.workspace(work.scope, plan.workspace_id)
        if not force and await _has_plan(work.scope, workspace, plan.created_at_utc):
            return None
        open_now = await recommendations.open_recommendations(work.scope, plan.workspace_id)
        await close_in(work, open_now, RecommendationStatus.SUPERSEDED)
        # Closing holds every open recommendation, so from here on nothing older can be approved.
        if not await adjustments.budgets_in_flight(work.scope, plan.workspace_id) <= draft.in_flight:
            raise _ChangedMeanwhile
        await plans.add_plan(work.scope, plan)
        await recommendations.add_recommendations(work.scope, draft.recommendations)
        await response_curves.add_response_curves(work.scope, draft.curves)
        work.record("plan.proposed", "plan", None, plan)
        for each in draft.recommendations:
            work.record("recommendation.suggested", SUBJECT, None, each)
            if draft.automated and needs_person(each):
                work.record("recommendation.needs_review", SUBJECT, None, each)
    return plan
