"""A workspace's switches: off at first, who may turn which, and a kill switch that loses no race."""

import asyncio
from uuid import UUID, uuid4

import pytest

from domain.access import Permission, Principal, PrincipalKind
from domain.automations import Automation, AutomationChange
from domain.errors import Forbidden, InvalidInput, VersionConflict
from kit.ids import new_id
from models import log, members
from services import api_keys
from services import automations as service
from services.ports import Ports
from services.viewers import Viewer, look_up
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute, global_id


async def one_with(ports: Ports, house: House, *roles: str) -> Viewer:
    """Somebody new in the house's workspace."""
    user_id: UUID = new_id()
    async with ports.database.write(house.tenant_id) as scope:
        await members.add_user(scope, user_id, f"{user_id}@x.test", "New", "!", NOON)
        await members.add_membership(scope, house.workspace.id, user_id, roles)
    return await viewer_of(ports, house, user_id)


async def switch(ports: Ports, viewer: Viewer, house: House, version: int, **positions: bool) -> Automation:
    change = AutomationChange(**positions)
    return await service.set_(ports, viewer, house.workspace.id, version, change, str(uuid4()))


async def test_everything_is_off_until_somebody_switches_it_on(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    found = await service.one(ports, ana, house.workspace.id)
    assert (found.auto_approval, found.paused, found.live_sending, found.version) == (False, False, False, 0)
    after = await switch(ports, ana, house, 0, auto_approval=True)
    assert (after.auto_approval, after.live_sending, after.version) == (True, False, 1)
    assert await service.one(ports, ana, house.workspace.id) == after
    [event] = await log.events_after(ports.database.read(house.tenant_id), 0, 10)
    assert (event.entry.kind, event.entry.actor_id) == ("automation.set", str(house.owner_id))
    with pytest.raises(InvalidInput):
        await switch(ports, ana, house, 1, auto_approval=True)
    with pytest.raises(VersionConflict) as lost:
        await switch(ports, ana, house, 0, auto_approval=False)
    assert (lost.value.current_version, lost.value.changed_by_id) == (1, str(house.owner_id))


async def test_live_sending_takes_an_owner_and_anybody_who_sets_guardrails_may_end_it(
    ports: Ports, house: House
) -> None:
    trusted = await one_with(ports, house, "campaign_manager", "platform_engineer")
    with pytest.raises(Forbidden, match="takes an owner"):
        await switch(ports, trusted, house, 0, live_sending=True)
    ana = await viewer_of(ports, house, house.owner_id)
    await switch(ports, ana, house, 0, live_sending=True)
    assert (await switch(ports, trusted, house, 1, live_sending=False)).live_sending is False
    ben = await viewer_of(ports, house, house.reviewer_id)
    with pytest.raises(Forbidden):
        await switch(ports, ben, house, 2, auto_approval=True)


async def test_stopping_is_easier_than_starting(ports: Ports, house: House) -> None:
    ana, ben = [await viewer_of(ports, house, who) for who in (house.owner_id, house.reviewer_id)]
    await switch(ports, ana, house, 0, auto_approval=True)
    permissions = [Permission.SYSTEM_WRITE]
    made = await api_keys.create(ports, ana, house.workspace.id, "monitor", permissions, None)
    key = made.api_key.id
    monitor = await look_up(
        ports, Principal(PrincipalKind.API_KEY, house.tenant_id, key, key, frozenset({"system:write"}), None)
    )
    paused = await service.pause(ports, monitor, house.workspace.id, "a")
    assert (paused.paused, paused.acts, paused.version) == (True, False, 2)
    assert await service.pause(ports, ben, house.workspace.id, "b") == paused  # paused already
    for viewer in (ben, monitor):
        with pytest.raises(Forbidden):
            await switch(ports, viewer, house, 2, paused=False)
    cleo = await viewer_of(ports, house, house.analyst_id)
    with pytest.raises(Forbidden):
        await service.pause(ports, cleo, house.workspace.id, "c")
    assert (await switch(ports, ana, house, 2, paused=False)).acts
    kinds = [e.entry.kind for e in await log.events_after(ports.database.read(house.tenant_id), 0, 10)]
    assert kinds == ["automation.set", "api_key.created", "automation.paused", "automation.set"]


async def test_the_kill_switch_loses_no_race(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    await switch(ports, ana, house, 0, auto_approval=True)
    results = await asyncio.gather(
        switch(ports, ana, house, 1, live_sending=True),
        service.pause(ports, ana, house.workspace.id, "stop"),
        return_exceptions=True,
    )
    assert isinstance(results[1], Automation)
    assert (await service.one(ports, ana, house.workspace.id)).paused


async def test_clients_switch_and_stop(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    place = {"ws": global_id("Workspace", house.workspace.id)}
    shown = "automation { version autoApproval paused liveSending } userErrors { __typename code }"
    document = f"""mutation ($ws: ID!) {{
      on: automationSet(workspaceId: $ws, expectedVersion: 0, change: {{autoApproval: true}}, idempotencyKey: "1")
        {{ {shown} }}
      late: automationSet(workspaceId: $ws, expectedVersion: 0, change: {{liveSending: true}}, idempotencyKey: "2")
        {{ {shown} }}
      stop: automationPause(workspaceId: $ws, idempotencyKey: "3") {{ {shown} }}
    }}"""
    answer = (await execute(ports, ana, document, place))["data"]
    on = {"version": 1, "autoApproval": True, "paused": False, "liveSending": False}
    assert answer["on"] == {"automation": on, "userErrors": []}
    conflict = {"__typename": "AutomationVersionConflict", "code": "VERSION_CONFLICT"}
    assert answer["late"] == {"automation": None, "userErrors": [conflict]}
    assert answer["stop"]["automation"] == {**on, "version": 2, "paused": True}
    query = "query ($ws: ID!) { automation(workspaceId: $ws) { version paused } }"
    assert (await execute(ports, ana, query, place))["data"]["automation"] == {"version": 2, "paused": True}
