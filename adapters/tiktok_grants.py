"""TikTok's consent page and token endpoint: its own parameter names, its envelope, a token without an end.

There is nothing to renew: a token lives until somebody takes it back.
"""

from typing import Any, Final
from urllib.parse import urlencode

from adapters.grants import GrantClient, address
from adapters.platform_http import PlatformHttp, Reply, shorten
from domain.connections import GrantRefused, OfferedAccount, Tokens
from domain.errors import PlatformError

_ROOT: Final = "/open_api/v1.3"
_OK: Final = 0
#: A code that is used or too old, and a token that is wrong or was taken back.
_GRANT_REFUSALS: Final = frozenset((40104, 40105, 40110))
_SYSTEM_ERRORS: Final = range(50_000, 60_000)


class TikTokGrants:
    """GrantProvider for TikTok. `http` has the API's base address, for the consent page, too."""

    def __init__(self, http: PlatformHttp, client: GrantClient) -> None:
        self._http = http
        self._client = client

    def consent_url(self, state: str, redirect_uri: str, verifier: str) -> str:  # noqa: ARG002 - TikTok has no PKCE
        """Where to send somebody who is to grant access."""
        asked = {"app_id": self._client.id, "state": state, "redirect_uri": redirect_uri}
        return f"{address(self._http)}/portal/auth?{urlencode(asked)}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Tokens:  # noqa: ARG002 - TikTok asks neither
        """The token for an auth_code. Raises GrantRefused, PlatformError."""
        body = {"app_id": self._client.id, "secret": self._client.secret, "auth_code": code}
        data = self._checked(await self._http.write("POST", f"{_ROOT}/oauth2/access_token/", json=body))
        with self._http.parsing():
            scopes = tuple(str(each) for each in data.get("scope") or ())
            return Tokens(str(data["access_token"]), None, None, scopes)

    async def renew(self, tokens: Tokens) -> Tokens:  # noqa: ARG002 - there is nothing to renew it with
        """Nothing renews a TikTok token: one that is refused has to be granted again."""
        message = "TikTok no longer takes this token, and gives new ones to people only"
        raise GrantRefused(message, platform_code="NO_REFRESH_TOKEN")

    async def revoke(self, tokens: Tokens) -> bool:
        """End the grant. Raises PlatformError."""
        body = {"app_id": self._client.id, "secret": self._client.secret, "access_token": tokens.access_token}
        self._checked(await self._http.write("POST", f"{_ROOT}/oauth2/revoke_token/", json=body))
        return True

    async def offered_accounts(self, tokens: Tokens) -> list[OfferedAccount]:
        """The advertisers that the grant opens. Raises PlatformError."""
        # The platform takes the application's secret in the query here, and in no other way.
        query = {"app_id": self._client.id, "secret": self._client.secret}
        headers = {"access-token": tokens.access_token}
        data = self._checked(
            await self._http.read("GET", f"{_ROOT}/oauth2/advertiser/get/", params=query, headers=headers)
        )
        with self._http.parsing():
            return [OfferedAccount(str(row["advertiser_id"]), row["advertiser_name"]) for row in data["list"]]

    def _checked(self, reply: Reply) -> Any:
        if not reply.is_success:
            raise self._http.unexplained(reply, writes=False)
        with self._http.parsing():
            code, message = int(reply.body["code"]), f"TikTok: {shorten(str(reply.body.get('message', '')))}"
            if code in _GRANT_REFUSALS:
                raise GrantRefused(message, platform_code=str(code))
            if code != _OK:
                raise PlatformError(message, platform_code=str(code), retryable=code in _SYSTEM_ERRORS)
            return reply.body["data"]
