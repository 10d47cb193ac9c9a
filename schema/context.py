"""What fields may ask of their operation: loaders of related objects, and reads. Must not load anything itself.

`resolvers/loaders.py` implements the protocols; each operation and each subscription event has its own, so nothing is
shared between viewers and nothing goes stale.

Loaders know the tenant only: they are for what an object that the viewer may see refers to, under the permission that
showed the object. Reads know the viewer: they are for fields that open more than their object does, and check.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

import strawberry

from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.campaigns import Budget, Campaign, CampaignDay
from domain.emergency_stops import EmergencyStop
from domain.guardrails import RuleSet
from domain.histories import ApprovalCounts, HistoryEntry, Performance, SpendMoved
from domain.lift import ChangeResult
from domain.metric_periods import Period, Totals
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
from domain.status_changes import StatusChange
from domain.workspaces import Workspace
from kit.pagination import Slice


class Loaders(Protocol):
    """Related objects by id, batched; None for what the viewer's tenant does not have."""

    async def workspace(self, id_: UUID) -> Workspace | None:
        """A workspace."""

    async def ad_account(self, id_: UUID) -> AdAccount | None:
        """An ad account."""

    async def campaign(self, id_: UUID) -> Campaign | None:
        """A campaign."""

    async def budget(self, id_: UUID) -> Budget | None:
        """A budget entity."""

    async def plan(self, id_: UUID) -> Plan | None:
        """A plan."""

    async def recommendation(self, id_: UUID) -> Recommendation | None:
        """A recommendation."""

    async def response_curve(self, recommendation_id: UUID) -> ResponseCurve | None:
        """The fitted curve behind a recommendation; None where its proposer fits none."""

    async def adjustment(self, id_: UUID) -> Adjustment | None:
        """An adjustment."""

    async def change_result(self, adjustment: Adjustment) -> ChangeResult:
        """What came of an adjustment."""

    async def emergency_stop(self, id_: UUID) -> EmergencyStop | None:
        """An emergency stop."""

    async def stop_status_changes(self, stop_id: UUID) -> Sequence[StatusChange]:
        """The pauses that an emergency stop asked for, and the restarts it cut off, oldest first."""

    async def guardrail(self, id_: UUID) -> RuleSet | None:
        """The guardrails of one scope."""

    async def alert(self, id_: UUID) -> Alert | None:
        """An alert."""

    async def notice_deliveries(self, notice_id: UUID) -> Sequence[Delivery]:
        """How a notice left the app, by channel."""

    async def presences_at(self, subject_id: UUID) -> Sequence[Presence]:
        """Who is at an item now."""

    async def user_name(self, user_id: UUID) -> str | None:
        """A person's name, if they are or were a member of the tenant."""


class Reads(Protocol):
    """What the viewer may see of a workspace or campaign. Each raises NotFound or Forbidden where it may not."""

    async def ad_accounts(self, workspace_id: UUID, place: Slice[UUID]) -> list[AdAccount]:
        """What a slice fetches of a workspace's accounts."""

    async def campaigns(self, workspace_id: UUID, place: Slice[UUID]) -> list[Campaign]:
        """What a slice fetches of a workspace's campaigns."""

    async def recommendations(
        self,
        workspace_id: UUID,
        place: Slice[UUID],
        statuses: Sequence[RecommendationStatus] | None,
        platform: Platform | None,
    ) -> list[Recommendation]:
        """What a slice fetches of a workspace's recommendations."""

    async def adjustments(
        self, workspace_id: UUID, place: Slice[UUID], statuses: Sequence[AdjustmentStatus] | None
    ) -> list[Adjustment]:
        """What a slice fetches of a workspace's adjustments."""

    async def latest_plan(self, workspace_id: UUID) -> Plan | None:
        """A workspace's newest plan."""

    async def platform_summaries(self, workspace_id: UUID) -> list[PlatformSummary]:
        """Each platform at a glance."""

    async def review_progress(self, workspace: Workspace) -> ReviewProgress:
        """How today's review goes."""

    def next_review_deadline_utc(self, workspace: Workspace) -> datetime:
        """When the next review deadline is, UTC."""

    async def history(
        self, workspace: Workspace, place: Slice[UUID], days: Period, platform: Platform | None
    ) -> list[HistoryEntry]:
        """What a slice fetches of the changes approved in a period."""

    def history_days(self, workspace: Workspace, since: date | None, until: date | None) -> Period:
        """The workspace's days asked for, the last thirty where nobody says which. Raises InvalidInput, too."""

    async def review_times(self, workspace: Workspace, days: Period) -> ReviewTimes:
        """How long people took for a period's recommendations."""

    async def approval_counts(self, workspace: Workspace, days: Period) -> ApprovalCounts:
        """What became of a period's changes."""

    async def overview(self, workspace: Workspace, days: Period) -> Overview:
        """The dashboard's figures of a period."""

    async def spend_moved(self, workspace: Workspace, days: Period) -> list[SpendMoved]:
        """Money moved by a period's changes."""

    async def performance(self, workspace: Workspace, days: Period) -> Performance:
        """What came of a period's changes. Raises InvalidInput for more days than can be compared, too."""

    async def campaign_days(
        self, campaign: Campaign, since: date | None, until: date | None
    ) -> tuple[str, list[CampaignDay]]:
        """The account's currency code and the campaign's days, both ends included."""

    async def campaign_totals(self, campaign: Campaign, since: date | None, until: date | None) -> tuple[str, Totals]:
        """The account's currency code and the sums over the same days."""

    async def node_value(self, type_name: str, id_: UUID) -> object | None:
        """The domain value behind a global id; None for what the viewer may not see, as for what does not exist."""


class HasLoaders(Protocol):
    """An operation's context, as far as fields need it."""

    @property
    def loaders(self) -> Loaders:
        """The operation's own loaders."""

    @property
    def reads(self) -> Reads:
        """What this operation's viewer may read."""


Info = strawberry.Info[HasLoaders, None]
