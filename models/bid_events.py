"""What bid processes did, as the store keeps it: counted notices, a campaign's days, and how far spools were read.

High-volume facts: whole chunks of raw events are kept as they came, and no row goes through the log. Chunks and the
spools' positions belong to no tenant, because one request is bid on by several: their queries stand in
models/across_tenants.py.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from tortoise import Model, fields

from domain.bid_events import BidDay, DayKey, NoticeEvent, Tally, moment_utc
from kit.ids import new_id
from models.scope import Scope, WriteScope, as_values

#: Rows of one statement: its parameters must stay under SQLite's 32,766.
_ROWS: Final = 500
_POSITION: Final = "SELECT chunk FROM bid_spool_positions WHERE tenant_id = $1 AND spool = $2"


class BidEventChunkTable(Model):
    """A chunk of raw bid events, as a spool held it. No tenant."""

    id = fields.UUIDField(primary_key=True)
    spool = fields.CharField(max_length=64)
    chunk = fields.BigIntField()
    at_utc = fields.DatetimeField(db_index=True)
    events = fields.IntField()
    data = fields.BinaryField()

    class Meta:
        table = "bid_event_chunks"
        unique_together = (("spool", "chunk"),)


class BidSpoolTable(Model):
    """How far a spool was read by everybody. No tenant."""

    id = fields.UUIDField(primary_key=True)
    spool = fields.CharField(max_length=64, unique=True)
    chunk = fields.BigIntField()
    read_at_utc = fields.DatetimeField()

    class Meta:
        table = "bid_spools"


class BidSpoolPositionTable(Model):
    """How far a spool was read into the rows of a tenant."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    spool = fields.CharField(max_length=64, db_index=True)
    chunk = fields.BigIntField()

    class Meta:
        table = "bid_spool_positions"
        unique_together = (("tenant_id", "spool"),)


class BidNoticeTable(Model):
    """A notice that counted. A second one of the same kind and bid finds its place taken."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    campaign_id = fields.UUIDField()
    bid_id = fields.CharField(max_length=64)
    kind = fields.CharField(max_length=16)
    offer_id = fields.CharField(max_length=64)
    at_utc = fields.DatetimeField(db_index=True)
    currency = fields.CharField(max_length=3)
    cost_micros = fields.BigIntField()
    price_micros = fields.BigIntField()
    loss_reason = fields.IntField()

    class Meta:
        table = "bid_notices"
        unique_together = (("tenant_id", "bid_id", "kind"),)


class BidDayTable(Model):
    """One campaign on one UTC day in one currency."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField()
    campaign_id = fields.UUIDField()
    day = fields.DateField(db_index=True)
    currency = fields.CharField(max_length=3)
    bids = fields.BigIntField()
    wins = fields.BigIntField()
    impressions = fields.BigIntField()
    losses = fields.BigIntField()
    spend_micros = fields.BigIntField()

    class Meta:
        table = "bid_days"
        unique_together = (("tenant_id", "campaign_id", "day", "currency"),)


async def locked_position(scope: WriteScope, spool: str) -> int:
    """How far a spool was read into the tenant's rows; 0 before the first time. Nobody else can, until the commit."""
    await scope.execute(
        "INSERT INTO bid_spool_positions (id, tenant_id, spool, chunk) VALUES ($1, $2, $3, 0) "
        "ON CONFLICT (tenant_id, spool) DO NOTHING",
        new_id(),
        scope.tenant_id,
        spool,
    )
    if scope.is_sqlite:
        # The transaction began as the only writer.
        rows = await scope.rows(_POSITION, scope.tenant_id, spool)
    else:
        rows = await scope.rows(f"{_POSITION} FOR UPDATE", scope.tenant_id, spool)
    return int(rows[0]["chunk"])


async def store_position(scope: WriteScope, spool: str, chunk: int) -> None:
    """A spool was read up to this chunk into the tenant's rows."""
    await scope.of(BidSpoolPositionTable).filter(spool=spool).update(chunk=chunk)


async def add_notices(scope: WriteScope, notices: Sequence[NoticeEvent]) -> list[NoticeEvent]:
    """Store notices; those among them that were not there before, whichever process counted them."""
    fresh: list[NoticeEvent] = []
    for start in range(0, len(notices), _ROWS):
        fresh += await _add_notices(scope, notices[start : start + _ROWS])
    return fresh


async def _add_notices(scope: WriteScope, notices: Sequence[NoticeEvent]) -> list[NoticeEvent]:
    values: list[object] = [scope.tenant_id]
    marks = []
    for notice in notices:
        at = len(values)
        values += [
            new_id(), UUID(notice.campaign_id), notice.bid_id, notice.kind, notice.offer_id, moment_utc(notice.at_us),
            notice.house_currency, notice.cost_micros, notice.price_micros, notice.loss_reason,
        ]  # fmt: skip
        numbered = ", ".join(f"${at + place}" for place in range(1, 11))
        marks.append(f"($1, {numbered})")
    rows = await scope.rows(
        "INSERT INTO bid_notices (tenant_id, id, campaign_id, bid_id, kind, offer_id, at_utc, currency, cost_micros, "  # noqa: S608 - numbered marks only
        f"price_micros, loss_reason) VALUES {', '.join(marks)} "
        "ON CONFLICT (tenant_id, bid_id, kind) DO NOTHING RETURNING bid_id, kind",
        *values,
    )
    stored = {(row["bid_id"], row["kind"]) for row in rows}
    fresh = []
    for notice in notices:
        # Taken out once: the same notice twice among these is stored once.
        if (notice.bid_id, notice.kind) in stored:
            stored.discard((notice.bid_id, notice.kind))
            fresh.append(notice)
    return fresh


async def add_to_days(scope: WriteScope, tallies: Mapping[DayKey, Tally]) -> None:
    """Add to campaigns' days; a day that is not there yet begins with these."""
    # In one order, so that two transactions that meet never wait for each other.
    for key in sorted(tallies, key=lambda each: (each.campaign_id, each.day, each.currency)):
        tally = tallies[key]
        await scope.execute(
            "INSERT INTO bid_days (id, tenant_id, campaign_id, day, currency, bids, wins, impressions, losses, "
            "spend_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
            "ON CONFLICT (tenant_id, campaign_id, day, currency) DO UPDATE SET bids = bid_days.bids + EXCLUDED.bids, "
            "wins = bid_days.wins + EXCLUDED.wins, impressions = bid_days.impressions + EXCLUDED.impressions, "
            "losses = bid_days.losses + EXCLUDED.losses, spend_micros = bid_days.spend_micros + EXCLUDED.spend_micros",
            new_id(),
            scope.tenant_id,
            key.campaign_id,
            key.day,
            key.currency,
            tally.bids,
            tally.wins,
            tally.impressions,
            tally.losses,
            tally.spend_micros,
        )


async def bid_days(scope: Scope, campaign_ids: list[UUID], since: date, until: date) -> list[BidDay]:
    """Campaigns' stored days, both ends included, by campaign, day and currency."""
    rows = await (
        scope.of(BidDayTable)
        .filter(campaign_id__in=campaign_ids, day__gte=since, day__lte=until)
        .order_by("campaign_id", "day", "currency")
        .values()
    )
    return as_values(BidDay, rows)
