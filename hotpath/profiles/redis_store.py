"""The second level: profiles in Redis, for an hour, over at most 32 connections. Must not retry or hide a failure."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from redis.asyncio import ConnectionPool, Redis

from domain.bid_people import Profile

TTL_S: Final = 3_600
CONNECTIONS: Final = 32
#: How long Redis may keep a connection waiting; answers to exchanges do not wait for it (profiles.py).
SOCKET_S: Final = 0.25
_PREFIX: Final = "ce:profile:"
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Profile)


class RedisProfiles:
    """MessagePack under one key per user. More than 32 reads at once fail at once, they do not queue."""

    def __init__(self, redis_url: str) -> None:
        """Prepare the pool; nothing is connected yet."""
        self.pool = ConnectionPool.from_url(
            redis_url, max_connections=CONNECTIONS, socket_timeout=SOCKET_S, socket_connect_timeout=SOCKET_S
        )
        self._redis = Redis(connection_pool=self.pool)

    async def read(self, user_keys: Sequence[str]) -> dict[str, Profile | None]:
        """Each user's profile, or None; what is there and is no profile is left out. RedisError, OSError: no answer."""
        held: list[Any] = await self._redis.mget([_PREFIX + key for key in user_keys])
        found: dict[str, Profile | None] = {}
        for key, data in zip(user_keys, held, strict=True):
            try:
                found[key] = None if data is None else _DECODER.decode(data)
            except msgspec.MsgspecError:
                continue
        return found

    async def write(self, user_key: str, profile: Profile) -> None:
        """Store a profile for an hour."""
        await self._redis.set(_PREFIX + user_key, _ENCODER.encode(profile), ex=TTL_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
        await self.pool.disconnect()
