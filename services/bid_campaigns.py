"""Use-cases of campaigns that the bid process bids with: create, pause and resume, list.

A campaign that bids spends money without anybody's further review, so creating and resuming one takes a person who may
decide about budgets; pausing takes write access to campaigns alone. Must not compile or publish anything.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

import msgspec

from domain.access import Permission, ReservedAct
from domain.bid_campaigns import BidCampaign, BidOffer, BidStatus, Brand, checked
from domain.bid_snapshot import Targeting
from kit.ids import new_id
from kit.pagination import Slice
from models import bid_campaigns, tenants
from services.conflicts import logged_conflict
from services.idempotency import once
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SUBJECT: Final = "bid_campaign"
_KINDS: Final = {BidStatus.ACTIVE: "bid_campaign.resumed", BidStatus.PAUSED: "bid_campaign.paused"}


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of a new campaign; the fields are BidCampaign's. Offers get their ids when it is made."""

    name: str
    seat: str
    currency_code: str
    bid_cpm_micros: int
    daily_budget_micros: int
    brand: Brand
    offers: tuple[BidOffer, ...]
    targeting: Targeting = Targeting()
    hourly_cap: int = 0
    daily_cap: int = 0
    least_score: float = 0.0


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[BidCampaign]:
    """What a slice fetches of a workspace's campaigns, newest first. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    return await bid_campaigns.bid_campaign_page(ports.database.read(viewer.tenant_id), workspace_id, place)


async def one(ports: Ports, viewer: Viewer, campaign_id: UUID) -> BidCampaign:
    """One campaign. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await bid_campaigns.bid_campaign(ports.database.read(viewer.tenant_id), campaign_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such campaign")
    return found


async def create(ports: Ports, viewer: Viewer, workspace_id: UUID, draft: Draft, idempotency_key: str) -> BidCampaign:
    """A new campaign, which bids as soon as the next snapshot is out.

    Raises:
        NotFound, Forbidden, InvalidInput, IdempotencyMismatch
    """
    viewer.require_act(workspace_id, ReservedAct.DECIDE_BUDGETS)
    await tenants.workspace(ports.database.read(viewer.tenant_id), workspace_id)

    async def act(keep: Callable[[Work, BidCampaign], Awaitable[None]]) -> BidCampaign:
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            made = await create_in(work, workspace_id, draft)
            await keep(work, made)
            return made

    # Without the offers' ids, which are made for each attempt.
    asked = msgspec.to_builtins(draft)
    asked["offers"] = [{**offer, "id": ""} for offer in asked["offers"]]
    arguments = {"workspaceId": str(workspace_id), "campaign": asked}
    return await once(ports, viewer, idempotency_key, "bidCampaignCreate", arguments, BidCampaign, act)


async def create_in(work: Work, workspace_id: UUID, draft: Draft) -> BidCampaign:
    """Store a new campaign in an open transaction, and the event that says so. Raises InvalidInput."""
    made = BidCampaign(
        id=new_id(),
        tenant_id=work.scope.tenant_id,
        workspace_id=workspace_id,
        version=1,
        status=BidStatus.ACTIVE,
        created_at_utc=work.now_utc,
        **{name: getattr(draft, name) for name in Draft.__struct_fields__},
    )
    await bid_campaigns.add_bid_campaign(work.scope, checked(made))
    work.record("bid_campaign.created", SUBJECT, None, made)
    return made


async def set_status(
    ports: Ports, viewer: Viewer, campaign_id: UUID, expected_version: int, status: BidStatus, idempotency_key: str
) -> BidCampaign:
    """Pause or resume a campaign; the bid process follows with the next snapshot.

    Raises:
        NotFound, Forbidden, VersionConflict, IdempotencyMismatch, InvalidInput
    """
    found = await one(ports, viewer, campaign_id)
    if status is BidStatus.ACTIVE:
        viewer.require_act(found.workspace_id, ReservedAct.DECIDE_BUDGETS)
    else:
        viewer.require(found.workspace_id, Permission.CAMPAIGN_WRITE)

    async def act(keep: Callable[[Work, BidCampaign], Awaitable[None]]) -> BidCampaign:
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            before = await bid_campaigns.bid_campaign(work.scope, campaign_id)
            after = replace(before, version=expected_version + 1, status=status)
            if before.version != expected_version or not await bid_campaigns.store_bid_status(work.scope, after):
                raise await logged_conflict(work.scope, "somebody else changed it first", before, expected_version)
            work.record(_KINDS[status], SUBJECT, before, after)
            await keep(work, after)
            return after

    arguments = {"id": str(campaign_id), "expectedVersion": expected_version, "status": status.value}
    return await once(ports, viewer, idempotency_key, "bidCampaignSetStatus", arguments, BidCampaign, act)
