"""What surrounds the bidding of one process: its spools, its lateness, and the port that tells operators of both.

Opens and closes them in order. Must not bid, nor read settings.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector

from adapters.bid_spools import FileSpools
from domain.bid_spools import BIDS, NOTICES
from hotpath.auction.bidder import Bidder
from hotpath.events.sink import SpoolSink
from hotpath.events.spool import Spool, SpoolSettings
from hotpath.metrics.collector import BidCollector, Readings
from hotpath.metrics.exposition import MetricsServer, Probes
from hotpath.metrics.meters import Meters
from hotpath.server.shedding import Lateness, Shedder, SheddingSettings

#: A loop that has not turned for so long will not be helped by waiting.
_HANGS_S: Final = 10.0
#: Notices are few, and each is money: more commits, and less to lose.
_NOTICES_GATHER_S: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What an operator sets. `spools` is a folder; without `shedding` nothing is refused for being late."""

    spools: Path
    metrics: socket.socket
    spool: SpoolSettings
    shedding: SheddingSettings | None


@contextmanager
def metered(loop: asyncio.AbstractEventLoop, shedding: SheddingSettings | None) -> Iterator[Meters]:
    """Measure a loop while the block runs."""
    meters = Meters(Lateness(loop, time.monotonic), shedder=None if shedding is None else Shedder(shedding))
    meters.lateness.start()
    try:
        yield meters
    finally:
        meters.lateness.stop()


@asynccontextmanager
async def spooling(folder: Path, settings: SpoolSettings) -> AsyncIterator[SpoolSink]:
    """Open the spools; at the end all that was kept is on the disk.

    Raises:
        OSError, sqlite3.Error: nothing can be written there, so nothing may be bid.
    """
    of_notices = replace(settings, gather_s=min(settings.gather_s, _NOTICES_GATHER_S))
    sink = await asyncio.to_thread(lambda: SpoolSink(Spool(folder, BIDS, settings), Spool(folder, NOTICES, of_notices)))
    try:
        yield sink
    finally:
        await asyncio.to_thread(sink.close)


async def recall_notices(bidder: Bidder, folder: Path) -> int:
    """Let a bidder know what the processes before it counted; how many notices that are."""
    notices = await asyncio.to_thread(lambda: list(FileSpools(folder).notices_since(time.time())))
    return bidder.settlement.recall(notices)


@contextmanager
def telling(
    operations: Operations, meters: Meters, readings: Readings, sink: SpoolSink, *, unready: Callable[[], str]
) -> Iterator[None]:
    """Serve metrics, health and readiness while the block runs; `unready` says what is missing.

    To the readings comes what is known here: the spools, and how late the loop is.
    """
    lateness, shedder = meters.lateness, meters.shedder
    readings = replace(
        readings,
        spools={BIDS: sink.bids, NOTICES: sink.notices},
        gauges={
            "bid_loop_lag_seconds": ("The latest a turn began since the last look.", lateness.take_worst_lag_s),
            "bid_shedding": (
                "1 while requests that wait too long are refused.",
                lambda: float(shedder is not None and shedder.is_shedding),
            ),
            **readings.gauges,
        },
    )

    def hangs() -> str:
        return "" if time.monotonic() - lateness.beat_s < _HANGS_S else "the loop does not turn"

    def not_ready() -> str:
        return hangs() or unready() or ("" if sink.has_room else "there is no room for events")

    registry = CollectorRegistry()
    registry.register(BidCollector(readings))
    ProcessCollector(registry=registry)
    server = MetricsServer(operations.metrics, registry, Probes(hangs, not_ready))
    try:
        yield
    finally:
        server.close()
