"""Use-cases of status changes: pause a campaign, set it running again, list. Sending is services/status_dispatch.py's.

Whoever may write campaigns may pause one, an API key too: stopping must be easier than starting. Setting one running
moves money, so it takes a person who may decide about budgets, and the hard limits hold for it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from domain import status_changes as rules
from domain.access import Permission, ReservedAct
from domain.campaigns import Campaign
from domain.errors import InvalidTransition
from domain.platforms import CampaignStatus
from domain.status_changes import StatusChange, StatusChangeState
from kit.ids import new_id
from kit.pagination import Slice
from models import ad_accounts, campaigns, locks, status_changes
from services.idempotency import once
from services.ports import Ports
from services.status_verdicts import require_leave
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SUBJECT: Final = "status_change"


async def page(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    place: Slice[UUID],
    states: Sequence[StatusChangeState] | None = None,
    campaign_id: UUID | None = None,
) -> list[StatusChange]:
    """What a slice fetches of a workspace's status changes, newest first. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await status_changes.status_change_page(scope, workspace_id, place, states, campaign_id)


async def one(ports: Ports, viewer: Viewer, change_id: UUID) -> StatusChange:
    """One status change. Raises NotFound for what the viewer cannot enter, Forbidden without campaign:read there."""
    found = await status_changes.status_change(ports.database.read(viewer.tenant_id), change_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such status change")
    return found


async def pause(ports: Ports, viewer: Viewer, campaign_id: UUID, reason: str, idempotency_key: str) -> StatusChange:
    """Queue what pauses a campaign: it spends nothing from when its platform obeys.

    Args:
        ports: the database.
        viewer: who may write campaigns, a person or an API key.
        campaign_id: which one.
        reason: 1 to 500 characters, for attribution.
        idempotency_key: of the client's choosing.

    Raises:
        NotFound, Forbidden, InvalidInput, InvalidTransition, GuardrailBlocked, IdempotencyMismatch
    """
    found = await _campaign(ports, viewer, campaign_id)
    viewer.require(found.workspace_id, Permission.CAMPAIGN_WRITE)
    return await _ask(ports, viewer, found, CampaignStatus.PAUSED, reason, "campaignPause", idempotency_key)


async def resume(ports: Ports, viewer: Viewer, campaign_id: UUID, reason: str, idempotency_key: str) -> StatusChange:
    """Queue what sets a campaign running again, as a person decides by hand.

    Args:
        ports: the database.
        viewer: a person who may decide about budgets.
        campaign_id: which one.
        reason: 1 to 500 characters, for attribution.
        idempotency_key: of the client's choosing.

    Raises:
        NotFound, Forbidden, InvalidInput, InvalidTransition, GuardrailBlocked, RateUnavailable, IdempotencyMismatch
    """
    found = await _campaign(ports, viewer, campaign_id)
    viewer.require_act(found.workspace_id, ReservedAct.DECIDE_BUDGETS)
    return await _ask(ports, viewer, found, CampaignStatus.ENABLED, reason, "campaignResume", idempotency_key)


async def _campaign(ports: Ports, viewer: Viewer, campaign_id: UUID) -> Campaign:
    found = await campaigns.campaign(ports.database.read(viewer.tenant_id), campaign_id)
    viewer.require_at(found, Permission.CAMPAIGN_READ, "no such campaign")
    return found


async def _ask(
    ports: Ports,
    viewer: Viewer,
    found: Campaign,
    wanted: CampaignStatus,
    reason: str,
    operation: str,
    idempotency_key: str,
) -> StatusChange:
    reason = rules.check_reason(reason)

    async def act(keep: Callable[[Work, StatusChange], Awaitable[None]]) -> StatusChange:
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            # Two who ask at once must see each other, and so must two resumes that share a limit.
            await locks.hold_account(work.scope, found.account_id)
            campaign = await campaigns.campaign(work.scope, found.id)
            account = await ad_accounts.ad_account(work.scope, campaign.account_id)
            if campaign.budget_id is None or not account.connected:
                raise InvalidTransition("this campaign's account is not connected to its platform", state="IMPORTED")
            await require_leave(
                ports, work.scope, campaign, account, work.now_utc, pauses=wanted is CampaignStatus.PAUSED
            )
            change = await request(work, campaign, wanted, reason)
            await keep(work, change)
        return change

    arguments = {"campaignId": str(found.id), "reason": reason}
    return await once(ports, viewer, idempotency_key, operation, arguments, StatusChange, act)


async def request(
    work: Work, campaign: Campaign, wanted: CampaignStatus, reason: str, stop_id: UUID | None = None
) -> StatusChange:
    """Queue a wanted status, inside an open transaction and for its actor; what waits for the opposite gives way.

    Whoever calls it has asked whether it may be (services/status_verdicts.py).

    Args:
        work: the transaction.
        campaign: as it stands.
        wanted: ENABLED or PAUSED.
        reason: 1 to 500 characters.
        stop_id: the emergency stop that asks for it.

    Raises:
        InvalidInput: no such reason or status.
        InvalidTransition: the campaign is gone, or on its way to be so already.
    """
    before = rules.status_before(wanted)
    reason = rules.check_reason(reason)
    unsettled = await status_changes.unsettled_of(work.scope, campaign.id)
    for each in rules.giving_way(campaign.status, unsettled, wanted):
        after = rules.superseded(each)
        # Where a worker was first it is on its way now: the new one queues behind it.
        if await status_changes.fail_never_sent(work.scope, after):
            work.record("status_change.failed", SUBJECT, each, after)
    change = StatusChange(
        id=new_id(),
        tenant_id=work.scope.tenant_id,
        workspace_id=campaign.workspace_id,
        account_id=campaign.account_id,
        campaign_id=campaign.id,
        state=StatusChangeState.PENDING,
        version=1,
        before=before,
        wanted=wanted,
        reason=reason,
        requested_by_kind=work.actor.kind,
        requested_by_id=work.actor.id,
        created_at_utc=work.now_utc,
        attempts=0,
        not_before_utc=work.now_utc,
        stop_id=stop_id,
    )
    await status_changes.add_status_change(work.scope, change)
    work.record("status_change.queued", SUBJECT, None, change)
    return change
