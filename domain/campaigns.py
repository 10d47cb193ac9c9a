"""Campaigns and the budget entities that pay for them. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from domain.platforms import BudgetType, CampaignStatus


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget entity on a platform; one may serve several campaigns. `observed_at_utc`: when it was last read.

    `changed_elsewhere_at_utc`: when a sync last found an amount that is not ours; `before_elsewhere_micros` is what
    stood there before. Both are None once a change of ours was confirmed again.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    account_id: UUID
    external_id: str
    budget_type: BudgetType
    daily_budget_micros: int
    observed_at_utc: datetime
    changed_elsewhere_at_utc: datetime | None = None
    before_elsewhere_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign; `product_margin` is the share (0-1) of revenue kept, None where nobody told."""

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    account_id: UUID
    budget_id: UUID | None
    external_id: str
    name: str
    status: CampaignStatus
    product_margin: Decimal | None


@dataclass(frozen=True, slots=True)
class CampaignDay:
    """A campaign's stored day. Money in account micros; `revenue_micros` None where the source gave none."""

    id: UUID
    campaign_id: UUID
    day: date
    impressions: int
    clicks: int
    conversions: Decimal
    spend_micros: int
    revenue_micros: int | None
    product_margin: Decimal | None
    rate_to_reporting: Decimal
