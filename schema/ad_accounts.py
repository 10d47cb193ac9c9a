"""Ad accounts as clients see them. No logic."""

from typing import Self

import strawberry

from domain.ad_accounts import AdAccount as Value
from schema.base import CurrencyCode, DateTime, Node, global_id
from schema.nodes import shows
from schema.platforms import Platform


@shows(Value)
@strawberry.type(description="An advertising account on a platform, connected to a workspace.")
class AdAccount(Node):
    """An account."""

    platform: Platform = strawberry.field(description="Where it is.")
    external_id: str = strawberry.field(description="The platform's own id.")
    name: str = strawberry.field(description="As the platform shows it.")
    currency: CurrencyCode = strawberry.field(description="Of its budgets and metrics.")
    time_zone: str = strawberry.field(description="IANA zone; it says which day a metric belongs to.")
    synced_at: DateTime | None = strawberry.field(description="When metrics last came in.")
    figures_until: DateTime | None = strawberry.field(
        description="Up to when its figures are in: platforms' reports lag by five minutes, a first sync takes time."
    )
    sync_error: str | None = strawberry.field(description="Why the last sync failed; null when it worked.")
    connected: bool = strawberry.field(
        description="Whether it can be synced and changed; false for one disconnected, or known from files only."
    )
    value: strawberry.Private[Value]

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        synced, figures_until = value.synced_at_utc, value.figures_until_utc
        return cls(
            id=global_id("AdAccount", value.id),
            platform=value.platform,
            external_id=value.external_id,
            name=value.name,
            currency=CurrencyCode(value.currency_code),
            time_zone=value.time_zone,
            synced_at=None if synced is None else DateTime(synced),
            figures_until=None if figures_until is None else DateTime(figures_until),
            sync_error=value.sync_error,
            connected=value.connected,
            value=value,
        )
