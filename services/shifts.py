"""Use-cases of shifts: request one, settle what its legs came to, list (GO-05, GO-07).

A request stores the plan, both approved changes and the shift in one transaction; the dispatcher carries them out like
any other. Settling reads how the legs stand and stores what that means, together with the restoring change where one is
needed, in one transaction: a worker that dies leaves either all of a step or nothing. Must not send anything.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain import shifts as rules
from domain.access import Permission, ReservedAct
from domain.ad_accounts import AdAccount
from domain.adjustments import SETTLED, Adjustment
from domain.campaigns import Budget, Campaign
from domain.errors import DomainError, InvalidInput, InvalidTransition, NotFound, VersionConflict
from domain.log import Actor, ActorKind
from domain.plans import Plan
from domain.platforms import BudgetType, PlatformLimits, limits
from domain.recommendations import MAX_REASON_CHARACTERS, Recommendation, RecommendationStatus
from domain.shifts import Amounts, Finding, Legs, Shift, ShiftStatus
from kit.crash_points import reach
from kit.ids import new_id
from kit.pagination import Slice
from kit.time import local_day
from models import (
    across_tenants,
    ad_accounts,
    adjustments,
    campaigns,
    locks,
    plans,
    recommendations,
    shifts,
    tenants,
)
from models.scope import Scope
from services.adjustments import revert_in
from services.currency_rates import STORED_RATE_DAYS, rate_table
from services.idempotency import once
from services.ports import Ports
from services.recommendations import approve_in
from services.unit_of_work import Work, begin
from services.verdicts import require_limits
from services.viewers import Viewer

SUBJECT: Final = "shift"
SETTLER: Final = Actor(ActorKind.SYSTEM, "shifts")
_EXPIRY: Final = timedelta(days=1)


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[Shift]:
    """What a slice fetches of a workspace's shifts, newest first. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    return await shifts.shift_page(ports.database.read(viewer.tenant_id), workspace_id, place)


async def one(ports: Ports, viewer: Viewer, shift_id: UUID) -> Shift:
    """One shift. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await shifts.shift(ports.database.read(viewer.tenant_id), shift_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such shift")
    return found


async def request(
    ports: Ports,
    viewer: Viewer,
    campaigns_: tuple[UUID, UUID],
    amount_micros: int,
    reason: str,
    idempotency_key: str,
) -> Shift:
    """Move budget a day from one campaign to another, as a person decides: it is sent without further review.

    Args:
        ports: the database.
        viewer: a person who may decide about budgets.
        campaigns_: the campaign that gives and the one that gets; of one workspace, on any platforms.
        amount_micros: what leaves, in micros of the giving account's currency; rounded down to the platform's step.
        reason: 1 to 500 characters, for attribution.
        idempotency_key: of the client's choosing.

    Raises:
        NotFound, Forbidden, InvalidInput, InvalidTransition, GuardrailBlocked, RateUnavailable, IdempotencyMismatch
    """
    scope = ports.database.read(viewer.tenant_id)
    source, target = [await _end(scope, viewer, each) for each in campaigns_]
    if source.workspace_id != target.workspace_id:
        raise NotFound("no such campaign")
    viewer.require_act(source.workspace_id, ReservedAct.DECIDE_BUDGETS)
    if source.budget_id == target.budget_id:
        raise InvalidInput("both campaigns are paid by the same budget", path=("toCampaignId",))
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(f"a reason has 1 to {MAX_REASON_CHARACTERS} characters", path=("reason",))

    async def act(keep: Callable[[Work, Shift], Awaitable[None]]) -> Shift:
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            return await _store(ports, work, (source, target), amount_micros, reason, keep)

    arguments = {
        "fromCampaignId": str(campaigns_[0]),
        "toCampaignId": str(campaigns_[1]),
        "amountMicros": amount_micros,
        "reason": reason,
    }
    return await once(ports, viewer, idempotency_key, "shiftRequest", arguments, Shift, act)


async def _end(scope: Scope, viewer: Viewer, campaign_id: UUID) -> Campaign:
    found = await campaigns.campaign(scope, campaign_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such campaign")
    return found


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a shift as it stands inside the transaction."""

    campaign: Campaign
    account: AdAccount
    budget: Budget
    rate: Decimal


async def _store(
    ports: Ports,
    work: Work,
    pair: tuple[Campaign, Campaign],
    amount_micros: int,
    reason: str,
    keep: Callable[[Work, Shift], Awaitable[None]],
) -> Shift:
    workspace = await tenants.workspace(work.scope, pair[0].workspace_id)
    await locks.hold_workspace(work.scope, workspace.id)
    source, target = [await _standing(work, each, workspace.reporting_currency) for each in pair]
    moved = rules.amounts(_as_amount(source), _as_amount(target), amount_micros)
    plan = _plan(work, source, workspace.reporting_currency, moved, reason)
    legs = (
        _leg(work, plan, source, moved.source_micros, moved.leaving_reporting_micros, reason),
        _leg(work, plan, target, moved.target_micros, moved.arriving_reporting_micros, reason),
    )
    shift = Shift(
        id=new_id(),
        tenant_id=work.scope.tenant_id,
        workspace_id=workspace.id,
        version=1,
        status=ShiftStatus.OPEN,
        plan_id=plan.id,
        from_campaign_id=source.campaign.id,
        to_campaign_id=target.campaign.id,
        from_adjustment_id=_named(legs[0]),
        to_adjustment_id=_named(legs[1]),
        amount_reporting_micros=-moved.leaving_reporting_micros,
        reporting_currency_code=workspace.reporting_currency,
        reason=reason,
        requested_by_id=work.actor.id,
        requested_at_utc=work.now_utc,
    )
    await keep(work, shift)
    await plans.add_plan(work.scope, plan)
    await shifts.add_shift(work.scope, shift)
    work.record("shift.requested", SUBJECT, None, shift)
    for leg in legs:
        waiting = replace(leg, status=RecommendationStatus.NEEDS_REVIEW, version=1, adjustment_id=None)
        await recommendations.add_recommendations(work.scope, [waiting])
        await require_limits(ports, work.scope, waiting, work.now_utc)
        await approve_in(work, waiting, leg)
    return shift


async def _standing(work: Work, campaign: Campaign, reporting_currency: str) -> _End:
    """One end, if its budget can be changed now."""
    if campaign.budget_id is None:
        raise InvalidTransition(f"{campaign.name} has no budget of its own here", state="NO_BUDGET")
    budget = await campaigns.budget(work.scope, campaign.budget_id)
    if budget.budget_type is not BudgetType.DAILY:
        raise InvalidTransition(f"{campaign.name} has no daily budget", state=budget.budget_type.value)
    for other in await adjustments.budget_adjustments(work.scope, budget.id):
        if other.status not in SETTLED:
            raise InvalidTransition(
                f"another change of the budget of {campaign.name} is on its way; wait for it", state=other.status.value
            )
    account = await ad_accounts.ad_account(work.scope, campaign.account_id)
    rates = await rate_table(work.scope, reporting_currency, max_age_days=STORED_RATE_DAYS)
    today = local_day(work.now_utc, account.time_zone)
    return _End(campaign, account, budget, rates.lookup(today, account.currency_code, reporting_currency).rate)


def _as_amount(end: _End) -> tuple[int, Decimal, PlatformLimits]:
    return end.budget.daily_budget_micros, end.rate, limits(end.account.platform, end.account.currency_code)


def _plan(work: Work, source: _End, currency_code: str, moved: Amounts, reason: str) -> Plan:
    return Plan(
        id=new_id(),
        tenant_id=work.scope.tenant_id,
        workspace_id=source.campaign.workspace_id,
        proposer=rules.PROPOSER,
        created_at_utc=work.now_utc,
        expires_at_utc=work.now_utc + _EXPIRY,
        currency_code=currency_code,
        unallocated_micros=-moved.leaving_reporting_micros - moved.arriving_reporting_micros,
        explanation=reason,
        skipped=(),
        approved_increase_micros=0,
        approved_decrease_micros=0,
        version=1,
    )


def _leg(work: Work, plan: Plan, end: _End, wanted_micros: int, delta_reporting: int, reason: str) -> Recommendation:
    """One leg, approved by whoever asked. A person's shift rests on no estimate, so its figures are zero."""
    return Recommendation(
        id=new_id(),
        tenant_id=plan.tenant_id,
        workspace_id=plan.workspace_id,
        plan_id=plan.id,
        account_id=end.account.id,
        budget_id=end.budget.id,
        campaign_id=end.campaign.id,
        platform=end.account.platform,
        campaign_name=end.campaign.name,
        currency_code=end.account.currency_code,
        reporting_currency_code=plan.currency_code,
        rate_to_reporting=end.rate,
        status=RecommendationStatus.APPROVED,
        version=2,
        current_micros=end.budget.daily_budget_micros,
        suggested_micros=wanted_micros,
        proposed_micros=wanted_micros,
        delta_reporting_micros=delta_reporting,
        roas_now=0.0,
        roas_expected=0.0,
        roas_change_low=0.0,
        roas_change_high=0.0,
        revenue_change_reporting_micros=0,
        confidence=0.0,
        rationale=reason,
        created_at_utc=work.now_utc,
        expires_at_utc=plan.expires_at_utc,
        changed_by_id=work.actor.id,
        changed_at_utc=work.now_utc,
        decided_by_id=work.actor.id,
        decided_at_utc=work.now_utc,
        decision_reason=None,
        adjustment_id=new_id(),
    )


def _named(leg: Recommendation) -> UUID:
    if leg.adjustment_id is None:
        raise ValueError("a leg names its adjustment")
    return leg.adjustment_id


async def unsettled(ports: Ports) -> list[tuple[UUID, UUID]]:
    """(tenant, shift) of what has not ended."""
    return await across_tenants.unsettled_shifts(ports.database.system())


async def settle(ports: Ports, tenant_id: UUID, shift_id: UUID) -> bool:
    """Store what a shift's legs came to, and begin to put the first back where the second failed. Idempotent.

    Any number of workers may: whoever is second finds the version gone and changes nothing. Returns whether it changed.
    """
    scope = ports.database.read(tenant_id)
    shift = await shifts.shift(scope, shift_id)
    if shift.status in rules.ENDED:
        return False
    legs = await _legs(scope, shift)
    found = rules.finding(legs, ports.clock.now_utc())
    try:
        return await _book(ports, shift, found, legs.source if found.restore else None)
    except VersionConflict:
        return False
    except DomainError as error:
        found = Finding(ShiftStatus.FLAGGED, why=f"the decrease could not be put back: {error.message}")
    try:
        return await _book(ports, shift, found, None)
    except VersionConflict:
        return False


async def _legs(scope: Scope, shift: Shift) -> Legs:
    known = await adjustments.adjustments_by_id(scope, [shift.from_adjustment_id, shift.to_adjustment_id])
    source = known[shift.from_adjustment_id]
    back = None if source.restored_by_id is None else await adjustments.adjustment(scope, source.restored_by_id)
    return Legs(source, known[shift.to_adjustment_id], back)


async def _book(ports: Ports, shift: Shift, found: Finding, restore: Adjustment | None) -> bool:
    """Store a finding, together with the change that puts back the first leg."""
    after = rules.settled(shift, found, ports.clock.now_utc())
    if after is None and restore is None:
        return False
    async with begin(ports, shift.tenant_id, SETTLER) as work:
        if restore is not None:
            await revert_in(work, restore, f"the other leg of a shift failed: {shift.reason}"[:MAX_REASON_CHARACTERS])
        if after is not None:
            if not await shifts.store_shift(work.scope, after):
                raise VersionConflict(
                    "another worker settled this shift",
                    subject_id=shift.id,
                    expected_version=shift.version,
                    current_version=shift.version + 1,
                    changed_by_id=None,
                    changed_at_utc=None,
                )
            work.record(f"shift.{after.status.value.lower()}", SUBJECT, shift, after)
        reach("shift.before_commit")
    reach("shift.after_commit")
    return True
