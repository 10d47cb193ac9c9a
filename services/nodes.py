"""Which objects a viewer may fetch again by global id. The objects come through the operation's loaders."""

from domain.access import Permission, may
from services.viewers import InWorkspace, Viewer


def visible(viewer: Viewer, value: InWorkspace, permission: Permission | None) -> bool:
    """Whether the viewer can enter where it lives and holds the permission there (None: entering is enough)."""
    if not viewer.enters(value.workspace_id):
        return False
    return permission is None or may(viewer.authority(value.workspace_id), permission)
