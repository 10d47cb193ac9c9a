"""Workspaces as clients see them: the type, its input, payload and conflict. No logic."""

from decimal import Decimal
from typing import Self

import strawberry

from domain.workspaces import Workspace as Value
from kit.money import to_decimal
from schema.ad_accounts import AdAccount
from schema.adjustments import Adjustment, AdjustmentStatuses
from schema.arguments import After, Before, First, Last
from schema.base import Connection, CurrencyCode, DateTime, Node, UserError, connection, global_id, parse_slice
from schema.campaigns import Campaign
from schema.conflicts import VersionConflict
from schema.context import Info
from schema.costs import HEAVY
from schema.histories import HistoryEntry, HistorySince, HistoryUntil, WorkspaceMeasures
from schema.nodes import shows
from schema.plans import Plan
from schema.recommendations import OnlyPlatform, Recommendation, RecommendationStatuses
from schema.reviews import PlatformSummary, ReviewProgress


@shows(Value)
@strawberry.type(description="A team's working place: its accounts, its reviews and its settings.")
class Workspace(Node):
    """A workspace."""

    version: int = strawberry.field(description="Goes up with every change of settings; send it back.")
    name: str = strawberry.field(description="What people call it.")
    reporting_currency: CurrencyCode = strawberry.field(description="In which plans and summaries add up.")
    time_zone: str = strawberry.field(description="IANA zone of the review deadline.")
    daily_deadline: str = strawberry.field(
        description="Wall time in that zone, such as 12:00, by which a day's recommendations should be decided."
    )
    rejection_hold_days: int = strawberry.field(
        description="Days a rejected idea stays away; 0 is the rest of that day in the account's zone."
    )
    max_change_share: float = strawberry.field(
        description="Largest share of a budget, 0 to 1, that one proposal may move."
    )
    dispatch_immediately: bool = strawberry.field(
        description="Whether an approval is sent at once, not with the next sync."
    )
    alert_above: Decimal = strawberry.field(
        description="People are told of every confirmed change of a daily budget by more than this, in units of the "
        "account's own currency."
    )
    value: strawberry.Private[Value]

    @strawberry.field(description="When the next review deadline is.")
    def review_deadline(self, info: Info) -> DateTime:
        """The next deadline."""
        return DateTime(info.context.reads.next_review_deadline_utc(self.value))

    @strawberry.field(description="How the review of what is due by today's deadline goes.")
    async def review_progress(self, info: Info) -> ReviewProgress | None:
        """Progress."""
        return ReviewProgress.of(await info.context.reads.review_progress(self.value))

    @strawberry.field(
        description="Each platform with an account, at a glance; never more than there are platforms.",
        directives=[HEAVY],
    )
    async def platform_summary(self, info: Info) -> list[PlatformSummary] | None:
        """Platforms."""
        return [PlatformSummary.of(each) for each in await info.context.reads.platform_summaries(self.value.id)]

    @strawberry.field(
        description="The newest plan; null before the first one. What it skipped and its explanation say why a budget, "
        "or the whole workspace, has no proposal."
    )
    async def latest_plan(self, info: Info) -> Plan | None:
        """The newest plan."""
        found = await info.context.reads.latest_plan(self.value.id)
        return None if found is None else Plan.of(found)

    @strawberry.field(description="Its ad accounts, in the order they were connected.")
    async def ad_accounts(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[AdAccount] | None:
        """Accounts."""
        asked = parse_slice(first, after, last, before)
        found = await info.context.reads.ad_accounts(self.value.id, asked)
        return connection(asked, found, AdAccount.of)

    @strawberry.field(description="Its campaigns, in the order they were first seen.")
    async def campaigns(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Campaign] | None:
        """Campaigns."""
        asked = parse_slice(first, after, last, before)
        found = await info.context.reads.campaigns(self.value.id, asked)
        return connection(asked, found, Campaign.of)

    @strawberry.field(description="Its recommendations, newest first.")
    async def recommendations(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        statuses: RecommendationStatuses = None,
        platform: OnlyPlatform = None,
    ) -> Connection[Recommendation] | None:
        """Recommendations."""
        asked = parse_slice(first, after, last, before)
        found = await info.context.reads.recommendations(self.value.id, asked, statuses, platform)
        return connection(asked, found, Recommendation.of)

    @strawberry.field(description="Its approved changes, newest first.")
    async def adjustments(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        statuses: AdjustmentStatuses = None,
    ) -> Connection[Adjustment] | None:
        """Adjustments."""
        asked = parse_slice(first, after, last, before)
        found = await info.context.reads.adjustments(self.value.id, asked, statuses)
        return connection(asked, found, Adjustment.of)

    @strawberry.field(
        description="Approved changes of a period and what came of them, newest first; thirty days unless said "
        "otherwise, at most 366. Takes analytics:read.",
        directives=[HEAVY],
    )
    async def history(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        since: HistorySince = None,
        until: HistoryUntil = None,
        platform: OnlyPlatform = None,
    ) -> Connection[HistoryEntry] | None:
        """History."""
        asked = parse_slice(first, after, last, before)
        days = info.context.reads.history_days(self.value, since, until)
        found = await info.context.reads.history(self.value, asked, days, platform)
        return connection(asked, found, HistoryEntry.of)

    @strawberry.field(
        description="Reviews, automation and what changes brought over a period; thirty days unless said otherwise, "
        "at most 366. Takes analytics:read.",
        directives=[HEAVY],
    )
    def measures(self, info: Info, since: HistorySince = None, until: HistoryUntil = None) -> WorkspaceMeasures | None:
        """Measures."""
        return WorkspaceMeasures.of(self.value, info.context.reads.history_days(self.value, since, until))

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("Workspace", value.id),
            version=value.version,
            name=value.name,
            reporting_currency=CurrencyCode(value.reporting_currency),
            time_zone=value.time_zone,
            daily_deadline=value.review_deadline,
            rejection_hold_days=value.rejection_hold_days,
            max_change_share=value.max_change_share,
            dispatch_immediately=value.dispatch_immediately,
            alert_above=to_decimal(value.alert_above_micros),
            value=value,
        )


@strawberry.input(description="New settings; what is left out stays.")
class WorkspaceChangeInput:
    """A change of settings."""

    name: str | None = strawberry.field(default=None, description="1 to 200 characters.")
    daily_deadline: str | None = strawberry.field(
        default=None, description="Wall time in the workspace's zone, such as 12:00."
    )
    rejection_hold_days: int | None = strawberry.field(default=None, description="0 to 365.")
    max_change_share: float | None = strawberry.field(default=None, description="Above 0, up to 1.")
    dispatch_immediately: bool | None = strawberry.field(
        default=None, description="Send approvals at once, not with the next sync."
    )
    alert_above: Decimal | None = strawberry.field(
        default=None,
        description="Tell people of confirmed changes of a daily budget by more than this, in units of the account's "
        "own currency; 0 tells of all.",
    )


@strawberry.type(description="Somebody else changed the workspace first.")
class WorkspaceVersionConflict(VersionConflict):
    """The loser's answer."""

    current: Workspace | None = strawberry.field(description="The workspace as it is now.")


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class WorkspacePayload:
    """The payload of every mutation on one workspace."""

    workspace: Workspace | None = strawberry.field(description="The workspace afterwards; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")
