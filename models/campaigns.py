"""Campaigns and budget entities, and their queries."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from tortoise import Model, fields

from domain.campaigns import Budget, Campaign
from domain.platforms import CampaignStatus
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, as_values, only, sliced, value_by_id, values_by_id


class BudgetTable(Model):
    """A budget entity on a platform."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    account_id = fields.UUIDField()
    external_id = fields.CharField(max_length=64)
    budget_type = fields.CharField(max_length=16)
    daily_budget_micros = fields.BigIntField()
    observed_at_utc = fields.DatetimeField()
    changed_elsewhere_at_utc = fields.DatetimeField(null=True)
    before_elsewhere_micros = fields.BigIntField(null=True)

    class Meta:
        table = "budgets"
        unique_together = (("account_id", "external_id"),)


class CampaignTable(Model):
    """A campaign."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    account_id = fields.UUIDField()
    budget_id = fields.UUIDField(null=True)
    external_id = fields.CharField(max_length=128)
    name = fields.CharField(max_length=300)
    status = fields.CharField(max_length=16)
    product_margin = fields.DecimalField(max_digits=7, decimal_places=6, null=True)

    class Meta:
        table = "campaigns"
        unique_together = (("account_id", "external_id"),)


async def campaigns(scope: Scope, workspace_id: UUID) -> list[Campaign]:
    """A workspace's campaigns by id (the order they were first seen)."""
    rows = await scope.of(CampaignTable).filter(workspace_id=workspace_id).order_by("id").values()
    return as_values(Campaign, rows)


async def campaign_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[Campaign]:
    """What a slice fetches of a workspace's campaigns, in the order they were first seen."""
    return as_values(Campaign, await sliced(scope.of(CampaignTable).filter(workspace_id=workspace_id), place))


async def campaign(scope: Scope, campaign_id: UUID) -> Campaign:
    """One campaign. Raises NotFound."""
    rows = await scope.of(CampaignTable).filter(id=campaign_id).values()
    return as_value(Campaign, only(rows, "no such campaign"))


async def campaigns_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Campaign]:
    """Campaigns by id; other tenants' are absent."""
    found = as_values(Campaign, await scope.of(CampaignTable).filter(id__in=ids).values())
    return {row.id: row for row in found}


async def account_campaigns(scope: Scope, account_id: UUID) -> dict[str, Campaign]:
    """An account's campaigns by the platform's own id."""
    found = as_values(Campaign, await scope.of(CampaignTable).filter(account_id=account_id).values())
    return {row.external_id: row for row in found}


async def add_campaigns(scope: WriteScope, new: Iterable[Campaign]) -> None:
    """New campaigns."""
    await scope.create_all(CampaignTable, [_campaign_columns(value) for value in new])


async def store_campaign(scope: WriteScope, value: Campaign) -> None:
    """What the platform now says of a known campaign."""
    columns = _campaign_columns(value)
    del columns["id"]
    await scope.of(CampaignTable).filter(id=value.id).update(**columns)


async def observe_status(scope: WriteScope, campaign_id: UUID, status: CampaignStatus) -> Campaign | None:
    """What a campaign was just read to be after a change of ours; the campaign before, None if it was so already."""
    before = await campaign(scope, campaign_id)
    changed = await (
        scope.of(CampaignTable).filter(id=campaign_id).exclude(status=status.value).update(status=status.value)
    )
    return before if changed else None


async def running(scope: Scope, workspace_id: UUID, budget_ids: list[UUID] | None = None) -> list[Campaign]:
    """A workspace's campaigns that may spend, as they were read last, by id; those of these budgets (None: of any)."""
    query = scope.of(CampaignTable).filter(workspace_id=workspace_id, status=CampaignStatus.ENABLED.value)
    query = query.filter(budget_id__isnull=False) if budget_ids is None else query.filter(budget_id__in=budget_ids)
    return as_values(Campaign, await query.order_by("id").values())


def _campaign_columns(value: Campaign) -> dict[str, object]:
    columns = {name: getattr(value, name) for name in Campaign.__slots__ if name != "tenant_id"}
    columns["status"] = value.status.value
    return columns


async def budgets(scope: Scope, workspace_id: UUID) -> list[Budget]:
    """A workspace's budget entities by id."""
    return as_values(Budget, await scope.of(BudgetTable).filter(workspace_id=workspace_id).order_by("id").values())


async def budget(scope: Scope, budget_id: UUID) -> Budget:
    """One budget entity. Raises NotFound."""
    return await value_by_id(scope, Budget, "budgets", budget_id, "no such budget")


async def budgets_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Budget]:
    """Budgets by id; other tenants' are absent."""
    return await values_by_id(scope, Budget, "budgets", ids)


async def account_budgets(scope: Scope, account_id: UUID) -> dict[str, Budget]:
    """An account's budget entities by the platform's own id."""
    found = as_values(Budget, await scope.of(BudgetTable).filter(account_id=account_id).values())
    return {row.external_id: row for row in found}


async def add_budgets(scope: WriteScope, new: Iterable[Budget]) -> None:
    """New budget entities."""
    await scope.create_all(BudgetTable, [_budget_columns(value) for value in new])


async def observe_budget(scope: WriteScope, budget_id: UUID, daily_budget_micros: int, at_utc: datetime) -> None:
    """What a budget was just read to be after a change of ours (account micros): nobody else's stands there now."""
    await scope.execute(
        "UPDATE budgets SET daily_budget_micros = $1, observed_at_utc = $2, changed_elsewhere_at_utc = NULL, "
        "before_elsewhere_micros = NULL WHERE tenant_id = $3 AND id = $4",
        daily_budget_micros,
        at_utc,
        scope.tenant_id,
        budget_id,
    )


async def observe_unless_newer(scope: WriteScope, value: Budget) -> bool:
    """Store what a budget was seen to be at `observed_at_utc`; False when a later look is stored already."""
    changed = await (
        scope.of(BudgetTable)
        .filter(id=value.id, observed_at_utc__lte=value.observed_at_utc)
        .update(
            budget_type=value.budget_type.value,
            daily_budget_micros=value.daily_budget_micros,
            observed_at_utc=value.observed_at_utc,
            changed_elsewhere_at_utc=value.changed_elsewhere_at_utc,
            before_elsewhere_micros=value.before_elsewhere_micros,
        )
    )
    return bool(changed)


def _budget_columns(value: Budget) -> dict[str, object]:
    columns = {name: getattr(value, name) for name in Budget.__slots__ if name != "tenant_id"}
    columns["budget_type"] = value.budget_type.value
    return columns
