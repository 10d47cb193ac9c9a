"""Notifications over GraphQL: one's own list, read state, acknowledgement, wishes, and the live stream with resume."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.members import revoked
from domain.notifications.notices import NoticeKind
from kit.time import FixedClock
from models import members
from realtime.hints import Hints
from realtime.relay import Relay
from services import notifications
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import House, viewer_of
from tests.graphql_client import events, execute, global_id
from tests.integration.test_notifications import JOB, fail_adjustment, record

LIST = """query($w: ID!, $unread: Boolean!) {
  notificationUnreadCount(workspaceId: $w)
  notifications(workspaceId: $w, first: 10, unreadOnly: $unread) {
    nodes {
      id kind urgency title body at readAt
      subject { __typename id }
      alert { id kind title raisedAt acknowledgedAt acknowledgedBy { name } escalatedAt secondsToAnswer }
      deliveries { channel status }
    }
    pageInfo { hasNextPage }
  }
}"""


async def listed(ports: Ports, house: House, user_id: Any, *, unread: bool = False) -> tuple[int, list[dict[str, Any]]]:
    viewer = await viewer_of(ports, house, user_id)
    answer = await execute(ports, viewer, LIST, {"w": global_id("Workspace", house.workspace.id), "unread": unread})
    assert "errors" not in answer, answer
    return answer["data"]["notificationUnreadCount"], answer["data"]["notifications"]["nodes"]


@pytest.mark.req("RB-F7")
async def test_people_see_what_they_were_told_with_its_subject_and_alert(ports: Ports, house: House) -> None:
    adjustment_id = await fail_adjustment(ports, house)
    await notifications.follow_log(ports, house.tenant_id)
    count, [told] = await listed(ports, house, house.owner_id)
    assert count == 1
    assert (told["kind"], told["urgency"], told["readAt"]) == ("ADJUSTMENT_FAILED", "HIGH", None)
    assert (told["title"], told["body"]) == ("A budget change failed (100/33)", "no such ad set")
    assert told["subject"] == {"__typename": "Adjustment", "id": global_id("Adjustment", adjustment_id)}
    assert told["alert"]["raisedAt"] == told["at"] == "2026-03-10T12:00:00.000000Z"
    assert (told["alert"]["acknowledgedAt"], told["alert"]["secondsToAnswer"]) == (None, None)
    # Nothing leaves the app where no channel is set up.
    assert told["deliveries"] == []
    assert await listed(ports, house, house.analyst_id) == (0, [])


@pytest.mark.req("RB-S4")
async def test_reading_and_acknowledging(ports: Ports, house: House, clock: FixedClock) -> None:
    await fail_adjustment(ports, house)
    await notifications.follow_log(ports, house.tenant_id)
    _, [told] = await listed(ports, house, house.owner_id)
    ana = await viewer_of(ports, house, house.owner_id)
    ben = await viewer_of(ports, house, house.reviewer_id)

    read = "mutation($id: ID!) { notificationRead(id: $id) { notification { readAt } userErrors { code message } } }"
    clock.advance(timedelta(seconds=90))
    answer = (await execute(ports, ana, read, {"id": told["id"]}))["data"]["notificationRead"]
    assert answer == {"notification": {"readAt": "2026-03-10T12:01:30.000000Z"}, "userErrors": []}
    foreign = (await execute(ports, ben, read, {"id": told["id"]}))["data"]["notificationRead"]
    assert foreign == {
        "notification": None, "userErrors": [{"code": "NOT_FOUND", "message": "no such notification"}]
    }  # fmt: skip
    assert await listed(ports, house, house.owner_id, unread=True) == (0, [])

    acknowledge = """mutation($id: ID!) { notificationAcknowledge(id: $id) {
      notification { alert { acknowledgedBy { name } secondsToAnswer } } userErrors { code } } }"""
    answer = (await execute(ports, ana, acknowledge, {"id": told["id"]}))["data"]["notificationAcknowledge"]
    assert answer == {
        "notification": {"alert": {"acknowledgedBy": {"name": "Owner of acme"}, "secondsToAnswer": 90}},
        "userErrors": [],
    }
    summary = """query($w: ID!) { alertSummary(workspaceId: $w) { raised settled escalated open inTime
      medianSecondsToAnswer p90SecondsToAnswer } alerts(workspaceId: $w, first: 5) { nodes { kind secondsToAnswer } } }"""
    found = (await execute(ports, ben, summary, {"w": global_id("Workspace", house.workspace.id)}))["data"]
    assert found["alertSummary"] == {
        "raised": 1, "settled": 1, "escalated": 0, "open": 0, "inTime": 1,
        "medianSecondsToAnswer": 90, "p90SecondsToAnswer": 90,
    }  # fmt: skip
    assert found["alerts"]["nodes"] == [{"kind": "ADJUSTMENT_FAILED", "secondsToAnswer": 90}]


async def test_reading_everything(ports: Ports, house: House) -> None:
    for index in range(2):
        await fail_adjustment(ports, house, index)
    await notifications.follow_log(ports, house.tenant_id)
    ana = await viewer_of(ports, house, house.owner_id)
    text = "mutation($w: ID!) { notificationsReadAll(workspaceId: $w) { readCount userErrors { code } } }"
    place = {"w": global_id("Workspace", house.workspace.id)}
    counts = [(await execute(ports, ana, text, place))["data"]["notificationsReadAll"] for _ in range(2)]
    assert counts == [{"readCount": 2, "userErrors": []}, {"readCount": 0, "userErrors": []}]
    assert (await listed(ports, house, house.owner_id))[0] == 0


async def test_what_is_no_alert_cannot_be_acknowledged(ports: Ports, house: House) -> None:
    await record(ports, house, "plan.proposed", None, house.plan)
    await notifications.follow_log(ports, house.tenant_id)
    _, [told] = await listed(ports, house, house.owner_id)
    assert told["alert"] is None
    answer = await execute(
        ports,
        await viewer_of(ports, house, house.owner_id),
        "mutation($id: ID!) { notificationAcknowledge(id: $id) { notification { id } userErrors { code } } }",
        {"id": told["id"]},
    )
    assert answer["data"]["notificationAcknowledge"] == {
        "notification": None, "userErrors": [{"code": "INVALID_TRANSITION"}]
    }  # fmt: skip


PREFERENCES = "kinds { kind inApp email sms slack } phone slackAddress dailyTime"
SET = f"""mutation($w: ID!, $change: NotificationPreferencesChange!) {{
  notificationPreferencesSet(workspaceId: $w, change: $change) {{
    preferences {{ {PREFERENCES} }} userErrors {{ field code message }} }} }}"""


async def test_wishes(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    place = global_id("Workspace", house.workspace.id)
    text = f"query($w: ID!) {{ notificationPreferences(workspaceId: $w) {{ {PREFERENCES} }} }}"
    before = (await execute(ports, ana, text, {"w": place}))["data"]["notificationPreferences"]
    assert len(before["kinds"]) == len(NoticeKind)
    assert before["kinds"][0] == {
        "kind": "APPROVALS_WAITING", "inApp": True, "email": "BATCHED", "sms": "OFF", "slack": "OFF",
    }  # fmt: skip
    assert (before["phone"], before["slackAddress"], before["dailyTime"]) == (None, None, "08:00")

    change = {
        "kinds": [{"kind": "APPROVALS_WAITING", "inApp": True, "email": "DAILY", "sms": "AT_ONCE"}],
        "phone": "+14155550100",
        "dailyTime": "7:05",
    }
    answer = (await execute(ports, ana, SET, {"w": place, "change": change}))["data"]["notificationPreferencesSet"]
    assert answer["userErrors"] == []
    after = (await execute(ports, ana, text, {"w": place}))["data"]["notificationPreferences"]
    assert after == answer["preferences"]
    assert after["kinds"] == [
        {"kind": "APPROVALS_WAITING", "inApp": True, "email": "DAILY", "sms": "AT_ONCE", "slack": "OFF"},
        *before["kinds"][1:],
    ]
    assert (after["phone"], after["dailyTime"]) == ("+14155550100", "07:05")
    refused = await execute(ports, ana, SET, {"w": place, "change": {"slackAddress": "general"}})
    assert refused["data"]["notificationPreferencesSet"] == {
        "preferences": None,
        "userErrors": [
            {
                "field": ["change", "slackAddress"],
                "code": "INVALID_INPUT",
                "message": "this is not a Slack id such as U012ABCDEF",
            }
        ],
    }


STREAM = """subscription($w: ID!, $after: Cursor) { notificationAdded(workspaceId: $w, after: $after) {
  __typename ... on StreamMessage { sequence cursor } ... on NotificationAdded { notification { title } } } }"""


@pytest.mark.req("RB-F7")
async def test_the_stream_brings_ones_own_and_resumes_without_a_gap(ports: Ports, house: House) -> None:
    hints = Hints()
    told = replace(ports, hints=hints)
    place = {"w": global_id("Workspace", house.workspace.id)}

    async def said(stream: Any) -> dict[str, Any]:
        async with asyncio.timeout(5):
            answer: dict[str, Any] = (await anext(stream))["data"]["notificationAdded"]
        return answer

    async with Relay.run(ports.database, hints, ports.clock) as relay:
        ana = await viewer_of(told, house, house.owner_id)
        cleo = await viewer_of(told, house, house.analyst_id)
        async with (
            aclosing(events(told, ana, relay, STREAM, place)) as mine,
            aclosing(  # type: ignore[type-var]
                events(told, cleo, relay, STREAM, place)
            ) as hers,
        ):
            assert (await said(mine))["__typename"] == "Watermark"
            assert (await said(hers))["__typename"] == "Watermark"
            await fail_adjustment(told, house, 0)
            await notifications.follow_log(told, house.tenant_id)
            first = await said(mine)
            assert (first["__typename"], first["notification"]["title"]) == (
                "NotificationAdded",
                "A budget change failed (100/33)",
            )
            # The analyst was told nothing, so there is nothing to hear.
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await anext(hers)
        await fail_adjustment(told, house, 1)
        await notifications.follow_log(told, house.tenant_id)
        resumed = events(told, ana, relay, STREAM, {**place, "after": first["cursor"]})
        async with aclosing(resumed) as again:  # type: ignore[type-var]
            second = await said(again)
            assert second["__typename"] == "NotificationAdded"
            assert second["sequence"] > first["sequence"]
            assert (await said(again))["__typename"] == "Watermark"


async def test_who_loses_the_role_hears_no_more(ports: Ports, house: House) -> None:
    hints = Hints()
    told = replace(ports, hints=hints)
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        ben = await viewer_of(told, house, house.reviewer_id)
        stream = events(told, ben, relay, STREAM, {"w": global_id("Workspace", house.workspace.id)})
        async with aclosing(stream) as heard:  # type: ignore[type-var]
            await anext(heard)
            async with begin(told, house.tenant_id, JOB) as work:
                before = await members.member_of(work.scope, house.workspace.id, house.reviewer_id)
                assert before is not None
                after = revoked(before, JOB, work.now_utc)
                await members.store_if_unchanged(work.scope, after)
                work.record("member.revoked", "member", before, after)
            with pytest.raises(Exception, match="no longer gives access"):
                async with asyncio.timeout(5):
                    await anext(heard)
