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


class AskedWhoIsLookingError(RuntimeError):
    """A field that declares to be the same for all asked for its viewer: a bug of ours."""


@dataclass(frozen=True, slots=True)
class SharedContext:
    """What of a context is the same for everybody in the tenant; stands in for one where an answer is for all."""

    ports: Ports
    relay: Relay
    loaders: TenantLoaders
    request_id: str

    @property
    def viewer(self) -> Viewer:
        """Nobody. Raises AskedWhoIsLookingError."""
        raise AskedWhoIsLookingError("this answer is for several viewers")

    @property
    def reads(self) -> ViewerReads:
        """Nothing that is checked. Raises AskedWhoIsLookingError."""
        raise AskedWhoIsLookingError("this answer is for several viewers")


Info = strawberry.Info[Context, None]


def viewer(info: Info) -> Viewer:
    """Who is asking. Raises Unauthenticated for nobody."""
    return signed_in(info.context.viewer)
