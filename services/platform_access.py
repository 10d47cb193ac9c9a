"""Which platform adapter speaks for an ad account, and with which token. Must not know how a platform is spoken to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from uuid import UUID

from domain.ad_accounts import AdAccount
from domain.connections import Connection, refuses_token
from domain.errors import PlatformError
from domain.platforms import (
    AdPlatform,
    BudgetReceipt,
    CampaignStatus,
    Platform,
    PlatformAccount,
    PlatformBudget,
    PlatformCampaign,
    PlatformDailyMetric,
    StatusReceipt,
)
from services.connection_tokens import access_token, connection_ports
from services.ports import Ports

T = TypeVar("T")


def platform_of(ports: Ports, account: AdAccount) -> AdPlatform:
    """The account's platform, spoken to with the token of its connection."""
    if account.connection_id is None:
        return ports.platforms[account.platform]
    return ConnectedPlatform(ports, account.tenant_id, account.connection_id, account.platform)


def platform_over(ports: Ports, connection: Connection) -> AdPlatform:
    """The platform, spoken to with a connection's token."""
    return ConnectedPlatform(ports, connection.tenant_id, connection.id, connection.platform)


@dataclass(slots=True)
class ConnectedPlatform:
    """AdPlatform over a connection. A token that the platform refuses is renewed, and the call made once more.

    That is safe for a change, too: a refused token means that nothing was applied.
    """

    ports: Ports
    tenant_id: UUID
    connection_id: UUID
    platform: Platform

    async def fetch_account(self, account: str) -> PlatformAccount:
        """As AdPlatform."""
        return await self._call(lambda platform: platform.fetch_account(account))

    async def fetch_campaigns(self, account: str) -> list[PlatformCampaign]:
        """As AdPlatform."""
        return await self._call(lambda platform: platform.fetch_campaigns(account))

    async def fetch_daily_metrics(self, account: str, since: date, until: date) -> list[PlatformDailyMetric]:
        """As AdPlatform."""
        return await self._call(lambda platform: platform.fetch_daily_metrics(account, since, until))

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        """As AdPlatform."""
        return await self._call(lambda platform: platform.read_budget(account, budget_external_id))

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        """As AdPlatform."""
        return await self._call(
            lambda platform: platform.set_daily_budget(account, budget_external_id, daily_budget_micros)
        )

    async def read_campaign_status(self, account: str, campaign_external_id: str) -> CampaignStatus:
        """As AdPlatform."""
        return await self._call(lambda platform: platform.read_campaign_status(account, campaign_external_id))

    async def set_campaign_status(
        self, account: str, campaign_external_id: str, status: CampaignStatus
    ) -> StatusReceipt:
        """As AdPlatform."""
        return await self._call(lambda platform: platform.set_campaign_status(account, campaign_external_id, status))

    async def _call(self, act: Callable[[AdPlatform], Awaitable[T]]) -> T:
        adapter, held = connection_ports(self.ports).adapters.of(self.platform, self.connection_id)
        used = held.text = await access_token(self.ports, self.tenant_id, self.connection_id)
        try:
            return await act(adapter)
        except PlatformError as error:
            if not refuses_token(self.platform, error):
                raise
        held.text = await access_token(self.ports, self.tenant_id, self.connection_id, refused=used)
        return await act(adapter)
