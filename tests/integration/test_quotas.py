"""The shared budgets of calls: all workers together stay inside them, on both databases."""

import asyncio
import random
from datetime import timedelta

from domain.adjustments import AdjustmentStatus
from domain.platforms import Platform
from domain.quotas import CHANGE, LOOK, Quota
from jobs.dispatch import sweep
from models import across_tenants, adjustments, log
from services import quotas
from services.ports import Ports
from tests.conftest import NOON, House, build_house
from tests.integration.fake_platform import refused
from tests.integration.test_dispatch import Desk, desk

__all__ = ["desk"]

#: Two changes fit, one point fades a second.
SMALL = {"META": Quota(10, 1.0, read=1, write=3)}


async def ask(ports: Ports, house: House, calls=LOOK):
    async with ports.database.write(house.tenant_id) as scope:
        return await quotas.ask(scope, SMALL, Platform.META, "1", calls, ports.clock.now_utc())


async def test_many_at_once_count_in_one_row_also_from_different_tenants(ports: Ports, house: House) -> None:
    other = await build_house(ports, "globex")
    answers = await asyncio.gather(*(ask(ports, house if n % 2 else other) for n in range(30)))
    assert sum(answer is None for answer in answers) == 10
    usage = await across_tenants.quota_usage(ports.database.system(), "META")
    assert usage is not None
    assert (usage.points, usage.version) == (10.0, 10)


async def test_what_a_rolled_back_transaction_asked_is_not_counted(ports: Ports, house: House) -> None:
    async with ports.database.write(house.tenant_id) as scope:
        assert await quotas.ask(scope, SMALL, Platform.META, "1", CHANGE, NOON) is None
        await scope.connection.rollback()
    assert await across_tenants.quota_usage(ports.database.system(), "META") is None


async def test_changes_wait_for_the_budget_without_a_try_or_an_event(desk: Desk) -> None:
    queued = await desk.approve(0, 1, 2, 3)
    assert await sweep(desk.ports, random.Random(1), quota=SMALL) == 2
    waiting = [await desk.now(each) for each in queued[2:]]
    assert [(each.status, each.attempts, each.version) for each in waiting] == [(AdjustmentStatus.PENDING, 0, 1)] * 2
    assert {each.not_before_utc for each in waiting} == {NOON + timedelta(seconds=5.001)}
    assert await desk.kinds_of(queued[2]) == ["queued"]
    desk.clock.advance(timedelta(seconds=5.001))
    assert await sweep(desk.ports, random.Random(1), quota=SMALL) == 1
    desk.clock.advance(timedelta(seconds=60))
    assert await sweep(desk.ports, random.Random(1), quota=SMALL) == 1
    assert desk.amounts() == [90, 80, 105, 125]


async def test_the_rest_a_platform_asks_for_is_heeded_by_all(desk: Desk) -> None:
    first, second = await desk.approve(0, 1)
    desk.meta.failures["read_budget"] = [refused("slow down", retryable=True, retry_after_seconds=90.0)]
    assert await desk.send(first) is not None
    calls = len(desk.meta.calls)
    assert await desk.send(second) is None
    assert len(desk.meta.calls) == calls
    assert (await desk.now(second)).not_before_utc == NOON + timedelta(seconds=90)
    desk.clock.advance(timedelta(seconds=90))
    assert await desk.sweep() == 2
    assert desk.amounts()[:2] == [90, 80]


async def test_reading_again_waits_for_the_budget_too(desk: Desk) -> None:
    [cut] = await desk.approve(0)
    used_up = {"META": Quota(5, 0.1, read=1, write=3)}
    await sweep(desk.ports, random.Random(1), quota=used_up)
    confirmed = await desk.now(cut)
    assert confirmed.recheck_at_utc == NOON + timedelta(seconds=10)
    reads = len(desk.meta.calls_of("read_budget"))
    desk.clock.advance(timedelta(seconds=9.5) + timedelta(seconds=0.5))
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        assert await quotas.ask(scope, used_up, Platform.META, "1", LOOK, desk.clock.now_utc()) is None
    await sweep(desk.ports, random.Random(1), quota=used_up)
    assert len(desk.meta.calls_of("read_budget")) == reads
    assert (await adjustments.adjustment(desk.scope, cut.id)).recheck_at_utc == NOON + timedelta(seconds=20.001)
    assert [e.entry.kind for e in await log.events_after(desk.scope, 0, 100)][-1] == "adjustment.confirmed"
