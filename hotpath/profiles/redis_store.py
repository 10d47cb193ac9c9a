"""The second level: profiles in Redis, for an hour, over at most 32 connections. Must not retry or hide a failure."""

from typing import Final

import msgspec
from redis.asyncio import ConnectionPool, Redis

from domain.bid_features import Profile

TTL_S: Final = 3_600
CONNECTIONS: Final = 32
_PREFIX: Final = "ce:profile:"
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Profile)


class RedisProfiles:
    """MessagePack under one key per user. More than 32 reads at once fail at once, they do not queue."""

    def __init__(self, redis_url: str) -> None:
        """Prepare the pool; nothing is connected yet."""
        self.pool = ConnectionPool.from_url(redis_url, max_connections=CONNECTIONS)
        self._redis = Redis(connection_pool=self.pool)

    async def read(self, user_key: str) -> Profile | None:
        """A user's profile, or None. RedisError: not reachable; msgspec.MsgspecError: what is there is none."""
        data = await self._redis.get(_PREFIX + user_key)
        return None if data is None else _DECODER.decode(data)

    async def write(self, user_key: str, profile: Profile) -> None:
        """Store a profile for an hour."""
        await self._redis.set(_PREFIX + user_key, _ENCODER.encode(profile), ex=TTL_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
        await self.pool.disconnect()
