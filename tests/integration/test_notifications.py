"""Notices of the log: exactly once, for the right people, read, acknowledged, escalated; on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.access import Permission, Principal, PrincipalKind
from domain.errors import Forbidden, InvalidInput, InvalidTransition, NotFound
from domain.log import Actor, ActorKind, LogEvent, NewEvent
from domain.members import revoked
from domain.notifications.notices import Notice, NoticeKind
from domain.notifications.preferences import KindPreference, Pace, PreferencesChange
from jobs.notifications import tell_all
from kit.ids import new_id
from kit.pagination import Slice
from kit.time import FixedClock
from models import log, members
from services import notifications, recommendations
from services.ports import Ports
from services.unit_of_work import begin
from services.viewers import Viewer
from tests.conftest import House, viewer_of

JOB = Actor(ActorKind.SYSTEM, "dispatch")
EVERYTHING = Slice[UUID](100)


async def fail_adjustment(ports: Ports, house: House, index: int = 0) -> UUID:
    """Approve a recommendation as the reviewer, and let its adjustment fail. Returns the adjustment's id."""
    ben = await viewer_of(ports, house, house.reviewer_id)
    decided = await recommendations.approve(ports, ben, house.recommendations[index].id, 1, f"k{index}")
    assert decided.adjustment is not None
    failed = replace(decided.adjustment, failure_code="100/33", failure_reason="no such ad set")
    await record(ports, house, "adjustment.failed", decided.adjustment, failed)
    return failed.id


async def record(ports: Ports, house: House, kind: str, before: Any, after: Any, actor: Actor = JOB) -> None:
    async with begin(ports, house.tenant_id, actor) as work:
        work.record(kind, kind.split(".", maxsplit=1)[0], before, after)


async def inbox(ports: Ports, viewer: Viewer, house: House, *, unread_only: bool = False) -> list[Notice]:
    return await notifications.page(ports, viewer, house.workspace.id, EVERYTHING, unread_only=unread_only)


async def events(ports: Ports, house: House, kind: str) -> list[LogEvent]:
    found = await log.events_after(ports.database.read(house.tenant_id), 0, 1_000)
    return [event for event in found if event.entry.kind == kind]


@pytest.mark.req("RB-F7", "RB-2.2")
async def test_waiting_approvals_are_told_to_who_may_decide(ports: Ports, house: House) -> None:
    await record(ports, house, "plan.proposed", None, house.plan)
    assert await notifications.behind(ports) == [house.tenant_id]
    assert await notifications.follow_log(ports, house.tenant_id) == 2
    for user_id in (house.owner_id, house.reviewer_id):
        [told] = await inbox(ports, await viewer_of(ports, house, user_id), house)
        assert (told.kind, told.title, told.body, told.read_at_utc, told.sequence) == (
            NoticeKind.APPROVALS_WAITING,
            "4 budget changes wait for your decision",
            "why",
            None,
            1,
        )
        assert (told.subject_type, told.subject_id) == ("plan", house.plan.id)
    assert await inbox(ports, await viewer_of(ports, house, house.analyst_id), house) == []


@pytest.mark.req("RB-F7")
async def test_a_failed_change_is_told_to_the_owner_and_to_who_approved_it(ports: Ports, house: House) -> None:
    adjustment_id = await fail_adjustment(ports, house)
    assert await tell_all(ports) == 2
    told = [
        (await inbox(ports, await viewer_of(ports, house, user_id), house))[0]
        for user_id in (house.owner_id, house.reviewer_id)
    ]
    assert {(each.kind, each.title, each.body, each.subject_id) for each in told} == {
        (NoticeKind.ADJUSTMENT_FAILED, "A budget change failed (100/33)", "no such ad set", adjustment_id)
    }
    # One alert, shared: whoever acknowledges it does so for both.
    assert len({each.alert_id for each in told} - {None}) == 1


async def test_nothing_is_told_twice_and_nothing_is_left_out(ports: Ports, house: House) -> None:
    for index in range(2):
        await fail_adjustment(ports, house, index)
        await notifications.follow_log(ports, house.tenant_id)
    assert await notifications.follow_log(ports, house.tenant_id) == 0
    assert await notifications.behind(ports) == []
    ana = await viewer_of(ports, house, house.owner_id)
    failed = [event.entry.sequence for event in await events(ports, house, "adjustment.failed")]
    assert sorted(each.sequence for each in await inbox(ports, ana, house)) == failed


async def test_two_workers_at_one_place_make_each_notice_once(ports: Ports, house: House) -> None:
    for index in range(2):
        await fail_adjustment(ports, house, index)
    made = await asyncio.gather(*(notifications.follow_log(ports, house.tenant_id) for _ in range(8)))
    assert sum(made) == 4
    ana = await viewer_of(ports, house, house.owner_id)
    assert len(await inbox(ports, ana, house)) == 2
    assert len(await events(ports, house, "alert.raised")) == 2
    assert len(await events(ports, house, "notice.added")) == 2


async def test_a_crash_before_the_end_makes_nothing_and_the_next_worker_makes_all(
    ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fail_adjustment(ports, house)

    async def crash(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("models.log.append", crash)
        with pytest.raises(RuntimeError, match="killed"):
            await notifications.follow_log(ports, house.tenant_id)
    ana = await viewer_of(ports, house, house.owner_id)
    assert await inbox(ports, ana, house) == []
    assert await notifications.follow_log(ports, house.tenant_id) == 2
    assert len(await inbox(ports, ana, house)) == 1


async def test_a_revoked_member_is_told_nothing(ports: Ports, house: House) -> None:
    async with ports.database.write(house.tenant_id) as scope:
        ben = await members.member_of(scope, house.workspace.id, house.reviewer_id)
        assert ben is not None
        await members.store_if_unchanged(scope, revoked(ben, JOB, ports.clock.now_utc()))
    await record(ports, house, "plan.proposed", None, house.plan)
    assert await notifications.follow_log(ports, house.tenant_id) == 1


async def test_another_tenant_hears_nothing(ports: Ports, house: House, other_house: House) -> None:
    await fail_adjustment(ports, house)
    await tell_all(ports)
    stranger = await viewer_of(ports, other_house, other_house.owner_id)
    assert await inbox(ports, stranger, other_house) == []
    with pytest.raises(NotFound):
        await inbox(ports, stranger, house)


async def test_reading_is_ones_own_and_counts_once(ports: Ports, house: House, clock: FixedClock) -> None:
    for index in range(2):
        await fail_adjustment(ports, house, index)
    await tell_all(ports)
    ana = await viewer_of(ports, house, house.owner_id)
    ben = await viewer_of(ports, house, house.reviewer_id)
    newest, oldest = await inbox(ports, ana, house)
    assert newest.id > oldest.id
    assert await notifications.unread_count(ports, ana, house.workspace.id) == 2

    read = await notifications.mark_read(ports, ana, oldest.id)
    first_time = clock.now_utc()
    assert read.read_at_utc == first_time
    clock.advance(timedelta(minutes=1))
    assert (await notifications.mark_read(ports, ana, oldest.id)).read_at_utc == first_time
    assert await inbox(ports, ana, house, unread_only=True) == [newest]
    with pytest.raises(NotFound):
        await notifications.mark_read(ports, ben, newest.id)
    assert await notifications.unread_count(ports, ben, house.workspace.id) == 2
    assert await notifications.mark_all_read(ports, ben, house.workspace.id) == 2
    assert await notifications.mark_all_read(ports, ben, house.workspace.id) == 0
    assert await notifications.unread_count(ports, ana, house.workspace.id) == 1


async def test_a_notice_the_person_does_not_want_in_the_app_is_not_there(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    quiet = PreferencesChange({NoticeKind.ADJUSTMENT_FAILED: KindPreference(in_app=False, email=Pace.OFF)})
    after = await notifications.preferences_set(ports, ana, house.workspace.id, quiet)
    assert await notifications.preferences(ports, ana, house.workspace.id) == after
    await fail_adjustment(ports, house)
    await tell_all(ports)
    assert await inbox(ports, ana, house) == []
    assert len(await inbox(ports, await viewer_of(ports, house, house.reviewer_id), house)) == 1


async def test_wishes_are_stored_per_person_and_changed_in_part(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    place = house.workspace.id
    loud = {NoticeKind.EMERGENCY_STOP: KindPreference(in_app=True, email=Pace.AT_ONCE, sms=Pace.AT_ONCE)}
    await notifications.preferences_set(ports, ana, place, PreferencesChange(loud, phone="+14155550100"))
    after = await notifications.preferences_set(ports, ana, place, PreferencesChange(daily_time="6:15"))
    assert (after.chosen, after.phone, after.slack_address, after.daily_time) == (loud, "+14155550100", None, "06:15")
    assert await notifications.preferences(ports, ana, place) == after
    ben = await notifications.preferences(ports, await viewer_of(ports, house, house.reviewer_id), place)
    assert (ben.chosen, ben.phone) == ({}, None)
    with pytest.raises(InvalidInput):
        await notifications.preferences_set(ports, ana, place, PreferencesChange(phone="x"))


@pytest.mark.req("RB-S4")
async def test_an_unanswered_alert_escalates_to_the_owners_after_thirty_minutes_once(
    ports: Ports, house: House, clock: FixedClock
) -> None:
    await fail_adjustment(ports, house)
    await tell_all(ports)
    clock.advance(timedelta(minutes=30) - timedelta(seconds=1))
    assert await tell_all(ports) == 0
    clock.advance(timedelta(seconds=1))
    assert await tell_all(ports) == 1
    ana = await viewer_of(ports, house, house.owner_id)
    told, failed = await inbox(ports, ana, house)
    assert (told.kind, told.title, told.body) == (
        NoticeKind.ALERT_ESCALATED,
        "Nobody has acknowledged an alert: adjustment failed",
        "A budget change failed (100/33)",
    )
    assert (told.alert_id, told.subject_id) == (failed.alert_id, failed.subject_id)
    assert len(await inbox(ports, await viewer_of(ports, house, house.reviewer_id), house)) == 1
    clock.advance(timedelta(hours=2))
    assert await tell_all(ports) == 0


async def test_two_workers_escalate_once(ports: Ports, house: House, clock: FixedClock) -> None:
    await fail_adjustment(ports, house)
    await tell_all(ports)
    clock.advance(timedelta(minutes=31))
    done = await asyncio.gather(*(notifications.escalate_due(ports, house.tenant_id) for _ in range(4)))
    assert sorted(done) == [0, 0, 0, 1]
    assert len(await events(ports, house, "alert.escalated")) == 1


@pytest.mark.req("RB-S4")
async def test_an_acknowledged_alert_does_not_escalate_and_its_time_is_measured(
    ports: Ports, house: House, clock: FixedClock
) -> None:
    await fail_adjustment(ports, house)
    await tell_all(ports)
    ana = await viewer_of(ports, house, house.owner_id)
    ben = await viewer_of(ports, house, house.reviewer_id)
    [mine], [bens] = await inbox(ports, ana, house), await inbox(ports, ben, house)
    clock.advance(timedelta(minutes=12))
    assert (await notifications.acknowledge(ports, ben, bens.id)).read_at_utc == clock.now_utc()
    clock.advance(timedelta(minutes=1))
    await notifications.acknowledge(ports, ana, mine.id)
    [alert] = await notifications.alerts(ports, ana, house.workspace.id, EVERYTHING)
    assert (alert.acknowledged_by_id, alert.answer_time) == (house.reviewer_id, timedelta(minutes=12))
    [event] = await events(ports, house, "alert.acknowledged")
    assert event.entry.actor_id == str(house.reviewer_id)
    clock.advance(timedelta(hours=1))
    assert await tell_all(ports) == 0
    measured = await notifications.alert_summary(ports, ana, house.workspace.id, 30)
    assert (measured.raised, measured.settled, measured.in_time, measured.open) == (1, 1, 1, 0)
    assert measured.median_seconds == 720.0
    clock.advance(timedelta(days=31))
    assert (await notifications.alert_summary(ports, ana, house.workspace.id, 30)).raised == 0
    with pytest.raises(InvalidInput):
        await notifications.alert_summary(ports, ana, house.workspace.id, 91)


async def test_only_an_alert_can_be_acknowledged_and_only_ones_own_notice_of_it(ports: Ports, house: House) -> None:
    await record(ports, house, "plan.proposed", None, house.plan)
    await fail_adjustment(ports, house)
    await tell_all(ports)
    ana = await viewer_of(ports, house, house.owner_id)
    failed, waiting = await inbox(ports, ana, house)
    with pytest.raises(InvalidTransition):
        await notifications.acknowledge(ports, ana, waiting.id)
    with pytest.raises(NotFound):
        await notifications.acknowledge(ports, await viewer_of(ports, house, house.analyst_id), failed.id)
    assert await events(ports, house, "alert.acknowledged") == []


async def test_a_change_that_goes_through_after_all_ends_its_alert(
    ports: Ports, house: House, clock: FixedClock
) -> None:
    adjustment_id = await fail_adjustment(ports, house)
    await tell_all(ports)
    clock.advance(timedelta(minutes=5))
    [failed] = await events(ports, house, "adjustment.failed")
    async with begin(ports, house.tenant_id, JOB) as work:
        work.events.append(replace(_again(failed), kind="adjustment.confirmed", subject_id=adjustment_id))
    clock.advance(timedelta(hours=1))
    await tell_all(ports)
    ana = await viewer_of(ports, house, house.owner_id)
    [alert] = await notifications.alerts(ports, ana, house.workspace.id, EVERYTHING)
    # It is noticed an hour late, but before anything escalates.
    assert (alert.answer_time, alert.escalated_at_utc) == (timedelta(minutes=5), None)


def _again(event: LogEvent) -> NewEvent:
    entry = event.entry
    return NewEvent(entry.kind, entry.workspace_id, entry.subject_type, entry.subject_id, 9, event.before, event.after)


async def test_a_person_who_retries_has_acknowledged(ports: Ports, house: House, clock: FixedClock) -> None:
    await fail_adjustment(ports, house)
    await tell_all(ports)
    clock.advance(timedelta(minutes=4))
    [failed] = await events(ports, house, "adjustment.failed")
    async with begin(ports, house.tenant_id, Actor(ActorKind.MEMBER, str(house.owner_id))) as work:
        work.events.append(replace(_again(failed), kind="adjustment.retried"))
    await tell_all(ports)
    ana = await viewer_of(ports, house, house.owner_id)
    [alert] = await notifications.alerts(ports, ana, house.workspace.id, EVERYTHING)
    assert (alert.acknowledged_by_id, alert.answer_time) == (house.owner_id, timedelta(minutes=4))


async def test_a_program_has_no_notifications(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    key = replace(ana, principal=replace(ana.principal, kind=PrincipalKind.API_KEY))
    assert isinstance(key.principal, Principal)
    with pytest.raises(Forbidden, match="people"):
        await inbox(ports, key, house)


async def test_who_may_not_read_campaigns_sees_none(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    narrow = replace(ana, principal=replace(ana.principal, scopes=frozenset({Permission.ANALYTICS_READ.value})))
    with pytest.raises(Forbidden):
        await inbox(ports, narrow, house)


async def test_an_id_of_no_notice_is_not_found(ports: Ports, house: House) -> None:
    with pytest.raises(NotFound):
        await notifications.one(ports, await viewer_of(ports, house, house.owner_id), new_id())
