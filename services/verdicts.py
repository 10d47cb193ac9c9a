"""Judging one change by the guardrails against values read just now: when it is approved, and when it is sent.

`judge` looks, `require_limits` refuses what a person approves outside the hard limits, `reserve` takes changes' shares
of their days under their accounts' locks. Must not change a recommendation or an adjustment; must not send.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

from domain.adjustments import Adjustment
from domain.guardrails import (
    Change,
    ChangeKind,
    Evidence,
    Guardrail,
    GuardrailBlocked,
    HardLimits,
    RuleSet,
    ScopeKind,
    Settings,
    Standing,
    Subject,
    Verdict,
    Violation,
    check,
    check_limits,
    effective,
    evidence_of,
)
from domain.platforms import Platform
from domain.platforms import limits as platform_limits
from domain.recommendations import Recommendation
from kit.time import local_day
from models import daily_metrics, emergency_stops, guardrails, locks, recommendations, tenants
from models.guardrails import Surroundings
from models.scope import Scope, WriteScope
from services.currency_rates import STORED_RATE_DAYS, rate_table
from services.guarded_budgets import HISTORY
from services.ports import Ports

_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A change to look at: of this recommendation, perhaps already as this adjustment."""

    recommendation: Recommendation
    kind: ChangeKind
    proposed_micros: int
    adjustment_id: UUID | None = None
    observed_micros: int | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """The change with all that the hard limits ask about."""

    change: Change
    standing: Standing
    settings: Settings
    around: Surroundings
    campaign_ids: frozenset[UUID]
    automatic_changes_today: int


async def judge(ports: Ports, scope: Scope, recommendation: Recommendation, now_utc: datetime) -> Verdict:
    """What both kinds of guardrail say of approving a recommendation now. Raises NotFound."""
    case = await _proposed(ports, scope, recommendation, now_utc)
    return check(case.change, case.standing, await _evidence(scope, recommendation, case, now_utc), case.settings)


async def require_limits(ports: Ports, scope: Scope, recommendation: Recommendation, now_utc: datetime) -> None:
    """Refuse an approval that lies outside a hard limit. Raises GuardrailBlocked, NotFound."""
    case = await _proposed(ports, scope, recommendation, now_utc)
    found = _stopped(case) + check_limits(case.change, case.standing, case.settings.limits)
    if found:
        raise GuardrailBlocked.by(found, recommendation.currency_code)


@dataclass(frozen=True, slots=True)
class Sending:
    """An adjustment that is about to be sent, and its budget as the platform showed it just now."""

    adjustment: Adjustment
    observed_micros: int


async def reserve(
    ports: Ports, scope: WriteScope, sending: Sequence[Sending], now_utc: datetime
) -> list[GuardrailBlocked | None]:
    """Take what adjustments are about to move out of their days' room, one after the other.

    Holds their accounts until the transaction ends: two workers cannot both take the same room. To be called in the
    transaction that stores the intents, before any other row is held. One that restores another skips the day's counts.

    Returns:
        Of each, in their order: None when it may be sent; else why not, and nothing was taken for it. It lies outside a
        hard limit now, or a kill switch stops what no person approved.
    """
    await locks.hold_accounts(scope, [each.adjustment.account_id for each in sending])
    wanted = [each.adjustment.recommendation_id for each in sending]
    found = await recommendations.recommendations_by_id(scope, wanted)
    workspaces = {each.workspace_id for each in found.values()}
    rules = {workspace_id: await guardrails.rule_sets(scope, workspace_id) for workspace_id in sorted(workspaces)}
    return [
        await _reserve_one(ports, scope, each, found[each.adjustment.recommendation_id], rules, now_utc)
        for each in sending
    ]


async def _reserve_one(
    ports: Ports,
    scope: WriteScope,
    each: Sending,
    recommendation: Recommendation,
    rules: Mapping[UUID, Sequence[RuleSet]],
    now_utc: datetime,
) -> GuardrailBlocked | None:
    sending = each.adjustment
    kind = ChangeKind.CHANGE if sending.restores_id is None else ChangeKind.RESTORE
    wanted = _Wanted(recommendation, kind, sending.intended_micros, sending.id, each.observed_micros)
    case = await _case(ports, scope, wanted, rules[recommendation.workspace_id], now_utc)
    found = _stopped(case) + check_limits(case.change, case.standing, case.settings.limits)
    if sending.auto_approved and (case.around.paused or case.settings.automation_paused):
        found = (*found, _PAUSED)
    if found:
        return GuardrailBlocked.by(found, recommendation.currency_code)
    await guardrails.reserve(
        scope,
        sending.account_id,
        sending.budget_id,
        sending.id,
        local_day(now_utc, case.around.time_zone),
        abs(case.change.delta_micros),
        automatic=sending.auto_approved,
        restores=kind is ChangeKind.RESTORE,
    )
    return None


def _stopped(case: _Case) -> tuple[Violation, ...]:
    """What an emergency stop says: nothing but what restores an earlier change leaves while one is in force."""
    stopped = case.around.stopped and case.change.kind is not ChangeKind.RESTORE
    return (_emergency("emergency stop"),) if stopped else ()


def _emergency(limit: str, since: str = "") -> Violation:
    return Violation(
        Guardrail.EMERGENCY_STOP,
        limit=limit,
        actual="a change that restores nothing",
        passing="the stop lifted",
        message=f"an emergency stop is in force in this workspace{since}; nothing but what restores an earlier change "
        "is sent until somebody lifts it",
    )


async def require_no_stop(scope: Scope, workspace_id: UUID, currency_code: str) -> None:
    """Refuse what an emergency stop forbids to approve or queue, naming the stop. Raises GuardrailBlocked."""
    stop = await emergency_stops.in_force(scope, workspace_id)
    if stop is None:
        return
    since = f" since {stop.started_at_utc:%Y-%m-%d %H:%M} UTC ({stop.reason})"
    raise GuardrailBlocked.by((_emergency(f"emergency stop {stop.id}", since),), currency_code)


_PAUSED: Final = Violation(
    Guardrail.AUTOMATION_PAUSED,
    limit="automation paused",
    actual="a change that no person approved",
    passing="automation resumed",
    message="no person approved this change and automation was paused before it was sent; a person can send it again "
    "once automation is resumed",
)


async def _proposed(ports: Ports, scope: Scope, recommendation: Recommendation, now_utc: datetime) -> _Case:
    wanted = _Wanted(recommendation, ChangeKind.CHANGE, recommendation.proposed_micros)
    return await _case(ports, scope, wanted, await guardrails.rule_sets(scope, recommendation.workspace_id), now_utc)


async def _case(ports: Ports, scope: Scope, wanted: _Wanted, rules: Sequence[RuleSet], now_utc: datetime) -> _Case:
    recommendation = wanted.recommendation
    around = await guardrails.surroundings(scope, recommendation.plan_id, recommendation.budget_id)
    its_own = any(each.scope.kind is ScopeKind.CAMPAIGN for each in rules)
    campaign_ids = await guardrails.campaigns_paid_by(scope, recommendation.budget_id) if its_own else frozenset[UUID]()
    currency_code, rate = recommendation.currency_code, recommendation.rate_to_reporting
    settings = effective(rules, Subject(around.proposer, recommendation.platform, campaign_ids, currency_code, rate))
    allowed = platform_limits(recommendation.platform, currency_code)
    current = around.current_micros if wanted.observed_micros is None else wanted.observed_micros
    change = Change(
        wanted.kind, recommendation.platform, currency_code, rate, current, wanted.proposed_micros,
        allowed.min_daily_micros, allowed.step_micros,
    )  # fmt: skip
    day = local_day(now_utc, around.time_zone)
    account_id, budget_id = recommendation.account_id, recommendation.budget_id
    done = await guardrails.reserved(scope, account_id, budget_id, day, wanted.adjustment_id or _NOBODY)
    if wanted.adjustment_id is None:
        done += await guardrails.queued(scope, account_id, budget_id, day)
    standing = Standing(
        changes_today=done.changes,
        account_moved_micros=done.moved_micros,
        live=recommendation.platform in ports.live_platforms,
        live_sending=around.live_sending,
    )
    if change.delta_micros > 0:
        seen_since = current - around.current_micros
        except_id = wanted.adjustment_id
        standing = await with_totals(scope, recommendation, except_id, settings.limits, standing, seen_since, day)
    return _Case(change, standing, settings, around, campaign_ids, done.automatic_changes)


class Placed(Protocol):
    """What says where a change lies."""

    @property
    def workspace_id(self) -> UUID:
        """The workspace."""

    @property
    def account_id(self) -> UUID:
        """The ad account."""

    @property
    def platform(self) -> Platform:
        """The account's platform."""

    @property
    def currency_code(self) -> str:
        """The account's currency."""

    @property
    def rate_to_reporting(self) -> Decimal:
        """One account unit in units of the reporting currency."""


async def with_totals(
    scope: Scope,
    its: Placed,
    except_id: UUID | None,
    limits: HardLimits,
    standing: Standing,
    seen_since_micros: int,
    day: date,
) -> Standing:
    """The standing with what accounts and platforms may spend in all; nothing is read that no limit asks about.

    Args:
        scope: the tenant's.
        its: where the change lies.
        except_id: the change on its way whose own amount is not counted; None for one that is still to be approved,
            which leaves room for all that was.
        limits: as they hold for the change.
        standing: what is known so far.
        seen_since_micros: by how much the budget is seen to differ from what is stored, account micros.
        day: of the exchange rates.
    """
    if limits.max_account_budget_micros is None and limits.max_platform_budget_micros is None:
        return standing
    found = await guardrails.account_budgets(
        scope, its.workspace_id, except_id or _NOBODY, with_queued=except_id is None
    )
    standing = replace(
        standing,
        account_budget_micros=seen_since_micros + sum(e.total_micros for e in found if e.account_id == its.account_id),
    )
    if limits.max_platform_budget_micros is None:
        return standing
    workspace = await tenants.workspace(scope, its.workspace_id)
    rates = await rate_table(scope, workspace.reporting_currency, max_age_days=STORED_RATE_DAYS)
    total = Decimal(seen_since_micros) * its.rate_to_reporting
    for each in found:
        if each.platform is its.platform:
            rate = (
                its.rate_to_reporting
                if each.currency_code == its.currency_code
                else rates.lookup(day, each.currency_code, workspace.reporting_currency).rate
            )
            total += each.total_micros * rate
    return replace(standing, platform_budget_reporting_micros=int(total.to_integral_value("ROUND_CEILING")))


async def _evidence(scope: Scope, recommendation: Recommendation, case: _Case, now_utc: datetime) -> Evidence:
    ids = case.campaign_ids or await guardrails.campaigns_paid_by(scope, recommendation.budget_id)
    until = (now_utc + timedelta(days=1)).date()
    days = await daily_metrics.days_since(scope, sorted(ids), (now_utc - HISTORY).date(), until)
    changes = await guardrails.budget_changes_since(scope, recommendation.budget_id, now_utc - HISTORY)
    found = evidence_of(
        recommendation.platform,
        case.around.time_zone,
        now_utc,
        (recommendation.roas_now, recommendation.confidence),
        days,
        changes,
    )
    return replace(
        found,
        automatic_changes_today=case.automatic_changes_today,
        paused_by="the workspace's kill switch" if case.around.paused else None,
    )
