"""One plan: which budgets to move together, by how much, and why the others stay. The rebalancer's entry point.

Pure: the same candidates in any order, settings and moment give the same plan. It proposes only; guardrails, review and
dispatch are others' work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from math import floor

import numpy as np

from domain.errors import InvalidInput
from domain.rebalancing.pools import Pool, build_pool
from domain.rebalancing.proposals import Outlook, interval, proposal_of
from domain.rebalancing.rationale import likelihood, money, signed_money
from domain.rebalancing.screening import screen, skip
from domain.rebalancing.values import (
    BudgetCandidate,
    MoneyInterval,
    Proposal,
    RebalancePlan,
    RebalanceSettings,
    SkippedCandidate,
    SkipReason,
)
from kit.money import to_decimal
from kit.time import require_utc

_NOTHING = MoneyInterval(0, 0, 0)


@dataclass(slots=True)
class _Search:
    """The state of looking for a plan: who still takes part and why the others left."""

    pool: Pool
    active: list[int]
    left: dict[int, SkipReason]

    def drop(self, positions: Sequence[int], reason: SkipReason) -> None:
        """Take members out; their budgets leave the pool with them."""
        self.left.update(dict.fromkeys(positions, reason))
        self.active = [position for position in self.active if position not in self.left]


def propose_plan(
    candidates: Sequence[BudgetCandidate], settings: RebalanceSettings, now_utc: datetime
) -> RebalancePlan:
    """Move daily budgets to where the next unit of money earns the most margin, within every candidate's limits.

    Args:
        candidates: at most one per budget, any order.
        settings: limits, windows, seed.
        now_utc: when the plan is made; its expiry counts from here.

    Returns:
        A plan whose moves sum to zero in reporting micros, but for `unallocated_micros`. Without a worthwhile change it
        has no proposals and says so.

    Raises:
        InvalidInput: a budget given twice.
        ValueError: a moment without a time zone.
    """
    created = require_utc(now_utc)
    ordered = sorted(candidates, key=lambda candidate: candidate.budget_id)
    if len({candidate.budget_id for candidate in ordered}) < len(ordered):
        raise InvalidInput("a budget is given twice", ("candidates",))
    eligible, skipped = screen(ordered, settings)
    pool = build_pool(eligible, settings) if len(eligible) > 1 else None
    if pool is None:
        reason, sentence = _no_pool(len(eligible))
        skipped += [skip(one.candidate, reason, sentence.format(name=one.candidate.name)) for one in eligible]
        return _assemble(ordered, settings, created, ([], skipped), None)
    search = _Search(pool, list(range(len(eligible))), {})
    outlook = _search(search, settings)
    skipped += [_stays(search, position, outlook) for position in range(len(eligible)) if not _moves(outlook, position)]
    proposals = [] if outlook is None else _proposals(outlook, settings)
    return _assemble(ordered, settings, created, (proposals, skipped), outlook)


def _no_pool(eligible: int) -> tuple[SkipReason, str]:
    if eligible == 1:
        return (
            SkipReason.NO_COUNTERPART,
            "{name} stays as it is: no other budget may move, so there is nothing to trade.",
        )
    return SkipReason.NO_GAIN, "{name} stays as it is: no settled revenue is known for any budget that may move."


def _search(search: _Search, settings: RebalanceSettings) -> Outlook | None:
    """Split, leave out what is too small or too unsure, split again; None when nothing worthwhile remains.

    Each round leaves out the worse half of the offenders: one budget's small move may grow once others are out.
    """
    while len(search.active) > 1:
        outlook = _outlook(search)
        moved = [position for position in search.active if outlook.deltas_micros[position] != 0]
        if not _two_sided(outlook):
            search.drop(moved, SkipReason.CHANGE_TOO_SMALL)
            return None
        shares = {position: outlook.change_share(position) for position in moved}
        small = sorted((share, position) for position, share in shares.items() if share < settings.min_change_share)
        if small:
            search.drop([position for _, position in _worse_half(small)], SkipReason.CHANGE_TOO_SMALL)
            continue
        unsure = sorted(
            (float(outlook.confidence[position]), position)
            for position in moved
            if outlook.confidence[position] < settings.min_confidence
        )
        if unsure:
            search.drop([position for _, position in _worse_half(unsure)], SkipReason.LOW_CONFIDENCE)
            continue
        if outlook.margin_gain <= 0.0 or outlook.plan_confidence < settings.min_confidence:
            search.drop(moved, SkipReason.LOW_CONFIDENCE)
            return None
        return outlook
    search.drop(search.active, SkipReason.NO_COUNTERPART)
    return None


def _worse_half(offenders: list[tuple[float, int]]) -> list[tuple[float, int]]:
    return offenders[: (len(offenders) + 1) // 2]


def _two_sided(outlook: Outlook) -> bool:
    deltas = outlook.deltas_micros
    return any(delta > 0 for delta in deltas) and any(delta < 0 for delta in deltas)


def _outlook(search: _Search) -> Outlook:
    """The best split of the active members, and what it would bring."""
    split = search.pool.split(search.active)
    proposed = [member.candidate.daily_budget_micros for member in search.pool.members]
    for position, amount in zip(search.active, split.amounts_micros, strict=True):
        proposed[position] = amount
    return Outlook.of(search.pool, proposed)


def _moves(outlook: Outlook | None, position: int) -> bool:
    return outlook is not None and outlook.deltas_micros[position] != 0


def _stays(search: _Search, position: int, outlook: Outlook | None) -> SkippedCandidate:
    """Why a budget that might have moved does not."""
    candidate = search.pool.members[position].candidate
    reason = search.left.get(position, SkipReason.NO_GAIN)
    if (
        reason is SkipReason.NO_GAIN
        and candidate.blocked_direction is not None
        and _held_back(search, position, outlook)
    ):
        reason = SkipReason.DIRECTION_BLOCKED
    stays = f"{candidate.name} stays at {money(candidate.daily_budget_micros, candidate.currency_code)} a day: "
    why = {
        SkipReason.CHANGE_TOO_SMALL: "the best change is too small to be worth a review.",
        SkipReason.LOW_CONFIDENCE: "the numbers are too noisy to say that a change would pay off.",
        SkipReason.NO_COUNTERPART: "no other budget is left to trade with.",
        SkipReason.DIRECTION_BLOCKED: "the change that would help was rejected by a reviewer in this period.",
    }.get(reason, "its next unit of money earns about as much here as anywhere else it could go.")
    return skip(candidate, reason, stays + why)


def _held_back(search: _Search, position: int, outlook: Outlook | None) -> bool:
    """Whether the blocked direction is the one in which the money would have gone."""
    pool = search.pool
    marginal = pool.revenue.marginal(pool.present) * pool.margins
    others = np.delete(marginal, position)
    price = outlook.price if outlook is not None else float(np.median(others))
    wants_up = bool(marginal[position] > price)
    return wants_up == (pool.members[position].candidate.blocked_direction == "UP")


def _proposals(outlook: Outlook, settings: RebalanceSettings) -> list[Proposal]:
    """The moves, largest first, rounded to reporting micros so that their sum is the exact one rounded down."""
    exact, told = Fraction(0), 0
    proposals: list[Proposal] = []
    for position, member in enumerate(outlook.pool.members):
        if outlook.deltas_micros[position] == 0:
            continue
        exact += Fraction(member.candidate.rate_to_reporting) * outlook.deltas_micros[position]
        delta_reporting = floor(exact) - told
        told += delta_reporting
        proposals.append(proposal_of(outlook, position, delta_reporting, settings))
    return sorted(proposals, key=lambda proposal: (-abs(proposal.delta_reporting_micros), proposal.budget_id))


def _assemble(
    ordered: Sequence[BudgetCandidate],
    settings: RebalanceSettings,
    created: datetime,
    parts: tuple[list[Proposal], list[SkippedCandidate]],
    outlook: Outlook | None,
) -> RebalancePlan:
    proposals, skipped = parts
    before = floor(sum((Fraction(one.rate_to_reporting) * one.daily_budget_micros for one in ordered), Fraction(0)))
    unallocated = -sum(proposal.delta_reporting_micros for proposal in proposals)
    code = settings.reporting_currency_code
    plan = RebalancePlan(
        created_at_utc=created,
        expires_at_utc=created + settings.expires_after,
        currency_code=code,
        proposals=tuple(proposals),
        skipped=tuple(sorted(skipped, key=lambda one: one.budget_id)),
        total_before_micros=before,
        total_after_micros=before - unallocated,
        unallocated_micros=unallocated,
        unallocated_reason=_unallocated_reason(unallocated, code),
        revenue_change=interval(outlook.sampled_revenue_change.sum(axis=1)) if outlook else _NOTHING,
        margin_change=interval(outlook.sampled_margin_change.sum(axis=1)) if outlook else _NOTHING,
        confidence=outlook.plan_confidence if outlook else 0.0,
        explanation="",
    )
    return _explained(plan, len(ordered))


def _unallocated_reason(unallocated: int, code: str) -> str | None:
    if unallocated == 0:
        return None
    return (
        f"{code} {to_decimal(unallocated)} a day stays unallocated: it is less than the smallest step of any budget "
        "that could still take it, and a plan never spends more than before."
    )


def _explained(plan: RebalancePlan, candidates: int) -> RebalancePlan:
    """The plan with its explanation."""
    if plan.proposals:
        return replace(plan, explanation=_what_changes(plan))
    return replace(plan, explanation=_why_nothing(plan, candidates))


def _what_changes(plan: RebalancePlan) -> str:
    moved = sum(max(0, proposal.delta_reporting_micros) for proposal in plan.proposals)
    change, code = plan.revenue_change, plan.currency_code
    text = (
        f"{len(plan.proposals)} of {len(plan.proposals) + len(plan.skipped)} budgets change and move "
        f"{money(moved, code)} a day; the total stays at {money(plan.total_after_micros, code)}. Expected revenue "
        f"{signed_money(change.mid_micros, code)} a day (90 % interval {signed_money(change.lo_micros, code)} to "
        f"{signed_money(change.hi_micros, code)}); {likelihood(plan.confidence)} to raise the margin."
    )
    return f"{text} {plan.unallocated_reason}" if plan.unallocated_reason else text


def _why_nothing(plan: RebalancePlan, candidates: int) -> str:
    if candidates == 0:
        return "No change: there are no budgets to compare."
    counts: dict[SkipReason, int] = {}
    for one in plan.skipped:
        counts[one.reason] = counts.get(one.reason, 0) + 1
    told = sorted(counts.items(), key=lambda item: (-item[1], item[0].value))
    return "No change: " + "; ".join(f"{count} {_PLAIN[reason]}" for reason, count in told) + "."


_PLAIN = {
    SkipReason.FROZEN: "locked",
    SkipReason.INSUFFICIENT_HISTORY: "with too little history",
    SkipReason.STALE_DATA: "without recent data",
    SkipReason.OUTSIDE_LIMITS: "outside the set limits",
    SkipReason.NO_ROOM: "without room to move",
    SkipReason.NO_COUNTERPART: "with no other budget to trade with",
    SkipReason.DIRECTION_BLOCKED: "held by a reviewer's rejection",
    SkipReason.CHANGE_TOO_SMALL: "where the best change is too small to matter",
    SkipReason.LOW_CONFIDENCE: "where the numbers are too noisy to act on",
    SkipReason.NO_GAIN: "already earning about as much per next unit of money as the others",
}
