"""Use-cases of who follows a workspace's changes: may they, which events are theirs, what do these say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from domain.access import Permission, Principal
from domain.adjustments import Adjustment
from domain.log import LogEvent
from domain.recommendations import Recommendation
from services.ports import Ports
from services.viewers import Viewer, look_up

T = TypeVar("T")

RECOMMENDATIONS: Final = "recommendation"
ADJUSTMENTS: Final = "adjustment"
#: Events about these may end somebody's right to follow, so each follower is looked up again when one passes.
_AUTHORITY: Final = frozenset({"member", "role", "api_key"})


@dataclass(frozen=True, slots=True)
class Following:
    """Somebody's right to see one kind of subject in one workspace, kept up to date by the log itself.

    A revocation is an event like any other and everybody's number counts up through it: nothing beyond it is shown.
    """

    ports: Ports
    principal: Principal
    workspace_id: UUID
    subject_type: str

    def concerns(self, event: LogEvent) -> bool:
        """Whether an event must be put to `shows`; all others can be passed over."""
        entry = event.entry
        if entry.subject_type == self.subject_type:
            return entry.workspace_id == self.workspace_id
        return entry.subject_type in _AUTHORITY

    async def shows(self, event: LogEvent) -> bool:
        """Whether to show an event; False for one that was only about who may see what.

        Raises:
            Unauthenticated, NotFound, Forbidden: the right to follow ended with this event, or before.
        """
        if event.entry.subject_type == self.subject_type:
            return True
        viewer = await look_up(self.ports, self.principal)
        viewer.require(self.workspace_id, Permission.CAMPAIGN_READ)
        return False


def follow(ports: Ports, viewer: Viewer, workspace_id: UUID, subject_type: str) -> Following:
    """Begin to follow one kind of subject in a workspace.

    Raises:
        NotFound, Forbidden: the viewer may not read there.
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    return Following(ports, viewer.principal, workspace_id, subject_type)


def recommendation_at(event: LogEvent) -> Recommendation | None:
    """The recommendation as it was right after an event; None where the payload was erased."""
    return _value(Recommendation, event.after)


def adjustment_at(event: LogEvent) -> Adjustment | None:
    """The adjustment as it was right after an event; None where the payload was erased."""
    return _value(Adjustment, event.after)


def _value(kind: type[T], plain: Mapping[str, Any] | None) -> T | None:
    return None if plain is None else msgspec.convert(plain, kind, strict=False)
