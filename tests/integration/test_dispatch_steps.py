"""Steps of several changes in one transaction, on both databases: what each gets, and what becomes of its neighbours."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.adjustments import Adjustment, AdjustmentStatus, moved
from domain.dispatch_times import DISPATCH_TIMES
from domain.emergency_stops import EmergencyStop
from domain.guardrails import Guardrail, GuardrailBlocked
from domain.log import ActorKind
from domain.quotas import Quota
from kit.ids import new_id
from models import across_tenants, adjustments, emergency_stops, log
from services import logs
from services.dispatch_steps import DispatchSteps, Result
from services.verdicts import Sending
from tests.conftest import NOON, RecordedHints
from tests.integration.test_dispatch import Desk, desk
from tests.integration.test_guardrails import UNIT, limits
from tests.integration.test_guardrails import Desk as GuardedDesk
from tests.integration.test_guardrails import desk as guarded

__all__ = ["desk", "guarded"]

UNLIMITED = {"META": Quota(0)}
#: A change costs five: one fits, and the next does three seconds later.
ONE_FITS = {"META": Quota(7, 1.0, read=1, write=3)}


def steps_of(desk: Desk | GuardedDesk, quota: dict[str, Quota] = UNLIMITED) -> DispatchSteps:
    return DispatchSteps(desk.ports, desk.house.tenant_id, DISPATCH_TIMES, quota)


async def claim_all(
    desk: Desk | GuardedDesk, changes: list[Adjustment], quota: dict[str, Quota] = UNLIMITED
) -> list[Adjustment | None]:
    steps = steps_of(desk, quota)
    found = await asyncio.gather(*(steps.look(each.id) for each in changes))
    return list(await asyncio.gather(*map(steps.claim, found)))


async def claimed(desk: Desk | GuardedDesk, *positions: int) -> list[Adjustment]:
    taken = await claim_all(desk, await desk.approve(*positions))
    assert None not in taken
    return [each for each in taken if each is not None]


def results(desk: Desk, held: list[Adjustment], **changes: object) -> list[Result]:
    account = desk.house.account
    return [Result(each, moved(each, AdjustmentStatus.APPLIED, **changes), account) for each in held]


async def test_changes_that_come_together_are_claimed_in_one_transaction(desk: Desk, hints: RecordedHints) -> None:
    queued = await desk.approve(0, 1)
    hints.published.clear()
    taken = await claim_all(desk, queued)
    assert [each is not None and each.status for each in taken] == [AdjustmentStatus.SENDING] * 2
    # One commit tells the hints once, of the later of both events.
    head, _ = await log.head(desk.scope)
    assert hints.published == [(desk.house.tenant_id, head)]
    assert [await desk.kinds_of(each) for each in queued] == [["queued", "dispatched"]] * 2
    assert await logs.verify(desk.ports, desk.house.tenant_id) == []


async def test_of_two_changes_of_a_budget_in_one_transaction_one_is_claimed(desk: Desk) -> None:
    [first] = await desk.approve(0)
    second = replace(first, id=new_id())
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        await adjustments.add_adjustment(scope, second)
    taken = await claim_all(desk, [first, second])
    assert [each is not None for each in taken] == [True, False]
    assert (await desk.now(second)).status is AdjustmentStatus.PENDING


async def test_what_the_quota_has_no_room_for_waits_and_its_neighbour_goes(desk: Desk) -> None:
    first, second = await desk.approve(0, 1)
    taken = await claim_all(desk, [first, second], ONE_FITS)
    assert [each is not None for each in taken] == [True, False]
    waiting = await desk.now(second)
    assert (waiting.status, waiting.attempts, waiting.version) == (AdjustmentStatus.PENDING, 0, 1)
    assert waiting.not_before_utc == NOON + timedelta(seconds=3.001)
    assert await desk.kinds_of(second) == ["queued"]
    usage = await across_tenants.quota_usage(desk.ports.database.system(), "META")
    assert usage is not None
    assert (usage.points, usage.version) == (5.0, 2)


async def test_what_another_worker_holds_takes_no_calls_from_the_quota(desk: Desk) -> None:
    held, free = await desk.approve(0, 1)
    steps = steps_of(desk)
    found = [await steps.look(each.id) for each in (held, free)]
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        await adjustments.claim(scope, held.id, uuid4(), NOON, NOON + timedelta(minutes=1))
    taken = await asyncio.gather(*map(steps.claim, found))
    assert [each is not None for each in taken] == [False, True]
    usage = await across_tenants.quota_usage(desk.ports.database.system(), "META")
    assert usage is not None
    assert usage.points == 3.0


@pytest.mark.req("RO-05", "GO-15")
async def test_of_two_intents_in_one_transaction_the_one_without_room_is_refused(guarded: GuardedDesk) -> None:
    """-10 and -20 come together; 25 a day leave room for the first of them."""
    small, big = await claimed(guarded, 0, 1)
    await guarded.set_(limits(max_account_change_micros=25 * UNIT))
    steps = steps_of(guarded)
    first, second = await asyncio.gather(*(steps.intend(Sending(each, 100 * UNIT)) for each in (small, big)))
    assert isinstance(first, Adjustment)
    assert isinstance(second, GuardrailBlocked)
    assert [each.guardrail for each in second.violations] == [Guardrail.ACCOUNT_DAILY_CHANGE]
    scope = guarded.ports.database.read(guarded.house.tenant_id)
    assert await adjustments.adjustment(scope, small.id) == first
    assert await adjustments.adjustment(scope, big.id) == big


@pytest.mark.req("RO-10")
async def test_a_stop_keeps_back_what_is_new_and_lets_pass_what_restores(desk: Desk) -> None:
    fresh, other = await claimed(desk, 0, 1)
    restoring = replace(other, restores_id=new_id())
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        stop = EmergencyStop(
            new_id(), desk.house.tenant_id, desk.house.workspace.id, 1, "r", 0, ActorKind.MEMBER, "x", NOON,
            None, None, None,
        )  # fmt: skip
        await emergency_stops.add_emergency_stop(scope, stop)
    steps = steps_of(desk)
    refused, intent = await asyncio.gather(
        steps.intend(Sending(fresh, 100 * UNIT)), steps.intend(Sending(restoring, 100 * UNIT))
    )
    assert isinstance(refused, GuardrailBlocked)
    assert [each.guardrail for each in refused.violations] == [Guardrail.EMERGENCY_STOP]
    assert isinstance(intent, Adjustment)
    assert [(await desk.now(each)).send_key for each in (fresh, other)] == [None, intent.send_key]


async def test_of_two_intents_the_one_whose_lease_was_lost_is_not_stored(desk: Desk) -> None:
    lost, kept = await claimed(desk, 0, 1)
    steps = steps_of(desk)
    stale = replace(lost, lease_token=uuid4())
    answers = await asyncio.gather(*(steps.intend(Sending(each, 100 * UNIT)) for each in (stale, kept)))
    assert answers[0] is None
    assert [(await desk.now(each)).sent_at_utc for each in (lost, kept)] == [None, NOON]


async def test_of_two_results_the_one_whose_lease_was_lost_is_not_written(desk: Desk) -> None:
    lost, kept = await claimed(desk, 0, 1)
    steps = steps_of(desk)
    told = results(desk, [replace(lost, lease_token=uuid4()), kept])
    assert await asyncio.gather(*map(steps.book, told)) == [False, True]
    statuses = [(await desk.now(each)).status for each in (lost, kept)]
    assert statuses == [AdjustmentStatus.SENDING, AdjustmentStatus.APPLIED]
    assert [await desk.kinds_of(each) for each in (lost, kept)] == [
        ["queued", "dispatched"],
        ["queued", "dispatched", "applied"],
    ]


async def test_a_result_that_cannot_be_written_takes_no_other_with_it(desk: Desk) -> None:
    bad, good = await claimed(desk, 0, 1)
    steps = steps_of(desk)
    told = results(desk, [replace(bad, lease_token=None), good], platform_execution_id="x")
    answers = await asyncio.gather(*map(steps.book, told), return_exceptions=True)
    assert isinstance(answers[0], ValueError)
    assert answers[1] is True
    statuses = [(await desk.now(each)).status for each in (bad, good)]
    assert statuses == [AdjustmentStatus.SENDING, AdjustmentStatus.APPLIED]
    # What was rolled back took no number of the log.
    assert await logs.verify(desk.ports, desk.house.tenant_id) == []
