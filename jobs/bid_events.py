"""The jobs that empty the bid processes' spools into the store, and that forget what is old. Idempotent.

Must not read an event.
"""

import asyncio
import logging
import sqlite3
import time
from typing import Final

from models import across_tenants
from services import bid_events
from services.bid_events import BidSpools
from services.ports import Ports

logger = logging.getLogger("campaign_express.jobs")

#: Stretches of one spool in one run, so that a full one does not keep the others waiting.
_STRETCHES: Final = 50


async def move_all(ports: Ports, spools: BidSpools, *, stretch: int = 64) -> int:
    """Move what is in the spools, and remove those that are over. Returns how many chunks were moved."""
    moved = 0
    for name in await asyncio.to_thread(spools.names):
        try:
            moved += await _move(ports, spools, name, stretch)
        except (sqlite3.Error, OSError):
            # Another worker may just have removed it; a damaged one must not stop the others.
            logger.warning("spool %s cannot be read now", name, exc_info=True)
    return moved


async def _move(ports: Ports, spools: BidSpools, name: str, stretch: int) -> int:
    position = await across_tenants.spool_position(ports.database.system(), name)
    moved = 0
    for _ in range(_STRETCHES):
        chunks = await asyncio.to_thread(spools.read, name, position, stretch)
        if not chunks:
            if await asyncio.to_thread(spools.remove, name, position, time.time()):
                await across_tenants.forget_spool(ports.database.system_write(), name)
            break
        await bid_events.move_stretch(ports, name, chunks)
        position = chunks[-1].id
        moved += len(chunks)
    return moved


async def forget_old_events(ports: Ports) -> int:
    """Forget raw events past their retention. Returns how many chunks."""
    return await bid_events.forget_old(ports)
