"""Data loaders: related objects batched within one operation. Without a tenant they find nothing.

And reads: what fields open of a workspace beyond their object, checked against what the viewer holds there.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.access import Permission
from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.api_keys import ApiKey
from domain.campaigns import Budget, Campaign, CampaignDay
from domain.connections import Connection
from domain.documents import Document
from domain.emergency_stops import EmergencyStop
from domain.errors import InvalidInput, NotFound
from domain.guardrails import RuleSet
from domain.histories import ApprovalCounts, HistoryEntry, Performance, SpendMoved
from domain.lift import ChangeResult
from domain.members import MemberProfile
from domain.metric_periods import Period, Totals, totals
from domain.notifications.alerts import Alert
from domain.notifications.deliveries import Delivery
from domain.overviews import Overview
from domain.plans import Plan
from domain.platforms import Platform
from domain.presences import Presence
from domain.recommendations import Recommendation, RecommendationStatus
from domain.response_curves import ResponseCurve
from domain.review_times import ReviewTimes
from domain.reviews import PlatformSummary, ReviewProgress
from domain.shifts import Shift
from domain.status_changes import StatusChange
from domain.workspaces import Workspace
from kit.pagination import Slice
from models import (
    ad_accounts,
    adjustments,
    api_keys,
    campaigns,
    connections,
    daily_metrics,
    documents,
    emergency_stops,
    guardrails,
    members,
    notifications,
    plans,
    presences,
    recommendations,
    response_curves,
    shifts,
    status_changes,
    tenants,
)
from models.recommendations import RecommendationFilter
from models.scope import Scope
from services import ad_accounts as ad_account_cases
from services import adjustments as adjustment_cases
from services import campaigns as campaign_cases
from services import daily_metrics as metric_cases
from services import histories, reviews
from services import plans as plan_cases
from services import recommendations as recommendation_cases
from services.nodes import visible
from services.ports import Ports
from services.viewers import InWorkspace, Viewer, signed_in

K = TypeVar("K")
V = TypeVar("V")

Fetch = Callable[[Scope, list[UUID]], Awaitable[dict[UUID, V]]]

#: Campaign days one operation may load: 366 of 50 campaigns, or a month of 600. Each becomes an object of the answer.
MAX_OPERATION_DAYS: Final = 18_300


class TenantLoaders:
    """Loaders of one operation of one tenant; implements schema.context.Loaders."""

    def __init__(self, ports: Ports, tenant_id: UUID | None) -> None:
        self._ports = ports
        self._scope = None if tenant_id is None else ports.database.read(tenant_id)
        # Made when first asked for: most operations, and events above all, need none of them.
        self._loaders: dict[str, DataLoader[Any, Any]] = {}
        self._days_asked = 0

    async def _load(self, name: str, fetch: Fetch[V], id_: UUID) -> V | None:
        async def load(ids: list[UUID]) -> list[V | None]:
            # No tenant: fail closed, nothing is found.
            found = {} if self._scope is None else await fetch(self._scope, ids)
            return [found.get(each) for each in ids]

        return await self._loader(name, load).load(id_)

    def _loader(self, name: str, load: Callable[[list[K]], Awaitable[Sequence[V]]]) -> DataLoader[K, V]:
        """The loader of this name; one name's keys and values are always of the same types."""
        loader = self._loaders.get(name)
        if loader is None:
            loader = self._loaders[name] = DataLoader(load_fn=load)
        return loader

    async def workspace(self, id_: UUID) -> Workspace | None:
        """A workspace."""
        return await self._load("workspace", tenants.workspaces_by_id, id_)

    async def ad_account(self, id_: UUID) -> AdAccount | None:
        """An ad account."""
        return await self._load("ad_account", ad_accounts.ad_accounts_by_id, id_)

    async def campaign(self, id_: UUID) -> Campaign | None:
        """A campaign."""
        return await self._load("campaign", campaigns.campaigns_by_id, id_)

    async def budget(self, id_: UUID) -> Budget | None:
        """A budget entity."""
        return await self._load("budget", campaigns.budgets_by_id, id_)

    async def emergency_stop(self, id_: UUID) -> EmergencyStop | None:
        """An emergency stop."""
        return await self._load("emergency_stop", emergency_stops.emergency_stops_by_id, id_)

    async def shift(self, id_: UUID) -> Shift | None:
        """A shift."""
        return await self._load("shift", shifts.shifts_by_id, id_)

    async def status_change(self, id_: UUID) -> StatusChange | None:
        """A pause or restart of a campaign."""
        return await self._load("status_change", status_changes.status_changes_by_id, id_)

    async def stop_status_changes(self, stop_id: UUID) -> Sequence[StatusChange]:
        """What an emergency stop asked for, and the restarts it cut off."""
        return await self._load("stop_status_changes", status_changes.changes_of_stops, stop_id) or ()

    async def plan(self, id_: UUID) -> Plan | None:
        """A plan."""
        return await self._load("plan", plans.plans_by_id, id_)

    async def recommendation(self, id_: UUID) -> Recommendation | None:
        """A recommendation."""
        return await self._load("recommendation", recommendations.recommendations_by_id, id_)

    async def response_curve(self, recommendation_id: UUID) -> ResponseCurve | None:
        """The fitted curve behind a recommendation."""
        return await self._load("response_curve", response_curves.response_curves, recommendation_id)

    async def adjustment(self, id_: UUID) -> Adjustment | None:
        """An adjustment."""
        return await self._load("adjustment", adjustments.adjustments_by_id, id_)

    async def change_result(self, adjustment: Adjustment) -> ChangeResult:
        """What came of an adjustment."""
        return await self._loader("change_result", self._load_results).load(adjustment)

    async def _load_results(self, keys: list[Adjustment]) -> list[ChangeResult]:
        """One comparison for all changes of a workspace."""
        found: dict[UUID, ChangeResult] = {}
        for workspace_id in {each.workspace_id for each in keys}:
            mine = [each for each in keys if each.workspace_id == workspace_id]
            found |= await histories.results(self._ports, mine[0].tenant_id, workspace_id, mine)
        return [found[each.id] for each in keys]

    async def member(self, id_: UUID) -> MemberProfile | None:
        """A member with the person behind it."""
        return await self._load("member", members.profiles_by_id, id_)

    async def api_key(self, id_: UUID) -> ApiKey | None:
        """An API key."""
        return await self._load("api_key", api_keys.api_keys_by_id, id_)

    async def document(self, id_: UUID) -> Document | None:
        """A registered document."""
        return await self._load("document", documents.documents_by_id, id_)

    async def guardrail(self, id_: UUID) -> RuleSet | None:
        """The guardrails of one scope."""
        return await self._load("guardrail", guardrails.rule_sets_by_id, id_)

    async def connection(self, id_: UUID) -> Connection | None:
        """A connection to an ad platform."""
        return await self._load("connection", connections.connections_by_id, id_)

    async def alert(self, id_: UUID) -> Alert | None:
        """An alert."""
        return await self._load("alert", notifications.alerts_by_id, id_)

    async def notice_deliveries(self, notice_id: UUID) -> Sequence[Delivery]:
        """How a notice left the app, by channel."""
        return await self._load("notice_deliveries", notifications.deliveries_by_notice, notice_id) or ()

    async def presences_at(self, subject_id: UUID) -> Sequence[Presence]:
        """Who is at an item now."""
        return await self._load("presences_at", self._presences, subject_id) or ()

    async def _presences(self, scope: Scope, ids: list[UUID]) -> dict[UUID, list[Presence]]:
        here: dict[UUID, list[Presence]] = {}
        for presence in await presences.presences_at(scope, ids, self._ports.clock.now_utc()):
            here.setdefault(presence.subject_id, []).append(presence)
        return here

    async def user_name(self, user_id: UUID) -> str | None:
        """A person's name."""
        return await self._load("user_name", members.names_by_user_id, user_id)

    async def campaign_days(self, campaign_id: UUID, period: Period) -> list[CampaignDay]:
        """A campaign's stored days, oldest first. Raises InvalidInput when the operation asks for too many in all."""
        return await self._loader("campaign_days", self._load_days).load((campaign_id, period))

    async def _load_days(self, keys: list[tuple[UUID, Period]]) -> list[list[CampaignDay]]:
        """One statement for each distinct period."""
        self._days_asked += sum(period.days for _, period in keys)
        if self._days_asked > MAX_OPERATION_DAYS:
            raise InvalidInput(
                f"this operation asks for more than {MAX_OPERATION_DAYS} campaign days; ask for fewer",
                path=("since",),
            )
        found: dict[tuple[UUID, Period], list[CampaignDay]] = {key: [] for key in keys}
        if self._scope is not None:
            for period in {period for _, period in keys}:
                ids = [id_ for id_, its in keys if its == period]
                for day in await daily_metrics.days_since(self._scope, ids, period.since, period.until):
                    found[day.campaign_id, period].append(day)
        return [found[key] for key in keys]


@dataclass(frozen=True, slots=True)
class ViewerReads:
    """Reads of one operation; implements schema.context.Reads."""

    ports: Ports
    viewer: Viewer | None
    loaders: TenantLoaders

    def _viewer(self) -> Viewer:
        return signed_in(self.viewer)

    async def ad_accounts(self, workspace_id: UUID, place: Slice[UUID]) -> list[AdAccount]:
        """What a slice fetches of a workspace's accounts."""
        return await ad_account_cases.page(self.ports, self._viewer(), workspace_id, place)

    async def campaigns(self, workspace_id: UUID, place: Slice[UUID]) -> list[Campaign]:
        """What a slice fetches of a workspace's campaigns."""
        return await campaign_cases.page(self.ports, self._viewer(), workspace_id, place)

    async def recommendations(
        self,
        workspace_id: UUID,
        place: Slice[UUID],
        statuses: Sequence[RecommendationStatus] | None,
        platform: Platform | None,
    ) -> list[Recommendation]:
        """What a slice fetches of a workspace's recommendations."""
        wanted = RecommendationFilter(statuses, platform)
        return await recommendation_cases.page(self.ports, self._viewer(), workspace_id, place, wanted)

    async def adjustments(
        self, workspace_id: UUID, place: Slice[UUID], statuses: Sequence[AdjustmentStatus] | None
    ) -> list[Adjustment]:
        """What a slice fetches of a workspace's adjustments."""
        return await adjustment_cases.page(self.ports, self._viewer(), workspace_id, place, statuses)

    async def latest_plan(self, workspace_id: UUID) -> Plan | None:
        """A workspace's newest plan."""
        return await plan_cases.newest(self.ports, self._viewer(), workspace_id)

    async def platform_summaries(self, workspace_id: UUID) -> list[PlatformSummary]:
        """Each platform at a glance."""
        return await reviews.platform_summaries(self.ports, self._viewer(), workspace_id)

    async def review_progress(self, workspace: Workspace) -> ReviewProgress:
        """How today's review goes."""
        return await reviews.progress(self.ports, self._viewer(), workspace)

    def next_review_deadline_utc(self, workspace: Workspace) -> datetime:
        """When the next review deadline is, UTC."""
        return reviews.next_deadline(self.ports, workspace)

    async def history(
        self, workspace: Workspace, place: Slice[UUID], days: Period, platform: Platform | None
    ) -> list[HistoryEntry]:
        """What a slice fetches of the changes approved in a period."""
        return await histories.page(self.ports, self._viewer(), workspace, place, days, platform)

    def history_days(self, workspace: Workspace, since: date | None, until: date | None) -> Period:
        """The workspace's days asked for, the last thirty where nobody says which."""
        return histories.allowed_period(self.ports, self._viewer(), workspace, since, until)

    async def review_times(self, workspace: Workspace, days: Period) -> ReviewTimes:
        """How long people took for a period's recommendations."""
        return await histories.times_of_review(self.ports, self._viewer(), workspace, days)

    async def approval_counts(self, workspace: Workspace, days: Period) -> ApprovalCounts:
        """What became of a period's changes."""
        return await histories.approvals(self.ports, self._viewer(), workspace, days)

    async def overview(self, workspace: Workspace, days: Period) -> Overview:
        """The dashboard's figures of a period."""
        return await histories.overview(self.ports, self._viewer(), workspace, days)

    async def spend_moved(self, workspace: Workspace, days: Period) -> list[SpendMoved]:
        """Money moved by a period's changes."""
        return await histories.moved(self.ports, self._viewer(), workspace, days)

    async def performance(self, workspace: Workspace, days: Period) -> Performance:
        """What came of a period's changes."""
        return await histories.performance(self.ports, self._viewer(), workspace, days)

    async def _period(self, campaign: Campaign, since: date | None, until: date | None) -> tuple[str, Period]:
        account = await self.loaders.ad_account(campaign.account_id)
        if account is None:
            raise NotFound("no such ad account")
        period = metric_cases.allowed_period(self.ports, self._viewer(), campaign, account, since, until)
        return account.currency_code, period

    async def campaign_days(
        self, campaign: Campaign, since: date | None, until: date | None
    ) -> tuple[str, list[CampaignDay]]:
        """The account's currency code and the campaign's days, both ends included."""
        currency_code, period = await self._period(campaign, since, until)
        return currency_code, await self.loaders.campaign_days(campaign.id, period)

    async def campaign_totals(self, campaign: Campaign, since: date | None, until: date | None) -> tuple[str, Totals]:
        """The account's currency code and the sums over the same days."""
        currency_code, period = await self._period(campaign, since, until)
        return currency_code, totals(period, await self.loaders.campaign_days(campaign.id, period))

    async def node_value(self, type_name: str, id_: UUID) -> object | None:
        """The domain value behind a global id; None for what the viewer may not see, as for what does not exist."""
        known = NODES.get(type_name)
        if known is None:
            return None
        load, permission = known
        found = await load(self.loaders, id_)
        return found if found is not None and visible(self._viewer(), found, permission) else None


#: How each Node type is loaded, and what seeing it takes where it lives (None: being there).
NODES: Final[dict[str, tuple[Callable[[TenantLoaders, UUID], Awaitable[InWorkspace | None]], Permission | None]]] = {
    "Workspace": (TenantLoaders.workspace, None),
    "AdAccount": (TenantLoaders.ad_account, Permission.CAMPAIGN_READ),
    "Campaign": (TenantLoaders.campaign, Permission.CAMPAIGN_READ),
    "Budget": (TenantLoaders.budget, Permission.CAMPAIGN_READ),
    "Plan": (TenantLoaders.plan, Permission.CAMPAIGN_READ),
    "Recommendation": (TenantLoaders.recommendation, Permission.CAMPAIGN_READ),
    "Adjustment": (TenantLoaders.adjustment, Permission.CAMPAIGN_READ),
    "Guardrail": (TenantLoaders.guardrail, Permission.CAMPAIGN_READ),
    "EmergencyStop": (TenantLoaders.emergency_stop, Permission.CAMPAIGN_READ),
    "Shift": (TenantLoaders.shift, Permission.CAMPAIGN_READ),
    "CampaignStatusChange": (TenantLoaders.status_change, Permission.CAMPAIGN_READ),
    "PlatformGrant": (TenantLoaders.connection, Permission.CAMPAIGN_READ),
    "Member": (TenantLoaders.member, Permission.USER_READ),
    "ApiKey": (TenantLoaders.api_key, Permission.USER_READ),
    "TrustedDocument": (TenantLoaders.document, Permission.SYSTEM_READ),
}
