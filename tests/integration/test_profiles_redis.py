"""Profiles in a real Redis: an hour, and no more than 32 connections."""

import asyncio
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Unreachable

from domain.bid_people import FrequencyCap, Loyalty, Profile
from hotpath.profiles.redis_store import RedisProfiles

KNOWN = Profile(
    segments=(1, 2), interests=(0.5,) * 64, device_type="mobile", recency_score=0.5,
    frequency_cap=FrequencyCap(hourly=2, daily=5), loyalty=Loyalty(tier="gold", balance=3.0, qualifying_stars=4),
)  # fmt: skip


@pytest.mark.req("NFR-CACHE-003")
async def test_a_profile_stays_for_an_hour(redis_url: str) -> None:
    store, user, broken = RedisProfiles(redis_url), uuid4().hex, uuid4().hex
    raw = Redis.from_url(redis_url)
    try:
        assert await store.read([user]) == {user: None}
        await store.write(user, KNOWN)
        await raw.set(f"ce:profile:{broken}", b"\xc1", ex=60)
        assert await store.read([broken, user, "nobody"]) == {user: KNOWN, "nobody": None}
        assert 3_590 < await raw.ttl(f"ce:profile:{user}") <= 3_600
    finally:
        await raw.delete(f"ce:profile:{user}", f"ce:profile:{broken}")
        await raw.aclose()
        await store.close()


@pytest.mark.req("NFR-CACHE-004")
async def test_no_more_than_32_connections_are_opened(redis_url: str) -> None:
    store = RedisProfiles(redis_url)
    try:
        assert await asyncio.gather(*(store.read([str(n)]) for n in range(32))) == [{str(n): None} for n in range(32)]
        held = [await store.pool.get_connection() for _ in range(32)]
        with pytest.raises(Unreachable):
            await store.read(["one more"])
        for connection in held:
            await store.pool.release(connection)
        assert await store.read(["nobody"]) == {"nobody": None}
    finally:
        await store.close()
