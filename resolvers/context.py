"""The context of one operation, and how fields get at its viewer."""

from dataclasses import dataclass

import strawberry

from realtime.relay import Relay
from resolvers.loaders import TenantLoaders, ViewerReads
from services.ports import Ports
from services.viewers import Viewer, signed_in


@dataclass(frozen=True, slots=True)
class Context:
    """Made afresh for each operation and each subscription event. `viewer` is None for who did not sign in."""

    ports: Ports
    relay: Relay
    viewer: Viewer | None
    loaders: TenantLoaders
    request_id: str

    @property
    def reads(self) -> ViewerReads:
        """What the viewer may read; for fields that open more than their object does."""
        return ViewerReads(self.ports, self.viewer, self.loaders)


Info = strawberry.Info[Context, None]


def viewer(info: Info) -> Viewer:
    """Who is asking. Raises Unauthenticated for nobody."""
    return signed_in(info.context.viewer)
