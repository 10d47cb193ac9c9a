"""What an import of metrics reads beside the days themselves. Must not decide."""

from decimal import Decimal
from uuid import UUID

from models.scope import Scope


async def latest_margins(scope: Scope, account_id: UUID) -> dict[UUID, Decimal]:
    """The product margin (share of revenue) of each of an account's campaigns on its newest day that tells one."""
    rows = await scope.rows(
        "SELECT m.campaign_id, m.product_margin FROM daily_metrics m "
        "JOIN campaigns c ON c.tenant_id = m.tenant_id AND c.id = m.campaign_id "
        "WHERE m.tenant_id = $1 AND c.account_id = $2 AND m.product_margin IS NOT NULL AND m.day = "
        "(SELECT MAX(n.day) FROM daily_metrics n WHERE n.tenant_id = $1 AND n.campaign_id = m.campaign_id "
        "AND n.product_margin IS NOT NULL)",
        scope.tenant_id,
        account_id,
    )
    return {UUID(str(row["campaign_id"])): Decimal(str(row["product_margin"])) for row in rows}
