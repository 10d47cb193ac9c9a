"""Pausing campaigns and setting them running, over GraphQL and through the same safe steps, on both databases."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.access import Permission
from domain.automations import AutomationChange
from domain.dispatch_times import DISPATCH_TIMES
from domain.errors import Forbidden
from domain.guardrails import GuardrailBlocked, HardLimits, Scope, ScopeKind, Settings
from domain.platforms import CampaignStatus, Platform
from domain.quotas import QUOTAS, Quota
from domain.retries import MAX_ATTEMPTS
from domain.status_changes import StatusChange, StatusChangeState
from jobs.status_changes import change_statuses
from kit.time import FixedClock
from models import campaigns, log, status_changes
from services import ad_accounts, api_keys, automations, emergency_stops, guardrails
from services import status_changes as cases
from services.ports import Ports
from services.viewers import look_up
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration.fake_platform import FakePlatform, refused

ON, OFF = CampaignStatus.ENABLED, CampaignStatus.PAUSED
LEASE = DISPATCH_TIMES.lease
SETTLE = DISPATCH_TIMES.settle(Platform.META)

PAUSE = """mutation ($id: ID!, $reason: String!, $key: String!) {
  campaignPause(id: $id, reason: $reason, idempotencyKey: $key) {
    statusChange { id state statusBefore wantedStatus reason requestedBy { kind name } campaign { name }
                   byEmergencyStop attempts }
    userErrors { code message } } }"""
RESUME = PAUSE.replace("campaignPause", "campaignResume")
LISTED = """query ($workspace: ID!, $campaign: ID, $states: [CampaignStatusChangeState!]) {
  campaignStatusChanges(workspaceId: $workspace, campaignId: $campaign, states: $states, first: 9) {
    nodes { state wantedStatus confirmedAt failureCode failureReason platformExecutionId } } }"""


async def ask(
    ports: Ports, house: House, document: str = PAUSE, *, who: str = "owner_id", position: int = 0, key: str = "k"
) -> Any:
    viewer = await viewer_of(ports, house, getattr(house, who))
    variables = {"id": global_id("Campaign", house.campaigns[position].id), "reason": "it burns money", "key": key}
    answer = (await execute(ports, viewer, document, variables))["data"]
    return answer["campaignPause" if document is PAUSE else "campaignResume"]


async def queue(ports: Ports, house: House, wanted: CampaignStatus = OFF, position: int = 0) -> StatusChange:
    ana = await viewer_of(ports, house, house.owner_id)
    act = cases.pause if wanted is OFF else cases.resume
    return await act(ports, ana, house.campaigns[position].id, "why", f"{wanted} {position} {ports.clock.now_utc()}")


async def send(ports: Ports, quota: dict[str, Quota] | None = None) -> int:
    return await change_statuses(ports, random.Random(1), quota=quota or QUOTAS)


async def now(ports: Ports, change: StatusChange) -> StatusChange:
    return await status_changes.status_change(ports.database.read(change.tenant_id), change.id)


def statuses(meta: FakePlatform) -> list[CampaignStatus]:
    return [each.status for each in meta.campaigns]


def somebody_sets(meta: FakePlatform, position: int, status: CampaignStatus) -> None:
    meta.campaigns[position] = replace(meta.campaigns[position], status=status)


async def kinds_of(ports: Ports, house: House, subject_id: UUID) -> list[str]:
    events = await log.events_after(ports.database.read(house.tenant_id), 0, 1_000)
    return [e.entry.kind.partition(".")[2] for e in events if e.entry.subject_id == subject_id]


@pytest.mark.req("RO-02", "AS-14")
async def test_a_campaign_is_paused_and_set_running_again_by_hand_with_what_was_and_why(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    answer = await ask(ports, house, who="reviewer_id")
    assert answer["userErrors"] == []
    assert answer["statusChange"].pop("id")
    assert answer["statusChange"] == {
        "state": "PENDING",
        "statusBefore": "ENABLED",
        "wantedStatus": "PAUSED",
        "reason": "it burns money",
        "requestedBy": {"kind": "MEMBER", "name": "Reviewer of acme"},
        "campaign": {"name": "acme 0"},
        "byEmergencyStop": False,
        "attempts": 0,
    }
    assert await send(ports) == 1
    assert statuses(meta) == [OFF, ON, ON, ON]
    scope = ports.database.read(house.tenant_id)
    assert (await campaigns.campaign(scope, house.campaigns[0].id)).status is OFF
    clock.advance(timedelta(hours=1))
    assert (await ask(ports, house, RESUME, key="r"))["userErrors"] == []
    assert await send(ports) == 1
    assert statuses(meta) == [ON, ON, ON, ON]
    assert (await campaigns.campaign(scope, house.campaigns[0].id)).status is ON
    assert await kinds_of(ports, house, house.campaigns[0].id) == ["changed", "changed"]
    assert [call[1:] for call in meta.calls_of("set_campaign_status")] == [("acme-c0", OFF), ("acme-c0", ON)]
    ana = await viewer_of(ports, house, house.owner_id)
    variables = {
        "workspace": global_id("Workspace", house.workspace.id),
        "campaign": global_id("Campaign", house.campaigns[0].id),
        "states": ["CONFIRMED"],
    }
    found = (await execute(ports, ana, LISTED, variables))["data"]["campaignStatusChanges"]["nodes"]
    assert [(each["wantedStatus"], each["state"]) for each in found] == [
        ("ENABLED", "CONFIRMED"),
        ("PAUSED", "CONFIRMED"),
    ]
    assert all(each["platformExecutionId"].startswith("receipt-") for each in found)
    variables["campaign"] = global_id("Campaign", house.campaigns[1].id)
    assert (await execute(ports, ana, LISTED, variables))["data"]["campaignStatusChanges"]["nodes"] == []


async def test_its_steps_are_events_and_its_intent_is_kept(ports: Ports, house: House, meta: FakePlatform) -> None:
    change = await queue(ports, house)

    async def look(name: str) -> None:
        if name == "set_campaign_status":
            stored = await now(ports, change)
            assert (stored.state, stored.observed, stored.wanted) == (StatusChangeState.SENDING, ON, OFF)
            assert None not in (stored.lease_token, stored.send_key, stored.sent_at_utc)

    meta.before_call = look
    await send(ports)
    assert await kinds_of(ports, house, change.id) == ["queued", "dispatched", "confirmed"]
    assert [call[0] for call in meta.calls] == ["read_campaign_status", "set_campaign_status", "read_campaign_status"]


async def test_what_is_so_already_is_confirmed_by_a_look_alone(ports: Ports, house: House, meta: FakePlatform) -> None:
    somebody_sets(meta, 0, OFF)
    change = await queue(ports, house)
    await send(ports)
    after = await now(ports, change)
    assert (after.state, after.sent_at_utc, after.recheck_at_utc) == (StatusChangeState.CONFIRMED, None, None)
    assert meta.calls_of("set_campaign_status") == []


async def test_a_key_replays_and_the_same_wish_twice_is_refused(ports: Ports, house: House, meta: FakePlatform) -> None:
    first = await ask(ports, house)
    assert await ask(ports, house) == first
    again = await ask(ports, house, key="other")
    assert [each["code"] for each in again["userErrors"]] == ["INVALID_TRANSITION"]
    assert await send(ports) == 1


async def test_who_wants_the_opposite_before_it_is_sent_takes_its_place(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    pause = await queue(ports, house)
    resume = await queue(ports, house, ON)
    assert ((await now(ports, pause)).state, (await now(ports, pause)).failure_code) == (
        StatusChangeState.FAILED, "SUPERSEDED",
    )  # fmt: skip
    await send(ports)
    assert (await now(ports, resume)).state is StatusChangeState.CONFIRMED
    assert meta.calls_of("set_campaign_status") == []


async def test_a_newer_wish_waits_for_the_one_that_is_on_its_way(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    """The pause's reply is cut and its outcome open: the restart must not overtake it."""
    meta.failures["set_campaign_status"] = [refused("cut", retryable=True, outcome_known=False)]
    pause = await queue(ports, house)
    await send(ports)
    assert (await now(ports, pause)).state is StatusChangeState.PENDING
    resume = await queue(ports, house, ON)
    assert await send(ports) == 0
    clock.advance(SETTLE)
    await send(ports)
    assert [(await now(ports, each)).state for each in (pause, resume)] == [StatusChangeState.CONFIRMED] * 2
    assert [call[2] for call in meta.calls_of("set_campaign_status")] == [OFF, OFF, ON]


@pytest.mark.parametrize("applied", [True, False])
async def test_a_cut_reply_is_looked_into_when_the_platform_has_settled(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock, applied: bool
) -> None:
    async def obey(name: str) -> None:
        if name == "set_campaign_status" and applied:
            somebody_sets(meta, 0, OFF)

    meta.before_call = obey
    meta.failures["set_campaign_status"] = [refused("cut", retryable=True, outcome_known=False)]
    change = await queue(ports, house)
    await send(ports)
    waiting = await now(ports, change)
    assert (waiting.state, waiting.not_before_utc) == (StatusChangeState.PENDING, clock.now_utc() + SETTLE)
    clock.advance(SETTLE - timedelta(seconds=1))
    assert await send(ports) == 0
    clock.advance(timedelta(seconds=1))
    await send(ports)
    after = await now(ports, change)
    assert (after.state, after.attempts) == (StatusChangeState.CONFIRMED, 2)
    assert len(meta.calls_of("set_campaign_status")) == (1 if applied else 2)


async def test_a_dead_workers_change_is_read_only_when_its_lease_and_the_platform_have_settled(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    class Died(BaseException):
        """No exception that anybody catches."""

    async def die(name: str) -> None:
        if name == "set_campaign_status":
            somebody_sets(meta, 0, OFF)
            raise Died

    meta.before_call = die
    change = await queue(ports, house)
    with pytest.raises(Died):
        await send(ports)
    meta.before_call = None
    assert await send(ports) == 0
    clock.advance(LEASE + timedelta(seconds=1))
    await send(ports)
    waiting = await now(ports, change)
    assert (waiting.state, waiting.failure_code) == (StatusChangeState.PENDING, "INTERRUPTED")
    assert waiting.sent_at_utc is not None
    assert waiting.not_before_utc == DISPATCH_TIMES.settled_at_utc(Platform.META, waiting.sent_at_utc)
    clock.advance(waiting.not_before_utc - clock.now_utc())
    await send(ports)
    assert (await now(ports, change)).state is StatusChangeState.CONFIRMED
    assert len(meta.calls_of("set_campaign_status")) == 1


async def test_a_campaign_that_is_gone_fails_before_and_is_unknown_after_something_was_sent(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    somebody_sets(meta, 0, CampaignStatus.REMOVED)
    meta.failures["set_campaign_status"] = [refused("cut", retryable=True, outcome_known=False)]
    never, sent = await queue(ports, house), await queue(ports, house, position=1)
    await send(ports)
    somebody_sets(meta, 1, CampaignStatus.REMOVED)
    clock.advance(SETTLE)
    await send(ports)
    found = [await now(ports, each) for each in (never, sent)]
    assert [(each.state, each.failure_code) for each in found] == [
        (StatusChangeState.FAILED, "CHANGED_ELSEWHERE"),
        (StatusChangeState.UNKNOWN, "CHANGED_ELSEWHERE"),
    ]
    assert await kinds_of(ports, house, sent.id) == ["queued", "dispatched", "postponed", "dispatched", "unknown"]


async def test_a_refusal_fails_and_a_platform_that_does_not_obey_is_given_up(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    meta.failures["set_campaign_status"] = [refused("no such campaign", platform_code="100")]
    change = await queue(ports, house)
    await send(ports)
    assert ((await now(ports, change)).state, (await now(ports, change)).failure_code) == (
        StatusChangeState.FAILED, "100",
    )  # fmt: skip

    async def ignore(name: str) -> None:
        if name == "read_campaign_status":
            somebody_sets(meta, 1, ON)

    meta.before_call = ignore
    ignored = await queue(ports, house, position=1)
    for _ in range(MAX_ATTEMPTS + 2):
        await send(ports)
        clock.advance(SETTLE)
    after = await now(ports, ignored)
    assert (after.state, after.failure_code) == (StatusChangeState.UNKNOWN, "NO_EFFECT")
    assert len(meta.calls_of("set_campaign_status")) == 1 + MAX_ATTEMPTS


async def test_of_two_workers_one_sends(ports: Ports, house: House, meta: FakePlatform) -> None:
    for position in range(4):
        await queue(ports, house, position=position)
    await asyncio.gather(send(ports), send(ports))
    await send(ports)
    assert statuses(meta) == [OFF] * 4
    assert len(meta.calls_of("set_campaign_status")) == 4


async def test_a_used_up_quota_postpones_without_a_trace(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    change = await queue(ports, house)
    tight = {**QUOTAS, "META": Quota(capacity=3, fades_per_second=1)}
    other = await queue(ports, house, position=1)
    assert await send(ports, tight) == 1
    waiting = next(each for each in [await now(ports, change), await now(ports, other)] if each.attempts == 0)
    assert (waiting.state, waiting.version) == (StatusChangeState.PENDING, 1)
    assert waiting.not_before_utc > clock.now_utc()
    clock.advance(timedelta(seconds=4))  # not yet when what was sent is read again
    assert await send(ports, tight) == 1


async def test_a_stray_write_is_put_right_and_a_persons_edit_is_not(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    await queue(ports, house)
    await send(ports)
    clock.advance(timedelta(seconds=2))
    resume = await queue(ports, house, ON)
    await send(ports)
    somebody_sets(meta, 0, OFF)  # the first request, once more: a frozen worker's
    clock.advance(SETTLE)
    await send(ports)
    after = await now(ports, resume)
    assert (statuses(meta)[0], after.state) == (ON, StatusChangeState.CONFIRMED)
    assert await kinds_of(ports, house, resume.id) == [
        "queued", "dispatched", "confirmed", "strayed", "dispatched", "confirmed",
    ]  # fmt: skip
    pause = await queue(ports, house, position=1)
    await send(ports)
    somebody_sets(meta, 1, ON)  # nothing of ours can have done this
    clock.advance(SETTLE)
    await send(ports)
    assert statuses(meta)[1] is ON
    assert ((await now(ports, pause)).state, (await now(ports, pause)).recheck_at_utc) == (
        StatusChangeState.CONFIRMED, None,
    )  # fmt: skip


@pytest.mark.req("AS-14")
async def test_anybody_who_writes_campaigns_may_pause_and_only_a_person_who_decides_sets_running(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    assert [each["code"] for each in (await ask(ports, house, who="analyst_id"))["userErrors"]] == ["FORBIDDEN"]
    ana = await viewer_of(ports, house, house.owner_id)
    scopes = [Permission.CAMPAIGN_READ, Permission.CAMPAIGN_WRITE]
    key = await api_keys.create(ports, ana, house.workspace.id, "key", scopes, None)
    program = await look_up(ports, await api_keys.identify(ports, key.secret.text))
    with pytest.raises(Forbidden):
        await cases.resume(ports, program, house.campaigns[0].id, "why", "r")
    paused = await cases.pause(ports, program, house.campaigns[0].id, "why", "p")
    assert (paused.requested_by_kind.value, paused.requested_by_id) == ("API_KEY", str(key.api_key.id))
    await send(ports)
    assert statuses(meta)[0] is OFF


async def test_nothing_is_sent_to_a_real_platform_without_its_owners_leave(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    live = replace(ports, live_platforms=frozenset({Platform.META}))
    ana = await viewer_of(live, house, house.owner_id)
    with pytest.raises(GuardrailBlocked, match="live sending is off"):
        await cases.pause(live, ana, house.campaigns[0].id, "why", "p")
    on = await automations.set_(live, ana, house.workspace.id, 0, AutomationChange(live_sending=True), "on")
    change = await cases.pause(live, ana, house.campaigns[0].id, "why", "q")
    off = AutomationChange(live_sending=False)
    await automations.set_(live, ana, house.workspace.id, on.version, off, "off")
    await send(live)
    assert ((await now(live, change)).state, (await now(live, change)).failure_code) == (
        StatusChangeState.FAILED, "GUARDRAIL",
    )  # fmt: skip
    assert meta.calls_of("set_campaign_status") == []


async def cap(ports: Ports, house: House, limits: HardLimits, version: int | None = None) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    whole = Scope(ScopeKind.WORKSPACE)
    await guardrails.set_(
        ports, ana, house.workspace.id, whole, Settings(limits=limits), version, f"cap {ports.clock.now_utc()}"
    )


async def test_what_is_set_running_keeps_the_hard_limits_when_asked_and_when_sent(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    """Four budgets of 100: with two of them paused, 350 leave room for one more, not for two."""
    for position in (0, 1):
        await queue(ports, house, position=position)
    await send(ports)
    clock.advance(timedelta(minutes=1))
    await cap(ports, house, HardLimits(max_daily_micros=90_000_000))
    with pytest.raises(GuardrailBlocked, match=r"above the cap of 90\.00 USD"):
        await queue(ports, house, ON)
    clock.advance(timedelta(minutes=1))
    await cap(ports, house, HardLimits(max_account_budget_micros=350_000_000), 1)
    both = [await queue(ports, house, ON), await queue(ports, house, ON, position=1)]
    # Both were approved by what was read. They are sent at the same time, and one of them, either, must lose.
    await send(ports)
    assert sorted(statuses(meta)[:2]) == [ON, OFF]
    after = [await now(ports, each) for each in both]
    loser = next(position for position, each in enumerate(after) if each.state is StatusChangeState.FAILED)
    assert after[1 - loser].state is StatusChangeState.CONFIRMED
    assert after[loser].failure_code == "GUARDRAIL"
    assert "add up to 400.00 USD" in str(after[loser].failure_reason)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(GuardrailBlocked, match=r"add up to 400\.00 USD"):
        await queue(ports, house, ON, position=loser)


async def test_under_an_emergency_stop_pauses_go_through_and_restarts_do_not(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    await queue(ports, house)
    await send(ports)
    ana = await viewer_of(ports, house, house.owner_id)
    await emergency_stops.start(ports, ana, house.workspace.id, "spend runs away", 0, "stop")
    with pytest.raises(GuardrailBlocked, match="spend runs away"):
        await queue(ports, house, ON)
    await queue(ports, house, position=1)
    await send(ports)
    assert statuses(meta) == [OFF, OFF, ON, ON]


async def test_a_restart_whose_worker_looks_while_the_stop_begins_is_not_sent(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    somebody_sets(meta, 0, OFF)
    change = await queue(ports, house, ON)
    ana = await viewer_of(ports, house, house.owner_id)

    async def stop(name: str) -> None:
        if name == "read_campaign_status":
            meta.before_call = None
            await emergency_stops.start(ports, ana, house.workspace.id, "spend runs away", 0, "stop")

    meta.before_call = stop
    await send(ports)
    after = await now(ports, change)
    assert (after.state, after.failure_code, after.sent_at_utc) == (StatusChangeState.FAILED, "EMERGENCY_STOP", None)
    assert after.stop_id is not None
    assert meta.calls_of("set_campaign_status") == []


async def test_a_worker_that_took_long_between_intent_and_call_looks_again_for_a_stop(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop begins right after the intent is stored, as if this worker had been frozen before its call."""
    somebody_sets(meta, 0, OFF)
    change = await queue(ports, house, ON)
    ana = await viewer_of(ports, house, house.owner_id)
    looked = emergency_stops.emergency_stops.is_stopped
    stored = status_changes.store_intent

    async def store_intent(scope: Any, value: StatusChange, now_utc: Any) -> bool:
        done = await stored(scope, value, now_utc)
        clock.advance(timedelta(seconds=1))
        return done

    async def is_stopped(scope: Any, workspace_id: UUID) -> bool:
        await emergency_stops.start(ports, ana, house.workspace.id, "spend runs away", 0, "stop")
        return await looked(scope, workspace_id)

    monkeypatch.setattr(status_changes, "store_intent", store_intent)
    monkeypatch.setattr(emergency_stops.emergency_stops, "is_stopped", is_stopped)
    await send(ports)
    after = await now(ports, change)
    assert (after.state, after.failure_code, after.sent_at_utc) == (StatusChangeState.FAILED, "EMERGENCY_STOP", None)
    assert meta.calls_of("set_campaign_status") == []


async def test_a_sync_that_began_before_a_pause_does_not_undo_its_record(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    listed = list(meta.campaigns)
    change = await queue(ports, house)

    async def pause_meanwhile(name: str) -> None:
        if name == "fetch_daily_metrics":
            meta.before_call = None
            clock.advance(timedelta(seconds=1))
            await send(ports)
            meta.campaigns, listed[:] = listed[:], meta.campaigns

    meta.before_call = pause_meanwhile
    await ad_accounts.sync(ports, house.tenant_id, house.account.id)
    scope = ports.database.read(house.tenant_id)
    assert (await now(ports, change)).state is StatusChangeState.CONFIRMED
    assert (await campaigns.campaign(scope, house.campaigns[0].id)).status is OFF


async def test_a_campaign_known_from_files_only_cannot_be_paused(ports: Ports, house: House) -> None:
    async with ports.database.write(house.tenant_id) as scope:
        await scope.execute("UPDATE campaigns SET budget_id = NULL WHERE id = $1", house.campaigns[0].id)
    answer = await ask(ports, house)
    assert [(each["code"], each["message"]) for each in answer["userErrors"]] == [
        ("INVALID_TRANSITION", "this campaign's account is not connected to its platform")
    ]
