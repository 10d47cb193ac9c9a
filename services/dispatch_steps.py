"""What is durable when, of a change on its way to its platform. Must not call a platform, or decide what comes next.

    claim     its lease, its share of the platform's quota, "dispatched"    before anything is asked of the platform
    intent    what was seen, what is to be set, the send's key, its share   before the platform is told
              of the day's limits
    result    the next state with its event: APPLIED, CONFIRMED, ...        before the next step

Whoever asks for a step goes on when it is committed, not before. Steps of one kind and tenant that are asked for at
about the same time share a transaction (services/group_commits.py): what each needs of the log's head, of locks and of
the disk is paid once. One that is refused (claimed elsewhere, outside a limit, its lease lost) writes nothing and is no
failure; one that fails is written again without the others.

Locks, each kind in the order of ids or names: a claim holds plans, budgets (passing by those that are held), quotas,
changes; an intent accounts, changes; a result changes with their budgets, quotas. The log's head comes last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.campaigns import Budget
from domain.dispatch_times import DispatchTimes
from domain.errors import NotFound
from domain.guardrails import GuardrailBlocked
from domain.log import Actor, ActorKind
from domain.plans import Funding, funding_beside
from domain.quotas import CHANGE, Quota, budget_name
from kit.crash_points import reach
from kit.ids import new_id
from models import ad_accounts, adjustments, campaigns, locks
from models.scope import Scope
from services import quotas
from services.group_commits import GroupCommit
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.verdicts import Sending, reserve

DISPATCHER: Final = Actor(ActorKind.SYSTEM, "dispatch")
SUBJECT: Final = "adjustment"

_EVENTS: Final = {
    AdjustmentStatus.PENDING: "adjustment.postponed",
    AdjustmentStatus.APPLIED: "adjustment.applied",
    AdjustmentStatus.CONFIRMED: "adjustment.confirmed",
    AdjustmentStatus.FAILED: "adjustment.failed",
    AdjustmentStatus.UNKNOWN: "adjustment.unknown",
}
_COMMITS: Final = {
    AdjustmentStatus.PENDING: "dispatch.before_postpone_commit",
    AdjustmentStatus.APPLIED: "dispatch.before_applied_commit",
    AdjustmentStatus.CONFIRMED: "dispatch.before_confirm_commit",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change as it was found, with where it goes."""

    adjustment: Adjustment
    account: AdAccount
    budget: Budget


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a step.

    Attributes:
        held: the state before, under our lease.
        after: the next one.
        account: where it goes.
        rest_seconds: how long the platform asked to be left alone, if it did; all workers heed it.
    """

    held: Adjustment
    after: Adjustment
    account: AdAccount
    rest_seconds: float | None = None

    @property
    def lease_token(self) -> UUID:
        """Under which it is written. Raises ValueError for what was not claimed."""
        if self.held.lease_token is None:
            raise ValueError("only a claimed adjustment can be moved")
        return self.held.lease_token


class DispatchSteps:
    """The steps of one tenant's changes, as one worker asks for them. Each raises what goes wrong with it alone."""

    def __init__(self, ports: Ports, tenant_id: UUID, times: DispatchTimes, quota: Mapping[str, Quota]) -> None:
        self._ports, self._tenant_id, self._times, self._quota = ports, tenant_id, times, quota
        #: A change by its id, with where it goes. Raises NotFound.
        self.look = GroupCommit(self._look)
        #: The change in SENDING, its lease ours; None when another worker or budget is first, it is not funded any
        #: more, or its platform's quota is used up (then it waits for that).
        self.claim = GroupCommit(self._claim)
        #: The change with its intent and a whole lease to send it in; None when the lease was lost; why not, when it
        #: lies outside a hard limit now: then nothing was stored.
        self.intend = GroupCommit(self._intend)
        #: Whether the next state was written. It is not when the lease was lost.
        self.book = GroupCommit(self._book)

    async def _look(self, ids: Sequence[UUID]) -> list[Waiting]:
        scope = self._ports.database.read(self._tenant_id)
        found = await adjustments.adjustments_by_id(scope, list(ids))
        accounts = await ad_accounts.ad_accounts_by_id(scope, [each.account_id for each in found.values()])
        budgets = await campaigns.budgets_by_id(scope, [each.budget_id for each in found.values()])
        if not found.keys() >= set(ids):
            raise NotFound("no such adjustment")
        return [
            Waiting(each, accounts[each.account_id], budgets[each.budget_id]) for each in map(found.__getitem__, ids)
        ]

    async def _claim(self, group: Sequence[Waiting]) -> list[Adjustment | None]:
        async with begin(self._ports, self._tenant_id, DISPATCHER) as work:
            # Two increases of one plan must not both count the same freed money: look again while holding the plan.
            await locks.hold_plans(work.scope, [each.adjustment.plan_id for each in group])
            free = await adjustments.hold_budgets(work.scope, {each.budget.id for each in group})
            purses = await self._purses(work, [each.account for each in group])
            claimed = [
                await self._claim_one(work, each, purses[each.account.id]) if each.budget.id in free else None
                for each in group
            ]
            for purse in {each.name: each for each in purses.values()}.values():
                await purse.keep(work.scope)
        return claimed

    async def _purses(self, work: Work, accounts: Sequence[AdAccount]) -> dict[UUID, quotas.Purse]:
        """The budgets of calls that changes of these accounts draw on, by account."""
        named = {
            each.id: (budget_name(self._quota[each.platform], each.platform, each.external_id), each.platform)
            for each in accounts
        }
        held = {
            name: await quotas.hold_purse(work.scope, self._quota[platform], name, work.now_utc)
            for name, platform in sorted(set(named.values()))
        }
        return {account_id: held[name] for account_id, (name, _) in named.items()}

    async def _claim_one(self, work: Work, each: Waiting, purse: quotas.Purse) -> Adjustment | None:
        waiting, now_utc = each.adjustment, work.now_utc
        if await funding(work.scope, waiting) is not Funding.READY:
            return None
        # All calls of a change at once: one that is sent must also be read back.
        admitted = purse.ask(CHANGE, now_utc)
        if isinstance(admitted, datetime):
            await adjustments.postpone(work.scope, waiting.id, waiting.version, admitted)
            return None
        claimed = await adjustments.claim(
            work.scope, waiting.id, new_id(), now_utc, now_utc + self._times.lease, version=waiting.version,
            budget_held=True,
        )  # fmt: skip
        if claimed is not None:
            purse.take(admitted)
            work.record("adjustment.dispatched", SUBJECT, waiting, claimed)
        reach("dispatch.before_claim_commit")
        return claimed

    async def _intend(self, group: Sequence[Sending]) -> list[Adjustment | GuardrailBlocked | None]:
        async with begin(self._ports, self._tenant_id, DISPATCHER) as work:
            refusals = await reserve(self._ports, work.scope, group, work.now_utc)
            return [
                await self._intend_one(work, each) if refusal is None else refusal
                for each, refusal in zip(group, refusals, strict=True)
            ]

    async def _intend_one(self, work: Work, sending: Sending) -> Adjustment | None:
        intent = replace(
            sending.adjustment,
            observed_micros=sending.observed_micros,
            send_key=new_id(),
            sent_at_utc=work.now_utc,
            lease_until_utc=work.now_utc + self._times.lease,
        )
        stored = await adjustments.store_intent(work.scope, intent, work.now_utc)
        reach("dispatch.before_intent_commit")
        return intent if stored else None

    async def _book(self, group: Sequence[Result]) -> list[bool]:
        async with begin(self._ports, self._tenant_id, DISPATCHER) as work:
            stored = {}
            for each in sorted(group, key=lambda each: each.held.budget_id):
                stored[each.held.id] = await _book_one(work, each)
            for each in sorted(group, key=lambda each: (each.account.platform, each.account.external_id)):
                if each.rest_seconds is not None:
                    place = (each.account.platform, each.account.external_id)
                    await quotas.note_refusal(work.scope, self._quota, *place, each.rest_seconds, work.now_utc)
        return [stored[each.held.id] for each in group]


async def _book_one(work: Work, result: Result) -> bool:
    held, after = result.held, result.after
    stored = await adjustments.store_if_leased(work.scope, after, result.lease_token)
    if stored:
        work.record(_EVENTS[after.status], SUBJECT, held, after)
        if after.status is AdjustmentStatus.CONFIRMED:
            await _note_confirmed(work, after)
    elif held.sent_at_utc is not None:
        # What we sent may have come late, over somebody's newer change: have that one read again.
        await adjustments.recheck_newest(work.scope, held.budget_id, work.now_utc)
    if after.status in _COMMITS:
        reach(_COMMITS[after.status])
    return stored


async def _note_confirmed(work: Work, confirmed: Adjustment) -> None:
    """What a confirmation also says: where the budget stands, and that the change it restores is undone."""
    await campaigns.observe_budget(work.scope, confirmed.budget_id, confirmed.intended_micros, work.now_utc)
    if confirmed.restores_id is None:
        return
    undone = {each.id: each for each in await adjustments.restored_by(work.scope, confirmed)}
    # Somebody may have queued another restoring change since; this one has undone it all the same.
    undone[confirmed.restores_id] = await adjustments.adjustment(work.scope, confirmed.restores_id)
    for original in sorted(undone.values(), key=lambda each: each.id):
        reverted = await adjustments.mark_reverted(work.scope, original.id)
        if reverted is not None:
            work.record("adjustment.reverted", SUBJECT, original, reverted)


async def funding(scope: Scope, waiting: Adjustment) -> Funding:
    """Whether it may be sent. What was claimed before was funded then, and freed money stays freed."""
    if waiting.status is not AdjustmentStatus.PENDING or waiting.delta_reporting_micros <= 0:
        return Funding.READY
    return funding_beside(waiting, await adjustments.plan_shares(scope, waiting.plan_id, waiting.id))
