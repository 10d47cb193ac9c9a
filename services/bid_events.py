"""The use-cases behind bid events: move them from the spools into the store, each once, and tell what they add up to.

One spool is moved a stretch of chunks at a time. Each tenant's rows and how far that tenant has come are one
transaction, so a worker that is killed, or another that moves the same spool, adds nothing twice; how far the spool as
a whole was moved is written last. Must not know where spools are kept.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol
from uuid import UUID

import msgspec

from domain.access import Permission
from domain.bid_campaigns import BidCampaign
from domain.bid_events import (
    BidDay,
    DayKey,
    NoticeEvent,
    Tally,
    decode_bids,
    decode_notices,
    tally_bids,
    tally_notices,
    uuid_of,
)
from domain.bid_spools import NOTICES, Chunk
from domain.metric_periods import Period, last_complete_days, period
from models import across_tenants, bid_events
from services.ports import Ports
from services.viewers import Viewer

logger = logging.getLogger("campaign_express.bid_events")

#: Raw events and notices are kept so long (days' sums stay).
RETENTION: Final = timedelta(days=90)
_USUAL_DAYS: Final = 7


class BidSpools(Protocol):
    """Where bid processes leave their events. Blocking: its calls are made from a thread."""

    def names(self) -> list[str]:
        """All spools, oldest first."""

    def read(self, name: str, after: int, limit: int) -> list[Chunk]:
        """The next chunks behind a number, in order."""

    def remove(self, name: str, moved_to: int, now_s: float) -> bool:
        """Remove a spool that is over and moved up to its end; False where it must stay."""


@dataclass(slots=True)
class _Share:
    """What one chunk holds of one tenant."""

    chunk: int
    tallies: dict[DayKey, Tally]
    notices: list[NoticeEvent]


async def move_stretch(ports: Ports, name: str, chunks: Sequence[Chunk]) -> None:
    """Move chunks of one spool, in order and without a gap, into the store. Again is the same as once.

    A chunk that cannot be read is told and left behind: those after it must not wait for ever.
    """
    if name.startswith(NOTICES):
        held = [(chunk.id, *_notices_of(name, chunk)) for chunk in chunks]
    else:
        held = [(chunk.id, _bids_of(name, chunk), []) for chunk in chunks]
    ids = {key.campaign_id for _, tallies, _ in held for key in tallies}
    owners = await across_tenants.bid_campaign_tenants(ports.database.system(), sorted(ids))
    shares: dict[UUID, list[_Share]] = {}
    for chunk, tallies, notices in held:
        for tenant_id in {owners[key.campaign_id] for key in tallies if key.campaign_id in owners}:
            mine = {key: tally for key, tally in tallies.items() if owners.get(key.campaign_id) == tenant_id}
            shares.setdefault(tenant_id, []).append(_Share(chunk, mine, _named(notices, mine)))
    for tenant_id, share in shares.items():
        await _add(ports, tenant_id, name, share, chunks[-1].id)
    now_utc = ports.clock.now_utc()
    if not name.startswith(NOTICES):
        await across_tenants.keep_bid_chunks(ports.database.system_write(), name, chunks, now_utc)
    await across_tenants.store_spool_position(ports.database.system_write(), name, chunks[-1].id, now_utc)


async def _add(ports: Ports, tenant_id: UUID, name: str, shares: list[_Share], last: int) -> None:
    async with ports.database.write(tenant_id) as scope:
        done = await bid_events.locked_position(scope, name)
        new = [share for share in shares if share.chunk > done]
        if not new:
            return
        sums: dict[DayKey, Tally] = {}
        for share in new:
            tallies = share.tallies
            if share.notices:
                tallies = tally_notices(await bid_events.add_notices(scope, share.notices))
            for key, tally in tallies.items():
                sums.setdefault(key, Tally()).add(tally)
        await bid_events.add_to_days(scope, sums)
        await bid_events.store_position(scope, name, last)


def _named(notices: list[NoticeEvent], tallies: dict[DayKey, Tally]) -> list[NoticeEvent]:
    ids = {key.campaign_id for key in tallies}
    return [notice for notice in notices if uuid_of(notice.campaign_id) in ids]


def _bids_of(name: str, chunk: Chunk) -> dict[DayKey, Tally]:
    try:
        return tally_bids(decode_bids(chunk.data))
    except msgspec.MsgspecError:
        logger.exception("chunk %d of %s holds no bid events", chunk.id, name)
        return {}


def _notices_of(name: str, chunk: Chunk) -> tuple[dict[DayKey, Tally], list[NoticeEvent]]:
    try:
        notices = [each for each in decode_notices(chunk.data) if not each.test]
    except msgspec.MsgspecError:
        logger.exception("chunk %d of %s holds no notices", chunk.id, name)
        return {}, []
    return tally_notices(notices), notices


def allowed_days(ports: Ports, viewer: Viewer, campaign: BidCampaign, since: date | None, until: date | None) -> Period:
    """The UTC days to show of a campaign: those asked for, else the last seven complete ones.

    Raises:
        NotFound, Forbidden
        InvalidInput: only one end given, the ends the wrong way round, or over 366 days.
    """
    viewer.require(campaign.workspace_id, Permission.ANALYTICS_READ)
    if since is None and until is None:
        return last_complete_days(ports.clock.now_utc().date(), _USUAL_DAYS)
    return period(since, until)


async def days(
    ports: Ports, viewer: Viewer, campaign: BidCampaign, since: date | None, until: date | None
) -> list[BidDay]:
    """What a campaign's bids came to on each stored UTC day, oldest first.

    Raises:
        NotFound, Forbidden, InvalidInput: as `allowed_days`.
    """
    asked = allowed_days(ports, viewer, campaign, since, until)
    scope = ports.database.read(viewer.tenant_id)
    return await bid_events.bid_days(scope, [campaign.id], asked.since, asked.until)


async def forget_old(ports: Ports) -> int:
    """Forget raw events past their retention. Returns how many chunks."""
    before_utc = ports.clock.now_utc() - RETENTION
    return await across_tenants.forget_bid_events(ports.database.system_write(), before_utc)


async def spent_on(ports: Ports, day: date, currency: str) -> dict[str, int]:
    """Micros that each campaign of every tenant has spent on a UTC day, by campaign id: what snapshots begin with."""
    return await across_tenants.bid_spend_of(ports.database.system(), day, currency)
