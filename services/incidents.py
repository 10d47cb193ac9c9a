"""The incident report of an emergency stop: every change it met, every campaign it paused. Must not decide anything.

How it is written down is app/incidents.py's.
"""

from dataclasses import dataclass
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment
from domain.campaigns import Campaign
from domain.emergency_stops import EmergencyStop, StopItem
from domain.histories import is_uuid
from domain.status_changes import StatusChange
from domain.workspaces import Workspace
from models import ad_accounts, adjustments, campaigns, members, status_changes, tenants
from models.scope import Scope
from services.emergency_stops import one
from services.ports import Ports
from services.viewers import Viewer


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One change that a stop met, with what it changed and what puts it back."""

    item: StopItem
    adjustment: Adjustment
    restoring: Adjustment | None
    account: AdAccount
    campaign: Campaign | None
    approved_by: str


@dataclass(frozen=True, slots=True)
class PauseLine:
    """One campaign that a stop paused, or whose restart it cut off."""

    change: StatusChange
    account: AdAccount
    campaign: Campaign | None


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """All there is to say of a stop at this moment; names where people have them."""

    stop: EmergencyStop
    workspace: Workspace
    started_by: str
    lifted_by: str | None
    lines: tuple[ReportLine, ...]
    pauses: tuple[PauseLine, ...]


async def report(ports: Ports, viewer: Viewer, stop_id: UUID) -> IncidentReport:
    """The incident report of a stop. Raises NotFound, Forbidden."""
    stop = await one(ports, viewer, stop_id)
    scope = ports.database.read(viewer.tenant_id)
    ids = [item.adjustment_id for item in stop.items]
    known = await adjustments.adjustments_by_id(scope, ids)
    restoring = await adjustments.adjustments_by_id(
        scope, [item.restoring_id for item in stop.items if item.restoring_id is not None]
    )
    asked = (await status_changes.changes_of_stops(scope, [stop.id])).get(stop.id, [])
    places = [(each.account_id, each.campaign_id) for each in known.values()]
    places += [(each.account_id, each.campaign_id) for each in asked]
    accounts = await ad_accounts.ad_accounts_by_id(scope, [account_id for account_id, _ in places])
    named = await campaigns.campaigns_by_id(scope, [campaign_id for _, campaign_id in places])
    people = await _names(
        scope, {stop.started_by_id, stop.lifted_by_id or "", *(each.approved_by_id for each in known.values())}
    )
    lines = [
        ReportLine(
            item=item,
            adjustment=each,
            restoring=None if item.restoring_id is None else restoring.get(item.restoring_id),
            account=accounts[each.account_id],
            campaign=named.get(each.campaign_id),
            approved_by=people.get(each.approved_by_id, each.approved_by_id),
        )
        for item in stop.items
        for each in [known[item.adjustment_id]]
    ]
    return IncidentReport(
        stop,
        await tenants.workspace(scope, stop.workspace_id),
        people.get(stop.started_by_id, stop.started_by_id),
        None if stop.lifted_by_id is None else people.get(stop.lifted_by_id, stop.lifted_by_id),
        tuple(lines),
        tuple(PauseLine(each, accounts[each.account_id], named.get(each.campaign_id)) for each in asked),
    )


async def _names(scope: Scope, actor_ids: set[str]) -> dict[str, str]:
    """Names of those actors who are people."""
    named = await members.names_by_user_id(scope, sorted(UUID(each) for each in actor_ids if is_uuid(each)))
    return {str(user_id): name for user_id, name in named.items()}
