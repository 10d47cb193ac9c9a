"""The bid process put together: snapshot, model, engine, bidder, routes, server. Must not read settings or the ORM."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

from domain.bid_caps import CapLedger
from domain.bid_compiling import fitted
from domain.bid_snapshot import Snapshot, SpikingModel
from hotpath.auction.bidder import Bidder, BidderSettings, fresh_prefix
from hotpath.auction.notices import Tickets
from hotpath.engine.batched import BatchedDecisions
from hotpath.engine.engine import Engine, EngineSettings
from hotpath.grpc.service import serving_grpc
from hotpath.inference.batcher import Scheduler
from hotpath.inference.provider import CoLaNetProvider
from hotpath.inference.selection import provider_for
from hotpath.profiles.cache import ProfileCache
from hotpath.profiles.profiles import Profiles
from hotpath.server.protocol import Limits
from hotpath.server.routes import Routes
from hotpath.server.serving import serve
from hotpath.snapshots import NOTHING, SnapshotFile, watch

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
    engine = build_engine(snapshot, settings=settings, environment=environment)
    return bidder_over(engine, key=key, base_url=base_url, settings=settings, loop=loop)


def bidder_over(
    engine: Engine, *, key: bytes, base_url: str, settings: BidderSettings, loop: Scheduler | None
) -> Bidder:
    """A bidder over an engine; the arguments are `build_bidder`'s."""
    profiles = Profiles(ProfileCache(_CACHED_PROFILES, _PROFILE_TTL_S, time.monotonic), None)
    return Bidder(
        engine,
        Tickets(key, base_url),
        profile_of=profiles.at_once,
        settings=settings,
        soon=None if loop is None else BatchedDecisions(engine, loop).decide,
    )


def build_engine(snapshot: Snapshot, *, settings: BidderSettings, environment: Mapping[str, str]) -> Engine:
    """An engine over one snapshot, or over NOTHING. Raises BackendUnavailable, for either."""
    # A backend that cannot run here is told at the start, not when the first snapshot comes.
    model = snapshot.model if snapshot.model.offer_ids else fitted(None, ("none",))
    return Engine(
        snapshot,
        warm_provider(environment, model),
        time.time(),
        token_prefix=fresh_prefix(),
        caps=CapLedger(),
        settings=EngineSettings(open_s=settings.exposure_s),
    )


def warm_provider(environment: Mapping[str, str], model: SpikingModel) -> CoLaNetProvider:
    """The environment's backend with a model, warm. Raises BackendUnavailable."""
    provider = provider_for(environment, model)
    provider.warm_up()
    return provider


async def run_bid_process(
    listener: socket.socket,
    snapshots: Path | Snapshot,
    stop: asyncio.Event,
    *,
    key: bytes,
    base_url: str,
    limits: Limits,
    settings: BidderSettings,
    grpc_address: str = "",
) -> None:
    """Answer bid requests on a bound socket until `stop` is set and the last answer has left.

    `snapshots` is the file to follow, which may not be there yet: until then nothing is bid and the process is not
    ready. Or it is a snapshot to stay with. `grpc_address`, host and port, is where the same bidder answers over gRPC;
    empty: nowhere.

    Raises:
        AddressTaken: nobody can listen there.
    """
    start, loop = NOTHING if isinstance(snapshots, Path) else snapshots, asyncio.get_running_loop()
    engine = build_engine(start, settings=settings, environment=os.environ)
    bidder = bidder_over(engine, key=key, base_url=base_url, settings=settings, loop=loop)
    over_grpc = serving_grpc(grpc_address, bidder, stop, limits=limits) if grpc_address else nullcontext()
    async with over_grpc, following(snapshots, engine, os.environ) as has_snapshot:
        routes = Routes(
            bidder,
            most_body_bytes=limits.body_bytes,
            now=loop.time,
            ready=lambda: has_snapshot() and not stop.is_set(),
        )
        await serve(listener, routes, stop, limits=limits)


@asynccontextmanager
async def following(
    snapshots: Path | Snapshot, engine: Engine, environment: Mapping[str, str]
) -> AsyncIterator[Callable[[], bool]]:
    """Keep an engine at a file's newest snapshot while the block runs; gives whether there is one."""
    if isinstance(snapshots, Snapshot):
        yield lambda: True
        return
    file = SnapshotFile(snapshots, engine, partial(warm_provider, environment), time.time)
    watching = asyncio.create_task(watch(file))
    try:
        yield lambda: file.is_ready
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
