"""The log in the database: tampering with real rows is found, erasing is not tampering, appends stay gapless."""

import pytest

from domain.log import Actor, ActorKind
from models import log
from models.scope import Database
from services.logs import anchor_heads, verify
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import House, RecordedHints

SYSTEM = Actor(ActorKind.SYSTEM, "test")


async def write(ports: Ports, house: House, count: int) -> None:
    async with begin(ports, house.tenant_id, SYSTEM) as work:
        for _ in range(count):
            work.record("workspace.touched", "workspace", None, house.workspace)


async def damage(database: Database, sql: str, *parameters: object) -> None:
    assert await database.system_write().execute(sql, *parameters) > 0


TAMPERING = {
    "edited row": "UPDATE log_entries SET kind = 'innocent' WHERE tenant_id = $1 AND sequence = 3",
    "edited actor": "UPDATE log_entries SET actor_id = 'framed' WHERE tenant_id = $1 AND sequence = 3",
    "edited payload": "UPDATE log_payloads SET body = '{}' WHERE tenant_id = $1 AND sequence = 3",
    "removed row": "DELETE FROM log_entries WHERE tenant_id = $1 AND sequence = 3",
    "removed tail": "DELETE FROM log_entries WHERE tenant_id = $1 AND sequence >= 3",
    "lowered head": "UPDATE log_heads SET sequence = 2 WHERE tenant_id = $1",
}


@pytest.mark.req("FR-PLT-005")
@pytest.mark.parametrize("how", sorted(TAMPERING))
async def test_tampering_is_found(ports: Ports, house: House, how: str) -> None:
    await write(ports, house, 5)
    await anchor_heads(ports)
    assert await verify(ports, house.tenant_id) == []
    await damage(ports.database, TAMPERING[how], house.tenant_id)
    assert await verify(ports, house.tenant_id) != []


async def test_rows_that_changed_places_are_found(ports: Ports, house: House) -> None:
    await write(ports, house, 4)
    for old, new in ((2, 99), (3, 2), (99, 3)):
        await damage(
            ports.database,
            "UPDATE log_entries SET sequence = $1 WHERE tenant_id = $2 AND sequence = $3",
            new, house.tenant_id, old,
        )  # fmt: skip
    assert await verify(ports, house.tenant_id) != []


async def test_erased_payloads_leave_a_sound_chain_without_personal_data(ports: Ports, house: House) -> None:
    await write(ports, house, 3)
    await anchor_heads(ports)
    async with ports.database.write(house.tenant_id) as scope:
        assert await log.erase_payloads(scope, house.workspace.id) == 3
    assert await verify(ports, house.tenant_id) == []
    events = await log.events_after(ports.database.read(house.tenant_id), 0, 10)
    assert [(e.before, e.after) for e in events] == [(None, None)] * 3


async def test_many_events_of_one_step_get_consecutive_numbers(
    ports: Ports, house: House, hints: RecordedHints
) -> None:
    await write(ports, house, 150)
    await write(ports, house, 1)
    assert await log.head(ports.database.read(house.tenant_id)) == (
        151, (await log.events_after(ports.database.read(house.tenant_id), 150, 1))[0].entry.hash,
    )  # fmt: skip
    assert await verify(ports, house.tenant_id) == []
    assert hints.published == [(house.tenant_id, 150), (house.tenant_id, 151)]


async def test_a_failed_step_leaves_no_number_and_no_hint(ports: Ports, house: House, hints: RecordedHints) -> None:
    class Stop(Exception):
        pass

    async def fail() -> None:
        async with begin(ports, house.tenant_id, SYSTEM) as work:
            work.record("workspace.touched", "workspace", None, house.workspace)
            raise Stop

    with pytest.raises(Stop):
        await fail()
    assert (await log.head(ports.database.read(house.tenant_id)))[0] == 0
    assert hints.published == []


@pytest.mark.req("FR-PLT-001")
async def test_each_tenant_counts_for_itself(ports: Ports, house: House, other_house: House) -> None:
    await write(ports, house, 2)
    await write(ports, other_house, 3)
    for each, length in ((house, 2), (other_house, 3)):
        events = await log.events_after(ports.database.read(each.tenant_id), 0, 10)
        assert [e.entry.sequence for e in events] == list(range(1, length + 1))
        assert {e.entry.tenant_id for e in events} == {each.tenant_id}
