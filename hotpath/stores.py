"""What several bid processes have in common, in Redis: users' profiles and the places under frequency caps.

Opens and closes both. Must not read settings, or wait for Redis before there is something to ask it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hotpath.caps.redis_store import RedisCaps
from hotpath.caps.shared import SharedCaps
from hotpath.profiles.redis_store import RedisProfiles


@dataclass(frozen=True, slots=True)
class Stores:
    """Nothing, where each process is alone."""

    profiles: RedisProfiles | None = None
    caps: SharedCaps | None = None


@asynccontextmanager
async def shared_stores(redis_url: str) -> AsyncIterator[Stores]:
    """Both, in one Redis, while the block runs; none without an address."""
    if not redis_url:
        yield Stores()
        return
    profiles, places = RedisProfiles(redis_url), RedisCaps(redis_url)
    caps = SharedCaps(places, asyncio.get_running_loop(), time.time)
    try:
        yield Stores(profiles, caps)
    finally:
        await caps.close()
        await places.close()
        await profiles.close()
