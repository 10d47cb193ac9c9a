"""Profiles in a real Redis: an hour, and no more than 32 connections."""

import asyncio
from uuid import uuid4

import msgspec
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Unreachable

from domain.bid_features import FrequencyCap, Loyalty, Profile
from hotpath.profiles.redis_store import RedisProfiles

KNOWN = Profile(
    segments=(1, 2), interests=(0.5,) * 64, device_type="mobile", recency_score=0.5,
    frequency_cap=FrequencyCap(hourly=2, daily=5), loyalty=Loyalty(tier="gold", balance=3.0, qualifying_stars=4),
)  # fmt: skip


@pytest.mark.req("NFR-CACHE-003")
async def test_a_profile_stays_for_an_hour(redis_url: str) -> None:
    store, user = RedisProfiles(redis_url), uuid4().hex
    raw = Redis.from_url(redis_url)
    try:
        assert await store.read(user) is None
        await store.write(user, KNOWN)
        assert await store.read(user) == KNOWN
        assert 3_590 < await raw.ttl(f"ce:profile:{user}") <= 3_600
        await raw.set(f"ce:profile:{user}", b"\xc1", ex=5)
        with pytest.raises(msgspec.MsgspecError):
            await store.read(user)
    finally:
        await raw.delete(f"ce:profile:{user}")
        await raw.aclose()
        await store.close()


@pytest.mark.req("NFR-CACHE-004")
async def test_no_more_than_32_connections_are_opened(redis_url: str) -> None:
    store = RedisProfiles(redis_url)
    try:
        assert await asyncio.gather(*(store.read(uuid4().hex) for _ in range(32))) == [None] * 32
        held = [await store.pool.get_connection() for _ in range(32)]
        with pytest.raises(Unreachable):
            await store.read("one more")
        for connection in held:
            await store.pool.release(connection)
        assert await store.read(uuid4().hex) is None
    finally:
        await store.close()
