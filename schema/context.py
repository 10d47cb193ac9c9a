"""What fields may ask of their operation: loaders of related objects. Must not load anything itself.

`resolvers/loaders.py` implements the protocol; each operation and each subscription event has loaders of its own, so
nothing is shared between viewers and nothing goes stale.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import strawberry

from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment
from domain.campaigns import Budget, Campaign
from domain.plans import Plan
from domain.presences import Presence
from domain.recommendations import Recommendation
from domain.workspaces import Workspace


class Loaders(Protocol):
    """Related objects by id, batched; None for what the viewer's tenant does not have."""

    async def workspace(self, id_: UUID) -> Workspace | None:
        """A workspace."""

    async def ad_account(self, id_: UUID) -> AdAccount | None:
        """An ad account."""

    async def campaign(self, id_: UUID) -> Campaign | None:
        """A campaign."""

    async def budget(self, id_: UUID) -> Budget | None:
        """A budget entity."""

    async def plan(self, id_: UUID) -> Plan | None:
        """A plan."""

    async def recommendation(self, id_: UUID) -> Recommendation | None:
        """A recommendation."""

    async def adjustment(self, id_: UUID) -> Adjustment | None:
        """An adjustment."""

    async def presences_at(self, subject_id: UUID) -> Sequence[Presence]:
        """Who is at an item now."""

    async def user_name(self, user_id: UUID) -> str | None:
        """A person's name, if they are or were a member of the tenant."""


class HasLoaders(Protocol):
    """An operation's context, as far as fields need it."""

    @property
    def loaders(self) -> Loaders:
        """The operation's own loaders."""


Info = strawberry.Info[HasLoaders, None]
