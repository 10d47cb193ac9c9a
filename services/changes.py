"""Use-cases of who follows a workspace's changes: may they, which events are theirs, what do these say."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from domain.access import Permission
from domain.adjustments import Adjustment
from domain.log import LogEvent
from domain.recommendations import Recommendation
from services.viewers import Viewer

T = TypeVar("T")

RECOMMENDATIONS: Final = "recommendation"
ADJUSTMENTS: Final = "adjustment"


def follow(viewer: Viewer, workspace_id: UUID, subject_type: str) -> Callable[[LogEvent], bool]:
    """Which events of the tenant's log are for a follower of one kind of subject in one workspace.

    Raises:
        NotFound, Forbidden: the viewer may not read there.
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)

    def is_wanted(event: LogEvent) -> bool:
        return event.entry.workspace_id == workspace_id and event.entry.subject_type == subject_type

    return is_wanted


def recommendation_at(event: LogEvent) -> Recommendation | None:
    """The recommendation as it was right after an event; None where the payload was erased."""
    return _value(Recommendation, event.after)


def adjustment_at(event: LogEvent) -> Adjustment | None:
    """The adjustment as it was right after an event; None where the payload was erased."""
    return _value(Adjustment, event.after)


def _value(kind: type[T], plain: Mapping[str, Any] | None) -> T | None:
    return None if plain is None else msgspec.convert(plain, kind, strict=False)
