"""An emergency stop that pauses campaigns, over GraphQL and through the same safe steps, on both databases (RO-10)."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.incidents import as_json, as_pdf
from domain.emergency_stops import EmergencyStop
from domain.notifications.notices import NoticeKind, Urgency
from domain.platforms import CampaignStatus
from domain.status_changes import StatusChange, StatusChangeState
from jobs.dispatch import sweep
from jobs.emergency_stops import go_on_all
from jobs.status_changes import change_statuses
from kit.pagination import Slice
from kit.time import FixedClock
from models import ad_accounts, emergency_stops, log, status_changes
from services import emergency_stops as cases
from services import incidents, notifications
from services import status_changes as pauses
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration.fake_platform import FakePlatform, refused
from tests.integration.meta_shop import amounts, approve

ON, OFF = CampaignStatus.ENABLED, CampaignStatus.PAUSED
START = """mutation ($workspace: ID!, $pausing: EmergencyStopPausing!, $key: String!) {
  emergencyStopStart(workspaceId: $workspace, reason: "spend runs away", pauseCampaigns: $pausing, idempotencyKey: $key) {
    emergencyStop { id version pauseCampaigns stillAt pauseCount } userErrors { code message } } }"""
PREVIEW = """query ($workspace: ID!, $pausing: EmergencyStopPausing!) {
  emergencyStopPreview(workspaceId: $workspace, pauseCampaigns: $pausing) {
    pausedCount paused { name } restartsCutOffCount } }"""
SHOWN = """query ($id: ID!) { emergencyStop(id: $id) { pauseCampaigns pauseCount stillAt
  statusChanges { state wantedStatus byEmergencyStop failureCode campaign { name } requestedBy { kind } } } }"""


async def start(ports: Ports, house: House, pausing: str = "ALL", key: str = "s") -> Any:
    ben = await viewer_of(ports, house, house.reviewer_id)
    variables = {"workspace": global_id("Workspace", house.workspace.id), "pausing": pausing, "key": key}
    answer = (await execute(ports, ben, START, variables))["data"]["emergencyStopStart"]
    assert answer["userErrors"] == []
    return answer["emergencyStop"]


async def work(ports: Ports) -> None:
    """The stop's and the dispatchers' jobs, until none finds anything to do."""
    chance = random.Random(1)
    while await go_on_all(ports) + await change_statuses(ports, chance) + await sweep(ports, chance):
        pass


async def only(ports: Ports, house: House) -> EmergencyStop:
    place = Slice[Any](5)
    [stop] = await emergency_stops.emergency_stop_page(
        ports.database.read(house.tenant_id), house.workspace.id, place
    )  # fmt: skip
    return stop


async def asked(ports: Ports, house: House) -> list[StatusChange]:
    stop = await only(ports, house)
    found = await status_changes.changes_of_stops(ports.database.read(house.tenant_id), [stop.id])
    return found.get(stop.id, [])


def statuses(meta: FakePlatform) -> list[CampaignStatus]:
    return [each.status for each in meta.campaigns]


@pytest.mark.req("RO-10")
async def test_a_stop_pauses_all_that_runs_and_puts_budgets_back(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    await approve(ports, house, 0, 1)
    await sweep(ports, random.Random(1))
    clock.advance(timedelta(minutes=1))
    stop = await start(ports, house)
    assert (stop["pauseCampaigns"], stop["stillAt"]) == ("ALL", None)
    await work(ports)
    assert statuses(meta) == [OFF] * 4
    assert amounts(meta) == [100] * 4
    kept = await only(ports, house)
    assert kept.still_at_utc == clock.now_utc()
    assert [call[2] for call in meta.calls_of("set_campaign_status")] == [OFF] * 4
    ana = await viewer_of(ports, house, house.owner_id)
    shown = (await execute(ports, ana, SHOWN, {"id": stop["id"]}))["data"]["emergencyStop"]
    assert shown["pauseCount"] == 4
    assert shown["statusChanges"][0] == {
        "state": "CONFIRMED",
        "wantedStatus": "PAUSED",
        "byEmergencyStop": True,
        "failureCode": None,
        "campaign": {"name": "acme 0"},
        "requestedBy": {"kind": "SYSTEM"},
    }
    kinds = [e.entry.kind for e in await log.events_after(ports.database.read(house.tenant_id), 0, 1_000)]
    assert kinds[-1] == "emergency_stop.still"


@pytest.mark.req("RO-10")
async def test_a_stop_pauses_the_affected_campaigns_only_where_that_is_asked_for(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    """The second budget changed; the third's change is never sent, and nobody touched the first and the fourth."""
    await approve(ports, house, 1)
    await sweep(ports, random.Random(1))
    clock.advance(timedelta(minutes=1))
    await approve(ports, house, 2)
    ana = await viewer_of(ports, house, house.owner_id)
    variables = {"workspace": global_id("Workspace", house.workspace.id)}
    looks = [
        (await execute(ports, ana, PREVIEW, {**variables, "pausing": pausing}))["data"]["emergencyStopPreview"]
        for pausing in ("NONE", "AFFECTED", "ALL")
    ]
    assert [each["pausedCount"] for each in looks] == [0, 1, 4]
    assert looks[1]["paused"] == [{"name": "acme 1"}]
    await start(ports, house, "AFFECTED")
    await work(ports)
    assert statuses(meta) == [ON, OFF, ON, ON]


async def test_without_the_wish_nothing_is_paused(ports: Ports, house: House, meta: FakePlatform) -> None:
    await approve(ports, house, 0)
    await start(ports, house, "NONE")
    await work(ports)
    assert statuses(meta) == [ON] * 4
    assert await asked(ports, house) == []


@pytest.mark.req("RO-10")
async def test_what_waits_to_run_again_is_cut_off_and_running_again_is_a_persons_act_after_the_stop(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    await pauses.pause(ports, ana, house.campaigns[0].id, "too dear", "p")
    await change_statuses(ports, random.Random(1))
    clock.advance(timedelta(minutes=1))
    restart = await pauses.resume(ports, ana, house.campaigns[0].id, "try again", "r")
    look = (
        await execute(ports, ana, PREVIEW, {"workspace": global_id("Workspace", house.workspace.id), "pausing": "ALL"})
    )["data"]["emergencyStopPreview"]
    assert (look["restartsCutOffCount"], look["pausedCount"]) == (1, 3)
    await start(ports, house)
    await work(ports)
    assert statuses(meta) == [OFF] * 4
    [cut, *others] = await asked(ports, house)
    assert (cut.id, cut.state, cut.failure_code) == (restart.id, StatusChangeState.FAILED, "EMERGENCY_STOP")
    assert [each.state for each in others] == [StatusChangeState.CONFIRMED] * 3

    stop = await only(ports, house)
    await cases.lift(ports, ana, stop.id, stop.version, "lift")
    await work(ports)
    assert statuses(meta) == [OFF] * 4  # lifting sets nothing running
    await pauses.resume(ports, ana, house.campaigns[0].id, "all is well", "again")
    await work(ports)
    assert statuses(meta) == [ON, OFF, OFF, OFF]


async def test_a_second_start_that_wants_more_paused_widens_the_first(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    first = await start(ports, house, "NONE")
    await work(ports)
    assert (await only(ports, house)).still_at_utc is not None
    wider = await start(ports, house, "ALL", "t")
    assert (wider["id"], wider["pauseCampaigns"], wider["stillAt"]) == (first["id"], "ALL", None)
    assert (await start(ports, house, "AFFECTED", "u"))["pauseCampaigns"] == "ALL"
    await work(ports)
    assert statuses(meta) == [OFF] * 4
    assert (await only(ports, house)).still_at_utc is not None


async def test_of_two_workers_one_queues_the_pauses(ports: Ports, house: House, meta: FakePlatform) -> None:
    await start(ports, house)
    stop = await only(ports, house)
    await go_on_all(ports)
    assert await cases._pause_campaigns(ports, stop.id, list(house.campaigns)) is False
    await work(ports)
    assert len(await asked(ports, house)) == 4


async def test_what_cannot_be_paused_needs_a_person_and_is_in_the_report(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    meta.failures["set_campaign_status"] = [refused("no such campaign", platform_code="100")]
    await start(ports, house)
    clock.advance(timedelta(seconds=2))
    await work(ports)
    assert statuses(meta).count(OFF) == 3
    stop = await only(ports, house)
    assert stop.still_at_utc == clock.now_utc()
    report = await incidents.report(ports, await viewer_of(ports, house, house.analyst_id), stop.id)
    told = as_json(report)["pauses"]
    assert (told["campaigns_wanted"], told["summary"]) == (
        "ALL",
        {"paused": 3, "not_paused_yet": 0, "need_a_person": 1, "restarts_never_sent": 0},
    )
    [lost] = [each for each in told["campaigns"] if each["state"] == "FAILED"]
    assert (lost["failure_code"], lost["failure_reason"], lost["status_before"], lost["status_wanted"]) == (
        "100", "no such campaign", "ENABLED", "PAUSED",
    )  # fmt: skip
    assert as_pdf(report)[:5] == b"%PDF-"
    await notifications.follow_log(ports, house.tenant_id)
    ana = await viewer_of(ports, house, house.owner_id)
    kinds = [each.kind for each in await notifications.page(ports, ana, house.workspace.id, Slice(20))]
    assert NoticeKind.STATUS_CHANGE_FAILED in kinds
    assert NoticeKind.CAMPAIGN_PAUSED not in kinds  # the stop's own notice says it of all of them


async def test_a_campaign_behind_an_account_that_is_gone_is_told_to_a_person(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    async with ports.database.write(house.tenant_id) as scope:
        await ad_accounts.store_ad_account(scope, replace(house.account, connected=False))
    await start(ports, house)
    await work(ports)
    assert {(each.state, each.failure_code) for each in await asked(ports, house)} == {
        (StatusChangeState.FAILED, "DISCONNECTED")
    }
    assert (await only(ports, house)).still_at_utc is not None
    assert meta.calls == []


async def test_somebodys_own_pause_on_its_way_is_not_asked_for_again(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    await pauses.pause(ports, ana, house.campaigns[0].id, "too dear", "p")
    await start(ports, house)
    await work(ports)
    assert statuses(meta) == [OFF] * 4
    assert len(await asked(ports, house)) == 3


@pytest.mark.req("AS-14")
async def test_a_large_change_and_a_pause_are_told_to_who_answers_for_them(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    """10 and 20 of 100 change; the workspace is told of more than 15."""
    ana = await viewer_of(ports, house, house.owner_id)
    change = """mutation ($id: ID!) { workspaceUpdate(id: $id, expectedVersion: 1, change: {alertAbove: "15"},
      idempotencyKey: "w") { workspace { alertAbove } userErrors { message } } }"""
    answer = await execute(ports, ana, change, {"id": global_id("Workspace", house.workspace.id)})
    assert answer["data"]["workspaceUpdate"] == {"workspace": {"alertAbove": "15.00"}, "userErrors": []}
    await approve(ports, house, 0, 1)
    await pauses.pause(ports, ana, house.campaigns[3].id, "ROAS below 1", "p")
    await work(ports)
    await notifications.follow_log(ports, house.tenant_id)
    for who in (house.owner_id, house.reviewer_id):
        viewer = await viewer_of(ports, house, who)
        found = await notifications.page(ports, viewer, house.workspace.id, Slice(20))
        assert {(each.kind, each.urgency, each.title) for each in found} == {
            (NoticeKind.LARGE_BUDGET_CHANGE, Urgency.HIGH, "A daily budget was cut by 20.00 USD"),
            (NoticeKind.CAMPAIGN_PAUSED, Urgency.WARNING, "A campaign was paused"),
        }
