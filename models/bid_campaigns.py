"""Campaigns that this product bids with itself, and their queries. Brand, targeting and offers are JSON text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from tortoise import Model, fields

from domain.bid_campaigns import BidCampaign, BidOffer, BidStatus, Brand
from domain.bid_snapshot import Targeting
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, only, sliced


class BidCampaignTable(Model):
    """A campaign that the bid process bids with."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    version = fields.IntField()
    name = fields.CharField(max_length=300)
    status = fields.CharField(max_length=16, db_index=True)
    seat = fields.CharField(max_length=64)
    currency_code = fields.CharField(max_length=3)
    bid_cpm_micros = fields.BigIntField()
    daily_budget_micros = fields.BigIntField()
    hourly_cap = fields.IntField()
    daily_cap = fields.IntField()
    least_score = fields.FloatField()
    brand = fields.TextField()
    targeting = fields.TextField()
    offers = fields.TextField()
    created_at_utc = fields.DatetimeField()

    class Meta:
        table = "bid_campaigns"


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    version: int
    name: str
    status: BidStatus
    seat: str
    currency_code: str
    bid_cpm_micros: int
    daily_budget_micros: int
    hourly_cap: int
    daily_cap: int
    least_score: float
    brand: str
    targeting: str
    offers: str
    created_at_utc: datetime


_JSON: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    "brand": msgspec.json.Decoder(Brand),
    "targeting": msgspec.json.Decoder(Targeting),
    "offers": msgspec.json.Decoder(tuple[BidOffer, ...]),
}


def bid_campaign_of(row: dict[str, Any]) -> BidCampaign:
    """A row as a value."""
    plain = as_value(_Row, row)
    return BidCampaign(
        **{name: getattr(plain, name) for name in _Row.__slots__ if name not in _JSON},
        **{name: decoder.decode(getattr(plain, name)) for name, decoder in _JSON.items()},
    )


async def bid_campaign(scope: Scope, campaign_id: UUID) -> BidCampaign:
    """One campaign. Raises NotFound."""
    rows = await scope.of(BidCampaignTable).filter(id=campaign_id).values()
    return bid_campaign_of(only(rows, "no such campaign"))


async def bid_campaigns_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, BidCampaign]:
    """Campaigns by id; other tenants' are absent."""
    found = [bid_campaign_of(row) for row in await scope.of(BidCampaignTable).filter(id__in=ids).values()]
    return {each.id: each for each in found}


async def bid_campaign_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[BidCampaign]:
    """What a slice fetches of a workspace's campaigns, newest first."""
    query = scope.of(BidCampaignTable).filter(workspace_id=workspace_id)
    return [bid_campaign_of(row) for row in await sliced(query, place, newest_first=True)]


async def add_bid_campaign(scope: WriteScope, value: BidCampaign) -> None:
    """A new campaign."""
    columns = {name: getattr(value, name) for name in BidCampaign.__slots__ if name != "tenant_id"}
    texts = {name: msgspec.json.encode(columns[name]).decode() for name in _JSON}
    await scope.create(BidCampaignTable, **{**columns, **texts, "status": value.status.value})


async def store_bid_status(scope: WriteScope, value: BidCampaign) -> bool:
    """Write the next version's status; False when somebody else was first."""
    query = scope.of(BidCampaignTable).filter(id=value.id, version=value.version - 1)
    return bool(await query.update(version=value.version, status=value.status.value))
