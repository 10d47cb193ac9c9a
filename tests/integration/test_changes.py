"""Subscriptions to the log over real sockets: what reviewers see of each other, resuming, revocation, two processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

import realtime.relay
from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from domain.presences import PresenceMode
from domain.workspaces import Workspace
from kit.ids import new_id
from models import log, members, tenants
from realtime import hints as carrier
from realtime.hints import CarriedHints, Hints, open_hints
from schema.base import global_id
from schema.changes import cursor_of
from services import members as member_service
from services import presences
from services import recommendations as service
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.integration.sockets import Api, Client, serve

CHANGES = """subscription ($workspace: ID!, $after: Cursor) {
  recommendationChanges(workspaceId: $workspace, after: $after) {
    __typename
    ... on StreamMessage { sequence cursor }
    ... on Reload { reason }
    ... on RecommendationChanged { kind at actor { kind name } recommendation { id version status decidedBy { name } } }
  }
}"""
PROGRESS = """subscription ($workspace: ID!, $after: Cursor) {
  adjustmentProgress(workspaceId: $workspace, after: $after) {
    __typename
    ... on StreamMessage { sequence }
    ... on AdjustmentProgressed { kind actor { name } adjustment { status intendedBudget { amount } } }
  }
}"""
APPROVE = """mutation ($id: ID!, $key: String!) {
  recommendationApprove(id: $id, expectedVersion: 1, idempotencyKey: $key) {
    recommendation { version }
    userErrors {
      code message
      ... on RecommendationVersionConflict { changedBy { name } changedAt current { version status } }
    }
  }
}"""


@pytest.fixture
async def api(ports: Ports, access_tokens: AccessTokens, passwords: Passwords) -> AsyncIterator[Api]:
    hints = Hints()
    async with serve(replace(ports, hints=hints), hints, access_tokens, passwords, recheck_seconds=0.5) as served:
        yield served


async def follow(client: Client, house: House, after: str | None = None, query: str = CHANGES) -> None:
    await client.subscribe("s", query, workspace=global_id("Workspace", house.workspace.id), after=after)


def recommendation_id(house: House, place: int) -> str:
    return global_id("Recommendation", house.recommendations[place].id)


async def approve(api: Api, house: House, place: int) -> int:
    """The owner approves; returns the sequence number the log then has."""
    ana = await viewer_of(api.ports, house, house.owner_id)
    await service.approve(api.ports, ana, house.recommendations[place].id, 1, uuid4().hex)
    return (await log.head(api.ports.database.read(house.tenant_id)))[0]


@pytest.mark.req("DC-2", "RB-E3")
async def test_a_reviewer_sees_another_ones_decision_and_a_late_one_learns_who_won(api: Api, house: House) -> None:
    async with (
        api.client(house.tenant_id, house.owner_id) as ana,
        api.client(house.tenant_id, house.reviewer_id) as ben,
        api.client(house.tenant_id, house.reviewer_id) as ben_acts,
    ):
        await follow(ben, house)
        live = await ben.data("s")
        assert live == {"__typename": "Watermark", "sequence": 0, "cursor": cursor_of(0)}

        won = await ana.ask(APPROVE, id=recommendation_id(house, 0), key="a")
        assert won == {"recommendation": {"version": 2}, "userErrors": []}
        assert await ben.data("s") == {
            "__typename": "RecommendationChanged",
            "sequence": 2,
            "cursor": cursor_of(2),
            "kind": "recommendation.approved",
            "at": "2026-03-10T12:00:00.000000Z",
            "actor": {"kind": "MEMBER", "name": "Owner of acme"},
            "recommendation": {
                "id": recommendation_id(house, 0),
                "version": 2,
                "status": "APPROVED",
                "decidedBy": {"name": "Owner of acme"},
            },
        }
        lost = await ben_acts.ask(APPROVE, id=recommendation_id(house, 0), key="b")
        assert lost == {
            "recommendation": None,
            "userErrors": [
                {
                    "code": "VERSION_CONFLICT",
                    "message": "somebody else changed this recommendation first",
                    "changedBy": {"name": "Owner of acme"},
                    "changedAt": "2026-03-10T12:00:00.000000Z",
                    "current": {"version": 2, "status": "APPROVED"},
                }
            ],
        }


async def test_each_event_shows_the_subject_as_it_was_then(api: Api, house: House) -> None:
    ben = await viewer_of(api.ports, house, house.reviewer_id)
    item = house.recommendations[0]
    for version, percent in ((1, Decimal(-5)), (2, Decimal(-8))):
        change = service.BudgetChange(percent=percent)
        await service.edit(api.ports, ben, item.id, version, change, str(version))
    await service.reject(api.ports, ben, item.id, 3, "no", "r")
    async with api.client(house.tenant_id, house.analyst_id) as cleo:
        await follow(cleo, house, cursor_of(0))
        heard = [await cleo.data("s") for _ in range(4)]
    assert [(m["sequence"], m.get("kind"), m.get("recommendation", {}).get("version")) for m in heard] == [
        (1, "recommendation.edited", 2),
        (2, "recommendation.edited", 3),
        (3, "recommendation.rejected", 4),
        (3, None, None),
    ]
    assert [m["__typename"] for m in heard][-1] == "Watermark"
    assert [m["recommendation"]["status"] for m in heard[:3]] == ["NEEDS_REVIEW", "NEEDS_REVIEW", "REJECTED"]


async def test_an_approved_change_is_followed_on_its_way(api: Api, house: House) -> None:
    async with api.client(house.tenant_id, house.analyst_id) as cleo:
        await follow(cleo, house, query=PROGRESS)
        assert (await cleo.data("s"))["__typename"] == "Watermark"
        await approve(api, house, 0)
        assert await cleo.data("s") == {
            "__typename": "AdjustmentProgressed",
            "sequence": 1,
            "kind": "adjustment.queued",
            "actor": {"name": "Owner of acme"},
            "adjustment": {"status": "PENDING", "intendedBudget": {"amount": "90.00"}},
        }


@pytest.mark.req("DC-2")
async def test_who_was_cut_off_comes_back_and_has_missed_nothing(api: Api, house: House) -> None:
    async with api.client(house.tenant_id, house.reviewer_id) as ben:
        await follow(ben, house)
        await ben.data("s")
        await approve(api, house, 0)
        newest = (await ben.data("s"))["cursor"]
        ben.break_off()
    await approve(api, house, 1)
    await approve(api, house, 2)
    async with api.client(house.tenant_id, house.reviewer_id) as ben:
        await follow(ben, house, newest)
        heard = [await ben.data("s") for _ in range(3)]
        assert [(m["__typename"], m["sequence"]) for m in heard] == [
            ("RecommendationChanged", 4),
            ("RecommendationChanged", 6),
            ("Watermark", 6),
        ]
        await approve(api, house, 3)
        assert (await ben.data("s"))["sequence"] == 8


async def test_all_sockets_killed_at_once_recover_without_a_gap(api: Api, house: House) -> None:
    count = 200

    async def open_all(stack: AsyncExitStack) -> list[Client]:
        return [await stack.enter_async_context(api.client(house.tenant_id, house.analyst_id)) for _ in range(count)]

    async with AsyncExitStack() as stack:
        clients = await open_all(stack)
        for client in clients:
            await follow(client, house)
            assert (await client.data("s"))["sequence"] == 0
        await approve(api, house, 0)
        cursors = [(await client.data("s"))["cursor"] for client in clients[: count // 2]]
        for client in clients:
            client.break_off()
    await approve(api, house, 1)
    async with asyncio.timeout(10):
        while api.relay.followers(house.tenant_id):  # noqa: ASYNC110 - the product has no event for it
            await asyncio.sleep(0.01)
    async with AsyncExitStack() as stack:
        clients = await open_all(stack)
        async with asyncio.timeout(10):
            for place, client in enumerate(clients):
                await follow(client, house, cursors[place] if place < len(cursors) else cursor_of(0))
            for place, client in enumerate(clients):
                missed = [4] if place < len(cursors) else [2, 4]
                assert [(await client.data("s"))["sequence"] for _ in missed] == missed
    # Every stream has ended with its socket.
    async with asyncio.timeout(10):
        while api.relay.followers(house.tenant_id):  # noqa: ASYNC110 - the product has no event for it
            await asyncio.sleep(0.01)


async def test_a_thousand_abrupt_disconnects_leave_nothing_behind(api: Api, house: House) -> None:
    workspace = global_id("Workspace", house.workspace.id)
    tasks_before = len(asyncio.all_tasks())
    for _ in range(10):
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(api.client(house.tenant_id, house.analyst_id)) for _ in range(100)
            ]
            for client in clients:
                await follow(client, house)
                await client.data("s")
                await client.subscribe("p", PRESENCE, workspace=workspace)
                await client.data("p")
            assert api.relay.followers(house.tenant_id) == 100
            assert api.relay.presences.watchers(house.tenant_id, house.workspace.id) == 100
            for client in clients:
                client.break_off()
        async with asyncio.timeout(10):
            while api.relay._feeds or api.relay.presences._rooms:  # noqa: ASYNC110 - the product has no event for it
                await asyncio.sleep(0.01)
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > tasks_before:  # noqa: ASYNC110 - tasks end on their own
            await asyncio.sleep(0.01)


def errors(messages: list[dict[str, Any]]) -> list[str]:
    return [m["payload"][0]["extensions"]["code"] for m in messages if m["type"] == "error"]


async def test_a_revoked_member_hears_of_nothing_later_and_the_socket_is_closed(api: Api, house: House) -> None:
    scope = api.ports.database.read(house.tenant_id)
    ana = await viewer_of(api.ports, house, house.owner_id)
    async with (
        api.client(house.tenant_id, house.reviewer_id) as ben,
        api.client(house.tenant_id, house.analyst_id) as cleo,
    ):
        for client in (ben, cleo):
            await follow(client, house)
            assert (await client.data("s"))["__typename"] == "Watermark"
        await approve(api, house, 0)
        member = await members.member_of(scope, house.workspace.id, house.reviewer_id)
        assert member is not None
        await member_service.revoke(api.ports, ana, member.id, member.version)
        revoked_at = (await log.head(scope))[0]
        await approve(api, house, 1)

        heard = await ben.rest()
        assert ben.socket.close_code == 4403
        numbers = [m["payload"]["data"]["recommendationChanges"]["sequence"] for m in heard if m["type"] == "next"]
        assert numbers == [2]
        assert revoked_at == 3
        assert set(errors(heard)) <= {"UNAUTHENTICATED"}
        # Another one's revocation ends nobody else's stream, it only shows as a place.
        assert [(m["__typename"], m["sequence"]) for m in [await cleo.data("s") for _ in range(3)]] == [
            ("RecommendationChanged", 2),
            ("Watermark", 3),
            ("RecommendationChanged", 5),
        ]


async def test_who_loses_one_of_two_workspaces_comes_back_to_the_other(api: Api, house: House) -> None:
    scope = api.ports.database.read(house.tenant_id)
    other = Workspace(new_id(), house.tenant_id, "other", "USD", "UTC", "12:00", 0, 0.3, True, 1)
    async with api.ports.database.write(house.tenant_id) as write:
        await tenants.add_workspace(write, other)
        await members.add_membership(write, other.id, house.reviewer_id, ("data_analyst",))
    ana = await viewer_of(api.ports, house, house.owner_id)
    async with api.client(house.tenant_id, house.reviewer_id) as ben:
        await follow(ben, house)
        assert (await ben.data("s"))["__typename"] == "Watermark"
        await ben.subscribe("p", PRESENCE, workspace=global_id("Workspace", house.workspace.id))
        assert await ben.data("p") == {"whole": True, "items": []}
        member = await members.member_of(scope, house.workspace.id, house.reviewer_id)
        assert member is not None
        await member_service.revoke(api.ports, ana, member.id, member.version)
        await approve(api, house, 0)
        await presences.come(api.ports, ana, house.recommendations[0].id, PresenceMode.VIEWING)
        assert await ben.rest() == []
        assert ben.socket.close_code == 4403
    async with api.client(house.tenant_id, house.reviewer_id) as ben:
        for query in (CHANGES, PRESENCE):
            await ben.subscribe("s", query, workspace=global_id("Workspace", house.workspace.id))
            assert errors([await ben.hear()]) == ["NOT_FOUND"]
        await ben.subscribe("s", CHANGES, workspace=global_id("Workspace", other.id))
        assert await ben.data("s") == {"__typename": "Watermark", "sequence": 3, "cursor": cursor_of(3)}


async def set_roles(api: Api, house: House, user_id: UUID, *roles: str) -> int:
    """The owner gives a member these roles; returns the event's number."""
    scope = api.ports.database.read(house.tenant_id)
    ana = await viewer_of(api.ports, house, house.owner_id)
    member = await members.member_of(scope, house.workspace.id, user_id)
    assert member is not None
    await member_service.set_roles(api.ports, ana, member.id, member.version, roles)
    return (await log.head(scope))[0]


@pytest.mark.req("FR-PLT-003")
async def test_who_loses_a_role_and_keeps_another_hears_of_nothing_later_either(api: Api, house: House) -> None:
    async with (
        api.client(house.tenant_id, house.reviewer_id) as ben,
        api.client(house.tenant_id, house.reviewer_id) as idle,
        api.client(house.tenant_id, house.analyst_id) as cleo,
    ):
        for client in (ben, cleo):
            await follow(client, house)
            assert (await client.data("s"))["__typename"] == "Watermark"
        await idle.ask("{ viewer { name } }")
        await approve(api, house, 0)
        assert await set_roles(api, house, house.reviewer_id, "finance", "data_analyst") == 3
        await approve(api, house, 1)
        started = asyncio.get_running_loop().time()
        heard = await ben.rest()
        assert [m["payload"]["data"]["recommendationChanges"]["sequence"] for m in heard] == [2]
        assert await idle.rest() == []
        assert asyncio.get_running_loop().time() - started < 5
        assert (ben.socket.close_code, idle.socket.close_code) == (4403, 4403)
        assert [(await cleo.data("s"))["sequence"] for _ in range(3)] == [2, 3, 5]
    async with api.client(house.tenant_id, house.reviewer_id) as ben:
        await follow(ben, house, cursor_of(2))
        assert [(await ben.data("s"))["sequence"] for _ in range(2)] == [3, 5]


async def test_who_gets_a_further_role_stays(api: Api, house: House) -> None:
    scope = api.ports.database.read(house.tenant_id)
    async with api.client(house.tenant_id, house.analyst_id) as cleo:
        await follow(cleo, house)
        assert (await cleo.data("s"))["__typename"] == "Watermark"
        member = await members.member_of(scope, house.workspace.id, house.analyst_id)
        assert member is not None
        await set_roles(api, house, house.analyst_id, *member.roles, "finance")
        await approve(api, house, 0)
        assert [(await cleo.data("s"))["sequence"] for _ in range(2)] == [1, 3]
        await asyncio.sleep(0.6)  # the idle socket is looked at meanwhile
        await approve(api, house, 1)
        assert (await cleo.data("s"))["sequence"] == 5


async def test_what_cannot_be_followed_is_refused(api: Api, house: House, other_house: House) -> None:
    async with api.client(house.tenant_id, house.owner_id) as ana:
        for workspace, after, code in (
            (global_id("Workspace", other_house.workspace.id), None, "NOT_FOUND"),
            (global_id("Workspace", new_id()), None, "NOT_FOUND"),
            (global_id("Campaign", house.workspace.id), None, "NOT_FOUND"),
            ("nonsense", None, "INVALID_INPUT"),
            (global_id("Workspace", house.workspace.id), "nonsense", "INVALID_INPUT"),
            (global_id("Workspace", house.workspace.id), "bG9nOi0x", "INVALID_INPUT"),  # log:-1
        ):
            for query in (CHANGES, PROGRESS):
                await ana.subscribe("s", query, workspace=workspace, after=after)
                assert errors([await ana.hear()]) == [code]
        await ana.subscribe(
            "p", "subscription ($w: ID!) { presenceChanges(workspaceId: $w) { whole } }",
            w=global_id("Workspace", other_house.workspace.id),
        )  # fmt: skip
        assert errors([await ana.hear()]) == ["NOT_FOUND"]
    assert api.relay.followers(house.tenant_id) == api.relay.followers(other_house.tenant_id) == 0


PRESENCE = """subscription ($workspace: ID!) {
  presenceChanges(workspaceId: $workspace) { whole items { subjectId presences { mode who { name } } } }
}"""
COME = """mutation ($id: ID!) {
  presenceSet(recommendationId: $id, mode: EDITING) { presences { who { name } } userErrors { code } }
}"""
LEAVE = "mutation ($id: ID!) { presenceClear(recommendationId: $id) { presences { mode } userErrors { code } } }"


@pytest.mark.req("DC-2")
async def test_a_reviewer_sees_who_is_about_to_change_an_item(api: Api, house: House, other_house: House) -> None:
    item = recommendation_id(house, 0)
    async with (
        api.client(house.tenant_id, house.owner_id) as ana,
        api.client(house.tenant_id, house.reviewer_id) as ben,
    ):
        await ben.subscribe("p", PRESENCE, workspace=global_id("Workspace", house.workspace.id))
        assert await ben.data("p") == {"whole": True, "items": []}
        owner = {"who": {"name": "Owner of acme"}}
        assert await ana.ask(COME, id=item) == {"presences": [owner], "userErrors": []}
        there = {"subjectId": item, "presences": [{"mode": "EDITING", **owner}]}
        assert await ben.data("p") == {"whole": False, "items": [there]}
        asked = "query ($id: ID!) { recommendation(id: $id) { presences { who { name } } } }"
        assert await ana.ask(asked, id=item) == {"presences": [owner]}
        assert await ana.ask(LEAVE, id=item) == {"presences": [], "userErrors": []}
        assert await ben.data("p") == {"whole": False, "items": [{"subjectId": item, "presences": []}]}
        refused = {"presences": [], "userErrors": [{"code": "NOT_FOUND"}]}
        for mutation in (COME, LEAVE):
            assert await ana.ask(mutation, id=recommendation_id(other_house, 0)) == refused


@pytest.mark.req("DC-2", "RB-E3")
async def test_reviewers_at_two_processes_see_each_other_over_redis(
    ports: Ports,
    house: House,
    access_tokens: AccessTokens,
    passwords: Passwords,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(carrier, "CHANNEL", f"test:{uuid4().hex}")
    monkeypatch.setattr(realtime.relay, "POLL_SECONDS", 3_600.0)
    monkeypatch.setattr(realtime.presences, "POLL_SECONDS", 3_600.0)
    async with AsyncExitStack() as stack:
        served = []
        for _ in range(2):
            hints = await stack.enter_async_context(open_hints(redis_url))
            assert isinstance(hints, CarriedHints)
            async with asyncio.timeout(10):
                while not hints.sessions:  # noqa: ASYNC110 - no event tells it
                    await asyncio.sleep(0.01)
            served.append(
                await stack.enter_async_context(serve(replace(ports, hints=hints), hints, access_tokens, passwords))
            )
        here, there = served
        ana = await stack.enter_async_context(here.client(house.tenant_id, house.owner_id))
        ben = await stack.enter_async_context(there.client(house.tenant_id, house.reviewer_id))
        await follow(ben, house)
        assert (await ben.data("s"))["__typename"] == "Watermark"
        await ana.ask(APPROVE, id=recommendation_id(house, 0), key="a")
        changed = await ben.data("s")
        assert (changed["recommendation"]["version"], changed["actor"]["name"]) == (2, "Owner of acme")
        await ben.say(id="s", type="complete")
        await ben.subscribe("p", PRESENCE, workspace=global_id("Workspace", house.workspace.id))
        assert await ben.data("p") == {"whole": True, "items": []}
        await ana.ask(COME, id=recommendation_id(house, 1))
        assert [item["subjectId"] for item in (await ben.data("p"))["items"]] == [recommendation_id(house, 1)]
