"""The use-case behind the bid process's snapshot: read what bids, compile it, hand it over where it changed.

Must not know where snapshots are kept, nor bid.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol

from domain.bid_campaigns import BidCampaign
from domain.bid_compiling import Compiled, Terms, compiled
from domain.bid_snapshot import SpikingModel, encode_snapshot
from models import across_tenants
from services.ports import Ports

logger = logging.getLogger("campaign_express.bid_snapshots")

_MS_PER_S: Final = 1_000


class SnapshotStore(Protocol):
    """Where the bid processes find their snapshot."""

    def is_there(self) -> bool:
        """Whether one that was published can be found."""

    def publish(self, at_least: int, encode: Callable[[int], bytes]) -> int:
        """Put a snapshot in place of the last, whole or not at all, and return its version.

        Args:
            at_least: the version, unless the last one's is as high: then the next above that.
            encode: the file's bytes for a version.
        """


@dataclass(slots=True)
class Publisher:
    """Publishes for one worker; remembers what it published last, so that nobody loads the same thing again."""

    store: SnapshotStore
    terms: Terms
    model: SpikingModel | None = None
    _last: bytes = b""
    _left_out: frozenset[object] = field(default_factory=frozenset)

    async def publish(self, ports: Ports, now_utc: datetime) -> int | None:
        """Publish a snapshot of what bids now; its version, or None where nothing changed since the last.

        Args:
            ports: the database.
            now_utc: the machine's time, as the bid process and its exchanges have it, whatever day a demo plays.

        Raises:
            SnapshotBroken: the campaigns contradict each other; nothing was published.
        """
        campaigns = await across_tenants.live_bid_campaigns(ports.database.system())
        return await asyncio.to_thread(self._replace, campaigns, now_utc)

    def _replace(self, campaigns: list[BidCampaign], now_utc: datetime) -> int | None:
        made = self._compiled(campaigns, 0, now_utc.replace(hour=0, minute=0, second=0, microsecond=0))
        digest = sha256(encode_snapshot(made.snapshot)).digest()
        if digest == self._last and self.store.is_there():
            return None
        self._tell(made)
        # A clock's milliseconds rise also across a lost file, which a counter in the file would not survive.
        version = self.store.publish(
            int(now_utc.timestamp() * _MS_PER_S),
            lambda number: encode_snapshot(self._compiled(campaigns, number, now_utc).snapshot),
        )
        self._last = digest
        return version

    def _compiled(self, campaigns: list[BidCampaign], version: int, now_utc: datetime) -> Compiled:
        return compiled(campaigns, {}, self.terms, version=version, now_utc=now_utc, model=self.model)

    def _tell(self, made: Compiled) -> None:
        """Say once which campaigns cannot bid."""
        fresh = frozenset(made.left_out) - self._left_out
        self._left_out = frozenset(made.left_out)
        for campaign_id in fresh:
            logger.warning("campaign %s is not bid: its currency has no rate in CE_BID_RATES", campaign_id)
