"""Data loaders: related objects batched within one operation. Without a tenant they find nothing."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment
from domain.campaigns import Budget, Campaign
from domain.plans import Plan
from domain.presences import Presence
from domain.recommendations import Recommendation
from domain.workspaces import Workspace
from models import ad_accounts, adjustments, campaigns, members, plans, presences, recommendations, tenants
from models.scope import Scope
from services.ports import Ports

V = TypeVar("V")

Fetch = Callable[[Scope, list[UUID]], Awaitable[dict[UUID, V]]]


class TenantLoaders:
    """Loaders of one operation of one tenant; implements schema.context.Loaders."""

    def __init__(self, ports: Ports, tenant_id: UUID | None) -> None:
        self._ports = ports
        self._scope = None if tenant_id is None else ports.database.read(tenant_id)
        self._loaders: dict[str, DataLoader[UUID, object]] = {}

    async def _load(self, name: str, fetch: Fetch[V], id_: UUID) -> V | None:
        loader = self._loaders.get(name)
        if loader is None:

            async def load(ids: list[UUID]) -> Sequence[object]:
                # No tenant: fail closed, nothing is found.
                found = {} if self._scope is None else await fetch(self._scope, ids)
                return [found.get(each) for each in ids]

            loader = self._loaders[name] = DataLoader(load_fn=load)
        return await loader.load(id_)  # type: ignore[return-value]  # one loader per name holds one type

    async def workspace(self, id_: UUID) -> Workspace | None:
        """A workspace."""
        return await self._load("workspace", tenants.workspaces_by_id, id_)

    async def ad_account(self, id_: UUID) -> AdAccount | None:
        """An ad account."""
        return await self._load("ad_account", ad_accounts.ad_accounts_by_id, id_)

    async def campaign(self, id_: UUID) -> Campaign | None:
        """A campaign."""
        return await self._load("campaign", campaigns.campaigns_by_id, id_)

    async def budget(self, id_: UUID) -> Budget | None:
        """A budget entity."""
        return await self._load("budget", campaigns.budgets_by_id, id_)

    async def plan(self, id_: UUID) -> Plan | None:
        """A plan."""
        return await self._load("plan", plans.plans_by_id, id_)

    async def recommendation(self, id_: UUID) -> Recommendation | None:
        """A recommendation."""
        return await self._load("recommendation", recommendations.recommendations_by_id, id_)

    async def adjustment(self, id_: UUID) -> Adjustment | None:
        """An adjustment."""
        return await self._load("adjustment", adjustments.adjustments_by_id, id_)

    async def presences_at(self, subject_id: UUID) -> Sequence[Presence]:
        """Who is at an item now."""
        return await self._load("presences_at", self._presences, subject_id) or ()

    async def _presences(self, scope: Scope, ids: list[UUID]) -> dict[UUID, list[Presence]]:
        here: dict[UUID, list[Presence]] = {}
        for presence in await presences.presences_at(scope, ids, self._ports.clock.now_utc()):
            here.setdefault(presence.subject_id, []).append(presence)
        return here

    async def user_name(self, user_id: UUID) -> str | None:
        """A person's name."""
        return await self._load("user_name", members.names_by_user_id, user_id)
