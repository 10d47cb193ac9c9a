"""The emergency stop over GraphQL and through the same dispatch, on both databases; its report as JSON and PDF."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from adapters.tokens import AccessTokens
from app.backend import GraphQLBackend
from app.container import Container
from app.exports import export_routes
from app.graphql_transport.errors import RequestRefusedError
from app.incidents import as_json
from app.settings import Settings
from domain.adjustments import NO_INTENT, Adjustment, AdjustmentStatus
from domain.automations import AutomationChange
from domain.emergency_stops import EmergencyStop
from domain.guardrails import GuardrailBlocked
from domain.log import Actor, ActorKind
from domain.notifications.notices import NoticeKind
from domain.sessions import Identity
from jobs.dispatch import sweep
from jobs.emergency_stops import go_on_all
from kit.ids import new_id
from kit.pagination import Slice
from kit.time import FixedClock
from models import adjustments, automations, emergency_stops, log
from realtime.hints import Hints
from realtime.relay import Relay
from services import adjustments as changes
from services import automations as switches
from services import incidents, notifications, plans, sessions
from services import recommendations as decisions
from services.auto_approvals import approve_what_may_be
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration.fake_platform import FakePlatform
from tests.integration.meta_shop import amounts, approve, now

START = """mutation ($workspace: ID!, $hours: WindowHours!, $reason: String!, $key: String!) {
  emergencyStopStart(workspaceId: $workspace, windowHours: $hours, reason: $reason, idempotencyKey: $key) {
    emergencyStop { id version reason windowHours startedBy { name } liftedAt stillAt
                    items { outcome note adjustment { id status failureCode } restoring { status } } }
    userErrors { code message } } }"""
LIFT = """mutation ($id: ID!, $version: Int!, $key: String!) {
  emergencyStopLift(id: $id, expectedVersion: $version, idempotencyKey: $key) {
    emergencyStop { version liftedBy { name } liftedAt }
    userErrors { __typename code message ... on EmergencyStopVersionConflict { current { version } } } } }"""
SHOWN = """query ($workspace: ID!, $hours: WindowHours!) {
  emergencyStops(workspaceId: $workspace, first: 5) { edges { node { id liftedAt } } }
  emergencyStopPreview(workspaceId: $workspace, windowHours: $hours) {
    cutOff { id } onTheirWay { id } restored { id } } }"""


async def start(ports: Ports, house: House, *, who: str = "reviewer_id", hours: int = 24, key: str = "s") -> Any:
    viewer = await viewer_of(ports, house, getattr(house, who))
    variables = {
        "workspace": global_id("Workspace", house.workspace.id),
        "hours": hours,
        "reason": "spend runs away",
        "key": key,
    }
    return (await execute(ports, viewer, START, variables))["data"]["emergencyStopStart"]


async def work(ports: Ports) -> None:
    """The stop's and the dispatcher's jobs, until neither finds anything to do."""
    while await go_on_all(ports) + await sweep(ports, random.Random(1)):
        pass


async def stops(ports: Ports, house: House) -> list[EmergencyStop]:
    return await emergency_stops.emergency_stop_page(
        ports.database.read(house.tenant_id), house.workspace.id, Slice(5)
    )  # fmt: skip


async def queue_after(ports: Ports, change: Adjustment, step: int) -> Adjustment:
    """Another change of the same budget, queued as an approval would that nobody stopped in time."""
    made = replace(
        change, id=new_id(), status=AdjustmentStatus.PENDING, version=1, before_micros=change.intended_micros,
        intended_micros=change.intended_micros + step, delta_reporting_micros=step, attempts=0, lease_token=None,
        created_at_utc=ports.clock.now_utc(), not_before_utc=ports.clock.now_utc(), lease_until_utc=None,
        dispatched_at_utc=None, confirmed_at_utc=None, recheck_at_utc=None, **NO_INTENT,
    )  # fmt: skip
    async with begin(ports, change.tenant_id, Actor(ActorKind.SYSTEM, "test")) as queueing:
        await adjustments.add_adjustment(queueing.scope, made)
        queueing.record("adjustment.queued", "adjustment", None, made)
    return made


@pytest.mark.req("RO-10")
async def test_several_changes_of_a_budget_are_put_back_with_one_stroke(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    [first] = await approve(ports, house, 0)
    await sweep(ports, random.Random(1))
    clock.advance(timedelta(minutes=5))
    second = await queue_after(ports, first, -7_000_000)
    await sweep(ports, random.Random(1))
    assert amounts(meta)[0] == 83
    sent = len(meta.calls_of("set_daily_budget"))
    await start(ports, house)
    await work(ports)
    assert [call[2] for call in meta.calls_of("set_daily_budget")[sent:]] == [100_000_000]
    assert [each.status for each in await now(ports, first, second)] == [AdjustmentStatus.REVERTED] * 2
    [kept] = await stops(ports, house)
    assert len({item.restoring_id for item in kept.items}) == 1
    assert [item.outcome.value for item in kept.items] == ["RESTORING"] * 2
    assert kept.still_at_utc is not None


@pytest.mark.req("RO-10")
async def test_what_slips_in_beside_a_stop_is_never_sent_not_after_it_either(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    [change] = await approve(ports, house, 0)
    stop = (await start(ports, house))["emergencyStop"]
    late = await queue_after(ports, change, -1_000_000)
    assert await sweep(ports, random.Random(1)) == 0
    assert ([each.attempts for each in await now(ports, late)], meta.calls) == ([0], [])
    await work(ports)
    [after] = await now(ports, late)
    assert (after.status, after.failure_code) == (AdjustmentStatus.FAILED, "EMERGENCY_STOP")
    [kept] = await stops(ports, house)
    assert kept.still_at_utc is not None
    later = await queue_after(ports, change, -2_000_000)
    ana = await viewer_of(ports, house, house.owner_id)
    variables = {"id": stop["id"], "version": kept.version, "key": "l"}
    assert (await execute(ports, ana, LIFT, variables))["data"]["emergencyStopLift"]["userErrors"] == []
    await sweep(ports, random.Random(1))
    assert [each.failure_code for each in await now(ports, later)] == ["EMERGENCY_STOP"]
    assert meta.calls_of("set_daily_budget") == []
    assert [item.adjustment_id for item in (await stops(ports, house))[0].items] == [change.id, late.id, later.id]


@pytest.mark.req("RO-10", "RO-16")
async def test_sending_again_is_refused_and_names_the_stop_while_putting_back_is_not(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    waiting, cut = await approve(ports, house, 0, 1)
    ana = await viewer_of(ports, house, house.owner_id)
    await sweep(ports, random.Random(1))
    [cut] = await now(ports, cut)
    async with ports.database.write(house.tenant_id) as scope:
        await scope.execute("UPDATE adjustments SET status = 'FAILED' WHERE id = $1", waiting.id)
    await start(ports, house, hours=0)
    [stop] = await stops(ports, house)
    [failed] = await now(ports, waiting)
    with pytest.raises(GuardrailBlocked, match="spend runs away") as blocked:
        await changes.retry(ports, ana, failed.id, failed.version, "again")
    assert blocked.value.violations[0].limit == f"emergency stop {stop.id}"
    back = await changes.revert(ports, ana, cut.id, cut.version, "by hand", "back")
    await sweep(ports, random.Random(1))
    assert amounts(meta)[1] == 100
    [undone] = await now(ports, back.restoring)
    with pytest.raises(GuardrailBlocked, match="emergency stop"):
        await changes.revert(ports, ana, undone.id, undone.version, "make it again", "redo")


@pytest.mark.req("RO-10")
async def test_what_restores_does_not_wait_for_a_sync(ports: Ports, house: House, meta: FakePlatform) -> None:
    await approve(ports, house, 0)
    await sweep(ports, random.Random(1))
    async with ports.database.write(house.tenant_id) as scope:
        await scope.execute("UPDATE workspaces SET dispatch_immediately = $1 WHERE id = $2", False, house.workspace.id)
    await start(ports, house)
    await work(ports)
    assert amounts(meta)[0] == 100


async def test_automation_that_somebody_resumes_under_a_stop_approves_nothing(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    await start(ports, house)
    ana = await viewer_of(ports, house, house.owner_id)
    on = AutomationChange(auto_approval=True, paused=False)
    await switches.set_(ports, ana, house.workspace.id, 1, on, "on")
    assert await approve_what_may_be(ports, house.tenant_id, house.workspace.id) == 0
    scope = ports.database.read(house.tenant_id)
    assert await adjustments.plan_adjustments(scope, house.plan.id) == []


@pytest.mark.req("RO-10")
async def test_a_stop_cuts_off_puts_back_and_comes_to_rest(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    made = await approve(ports, house, 0, 1, 3)
    await sweep(ports, random.Random(1))
    assert amounts(meta) == [90, 80, 100, 125]
    clock.advance(timedelta(hours=2))
    [waiting] = await approve(ports, house, 2)
    ana = await viewer_of(ports, house, house.owner_id)
    look = await execute(ports, ana, SHOWN, {"workspace": global_id("Workspace", house.workspace.id), "hours": 24})
    told = look["data"]["emergencyStopPreview"]
    assert [each["id"] for each in told["cutOff"]] == [global_id("Adjustment", waiting.id)]
    assert {each["id"] for each in told["restored"]} == {global_id("Adjustment", each.id) for each in made}

    answer = await start(ports, house)
    assert answer["userErrors"] == []
    stop = answer["emergencyStop"]
    assert (stop["startedBy"]["name"], stop["liftedAt"], stop["stillAt"]) == ("Reviewer of acme", None, None)
    assert stop["items"] == [
        {
            "outcome": "CUT_OFF",
            "note": None,
            "adjustment": {
                "id": global_id("Adjustment", waiting.id), "status": "FAILED", "failureCode": "EMERGENCY_STOP",
            },
            "restoring": None,
        }
    ]  # fmt: skip
    assert (await automations.automation(ports.database.read(house.tenant_id), house.workspace.id)).paused

    await work(ports)
    assert amounts(meta) == [100, 100, 100, 100]
    assert {each.status for each in await now(ports, *made)} == {AdjustmentStatus.REVERTED}
    [kept] = await emergency_stops.emergency_stop_page(
        ports.database.read(house.tenant_id), house.workspace.id, Slice(5)
    )
    assert kept.still_at_utc == clock.now_utc()
    assert sorted(item.outcome.value for item in kept.items) == ["CUT_OFF", "RESTORING", "RESTORING", "RESTORING"]
    kinds = [e.entry.kind for e in await log.events_after(ports.database.read(house.tenant_id), 0, 1_000)]
    assert kinds.count("workspace.stopped") == 1
    assert kinds[-1] == "emergency_stop.still"


@pytest.mark.req("RO-10")
async def test_while_it_is_in_force_nothing_is_approved_proposed_or_sent(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    await start(ports, house)
    ana = await viewer_of(ports, house, house.owner_id)
    with pytest.raises(Exception, match="emergency stop is in force"):
        await decisions.approve(ports, ana, house.recommendations[0].id, 1, "k")
    assert await plans.propose(ports, house.tenant_id, house.workspace.id, force=True) is None
    assert await sweep(ports, random.Random(1)) == 0
    assert meta.calls_of("set_daily_budget") == []


@pytest.mark.req("RO-10")
async def test_a_change_whose_worker_looks_while_the_stop_begins_is_not_sent(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    [change] = await approve(ports, house, 0)

    async def stop(name: str) -> None:
        if name == "read_budget":
            meta.before_call = None
            await start(ports, house)

    meta.before_call = stop
    await sweep(ports, random.Random(1))
    [after] = await now(ports, change)
    assert (after.status, after.failure_code) == (AdjustmentStatus.FAILED, "EMERGENCY_STOP")
    await work(ports)
    [kept] = await stops(ports, house)
    assert [(item.adjustment_id, item.outcome.value) for item in kept.items] == [(change.id, "CUT_OFF")]
    assert meta.calls_of("set_daily_budget") == []


async def test_somebody_elses_edit_is_left_to_a_person(ports: Ports, house: House, meta: FakePlatform) -> None:
    [cut] = await approve(ports, house, 0)
    await sweep(ports, random.Random(1))
    meta.set_budget(house.budgets[0].external_id, 77_000_000)
    await start(ports, house)
    await work(ports)
    assert amounts(meta)[0] == 77
    [original] = await now(ports, cut)
    assert original.restored_by_id is not None
    restoring = await adjustments.adjustment(ports.database.read(house.tenant_id), original.restored_by_id)
    assert (restoring.status, restoring.failure_code) == (AdjustmentStatus.FAILED, "BUDGET_CHANGED_ELSEWHERE")
    [kept] = await stops(ports, house)
    told = as_json(await incidents.report(ports, await viewer_of(ports, house, house.analyst_id), kept.id))
    assert told["summary"] == {"never_sent": 0, "put_back": 0, "not_put_back_yet": 0, "need_a_person": 1}
    assert "the platform's budget is 77.00 USD" in told["changes"][0]["needs_person"]


async def test_one_is_in_force_at_most_and_a_key_replays(ports: Ports, house: House, meta: FakePlatform) -> None:
    first = await start(ports, house, key="a")
    assert await start(ports, house, key="a") == first
    again = await start(ports, house, who="owner_id", key="b")
    assert again["emergencyStop"]["id"] == first["emergencyStop"]["id"]
    with pytest.raises(RequestRefusedError, match="hours of a window are 0 to 168"):
        await start(ports, house, hours=169, key="c")
    assert (await start(ports, house, who="analyst_id", key="d"))["userErrors"][0]["code"] == "FORBIDDEN"


@pytest.mark.req("RO-16")
async def test_lifting_takes_who_sets_guardrails_and_leaves_automation_paused(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    stop = (await start(ports, house))["emergencyStop"]
    ana = await viewer_of(ports, house, house.owner_id)
    ben = await viewer_of(ports, house, house.reviewer_id)
    variables = {"id": stop["id"], "version": 9, "key": "l"}
    refused = (await execute(ports, ben, LIFT, variables))["data"]["emergencyStopLift"]
    assert refused["userErrors"][0]["code"] == "FORBIDDEN"
    late = (await execute(ports, ana, LIFT, variables))["data"]["emergencyStopLift"]
    assert late["userErrors"][0]["current"] == {"version": 1}
    lifted = (await execute(ports, ana, LIFT, {**variables, "version": 1, "key": "m"}))["data"]["emergencyStopLift"]
    assert lifted["emergencyStop"]["liftedBy"] == {"name": "Owner of acme"}
    await approve(ports, house, 0)
    await sweep(ports, random.Random(1))
    assert amounts(meta)[0] == 90
    switched = await automations.automation(ports.database.read(house.tenant_id), house.workspace.id)
    assert switched.paused
    await switches.set_(ports, ana, house.workspace.id, switched.version, AutomationChange(paused=False), "resume")


@pytest.mark.req("RO-10")
async def test_everybody_concerned_is_told_at_once(ports: Ports, house: House, meta: FakePlatform) -> None:
    await start(ports, house)
    await notifications.follow_log(ports, house.tenant_id)
    for who in (house.owner_id, house.reviewer_id):
        viewer = await viewer_of(ports, house, who)
        kinds = [each.kind for each in await notifications.page(ports, viewer, house.workspace.id, Slice(9))]
        assert NoticeKind.EMERGENCY_STOP in kinds


@pytest.fixture
async def client(ports: Ports, access_tokens: AccessTokens) -> AsyncIterator[httpx.AsyncClient]:
    relay = Relay(ports.database, Hints(), ports.clock)
    parts = {"settings": Settings(), "hints": None, "passwords": None, "relay": relay}
    backend = GraphQLBackend(Container(ports=ports, tokens=access_tokens, **parts))  # type: ignore[arg-type]
    app = Starlette(routes=export_routes(ports, backend))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened


@pytest.mark.req("RO-10")
async def test_the_incident_report_tells_it_all_as_json_and_as_pdf(
    ports: Ports, house: House, meta: FakePlatform, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    [cut] = await approve(ports, house, 0)
    await sweep(ports, random.Random(1))
    await approve(ports, house, 1)
    stop = (await start(ports, house))["emergencyStop"]
    clock.advance(timedelta(seconds=3))
    await work(ports)
    opened = await sessions.open_session(ports, Identity(house.tenant_id, house.analyst_id))
    headers = {"Authorization": f"Bearer {opened.access_token.text}"}
    path = f"/exports/incidents/{stop['id']}"
    report = (await client.get(f"{path}.json", headers=headers)).raise_for_status().json()
    assert report["summary"] == {"never_sent": 1, "put_back": 1, "not_put_back_yet": 0, "need_a_person": 0}
    assert (report["reason"], report["started_by"]["name"], report["seconds_to_stillness"]) == (
        "spend runs away", "Reviewer of acme", 3.0,
    )  # fmt: skip
    [line] = [each for each in report["changes"] if each["adjustment_id"] == str(cut.id)]
    assert (line["budget_before"], line["budget_intended"], line["status"], line["decided_by"]) == (
        "100.00", "90.00", "REVERTED", "Owner of acme",
    )  # fmt: skip
    assert (line["restoring"]["budget_restored"], line["restoring"]["status"]) == ("100.00", "CONFIRMED")
    pdf = await client.get(f"{path}.pdf", headers=headers)
    assert (pdf.headers["content-type"], pdf.content[:5], pdf.content.rstrip()[-5:]) == (
        "application/pdf", b"%PDF-", b"%%EOF",
    )  # fmt: skip
    assert (await client.get(f"{path}.json")).status_code == 401
    assert (await client.get(f"{path}.exe", headers=headers)).status_code == 404


async def test_names_beyond_latin_1_do_not_break_the_pdf(
    ports: Ports, house: House, meta: FakePlatform, client: httpx.AsyncClient
) -> None:
    viewer = await viewer_of(ports, house, house.owner_id)
    variables = {
        "workspace": global_id("Workspace", house.workspace.id), "hours": 0, "reason": "予算が暴走", "key": "k",
    }  # fmt: skip
    stop = (await execute(ports, viewer, START, variables))["data"]["emergencyStopStart"]["emergencyStop"]
    opened = await sessions.open_session(ports, Identity(house.tenant_id, house.owner_id))
    headers = {"Authorization": f"Bearer {opened.access_token.text}"}
    found = await client.get(f"/exports/incidents/{stop['id']}.pdf", headers=headers)
    assert (found.status_code, found.content[:5]) == (200, b"%PDF-")
    told = (await client.get(f"/exports/incidents/{stop['id']}.json", headers=headers)).json()
    assert told["reason"] == "予算が暴走"


async def test_a_worker_that_took_long_between_intent_and_call_looks_again(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop's row comes with the intent: as if this worker had been frozen between its commit and its call."""
    [change] = await approve(ports, house, 0)
    stored = adjustments.store_intent

    async def store_intent(scope: Any, value: Adjustment, now_utc: Any) -> bool:
        done = await stored(scope, value, now_utc)
        clock.advance(timedelta(seconds=1))
        stop = EmergencyStop(
            change.id, house.tenant_id, house.workspace.id, 1, "r", 0, ActorKind.MEMBER, "x", clock.now_utc(),
            None, None, None,
        )  # fmt: skip
        await emergency_stops.add_emergency_stop(scope, stop)
        return done

    monkeypatch.setattr(adjustments, "store_intent", store_intent)
    await sweep(ports, random.Random(1))
    [after] = await now(ports, change)
    assert (after.status, after.failure_code, after.sent_at_utc) == (AdjustmentStatus.FAILED, "EMERGENCY_STOP", None)
    assert meta.calls_of("set_daily_budget") == []
    assert replace(after, failure_code=None).attempts == 1
