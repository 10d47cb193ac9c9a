"""The use-case behind the bid process's snapshot: read what bids, compile it, hand it over where it changed.

Must not know where snapshots are kept, nor bid.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol

from domain.bid_campaigns import BidCampaign
from domain.bid_compiling import Compiled, Terms, compiled
from domain.bid_snapshot import Seller, SpikingModel, encode_snapshot
from models import across_tenants
from services import bid_events
from services.ports import Ports

logger = logging.getLogger("campaign_express.bid_snapshots")

_MS_PER_S: Final = 1_000
#: What was spent changes all the time, and each process then reads the whole file again: told as often as pacing moves.
SPEND_EVERY: Final = timedelta(seconds=60)


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
    """Publishes for one worker; remembers what it published last, so that nobody loads the same thing again.

    `ads_txt` tells who may sell now, by domain; it may block.
    """

    store: SnapshotStore
    terms: Terms
    ads_txt: Callable[[], Mapping[str, tuple[Seller, ...]]] = dict
    model: SpikingModel | None = None
    _last: bytes = b""
    _spent: Mapping[str, int] = field(default_factory=dict)
    _told_utc: datetime | None = None
    _left_out: frozenset[object] = field(default_factory=frozenset)

    async def publish(self, ports: Ports, now_utc: datetime) -> int | None:
        """Publish a snapshot of what bids now; its version, or None where nothing changed since the last.

        Where only spend has changed, after a minute: with it each process learns what the others have spent.

        Args:
            ports: the database.
            now_utc: the machine's time, as the bid process and its exchanges have it, whatever day a demo plays.

        Raises:
            SnapshotBroken: the campaigns contradict each other; nothing was published.
        """
        campaigns = await across_tenants.live_bid_campaigns(ports.database.system())
        spent = await bid_events.spent_on(ports, now_utc.date(), self.terms.currency)
        return await asyncio.to_thread(self._replace, campaigns, spent, now_utc)

    def _replace(self, campaigns: list[BidCampaign], spent: Mapping[str, int], now_utc: datetime) -> int | None:
        self.terms = replace(self.terms, ads_txt=self.ads_txt())
        made = self._compiled(campaigns, {}, 0, now_utc.replace(hour=0, minute=0, second=0, microsecond=0))
        digest = sha256(encode_snapshot(made.snapshot)).digest()
        is_due = self._told_utc is None or now_utc - self._told_utc >= SPEND_EVERY
        if digest == self._last and self.store.is_there() and (spent == self._spent or not is_due):
            return None
        self._tell(made)
        # A clock's milliseconds rise also across a lost file, which a counter in the file would not survive.
        version = self.store.publish(
            int(now_utc.timestamp() * _MS_PER_S),
            lambda number: encode_snapshot(self._compiled(campaigns, spent, number, now_utc).snapshot),
        )
        self._last, self._spent, self._told_utc = digest, spent, now_utc
        return version

    def _compiled(
        self, campaigns: list[BidCampaign], spent: Mapping[str, int], version: int, now_utc: datetime
    ) -> Compiled:
        return compiled(campaigns, spent, self.terms, version=version, now_utc=now_utc, model=self.model)

    def _tell(self, made: Compiled) -> None:
        """Say once which campaigns cannot bid."""
        fresh = frozenset(made.left_out) - self._left_out
        self._left_out = frozenset(made.left_out)
        for campaign_id in fresh:
            logger.warning("campaign %s is not bid: its currency has no rate in CE_BID_RATES", campaign_id)
