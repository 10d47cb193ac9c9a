"""Campaigns, budgets and daily metrics as clients see them. No logic."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from domain.campaigns import Budget as BudgetValue
from domain.campaigns import Campaign as Value
from domain.platforms import BudgetType, CampaignStatus
from schema.audiences import SAME_FOR_ALL
from schema.base import DateTime, Money, Node, global_id
from schema.context import Info
from schema.daily_metrics import DailyMetric, MetricsSummary, Since, Until
from schema.enums import describe_enum
from schema.nodes import shows, view

if TYPE_CHECKING:
    from schema.ad_accounts import AdAccount

describe_enum(
    CampaignStatus,
    "Whether a campaign may spend.",
    {
        CampaignStatus.ENABLED: "It may spend.",
        CampaignStatus.PAUSED: "It is held; it can go on.",
        CampaignStatus.REMOVED: "It is gone from the platform.",
    },
)
describe_enum(
    BudgetType,
    "How a platform spreads a budget.",
    {BudgetType.DAILY: "So much a day.", BudgetType.LIFETIME: "So much in all; such budgets are never changed."},
)


@shows(BudgetValue)
@strawberry.type(description="A budget entity on a platform; one may serve several campaigns.")
class Budget(Node):
    """A budget."""

    external_id: str = strawberry.field(description="The platform's own id.")
    budget_type: BudgetType = strawberry.field(description="Whether the amount is a day's or the whole.")
    observed_at: DateTime = strawberry.field(description="When the platform was last asked.")
    changed_elsewhere_at: DateTime | None = strawberry.field(
        description="When a sync found that somebody changed it on its platform; null since a change from here."
    )
    value: strawberry.Private[BudgetValue]

    @strawberry.field(description="The ad account it belongs to.", directives=[SAME_FOR_ALL])
    async def account(self, info: Info) -> Annotated["AdAccount", strawberry.lazy("schema.ad_accounts")] | None:
        """The account."""
        found: AdAccount | None = view(await info.context.loaders.ad_account(self.value.account_id))
        return found

    @strawberry.field(description="The daily budget as last read from the platform.", directives=[SAME_FOR_ALL])
    async def daily_budget(self, info: Info) -> Money | None:
        """The amount, in its account's currency."""
        account = await info.context.loaders.ad_account(self.value.account_id)
        return None if account is None else Money.of(self.value.daily_budget_micros, account.currency_code)

    @strawberry.field(
        description="The daily budget before somebody changed it elsewhere; null with changedElsewhereAt.",
        directives=[SAME_FOR_ALL],
    )
    async def budget_before_change(self, info: Info) -> Money | None:
        """The amount before, in its account's currency."""
        account = await info.context.loaders.ad_account(self.value.account_id)
        before = self.value.before_elsewhere_micros
        return None if account is None or before is None else Money.of(before, account.currency_code)

    @classmethod
    def of(cls, value: BudgetValue) -> Self:
        """The clients' view of a value."""
        changed = value.changed_elsewhere_at_utc
        return cls(
            id=global_id("Budget", value.id),
            external_id=value.external_id,
            budget_type=value.budget_type,
            observed_at=DateTime(value.observed_at_utc),
            changed_elsewhere_at=None if changed is None else DateTime(changed),
            value=value,
        )


@shows(Value)
@strawberry.type(description="An advertising campaign on a platform.")
class Campaign(Node):
    """A campaign."""

    external_id: str = strawberry.field(description="The platform's own id.")
    name: str = strawberry.field(description="As the platform shows it.")
    status: CampaignStatus = strawberry.field(description="Whether it may spend.")
    product_margin: Decimal | None = strawberry.field(description="Share of revenue kept, 0 to 1, where somebody told.")
    value: strawberry.Private[Value]

    @strawberry.field(description="The ad account it runs in.", directives=[SAME_FOR_ALL])
    async def account(self, info: Info) -> Annotated["AdAccount", strawberry.lazy("schema.ad_accounts")] | None:
        """The account."""
        found: AdAccount | None = view(await info.context.loaders.ad_account(self.value.account_id))
        return found

    @strawberry.field(
        description="What pays for it; null for campaigns known only from imported files.", directives=[SAME_FOR_ALL]
    )
    async def budget(self, info: Info) -> Budget | None:
        """The budget entity."""
        if self.value.budget_id is None:
            return None
        found = await info.context.loaders.budget(self.value.budget_id)
        return None if found is None else Budget.of(found)

    @strawberry.field(
        description="What it did on each stored day of the account's zone, oldest first, at most 366 days; the last "
        "seven complete days unless since and until say otherwise."
    )
    async def daily_metrics(self, info: Info, since: Since = None, until: Until = None) -> list[DailyMetric] | None:
        """Days."""
        currency, days = await info.context.reads.campaign_days(self.value, since, until)
        return [DailyMetric.of(day, currency) for day in days]

    @strawberry.field(description="The sums over the same days.")
    async def metrics_summary(self, info: Info, since: Since = None, until: Until = None) -> MetricsSummary | None:
        """Sums."""
        currency, totals = await info.context.reads.campaign_totals(self.value, since, until)
        return MetricsSummary.of(totals, currency)

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("Campaign", value.id),
            external_id=value.external_id,
            name=value.name,
            status=value.status,
            product_margin=value.product_margin,
            value=value,
        )
