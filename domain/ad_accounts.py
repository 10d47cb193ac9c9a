"""Ad accounts as the system keeps them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.platforms import Platform


@dataclass(frozen=True, slots=True)
class AdAccount:
    """A platform account of a workspace. `sync_error` says why the last sync failed, None if it worked.

    `connected` is False for an account known from imported files only: there is nobody to ask for its days.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    platform: Platform
    external_id: str
    name: str
    currency_code: str
    time_zone: str
    synced_at_utc: datetime | None
    sync_error: str | None
    connected: bool = True
