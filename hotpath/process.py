"""The bid process put together: snapshot, model, engine, bidder, routes, server. Must not read settings or the ORM."""

import asyncio
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from domain.bid_caps import CapLedger, Caps
from domain.bid_compiling import fitted
from domain.bid_snapshot import Snapshot, SpikingModel
from hotpath.auction.bidder import Bidder, BidderSettings, fresh_prefix
from hotpath.auction.notices import Tickets
from hotpath.caps.decisions import SharedDecisions
from hotpath.caps.shared import WAIT_S, SharedCaps
from hotpath.engine.batched import BatchedDecisions
from hotpath.engine.engine import Engine, EngineSettings
from hotpath.events.sink import EventSink
from hotpath.grpc.service import serving_grpc
from hotpath.inference.batcher import Scheduler
from hotpath.inference.provider import CoLaNetProvider
from hotpath.inference.selection import provider_for
from hotpath.metrics.collector import Readings
from hotpath.metrics.histogram import Histogram
from hotpath.metrics.timed import TimedProvider
from hotpath.operations import Operations, metered, recall_notices, spooling, telling
from hotpath.profiles.cache import ProfileCache
from hotpath.profiles.profiles import Profiles, ProfileStore
from hotpath.server.intake import Intake
from hotpath.server.protocol import Limits
from hotpath.server.routes import Routes
from hotpath.server.serving import serve
from hotpath.snapshots import NOTHING, SnapshotCounts, SnapshotFile, watch
from hotpath.stores import StoreAddresses, opened_stores
from kit.collector import few_collections
from kit.compiled import compiled_modules

logger = logging.getLogger("campaign_express.bid")

_CACHED_PROFILES: Final = 100_000
_PROFILE_TTL_S: Final = 60.0
_ALONE: Final = StoreAddresses()
_BACKLOG: Final = 2_048
#: The collector looks at what is new in pieces of about a millisecond, and never again at what has stayed: millions of
#: open bids, in which there are no circles, would hold every answer up for half a second.
_THRESHOLDS: Final = (20_000, 3, 1_000_000)
#: How long a thread keeps the interpreter from the loop at most; Python's own 5 ms would be half of what an answer has.
_SWITCH_S: Final = 0.0005


def build_bidder(
    snapshot: Snapshot,
    *,
    key: bytes,
    base_url: str,
    settings: BidderSettings,
    environment: Mapping[str, str],
    sink: EventSink,
    loop: Scheduler | None = None,
) -> Bidder:
    """A bidder over one snapshot, its backend warm.

    Args:
        snapshot: what to bid with.
        key: signs notices; all processes that may get each other's notices share it.
        base_url: where exchanges send notices.
        settings: of the bidder.
        environment: names the inference backend.
        sink: where events go.
        loop: on which requests are gathered into batches; without one each is scored by itself.

    Raises:
        BackendUnavailable: the backend cannot run here.
    """
    engine = build_engine(snapshot, settings=settings, environment=environment)
    return bidder_over(engine, Tickets(key, base_url), fresh_profiles(), settings=settings, sink=sink, loop=loop)


def fresh_profiles(store: ProfileStore | None = None) -> Profiles:
    """Profiles in memory, before a store where there is one."""
    return Profiles(ProfileCache(_CACHED_PROFILES, _PROFILE_TTL_S, time.monotonic), store)


def bidder_over(
    engine: Engine,
    tickets: Tickets,
    profiles: Profiles,
    *,
    settings: BidderSettings,
    sink: EventSink,
    loop: Scheduler | None = None,
    caps: SharedCaps | None = None,
) -> Bidder:
    """A bidder over an engine; `caps` is the engine's ledger where other nodes share it, the rest `build_bidder`'s."""
    soon = None if loop is None else BatchedDecisions(engine, loop).decide
    if soon is not None and caps is not None:
        # Every answer may have to wait so long for the others' word, and must still be in time.
        settings = replace(settings, network_s=settings.network_s + WAIT_S)
        soon = SharedDecisions(engine, caps, soon, open_s=settings.exposure_s, clock=time.time).decide
    return Bidder(engine, tickets, profiles=profiles, settings=settings, sink=sink, soon=soon)


def build_engine(
    snapshot: Snapshot,
    *,
    settings: BidderSettings,
    environment: Mapping[str, str],
    inference: Histogram | None = None,
    caps: Caps | None = None,
) -> Engine:
    """An engine over one snapshot, or over NOTHING; `inference` gets its backend's times.

    `caps` is the ledger of who saw what; without one the engine keeps its own.

    Raises:
        BackendUnavailable: for either.
    """
    # A backend that cannot run here is told at the start, not when the first snapshot comes.
    model = snapshot.model if snapshot.model.offer_ids else fitted(None, ("none",))
    return Engine(
        snapshot,
        warm_provider(environment, inference, model),
        time.time(),
        token_prefix=fresh_prefix(),
        caps=CapLedger() if caps is None else caps,
        settings=EngineSettings(open_s=settings.exposure_s),
    )


def warm_provider(environment: Mapping[str, str], inference: Histogram | None, model: SpikingModel) -> CoLaNetProvider:
    """The environment's backend with a model, warm, and timed where somebody asks. Raises BackendUnavailable."""
    provider = provider_for(environment, model)
    provider.warm_up()
    return provider if inference is None else TimedProvider(provider, inference)


async def run_bid_process(
    listener: socket.socket,
    snapshots: Path | Snapshot,
    stop: asyncio.Event,
    *,
    key: bytes,
    base_url: str,
    limits: Limits,
    settings: BidderSettings,
    operations: Operations,
    grpc_address: str = "",
    stores: StoreAddresses = _ALONE,
) -> None:
    """Answer bid requests on a bound socket until `stop` is set, the last answer has left and its event is on the disk.

    `snapshots` is the file to follow, which may not be there yet: until then nothing is bid and the process is not
    ready. Or it is a snapshot to stay with. `grpc_address`, host and port, is where the same bidder answers over gRPC;
    empty: nowhere. `stores` are those that it shares with other processes.

    Raises:
        AddressTaken: nobody can listen there.
        OSError, sqlite3.Error: the spools cannot be written.
    """
    # The threads beside the loop do little but wait for the disk; what they do, they are to do in small pieces.
    sys.setswitchinterval(_SWITCH_S)
    loop = asyncio.get_running_loop()
    start = NOTHING if isinstance(snapshots, Path) else snapshots
    async with spooling(operations.spools, operations.spool) as sink, opened_stores(stores) as shared:
        with metered(loop, operations.shedding) as meters:
            engine = build_engine(
                start, settings=settings, environment=os.environ, inference=meters.inference, caps=shared.caps
            )
            profiles = fresh_profiles(shared.profiles)
            bidder = bidder_over(
                engine, Tickets(key, base_url), profiles, settings=settings, sink=sink, loop=loop, caps=shared.caps
            )
            recalled = await recall_notices(bidder, operations.spools)
            logger.info("%d notices of before are remembered", recalled)
            over_grpc = serving_grpc(grpc_address, bidder, stop, limits=limits) if grpc_address else nullcontext()
            async with over_grpc, following(snapshots, engine, os.environ, meters.inference) as loaded:

                def unready() -> str:
                    return "draining" if stop.is_set() else "" if loaded.version else "no snapshot yet"

                gauges: dict[str, tuple[str, Callable[[], float]]] = {
                    "bid_compiled_modules": ("Modules that run compiled; 0: all are interpreted.", compiled_modules),
                    "bid_snapshot_version": ("Of the snapshot in use; 0 for none.", lambda: loaded.version),
                    "bid_snapshot_campaigns": ("Campaigns in it.", lambda: loaded.campaigns),
                    "bid_open_bids": ("Bids whose money is set aside.", lambda: engine.budgets.open_bids),
                    "bid_capped_pairs": ("Users' campaigns that count for caps.", lambda: len(engine.caps)),
                }
                routes = Routes(
                    bidder,
                    most_body_bytes=limits.body_bytes,
                    now=time.monotonic,
                    ready=lambda: not unready(),
                    late=meters.is_late,
                )
                readings = Readings(
                    bidder.counts,
                    meters.answers,
                    meters.inference,
                    profiles.counts,
                    caps=shared.caps.counts if shared.caps is not None else None,
                    snapshots=loaded,
                    backend=lambda: engine.provider.provider_name,
                    gauges=gauges,
                )
                # Whoever is told below that this process is ready and comes at once waits, and is not turned away.
                listener.listen(_BACKLOG)
                with few_collections(_THRESHOLDS), telling(operations, meters, readings, sink, unready=unready):
                    await serve(
                        listener,
                        Intake(routes, loop.call_soon),
                        stop,
                        limits=limits,
                        turn=meters.lateness.came_s,
                        observe=meters.answers.observe,
                    )


@asynccontextmanager
async def following(
    snapshots: Path | Snapshot, engine: Engine, environment: Mapping[str, str], inference: Histogram
) -> AsyncIterator[SnapshotCounts]:
    """Keep an engine at a file's newest snapshot while the block runs; gives what is in use."""
    if isinstance(snapshots, Snapshot):
        yield SnapshotCounts(snapshots.version, len(snapshots.campaigns))
        return
    file = SnapshotFile(snapshots, engine, partial(warm_provider, environment, inference), time.time)
    watching = asyncio.create_task(watch(file))
    try:
        yield file.counts
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
