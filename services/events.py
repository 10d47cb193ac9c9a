"""Use-cases on the log as people read it: the audit trail of a workspace.

system:read sees every event. Who has only campaign:read sees what happened to budgets: the events about
recommendations, adjustments, plans, campaigns, budgets, ad accounts and alerts, so that a reviewer can follow
a change from its suggestion to its confirmation (RB-F5) without seeing how people and settings are administered.
"""

from typing import Final
from uuid import UUID

from domain.access import Permission, may, require
from domain.log import LogEntry, LogEvent
from kit.pagination import Slice
from models import log
from services.ports import Ports
from services.viewers import Viewer

#: What campaign:read opens of the trail.
BUDGET_SUBJECTS: Final = (
    "recommendation",
    "adjustment",
    "plan",
    "campaign",
    "budget",
    "ad_account",
    "ad_account_issue",
    "alert",
    "emergency_stop",
    "shift",
)


async def last_change(ports: Ports, viewer: Viewer, subject_id: UUID) -> LogEntry | None:
    """The newest entry about a thing that the viewer was just refused to change; None if there is none."""
    return await log.last_change(ports.database.read(viewer.tenant_id), subject_id)


async def page(
    ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[int], subject_id: UUID | None = None
) -> list[LogEvent]:
    """What a slice fetches of a workspace's events, newest first; of one subject if named.

    Args:
        ports: the database.
        viewer: who asks.
        workspace_id: whose events.
        place: between two sequence numbers; what follows one, further down the list, has lower ones.
        subject_id: only what happened to this thing.

    Raises:
        NotFound, Forbidden
    """
    authority = viewer.authority(workspace_id)
    everything = may(authority, Permission.SYSTEM_READ)
    if not everything:
        require(authority, Permission.CAMPAIGN_READ)
    subject_types = None if everything else BUDGET_SUBJECTS
    return await log.event_page(ports.database.read(viewer.tenant_id), workspace_id, place, subject_types, subject_id)
