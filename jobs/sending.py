"""How workers send changes of any kind: look for what is due, hand each to its service, again while something moves.

Every platform has slots of its own: one that hangs keeps those, and nothing else waits for it. What was confirmed is
read once more when its platform has settled. The look only narrows; the services check again under their own locks.
Must not talk to a platform itself.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.platforms import Platform
from jobs.schedule import for_each

#: (tenant, change).
Item = tuple[UUID, UUID]
#: What is due of one platform, so many at most.
Due = Callable[[int, Platform], Awaitable[list[Item]]]

#: Changes of a kind on their way at the same time to one platform, in one worker: those whose steps come at the same
#: moment share a transaction. With one, an account that answers slowly would hold up all the others.
AT_ONCE: Final = 4
#: Looked at in one round; increases that wait for their decreases count too.
_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class Sending:
    """A kind of change: its name in logs, what of it is due, and the services that take it one step on.

    `send` gives None for what it did not move.
    """

    name: str
    due: Due
    send: Callable[[Item], Awaitable[object | None]]
    due_rechecks: Due
    recheck: Callable[[Item], Awaitable[object | None]]


async def send_all(kind: Sending, platforms: Collection[Platform]) -> int:
    """Send what is due to these platforms until nothing more moves. Returns how many moved.

    It ends when all platforms have: a worker's loop is for one.
    """

    async def send_to(platform: Platform) -> int:
        total = 0
        while True:
            # First: what a stray write undid is then sent in the same round.
            reread = await kind.due_rechecks(_LIMIT, platform)
            await for_each(f"{kind.name} recheck", reread, kind.recheck, concurrency=AT_ONCE)
            sent = await for_each(kind.name, await kind.due(_LIMIT, platform), kind.send, concurrency=AT_ONCE)
            moved = sum(after is not None for after in sent)
            total += moved
            if not moved:
                return total

    total = 0
    # Again: what was confirmed on one platform may have freed the money for another.
    while moved := sum(await for_each(f"{kind.name} round", list(platforms), send_to, concurrency=len(platforms))):
        total += moved
    return total
