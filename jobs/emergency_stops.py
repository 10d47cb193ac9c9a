"""The job behind emergency stops: goes on with each until all is still. Must not decide what a step is."""

from typing import Final
from uuid import UUID

from jobs.schedule import for_each
from services import emergency_stops
from services.ports import Ports

_CONCURRENCY: Final = 4


async def go_on_all(ports: Ports) -> int:
    """Do the next steps of every stop. Returns under how many something was done."""

    async def go_on(item: tuple[UUID, UUID]) -> bool:
        return await emergency_stops.go_on(ports, *item)

    unfinished = await emergency_stops.unfinished(ports)
    return sum(await for_each("emergency stop", unfinished, go_on, concurrency=_CONCURRENCY))
