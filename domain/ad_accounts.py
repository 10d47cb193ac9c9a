"""Ad accounts as the system keeps them. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.fetches import figures_until_utc
from domain.platforms import Platform


@dataclass(frozen=True, slots=True)
class AdAccount:
    """A platform account of a workspace. `sync_error` says why the last sync failed, None if it worked.

    `connected` is False for an account known from imported files only: there is nobody to ask for its days.
    `connection_id`: the grant over which it is reached; None where the installation itself holds one.
    `fetched_until`: the last day asked for so far; a large account's first days come in over several syncs.
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
    fetched_until: date | None = None
    connection_id: UUID | None = None

    @property
    def figures_until_utc(self) -> datetime | None:
        """Up to when its figures are in; None before the first sync."""
        if self.synced_at_utc is None or self.fetched_until is None:
            return None
        return figures_until_utc(self.fetched_until, self.synced_at_utc, self.time_zone)
