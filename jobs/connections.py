"""The jobs behind connections: renew tokens before they end, forget attempts that nobody came back from."""

from typing import Final
from uuid import UUID

from jobs.schedule import for_each
from services import connection_tokens, connections
from services.ports import Ports

_AT_ONCE: Final = 4


async def renew_all(ports: Ports) -> int:
    """Renew every connection whose tokens end soon. Returns how many this worker renewed."""

    async def renew(item: tuple[UUID, UUID]) -> bool:
        return await connection_tokens.renew_due(ports, *item)

    return sum(await for_each("renew", await connection_tokens.due(ports), renew, concurrency=_AT_ONCE))


async def forget_all_attempts(ports: Ports) -> int:
    """Forget attempts past their time. Returns how many."""
    return await connections.forget_attempts(ports)
