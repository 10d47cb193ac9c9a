"""Who is looking at or editing an item right now. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

#: A presence lapses unless it is renewed; clients renew every ten seconds.
PRESENCE_TTL: Final = timedelta(seconds=30)


class PresenceMode(StrEnum):
    """Looking, or about to change something."""

    VIEWING = "VIEWING"
    EDITING = "EDITING"


@dataclass(frozen=True, slots=True)
class Presence:
    """One person at one item until `expires_at_utc`."""

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    subject_id: UUID
    user_id: UUID
    mode: PresenceMode
    expires_at_utc: datetime
