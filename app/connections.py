"""Composition of connections to ad platforms: consent pages, token endpoints, adapters, the keys that seal tokens."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final
from uuid import UUID

import httpx

from adapters import grants
from adapters.amazon import AmazonPlatform
from adapters.credential_keys import CredentialCipher, CredentialRing, FileCredentialRing, FixedCredentialRing
from adapters.google import GooglePlatform
from adapters.grants import GrantClient, OAuthGrants
from adapters.linkedin import LinkedInPlatform
from adapters.meta import MetaPlatform
from adapters.meta_grants import MetaGrants
from adapters.microsoft import MicrosoftPlatform
from adapters.platform_http import AccessToken, PlatformHttp
from adapters.tiktok import TikTokPlatform
from adapters.tiktok_grants import TikTokGrants
from app.settings import Settings
from domain.platforms import AdPlatform, Platform
from kit.time import Clock
from services.ports import ConnectionPorts, GrantProvider, HeldToken

#: The sandbox takes any application, with this secret.
_SANDBOX_CLIENT: Final = "campaign-express"
_SANDBOX_SECRET: Final = "sandbox-{}-secret"  # noqa: S105 - not a secret
_SANDBOX_DEVELOPER_TOKEN: Final = "sandbox-developer-token"  # noqa: S105 - not a secret

#: Adapters remember a little of their accounts, such as the currency; beyond so many the one used longest ago goes.
_KEPT_ADAPTERS: Final = 1_000


def adapter(platform: Platform, client: httpx.AsyncClient, token: AccessToken) -> AdPlatform:
    """A platform's adapter."""
    match platform:
        case Platform.META:
            return MetaPlatform(client, token)
        case Platform.GOOGLE:
            return GooglePlatform(client, token, _SANDBOX_DEVELOPER_TOKEN)
        case Platform.TIKTOK:
            return TikTokPlatform(client, token)
        case Platform.LINKEDIN:
            return LinkedInPlatform(client, token)
        case Platform.AMAZON:
            return AmazonPlatform(client, token, _SANDBOX_CLIENT)
        case Platform.MICROSOFT:
            return MicrosoftPlatform(client, token, _SANDBOX_DEVELOPER_TOKEN)


class AdapterPool:
    """ConnectedAdapters over one client a platform."""

    def __init__(self, clients: Mapping[Platform, httpx.AsyncClient]) -> None:
        self._clients = clients
        self._kept: OrderedDict[UUID, tuple[AdPlatform, HeldToken]] = OrderedDict()

    def of(self, platform: Platform, connection_id: UUID) -> tuple[AdPlatform, HeldToken]:
        """The connection's adapter, and where it takes its token from."""
        found = self._kept.get(connection_id)
        if found is None:
            held = HeldToken()
            found = self._kept[connection_id] = adapter(platform, self._clients[platform], lambda: held.text), held
            if len(self._kept) > _KEPT_ADAPTERS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(connection_id)
        return found


async def sandbox_clients(stack: AsyncExitStack, url: str) -> Mapping[Platform, httpx.AsyncClient]:
    """A client for each platform's stand-in; the stack closes them."""
    return {
        # Proxy settings are for the outside world; the sandbox is on this machine or network.
        each: await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"{url}/{each.value.lower()}", trust_env=False)
        )
        for each in Platform
    }


def credential_ring(settings: Settings) -> CredentialRing:
    """The keys that seal tokens: the environment's CE_CREDENTIAL_KEYS if given, else a file in var_dir."""
    text = os.environ.get("CE_CREDENTIAL_KEYS")
    return FixedCredentialRing(text) if text else FileCredentialRing(settings.var_dir / "keys" / "credentials.keys")


async def sandbox_connections(stack: AsyncExitStack, settings: Settings, clock: Clock) -> ConnectionPorts:
    """Connections whose platforms are played by the sandbox."""
    clients = await sandbox_clients(stack, settings.sandbox)
    providers = {each: provider(each, clients[each], clock) for each in Platform}
    return ConnectionPorts(CredentialCipher(credential_ring(settings)), providers, AdapterPool(clients))


def provider(platform: Platform, client: httpx.AsyncClient, clock: Clock) -> GrantProvider:
    """A platform's consent page and token endpoint, at the sandbox."""
    http = PlatformHttp(platform, client)
    known = GrantClient(_SANDBOX_CLIENT, _SANDBOX_SECRET.format(platform.value.lower()))
    match platform:
        case Platform.META:
            return MetaGrants(http, known, clock)
        case Platform.TIKTOK:
            return TikTokGrants(http, known)
        case Platform.GOOGLE:
            return OAuthGrants(grants.GOOGLE, http, known, clock, developer_token=_SANDBOX_DEVELOPER_TOKEN)
        case Platform.LINKEDIN:
            return OAuthGrants(grants.LINKEDIN, http, known, clock)
        case Platform.AMAZON:
            return OAuthGrants(grants.AMAZON, http, known, clock)
        case Platform.MICROSOFT:
            return OAuthGrants(grants.MICROSOFT, http, known, clock, developer_token=_SANDBOX_DEVELOPER_TOKEN)
