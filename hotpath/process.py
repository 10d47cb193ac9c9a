"""The bid process put together: snapshot, model, engine, bidder, routes, server. Must not read settings or the ORM."""

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from typing import Final

from domain.bid_caps import CapLedger
from domain.bid_snapshot import Snapshot
from hotpath.auction.bidder import Bidder, BidderSettings, fresh_prefix
from hotpath.auction.notices import Tickets
from hotpath.engine.batched import BatchedDecisions
from hotpath.engine.engine import Engine, EngineSettings
from hotpath.inference.batcher import Scheduler
from hotpath.inference.selection import provider_for
from hotpath.profiles.cache import ProfileCache
from hotpath.profiles.profiles import Profiles
from hotpath.server.protocol import Limits
from hotpath.server.routes import Routes
from hotpath.server.serving import serve

_CACHED_PROFILES: Final = 100_000
_PROFILE_TTL_S: Final = 60.0


def build_bidder(
    snapshot: Snapshot,
    *,
    key: bytes,
    base_url: str,
    settings: BidderSettings,
    environment: Mapping[str, str],
    loop: Scheduler | None = None,
) -> Bidder:
    """A bidder over one snapshot, its backend warm.

    Args:
        snapshot: what to bid with.
        key: signs notices; all processes that may get each other's notices share it.
        base_url: where exchanges send notices.
        settings: of the bidder.
        environment: names the inference backend.
        loop: on which requests are gathered into batches; without one each is scored by itself.

    Raises:
        BackendUnavailable: the backend cannot run here.
    """
    provider = provider_for(environment, snapshot.model)
    provider.warm_up()
    engine = Engine(
        snapshot,
        provider,
        time.time(),
        token_prefix=fresh_prefix(),
        caps=CapLedger(),
        settings=EngineSettings(open_s=settings.exposure_s),
    )
    profiles = Profiles(ProfileCache(_CACHED_PROFILES, _PROFILE_TTL_S, time.monotonic), None)
    return Bidder(
        engine,
        Tickets(key, base_url),
        profile_of=profiles.at_once,
        settings=settings,
        soon=None if loop is None else BatchedDecisions(engine, loop).decide,
    )


async def run_bid_process(
    listener: socket.socket,
    snapshot: Snapshot,
    stop: asyncio.Event,
    *,
    key: bytes,
    base_url: str,
    limits: Limits,
    settings: BidderSettings,
) -> None:
    """Answer bid requests on a bound socket until `stop` is set and the last answer has left."""
    loop = asyncio.get_running_loop()
    bidder = build_bidder(snapshot, key=key, base_url=base_url, settings=settings, environment=os.environ, loop=loop)
    routes = Routes(
        bidder,
        most_body_bytes=limits.body_bytes,
        now=loop.time,
        ready=lambda: not stop.is_set(),
    )
    await serve(listener, routes, stop, limits=limits)
