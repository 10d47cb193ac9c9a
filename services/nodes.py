"""Which objects a viewer may fetch again by global id. The objects come through the operation's loaders."""

from typing import Protocol
from uuid import UUID

from domain.access import Permission, may
from services.viewers import Viewer


class InWorkspace(Protocol):
    """What lives in a workspace."""

    @property
    def workspace_id(self) -> UUID:
        """Where it lives."""


def visible(viewer: Viewer, value: InWorkspace, permission: Permission | None) -> bool:
    """Whether the viewer can enter the workspace and holds the permission there (None: entering is enough)."""
    if not viewer.enters(value.workspace_id):
        return False
    return permission is None or may(viewer.authority(value.workspace_id), permission)
