"""Daily metrics: a high-volume fact, so not in the log row by row. Importing a day again replaces it."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from tortoise import Model, fields

from domain.campaigns import CampaignDay
from models.scope import Scope, WriteScope, as_values


class DailyMetricTable(Model):
    """One campaign on one account-zone day, account micros."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    campaign_id = fields.UUIDField()
    day = fields.DateField()
    impressions = fields.BigIntField()
    clicks = fields.BigIntField()
    conversions = fields.DecimalField(max_digits=20, decimal_places=6)
    spend_micros = fields.BigIntField()
    revenue_micros = fields.BigIntField(null=True)
    product_margin = fields.DecimalField(max_digits=7, decimal_places=6, null=True)
    rate_to_reporting = fields.DecimalField(max_digits=20, decimal_places=10)

    class Meta:
        table = "daily_metrics"
        unique_together = (("tenant_id", "campaign_id", "day"),)


async def days_since(scope: Scope, campaign_ids: list[UUID], since: date, until: date) -> list[CampaignDay]:
    """Days of campaigns, both ends included, by campaign and day."""
    rows = await (
        scope.of(DailyMetricTable)
        .filter(campaign_id__in=campaign_ids, day__gte=since, day__lte=until)
        .order_by("campaign_id", "day")
        .values()
    )
    return as_values(CampaignDay, rows)


async def last_day(scope: Scope, campaign_ids: list[UUID]) -> date | None:
    """The newest stored day of any of the campaigns."""
    row = await scope.of(DailyMetricTable).filter(campaign_id__in=campaign_ids).order_by("-day").first()
    return row.day if row is not None else None


async def replace_days(scope: WriteScope, days: Iterable[CampaignDay], *, keep_margins: bool = False) -> int:
    """Store days, each in place of what was stored for its campaign and date. Returns how many were stored.

    Args:
        scope: the open transaction.
        days: at most one per campaign and date.
        keep_margins: a stored day keeps its product margin, because the new source does not know margins.
    """
    rows = [{name: getattr(day, name) for name in CampaignDay.__slots__} for day in days]
    if not rows:
        return 0
    objects = [DailyMetricTable(tenant_id=scope.tenant_id, **row) for row in rows]
    kept = {"id", "campaign_id", "day", *(("product_margin",) if keep_margins else ())}
    await DailyMetricTable.bulk_create(
        objects,
        batch_size=400,
        on_conflict=["tenant_id", "campaign_id", "day"],
        update_fields=[name for name in CampaignDay.__slots__ if name not in kept],
        using_db=scope.connection,
    )
    return len(objects)
