"""The places that a user and a campaign have, in Redis: taken by one script, which no other node's can come between.

For each pair two sorted sets: open bids by when they expire, impressions by when they were shown. Redis removes what is
past, so a node that dies takes no place with it for longer than its bids were open. Users stand there as digests. Must
not wait for anything but Redis, nor retry.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import NoScriptError

CONNECTIONS: Final = 8
#: How long Redis may keep a connection waiting; answers to exchanges do not wait for it (shared.py).
SOCKET_S: Final = 0.25
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
#: A notice may come that long after its bid.
_NOTICE_S: Final = 2 * _HOUR_S
_PREFIX: Final = "ce:cap:"

# KEYS: shown, open. ARGV: now, a day ago, an hour ago, expires, open's ttl, hourly, daily, token.
_TAKE: Final = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
local open = redis.call('ZCARD', KEYS[2])
local hourly, daily = tonumber(ARGV[6]), tonumber(ARGV[7])
if daily > 0 and redis.call('ZCARD', KEYS[1]) + open >= daily then return 0 end
if hourly > 0 and redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[3], '+inf') + open >= hourly then return 0 end
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[8])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 1
"""


class Place(NamedTuple):
    """A bid's claim to one of a pair's places. Times are seconds since 1970; a cap of 0 is none."""

    token: str
    pair: str
    hourly_cap: int
    daily_cap: int
    now_s: float
    expires_s: float


class Settled(NamedTuple):
    """What became of a bid: shown, or lost. `pair` is empty where another node made the bid."""

    token: str
    pair: str
    shown: bool
    now_s: float


def pair_of(user: str, campaign: str) -> str:
    """A user and a campaign as one name that tells nobody the user."""
    return blake2b(f"{user}\0{campaign}".encode(), digest_size=16).hexdigest()


class RedisCaps:
    """The store of one process."""

    def __init__(self, redis_url: str) -> None:
        """Prepare the pool; nothing is connected yet."""
        self._pool = ConnectionPool.from_url(
            redis_url, max_connections=CONNECTIONS, socket_timeout=SOCKET_S, socket_connect_timeout=SOCKET_S
        )
        self._redis = Redis(connection_pool=self._pool)
        self._script = ""

    async def take(self, places: Sequence[Place]) -> list[bool]:
        """Which of the places were free; those are taken. Raises RedisError, OSError: Redis cannot say."""
        if not self._script:
            self._script = await self._redis.script_load(_TAKE)
        try:
            return await self._taken(places)
        except NoScriptError:
            # Redis has started anew, and the first script of the row already failed: nothing was taken.
            self._script = await self._redis.script_load(_TAKE)
            return await self._taken(places)

    async def _taken(self, places: Sequence[Place]) -> list[bool]:
        async with self._redis.pipeline(transaction=False) as row:
            for place in places:
                row.evalsha(self._script, 2, _shown(place.pair), _open(place.pair), *_arguments(place))
                row.set(_bid(place.token), place.pair, ex=_NOTICE_S)
            answers: list[Any] = await row.execute()
        return [answer == 1 for answer in answers[::2]]

    async def settle(self, settled: Sequence[Settled]) -> None:
        """Let lost bids' places go and keep shown ones' for a day, each once however often it is said.

        Raises:
            RedisError, OSError: Redis cannot be told; it may be told again.
        """
        unknown = [one.token for one in settled if not one.pair]
        found = dict(zip(unknown, await self._redis.mget(map(_bid, unknown)), strict=True)) if unknown else {}
        async with self._redis.pipeline(transaction=False) as row:
            for one in settled:
                raw = found.get(one.token)
                pair = one.pair or (raw.decode() if raw else "")
                if pair:
                    row.zrem(_open(pair), one.token)
                    if one.shown:
                        row.zadd(_shown(pair), {one.token: one.now_s}, nx=True)
                        row.expire(_shown(pair), _DAY_S)
            await row.execute()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
        await self._pool.disconnect()


def _arguments(place: Place) -> tuple[str | int | float, ...]:
    now_s = place.now_s
    ttl_s = max(1, int(place.expires_s - now_s) + 1)
    return (
        now_s, now_s - _DAY_S, now_s - _HOUR_S, place.expires_s, ttl_s, place.hourly_cap, place.daily_cap, place.token,
    )  # fmt: skip


def _shown(pair: str) -> str:
    # Braces keep a pair's keys in one slot of a cluster.
    return f"{_PREFIX}{{{pair}}}:shown"


def _open(pair: str) -> str:
    return f"{_PREFIX}{{{pair}}}:open"


def _bid(token: str) -> str:
    return f"{_PREFIX}bid:{token}"
