"""Campaigns, budgets and daily metrics as clients see them. No logic."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from domain.campaigns import Budget as BudgetValue
from domain.campaigns import Campaign as Value
from domain.platforms import BudgetType, CampaignStatus
from schema.base import DateTime, Money, Node, global_id
from schema.context import Info

if TYPE_CHECKING:
    from schema.ad_accounts import AdAccount

strawberry.enum(CampaignStatus, name="CampaignStatus", description="Whether a campaign may spend.")
strawberry.enum(BudgetType, name="BudgetType", description="How a platform spreads a budget.")


@strawberry.type(description="A budget entity on a platform; one may serve several campaigns.")
class Budget(Node):
    """A budget."""

    external_id: str = strawberry.field(description="The platform's own id.")
    budget_type: BudgetType
    observed_at: DateTime = strawberry.field(description="When the platform was last asked.")
    value: strawberry.Private[BudgetValue]

    @strawberry.field(description="The daily budget as last read from the platform.")
    async def daily_budget(self, info: Info) -> Money | None:
        """The amount, in its account's currency."""
        account = await info.context.loaders.ad_account(self.value.account_id)
        return None if account is None else Money.of(self.value.daily_budget_micros, account.currency_code)

    @classmethod
    def of(cls, value: BudgetValue) -> Self:
        """The clients' view of a value."""
        return cls(
            id=global_id("Budget", value.id),
            external_id=value.external_id,
            budget_type=value.budget_type,
            observed_at=DateTime(value.observed_at_utc),
            value=value,
        )


@strawberry.type(description="An advertising campaign on a platform.")
class Campaign(Node):
    """A campaign."""

    external_id: str = strawberry.field(description="The platform's own id.")
    name: str
    status: CampaignStatus
    product_margin: Decimal | None = strawberry.field(description="Share of revenue kept, 0 to 1, where somebody told.")
    value: strawberry.Private[Value]

    @strawberry.field(description="The ad account it runs in.")
    async def account(self, info: Info) -> Annotated["AdAccount", strawberry.lazy("schema.ad_accounts")] | None:
        """The account."""
        from schema.ad_accounts import AdAccount  # noqa: PLC0415 - the two types name each other

        found = await info.context.loaders.ad_account(self.value.account_id)
        return None if found is None else AdAccount.of(found)

    @strawberry.field(description="What pays for it; null for campaigns known only from imported files.")
    async def budget(self, info: Info) -> Budget | None:
        """The budget entity."""
        if self.value.budget_id is None:
            return None
        found = await info.context.loaders.budget(self.value.budget_id)
        return None if found is None else Budget.of(found)

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


@strawberry.type(description="One campaign on one day of its account's time zone.")
class DailyMetric:
    """A day."""

    day: date
    impressions: int
    clicks: int
    conversions: Decimal
    spend: Money
    revenue: Money | None = strawberry.field(description="Null where the source gave none; young days still grow.")
    roas: float | None = strawberry.field(description="Revenue per unit spent; null without spend or revenue.")
