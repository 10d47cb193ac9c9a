"""What leaves the app: batched, once, retried, cancelled when unwanted; over real protocols into the sandbox's mailbox."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette

from app.unsubscribe import unsubscribe_routes
from domain.errors import DeliveryError
from domain.members import revoked
from domain.notifications.deliveries import LEASE, MAX_ATTEMPTS, Delivery
from domain.notifications.messages import Message
from domain.notifications.notices import NoticeKind
from domain.notifications.preferences import Channel, KindPreference, Pace, PreferencesChange
from jobs.notifications import deliver_all, forget_all_old_links, tell_all
from kit.time import FixedClock
from models import members, notifications
from services import notifications as cases
from services.ports import Ports
from tests.conftest import NOON, House, viewer_of
from tests.integration.test_notifications import JOB, fail_adjustment, inbox, record

HALF = random.Random(1)


@dataclass
class Recorder:
    """A channel that remembers, or fails as it is told."""

    sent: list[Message] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(message)


@pytest.fixture
def email() -> Recorder:
    return Recorder()


@pytest.fixture
def told(ports: Ports, email: Recorder) -> Ports:
    return replace(ports, messengers={Channel.EMAIL: email}, app_url="https://app.acme.test")


async def tell(ports: Ports) -> int:
    await tell_all(ports)
    return await deliver_all(ports, HALF)


async def stored(ports: Ports, house: House) -> list[Delivery]:
    scope = ports.database.read(house.tenant_id)
    found = []
    for user_id in (house.owner_id, house.reviewer_id):
        notices = await inbox(ports, await viewer_of(ports, house, user_id), house)
        by_notice = await notifications.deliveries_by_notice(scope, [each.id for each in notices])
        found += [each for its in by_notice.values() for each in its]
    return found


@pytest.mark.req("RB-F7")
async def test_a_failure_is_mailed_at_once_to_each_who_is_concerned(told: Ports, house: House, email: Recorder) -> None:
    await fail_adjustment(told, house)
    assert await tell(told) == 2
    assert [(each.address, each.subject) for each in email.sent] == [
        ("owner@acme.test", "[acme] A budget change failed (100/33)"),
        ("reviewer@acme.test", "[acme] A budget change failed (100/33)"),
    ]
    # It comes at once: that is no digest to unsubscribe from.
    assert [each.unsubscribe_url for each in email.sent] == [None, None]
    assert {(each.status.value, each.attempts, each.sent_at_utc) for each in await stored(told, house)} == {
        ("SENT", 1, NOON)
    }
    assert await tell(told) == 0
    assert len(email.sent) == 2


@pytest.mark.req("RB-F7")
async def test_many_waiting_approvals_become_one_email_a_person(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    for each in house.recommendations:
        await record(told, house, "recommendation.needs_review", None, each)
        assert await tell(told) == 0
        clock.advance(timedelta(minutes=2))
    clock.advance(timedelta(minutes=2) - timedelta(seconds=1))
    assert await tell(told) == 0
    clock.advance(timedelta(seconds=1))
    assert await tell(told) == 2
    assert [each.address for each in email.sent] == ["owner@acme.test", "reviewer@acme.test"]
    assert email.sent[0].subject == "[acme] A budget change for acme 0 needs your review (and 3 more)"
    assert [email.sent[0].text.count(f"for acme {n} needs your review") for n in range(4)] == [1, 1, 1, 1]
    assert all((each.unsubscribe_url or "").startswith("https://app.acme.test/unsubscribe/cu_") for each in email.sent)
    clock.advance(timedelta(hours=1))
    assert await tell(told) == 0


async def test_a_storm_of_failures_is_a_message_now_and_one_in_two_minutes(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    quiet = PreferencesChange({NoticeKind.ADJUSTMENT_FAILED: KindPreference(in_app=True, email=Pace.OFF)})
    ben = await viewer_of(told, house, house.reviewer_id)
    await cases.preferences_set(told, ben, house.workspace.id, quiet)
    await fail_adjustment(told, house, 0)
    assert await tell(told) == 1
    clock.advance(timedelta(seconds=1))
    await fail_adjustment(told, house, 1)
    assert await tell(told) == 0
    clock.advance(timedelta(minutes=2))
    assert await tell(told) == 1
    assert [each.address for each in email.sent] == ["owner@acme.test"] * 2


async def test_a_daily_message_comes_at_its_time_in_the_workspaces_zone(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    ana = await viewer_of(told, house, house.owner_id)
    daily = PreferencesChange(
        {NoticeKind.NEEDS_REVIEW: KindPreference(in_app=True, email=Pace.DAILY)}, daily_time="09:30"
    )
    await cases.preferences_set(told, ana, house.workspace.id, daily)
    for each in house.recommendations[:2]:
        await record(told, house, "recommendation.needs_review", None, each)
    await tell(told)
    # New York is four hours behind UTC on that day; it is 8:00 there at noon.
    clock.advance(timedelta(minutes=89))
    await tell(told)
    assert "owner@acme.test" not in {each.address for each in email.sent}
    clock.advance(timedelta(minutes=1))
    await tell(told)
    [mine] = [each for each in email.sent if each.address == "owner@acme.test"]
    assert "(and 1 more)" in mine.subject


async def test_two_workers_send_each_message_once(told: Ports, house: House, email: Recorder) -> None:
    for index in range(2):
        await fail_adjustment(told, house, index)
    await tell_all(told)
    sent = await asyncio.gather(*(cases.deliver_due(told, house.tenant_id, HALF) for _ in range(6)))
    assert sum(sent) == len(email.sent) == 2
    assert sorted(each.address for each in email.sent) == ["owner@acme.test", "reviewer@acme.test"]
    assert {each.attempts for each in await stored(told, house)} == {1}


async def only_ana(told: Ports, house: House) -> None:
    """Let nobody but the owner want e-mails about failures."""
    ben = await viewer_of(told, house, house.reviewer_id)
    off = {NoticeKind.ADJUSTMENT_FAILED: KindPreference(in_app=True, email=Pace.OFF)}
    await cases.preferences_set(told, ben, house.workspace.id, PreferencesChange(off))


async def test_a_failed_attempt_is_tried_again_as_the_same_message_with_backoff(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    await only_ana(told, house)
    email.failures = [
        DeliveryError("busy", retryable=True, retry_after_seconds=120.0),
        DeliveryError("cut", retryable=True, outcome_known=False),
    ]
    await fail_adjustment(told, house)
    assert await tell(told) == 0
    [held] = await stored(told, house)
    assert (held.status.value, held.attempts, held.failure_reason) == ("PENDING", 1, "busy")
    assert held.due_at_utc == NOON + timedelta(seconds=120)
    clock.advance(timedelta(seconds=119))
    assert await tell(told) == 0
    clock.advance(timedelta(seconds=1))
    # Whether the second attempt arrived is not known: an e-mail goes again, under the same id.
    assert await tell(told) == 0
    clock.advance(timedelta(seconds=60))
    assert await tell(told) == 1
    [done] = await stored(told, house)
    assert (done.status.value, done.attempts, done.failure_reason) == ("SENT", 3, None)
    assert email.sent[0].id == held.batch_id == done.batch_id


async def test_what_is_refused_is_not_tried_again_and_stays_in_the_app(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    await only_ana(told, house)
    email.failures = [DeliveryError("no such mailbox")]
    await fail_adjustment(told, house)
    assert await tell(told) == 0
    clock.advance(timedelta(minutes=29))
    assert await tell(told) == 0
    [failed] = await stored(told, house)
    assert (failed.status.value, failed.attempts, failed.failure_reason) == ("FAILED", 1, "no such mailbox")
    assert len(await inbox(told, await viewer_of(told, house, house.owner_id), house)) == 1


async def test_attempts_end(told: Ports, house: House, email: Recorder, clock: FixedClock) -> None:
    await only_ana(told, house)
    email.failures = [DeliveryError("busy", retryable=True) for _ in range(20)]
    await fail_adjustment(told, house)
    await tell_all(told)
    for _ in range(20):
        await deliver_all(told, HALF)
        clock.advance(timedelta(hours=1))
    [failed] = await stored(told, house)
    assert (failed.status.value, failed.attempts, len(email.failures)) == ("FAILED", MAX_ATTEMPTS, 20 - MAX_ATTEMPTS)


async def test_a_message_of_a_dead_worker_is_sent_by_the_next_after_its_lease(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    await only_ana(told, house)
    email.failures = [RuntimeError("killed while sending")]
    await fail_adjustment(told, house)
    assert await tell(told) == 0
    [held] = await stored(told, house)
    assert held.status.value == "SENDING"
    clock.advance(LEASE)
    assert await tell(told) == 0
    clock.advance(timedelta(seconds=1))
    assert await tell(told) == 1
    assert email.sent[0].id == held.batch_id


async def test_a_text_message_of_a_dead_worker_is_not_sent_again(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    text = Recorder(failures=[RuntimeError("killed while sending")])
    told = replace(told, messengers={Channel.SMS: text})
    ana = await viewer_of(told, house, house.owner_id)
    loud = {NoticeKind.ADJUSTMENT_FAILED: KindPreference(in_app=True, email=Pace.OFF, sms=Pace.AT_ONCE)}
    await cases.preferences_set(told, ana, house.workspace.id, PreferencesChange(loud, phone="+14155550100"))
    await fail_adjustment(told, house)
    await tell(told)
    clock.advance(LEASE + timedelta(seconds=1))
    assert await tell(told) == 0
    assert text.sent == []
    [failed] = await stored(told, house)
    assert failed.status.value == "FAILED"
    assert "may have arrived" in (failed.failure_reason or "")


async def test_what_was_read_meanwhile_is_left_out_of_the_digest(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    for each in house.recommendations[:2]:
        await record(told, house, "recommendation.needs_review", None, each)
    await tell_all(told)
    ana = await viewer_of(told, house, house.owner_id)
    newest, _ = await inbox(told, ana, house)
    await cases.mark_read(told, ana, newest.id)
    await cases.mark_all_read(told, await viewer_of(told, house, house.reviewer_id), house.workspace.id)
    clock.advance(timedelta(minutes=10))
    assert await tell(told) == 1
    [message] = email.sent
    assert message.subject == "[acme] A budget change for acme 0 needs your review"
    assert sorted(each.status.value for each in await stored(told, house)) == [
        "CANCELLED", "CANCELLED", "CANCELLED", "SENT",
    ]  # fmt: skip


async def test_who_was_revoked_meanwhile_is_sent_nothing(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    await record(told, house, "plan.proposed", None, house.plan)
    await tell_all(told)
    async with told.database.write(house.tenant_id) as scope:
        ben = await members.member_of(scope, house.workspace.id, house.reviewer_id)
        assert ben is not None
        await members.store_if_unchanged(scope, revoked(ben, JOB, clock.now_utc()))
    clock.advance(timedelta(minutes=10))
    assert await tell(told) == 1
    assert [each.address for each in email.sent] == ["owner@acme.test"]


async def test_what_happened_long_before_it_was_noticed_stays_in_the_app(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    await fail_adjustment(told, house)
    clock.advance(timedelta(hours=24, seconds=1))
    await cases.follow_log(told, house.tenant_id)
    assert await stored(told, house) == []
    assert len(await inbox(told, await viewer_of(told, house, house.owner_id), house)) == 1


# --- unsubscribing ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def browser(ports: Ports) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=unsubscribe_routes(ports)))
    async with httpx.AsyncClient(transport=transport, base_url="https://app.acme.test") as client:
        yield client


@pytest.mark.req("RB-F7")
async def test_one_click_ends_digests_and_a_look_at_the_page_does_not(
    told: Ports, house: House, email: Recorder, clock: FixedClock
) -> None:
    await record(told, house, "plan.proposed", None, house.plan)
    await tell_all(told)
    clock.advance(timedelta(minutes=10))
    await deliver_all(told, HALF)
    url = next(each.unsubscribe_url for each in email.sent if each.address == "owner@acme.test") or ""
    token = url.rpartition("/")[2]
    ana = await viewer_of(told, house, house.owner_id)
    # The token itself is nowhere in the database.
    tenant_id, _, user_id = await cases.unsubscribe_subject(told, token)
    assert (tenant_id, user_id) == (house.tenant_id, house.owner_id)
    rows = await told.database.read(house.tenant_id).rows(
        "SELECT token_hash FROM unsubscribe_tokens WHERE tenant_id = $1", house.tenant_id
    )
    assert token not in str(rows)

    async with browser(told) as client:
        page = await client.get(url)
        assert (page.status_code, page.headers["referrer-policy"]) == (200, "no-referrer")
        assert "<form method='post'><button>Unsubscribe</button></form>" in page.text
        assert (await cases.preferences(told, ana, house.workspace.id)).chosen == {}

        await record(told, house, "recommendation.needs_review", None, house.recommendations[0])
        await tell_all(told)
        for _ in range(2):
            done = await client.post(url, content="List-Unsubscribe=One-Click", headers={
                "content-type": "application/x-www-form-urlencoded"
            })  # fmt: skip
            assert (done.status_code, "You are unsubscribed" in done.text) == (200, True)
        assert (await client.post(f"{url[:-1]}x")).status_code == 404
        assert (await client.get("/unsubscribe/cu_" + "0" * 64)).status_code == 404
        clock.advance(timedelta(minutes=10))
        email.sent.clear()
        await deliver_all(told, HALF)
        assert [each.address for each in email.sent] == ["reviewer@acme.test"]
        # What comes at once still comes.
        await fail_adjustment(told, house, 1)
        await tell(told)
        assert [each.address for each in email.sent[1:]] == ["owner@acme.test", "reviewer@acme.test"]
        clock.advance(timedelta(days=91))
        assert (await client.post(url)).status_code == 404
    assert await forget_all_old_links(told) == 3
    wishes = await cases.preferences(told, ana, house.workspace.id)
    assert wishes.of(NoticeKind.APPROVALS_WAITING).email is Pace.OFF
