"""Sending approved changes against both databases: order, money freed, leases, retries, what waits for the next sync."""

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.dispatch_times import DISPATCH_TIMES, dispatch_times
from domain.platforms import BudgetType, Platform
from domain.retries import MAX_ATTEMPTS
from jobs.dispatch import sweep
from kit.ids import new_id
from kit.time import FixedClock
from models import adjustments, campaigns, log, tenants
from models.scope import Scope
from services import ad_accounts, dispatch
from services import recommendations as decisions
from services.ports import Ports
from tests.conftest import NOON, House, viewer_of
from tests.integration.fake_platform import FakePlatform, campaign, refused

LEASE = DISPATCH_TIMES.lease
SETTLE = DISPATCH_TIMES.settle(Platform.META)


@dataclass
class Desk:
    """The house, its platform in memory, and the four recommendations: -10, -20, +5 and +25 of 100 a day each."""

    ports: Ports
    house: House
    meta: FakePlatform
    clock: FixedClock

    @property
    def scope(self) -> Scope:
        return self.ports.database.read(self.house.tenant_id)

    async def approve(self, *positions: int) -> list[Adjustment]:
        ana = await viewer_of(self.ports, self.house, self.house.owner_id)
        queued = []
        for position in positions:
            one = await decisions.one(self.ports, ana, self.house.recommendations[position].id)
            decided = await decisions.approve(self.ports, ana, one.id, one.version, str(uuid4()))
            assert decided.adjustment is not None
            queued.append(decided.adjustment)
        return queued

    async def send(self, adjustment: Adjustment) -> Adjustment | None:
        return await dispatch.Dispatcher(self.ports, random.Random(1)).dispatch(self.house.tenant_id, adjustment.id)

    async def sweep(self) -> int:
        return await sweep(self.ports, random.Random(1))

    async def now(self, adjustment: Adjustment) -> Adjustment:
        return await adjustments.adjustment(self.scope, adjustment.id)

    async def due(self) -> list[UUID]:
        return [adjustment_id for _, adjustment_id in await dispatch.due(self.ports)]

    async def kinds_of(self, adjustment: Adjustment) -> list[str]:
        events = await log.events_after(self.scope, 0, 1_000)
        return [e.entry.kind.removeprefix("adjustment.") for e in events if e.entry.subject_id == adjustment.id]

    def budget(self, position: int) -> str:
        return self.house.budgets[position].external_id

    def amounts(self) -> list[int]:
        return [row.daily_budget_micros // 1_000_000 for row in self.meta.campaigns]


@pytest.fixture
def desk(ports: Ports, house: House, clock: FixedClock) -> Desk:
    meta = FakePlatform(
        campaigns=[
            campaign(n, external_id=c.external_id, name=c.name, budget_external_id=b.external_id)
            for n, (c, b) in enumerate(zip(house.campaigns, house.budgets, strict=True))
        ]
    )
    ports.platforms[Platform.META] = meta
    return Desk(ports, house, meta, clock)


async def test_decreases_go_first_and_pay_for_the_increases_in_one_sweep(desk: Desk) -> None:
    small_cut, big_cut, small_rise, big_rise = await desk.approve(0, 1, 2, 3)
    assert await desk.due() == [small_cut.id, big_cut.id, small_rise.id, big_rise.id]
    assert await desk.sweep() == 4
    assert desk.amounts() == [90, 80, 105, 125]
    sent = [call[1] for call in desk.meta.calls_of("set_daily_budget")]
    assert set(sent[:2]) == {desk.budget(0), desk.budget(1)}
    assert set(sent[2:]) == {desk.budget(2), desk.budget(3)}
    assert await desk.due() == []


async def test_an_increase_waits_for_its_decrease_and_leaves_no_trace_meanwhile(desk: Desk) -> None:
    _, rise = await desk.approve(1, 2)
    assert await desk.send(rise) is None
    assert await desk.now(rise) == rise
    assert desk.meta.calls == []


async def test_two_increases_cannot_both_count_the_same_freed_money(desk: Desk) -> None:
    """10 are freed; 5 and 8 are each covered by them, not both. The other decrease is still to come."""
    ana = await viewer_of(desk.ports, desk.house, desk.house.owner_id)
    change = decisions.BudgetChange(daily_budget_micros=108_000_000)
    await decisions.edit(desk.ports, ana, desk.house.recommendations[3].id, 1, change, "e")
    freed, coming, five, eight = await desk.approve(0, 1, 2, 3)
    assert await desk.send(freed) is not None

    results = await asyncio.gather(desk.send(five), desk.send(eight))

    assert sum(result is not None for result in results) == 1
    statuses = {(await desk.now(each)).status for each in (five, eight)}
    assert statuses == {AdjustmentStatus.CONFIRMED, AdjustmentStatus.PENDING}
    assert await desk.send(coming) is not None
    assert await desk.sweep() == 1
    assert desk.amounts() == [90, 80, 105, 108]


@pytest.mark.req("RB-1.2")
async def test_a_workspace_that_does_not_dispatch_at_once_sends_with_the_next_sync(desk: Desk) -> None:
    workspace = replace(desk.house.workspace, dispatch_immediately=False, version=2)
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        assert await tenants.store_workspace(scope, workspace)
    [cut] = await desk.approve(0)
    assert await desk.sweep() == 0

    desk.clock.advance(timedelta(minutes=5))
    desk.meta.failures["fetch_campaigns"] = [refused("down", retryable=True)]
    await ad_accounts.sync(desk.ports, desk.house.tenant_id, desk.house.account.id)
    assert await desk.sweep() == 0  # a sync that failed told nothing
    assert (await desk.now(cut)).status is AdjustmentStatus.PENDING

    await ad_accounts.sync(desk.ports, desk.house.tenant_id, desk.house.account.id)
    assert await desk.sweep() == 1
    assert desk.amounts() == [90, 100, 100, 100]
    [later] = await desk.approve(1)
    assert await desk.sweep() == 0
    assert (await desk.now(later)).status is AdjustmentStatus.PENDING


async def test_a_budget_that_is_no_longer_a_daily_one_is_not_touched(desk: Desk) -> None:
    [cut] = await desk.approve(0)
    desk.meta.campaigns[0] = replace(desk.meta.campaigns[0], budget_type=BudgetType.LIFETIME)
    await desk.sweep()
    failed = await desk.now(cut)
    assert (failed.status, failed.failure_code) == (AdjustmentStatus.FAILED, "NOT_A_DAILY_BUDGET")
    assert desk.meta.calls_of("set_daily_budget") == []


async def test_a_change_that_cannot_be_read_back_counts_only_when_it_was(desk: Desk) -> None:
    [cut] = await desk.approve(0)
    reads = 0

    async def fail_second_read(name: str) -> None:
        nonlocal reads
        reads += name == "read_budget"
        if reads == 2 and name == "read_budget":
            raise refused("time-out", retryable=True)

    desk.meta.before_call = fail_second_read
    assert await desk.sweep() == 1
    applied = await desk.now(cut)
    assert (applied.status, applied.confirmed_at_utc) == (AdjustmentStatus.APPLIED, None)
    assert (await campaigns.budget(desk.scope, cut.budget_id)).daily_budget_micros == 100_000_000
    assert await desk.due() == []

    desk.clock.advance(LEASE + timedelta(seconds=1))
    assert await desk.sweep() == 1
    assert (await desk.now(cut)).status is AdjustmentStatus.CONFIRMED
    assert (await campaigns.budget(desk.scope, cut.budget_id)).daily_budget_micros == 90_000_000
    assert len(desk.meta.calls_of("set_daily_budget")) == 1
    assert await desk.kinds_of(cut) == ["queued", "dispatched", "applied", "dispatched", "confirmed"]


async def test_a_worker_that_lost_its_lease_writes_nothing(desk: Desk) -> None:
    [cut] = await desk.approve(0)
    thief = uuid4()

    async def take_over(name: str) -> None:
        if name == "set_daily_budget":
            desk.clock.advance(LEASE + timedelta(seconds=1))
            at = desk.clock.now_utc()
            async with desk.ports.database.write(desk.house.tenant_id) as scope:
                assert await adjustments.claim(scope, cut.id, thief, at, at + LEASE) is not None

    desk.meta.before_call = take_over
    assert await desk.send(cut) is None
    held = await desk.now(cut)
    assert (held.status, held.lease_token, held.attempts) == (AdjustmentStatus.SENDING, thief, 2)
    assert await desk.kinds_of(cut) == ["queued", "dispatched"]


async def test_what_another_worker_holds_is_left_to_it(desk: Desk) -> None:
    [cut] = await desk.approve(0)
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        await adjustments.claim(scope, cut.id, uuid4(), NOON, NOON + LEASE)
    assert await desk.due() == []
    assert await desk.send(cut) is None
    assert desk.meta.calls == []


async def test_many_workers_send_each_change_once(desk: Desk) -> None:
    await desk.approve(0, 1, 2, 3)
    await asyncio.gather(*(desk.sweep() for _ in range(5)))
    assert desk.amounts() == [90, 80, 105, 125]
    assert len(desk.meta.calls_of("set_daily_budget")) == 4


async def test_a_platform_that_keeps_failing_ends_it_with_its_reason(desk: Desk) -> None:
    [cut] = await desk.approve(0)
    desk.meta.failures["set_daily_budget"] = [
        refused(f"busy {n}", retryable=True, platform_code="17") for n in range(MAX_ATTEMPTS)
    ]
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert await desk.send(cut) is not None
        assert (await desk.now(cut)).attempts == attempt
        desk.clock.advance(timedelta(minutes=6))
    failed = await desk.now(cut)
    assert (failed.status, failed.failure_code, failed.failure_reason) == (
        AdjustmentStatus.FAILED,
        "17",
        f"busy {MAX_ATTEMPTS - 1}",
    )
    assert await desk.kinds_of(cut) == [
        "queued",
        *["dispatched", "postponed"] * (MAX_ATTEMPTS - 1),
        "dispatched",
        "failed",
    ]


async def test_a_lost_answer_is_looked_up_when_the_platform_has_settled_and_sent_again_if_nothing_came(
    desk: Desk,
) -> None:
    [cut] = await desk.approve(0)
    desk.meta.failures["set_daily_budget"] = [refused("cut", outcome_known=False)]
    await desk.sweep()
    waiting = await desk.now(cut)
    assert (waiting.status, waiting.failure_reason) == (AdjustmentStatus.PENDING, "cut")
    assert (waiting.observed_micros, waiting.sent_at_utc) == (100_000_000, NOON)
    assert waiting.send_key is not None
    assert waiting.not_before_utc == NOON + SETTLE

    desk.clock.advance(SETTLE)
    assert await desk.sweep() == 1
    done = await desk.now(cut)
    assert (done.status, done.attempts) == (AdjustmentStatus.CONFIRMED, 2)
    assert done.send_key not in {None, waiting.send_key}
    assert len(desk.meta.calls_of("set_daily_budget")) == 2
    assert await desk.kinds_of(cut) == ["queued", "dispatched", "postponed", "dispatched", "applied", "confirmed"]


async def test_a_lost_answer_whose_change_came_through_is_only_read_back(desk: Desk) -> None:
    [cut] = await desk.approve(0)

    async def apply_and_lose(name: str) -> None:
        if name == "set_daily_budget":
            desk.meta.set_budget(desk.budget(0), 90_000_000)
            raise refused("cut", outcome_known=False)

    desk.meta.before_call = apply_and_lose
    await desk.sweep()
    desk.clock.advance(SETTLE)
    assert await desk.sweep() == 1
    assert (await desk.now(cut)).status is AdjustmentStatus.CONFIRMED
    assert len(desk.meta.calls_of("set_daily_budget")) == 1


async def test_an_outsiders_edit_after_a_lost_answer_is_left_for_a_person(desk: Desk) -> None:
    [cut] = await desk.approve(0)
    desk.meta.failures["set_daily_budget"] = [refused("cut", outcome_known=False)]
    await desk.sweep()
    desk.meta.set_budget(desk.budget(0), 95_000_000)
    desk.clock.advance(SETTLE)
    await desk.sweep()
    unknown = await desk.now(cut)
    assert (unknown.status, unknown.failure_code) == (AdjustmentStatus.UNKNOWN, "BUDGET_CHANGED_ELSEWHERE")
    assert desk.amounts() == [95, 100, 100, 100]
    assert await desk.due() == []


async def test_an_answer_that_stays_lost_is_unknown_not_failed(desk: Desk) -> None:
    [cut] = await desk.approve(0)
    desk.meta.failures["set_daily_budget"] = [refused("cut", outcome_known=False) for _ in range(MAX_ATTEMPTS)]
    for _ in range(MAX_ATTEMPTS):
        await desk.sweep()
        desk.clock.advance(timedelta(minutes=6))
    assert (await desk.now(cut)).status is AdjustmentStatus.UNKNOWN
    assert (await desk.kinds_of(cut))[-1] == "unknown"


async def test_a_platform_that_shows_the_change_late_is_given_time(desk: Desk) -> None:
    [cut] = await desk.approve(0)

    async def show_the_old(name: str) -> None:
        if name == "read_budget" and desk.meta.calls_of("set_daily_budget"):
            desk.meta.set_budget(desk.budget(0), 100_000_000)

    desk.meta.before_call = show_the_old
    assert await desk.sweep() == 1
    waiting = await desk.now(cut)
    assert (waiting.status, waiting.failure_code) == (AdjustmentStatus.PENDING, "NOT_VISIBLE")
    desk.meta.before_call = None
    desk.meta.set_budget(desk.budget(0), 90_000_000)
    desk.clock.advance(SETTLE)
    assert await desk.sweep() == 1
    assert (await desk.now(cut)).status is AdjustmentStatus.CONFIRMED
    assert len(desk.meta.calls_of("set_daily_budget")) == 1


async def test_a_platform_that_accepts_and_never_obeys_is_not_asked_for_ever(desk: Desk) -> None:
    [cut] = await desk.approve(0)

    async def disobey(name: str) -> None:
        desk.meta.set_budget(desk.budget(0), 100_000_000)

    desk.meta.before_call = disobey
    for _ in range(MAX_ATTEMPTS + 2):
        await desk.sweep()
        desk.clock.advance(timedelta(minutes=1))
    done = await desk.now(cut)
    assert (done.status, done.failure_code) == (AdjustmentStatus.UNKNOWN, "NO_EFFECT")
    assert len(desk.meta.calls_of("set_daily_budget")) == MAX_ATTEMPTS


@pytest.mark.req("RO-08")
async def test_a_failure_of_our_own_bookkeeping_never_undoes_a_good_change(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    [cut] = await desk.approve(0)

    async def broken(*_: object) -> bool:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(adjustments, "store_if_leased", broken)
        assert await desk.sweep() == 0
    assert "disk full" in caplog.text
    assert desk.amounts()[0] == 90
    kept = await desk.now(cut)
    assert (kept.status, kept.observed_micros, kept.intended_micros) == (
        AdjustmentStatus.SENDING,
        100_000_000,
        90_000_000,
    )
    desk.clock.advance(LEASE + SETTLE)
    assert await desk.sweep() == 1
    assert (await desk.now(cut)).status is AdjustmentStatus.CONFIRMED
    assert len(desk.meta.calls_of("set_daily_budget")) == 1


async def test_a_worker_that_wakes_after_its_lease_sends_nothing(desk: Desk) -> None:
    [cut] = await desk.approve(0)

    async def sleep_through(name: str) -> None:
        desk.clock.advance(LEASE)

    desk.meta.before_call = sleep_through
    assert await desk.send(cut) is None
    assert desk.meta.calls_of("set_daily_budget") == []
    assert (await desk.now(cut)).sent_at_utc is None


async def test_sending_ends_well_before_the_lease(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that hangs is given up with the margin still to go, and its outcome is not known."""
    [cut] = await desk.approve(0)

    async def hang(name: str) -> None:
        if name == "set_daily_budget":
            await asyncio.Event().wait()

    desk.meta.before_call = hang
    times = dispatch_times(lease_seconds=0.25)
    await dispatch.Dispatcher(desk.ports, random.Random(1), times).dispatch(desk.house.tenant_id, cut.id)
    waiting = await desk.now(cut)
    assert (waiting.status, waiting.failure_code) == (AdjustmentStatus.PENDING, "TIMED_OUT")
    assert waiting.sent_at_utc == NOON


async def test_while_an_outcome_is_open_no_other_change_of_the_budget_is_sent(desk: Desk) -> None:
    [cut] = await desk.approve(0)
    desk.meta.failures["set_daily_budget"] = [refused("cut", outcome_known=False)]
    await desk.sweep()
    other = replace(cut, id=uuid4(), intended_micros=70_000_000, version=1)
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        await adjustments.add_adjustment(scope, other)
    assert await desk.send(other) is None
    desk.clock.advance(SETTLE)
    assert await desk.send(cut) is not None
    assert (await desk.now(cut)).status is AdjustmentStatus.CONFIRMED


async def confirmed_twice(desk: Desk) -> tuple[Adjustment, Adjustment]:
    """100 -> 90 -> 80 on one budget, both confirmed."""
    [first] = await desk.approve(0)
    await desk.sweep()
    second = replace(first, id=new_id(), before_micros=90_000_000, intended_micros=80_000_000, version=1)
    async with desk.ports.database.write(desk.house.tenant_id) as scope:
        await adjustments.add_adjustment(scope, second)
    await desk.sweep()
    assert desk.amounts()[0] == 80
    return await desk.now(first), await desk.now(second)


async def test_a_stray_late_write_of_our_own_is_seen_and_put_right(desk: Desk) -> None:
    first, second = await confirmed_twice(desk)
    assert second.recheck_at_utc == NOON + SETTLE
    desk.meta.set_budget(desk.budget(0), 90_000_000)  # the first change once more, from a worker that was frozen
    assert await desk.sweep() == 0
    desk.clock.advance(SETTLE)
    assert await desk.sweep() == 1
    assert desk.amounts()[0] == 80
    assert [(await desk.now(each)).status for each in (first, second)] == [AdjustmentStatus.CONFIRMED] * 2
    assert await desk.kinds_of(second) == [
        "dispatched",
        "applied",
        "confirmed",
        "strayed",
        "dispatched",
        "applied",
        "confirmed",
    ]
    assert (await desk.now(first)).recheck_at_utc is None


async def test_a_persons_edit_after_a_confirmation_is_not_taken_for_a_stray_write(desk: Desk) -> None:
    _, second = await confirmed_twice(desk)
    desk.meta.set_budget(desk.budget(0), 100_000_000)
    desk.clock.advance(SETTLE)
    assert await desk.sweep() == 0
    assert desk.amounts()[0] == 100
    after = await desk.now(second)
    assert (after.status, after.recheck_at_utc, after.version) == (AdjustmentStatus.CONFIRMED, None, second.version)


async def test_an_edit_back_to_what_stood_before_is_a_persons_when_no_change_of_ours_could_have_made_it(
    desk: Desk,
) -> None:
    await desk.approve(0)
    await desk.sweep()
    desk.meta.set_budget(desk.budget(0), 100_000_000)
    desk.clock.advance(SETTLE)
    assert await desk.sweep() == 0
    assert desk.amounts()[0] == 100


async def test_a_recheck_that_meets_a_failing_platform_is_tried_again(desk: Desk) -> None:
    _, second = await confirmed_twice(desk)
    desk.clock.advance(SETTLE)
    desk.meta.failures["read_budget"] = [refused("busy", retryable=True, retry_after_seconds=90)]
    await desk.sweep()
    assert (await desk.now(second)).recheck_at_utc == NOON + SETTLE + timedelta(seconds=90)
    desk.clock.advance(timedelta(seconds=90))
    await desk.sweep()
    assert (await desk.now(second)).recheck_at_utc is None


async def test_a_bug_in_one_change_does_not_keep_the_others_from_being_sent(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await desk.approve(0, 1)
    desk.meta.failures["read_budget"] = [RuntimeError("a bug")]
    assert await desk.sweep() == 1
    statuses = {(await desk.now(each)).status for each in (first, second)}
    assert statuses == {AdjustmentStatus.SENDING, AdjustmentStatus.CONFIRMED}
    assert "RuntimeError: a bug" in caplog.text
    desk.clock.advance(LEASE + timedelta(seconds=1))
    assert await desk.sweep() == 1
    assert desk.amounts()[:2] == [90, 80]
