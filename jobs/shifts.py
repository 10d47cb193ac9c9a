"""The job behind shifts: settles each that has not ended. Must not decide what its legs mean."""

from typing import Final
from uuid import UUID

from jobs.schedule import for_each
from services import shifts
from services.ports import Ports

_CONCURRENCY: Final = 4


async def settle_all(ports: Ports) -> int:
    """Settle every shift that has not ended. Returns how many changed."""

    async def settle(item: tuple[UUID, UUID]) -> bool:
        return await shifts.settle(ports, *item)

    return sum(await for_each("shift", await shifts.unsettled(ports), settle, concurrency=_CONCURRENCY))
