"""What bid processes have in common, in Redis: users' profiles, and the places under frequency caps.

Opens and closes both. Must not read settings, or wait for Redis before there is something to ask it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from hotpath.caps.redis_store import RedisCaps
from hotpath.caps.shared import SharedCaps
from hotpath.profiles.redis_store import RedisProfiles


@dataclass(frozen=True, slots=True)
class StoreAddresses:
    """redis:// or rediss://, or empty for none.

    Profiles may be evicted: they come again. Places must not be: a user would be shown more than a cap allows.
    """

    profiles: str = ""
    caps: str = ""


@dataclass(frozen=True, slots=True)
class Stores:
    """Nothing, where each process is alone."""

    profiles: RedisProfiles | None = None
    caps: SharedCaps | None = None


@asynccontextmanager
async def opened_stores(addresses: StoreAddresses) -> AsyncIterator[Stores]:
    """The stores that have an address, while the block runs."""
    async with AsyncExitStack() as stack:
        profiles = caps = None
        if addresses.profiles:
            profiles = RedisProfiles(addresses.profiles)
            stack.push_async_callback(profiles.close)
        if addresses.caps:
            places = RedisCaps(addresses.caps)
            stack.push_async_callback(places.close)
            caps = SharedCaps(places, asyncio.get_running_loop(), time.time)
            stack.push_async_callback(caps.close)
        yield Stores(profiles, caps)
