"""Meta's consent page and token endpoint: a code gives an hour's token, which is exchanged for one of about 60 days.

There is no refresh token: the long token is exchanged again before it ends. Secrets travel in bodies and headers.
"""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from adapters.grants import GrantClient, address
from adapters.platform_http import MAX_PAGES, PlatformHttp, Reply, shorten
from domain.connections import GrantRefused, OfferedAccount, Tokens
from domain.errors import PlatformError
from kit.time import Clock

_VERSION: Final = "/v24.0"
_SCOPES: Final = ("ads_management", "ads_read", "business_management")
#: The token, or the code: used, ended, or of somebody who took the permission back.
_GRANT_REFUSALS: Final = frozenset({"102", "190"})
_WRONG_CODE: Final = "100"
#: What Meta means where it leaves `expires_in` out of a long-lived token's answer.
_LONG_LIVED_SECONDS: Final = 5_184_000


class MetaGrants:
    """GrantProvider for Meta. `http` has the Graph API's base address, for the consent page, too."""

    def __init__(self, http: PlatformHttp, client: GrantClient, clock: Clock) -> None:
        self._http = http
        self._client = client
        self._clock = clock

    def consent_url(self, state: str, redirect_uri: str, verifier: str) -> str:  # noqa: ARG002 - Meta has no PKCE
        """Where to send somebody who is to grant access."""
        asked = {
            "client_id": self._client.id,
            "redirect_uri": redirect_uri,
            "state": state,
            "scope": ",".join(_SCOPES),
            "response_type": "code",
        }
        return f"{address(self._http)}{_VERSION}/dialog/oauth?{urlencode(asked)}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Tokens:  # noqa: ARG002 - Meta has no PKCE
        """The long-lived token for a code. Raises GrantRefused, PlatformError."""
        body = await self._token({"redirect_uri": redirect_uri, "code": code})
        with self._http.parsing():
            short = str(body["access_token"])
        return await self._long_lived(short)

    async def renew(self, tokens: Tokens) -> Tokens:
        """A fresh long-lived token for one that still lives. Raises GrantRefused, PlatformError."""
        return await self._long_lived(tokens.access_token)

    async def revoke(self, tokens: Tokens) -> bool:
        """Take back all permissions of the person who granted them. Raises PlatformError."""
        headers = {"authorization": f"Bearer {tokens.access_token}"}
        self._checked(await self._http.write("DELETE", f"{_VERSION}/me/permissions", headers=headers))
        return True

    async def offered_accounts(self, tokens: Tokens) -> list[OfferedAccount]:
        """The ad accounts that the grant opens, all pages. Raises PlatformError."""
        headers, found = {"authorization": f"Bearer {tokens.access_token}"}, []
        query = {"fields": "account_id,name", "limit": "200"}
        for _ in range(MAX_PAGES):
            reply = await self._http.read("GET", f"{_VERSION}/me/adaccounts", params=query, headers=headers)
            body = self._checked(reply)
            with self._http.parsing():
                found += [OfferedAccount(row["account_id"], row["name"]) for row in body["data"]]
                if "next" not in body.get("paging", {}):
                    return found
                query["after"] = body["paging"]["cursors"]["after"]
        raise self._http.endless()

    async def _long_lived(self, token: str) -> Tokens:
        asked_at = self._clock.now_utc()
        body = await self._token({"grant_type": "fb_exchange_token", "fb_exchange_token": token})
        with self._http.parsing():
            seconds = int(body.get("expires_in") or _LONG_LIVED_SECONDS)
            return Tokens(str(body["access_token"]), None, asked_at + timedelta(seconds=seconds), _SCOPES)

    async def _token(self, form: dict[str, str]) -> Any:
        body = {**form, "client_id": self._client.id, "client_secret": self._client.secret}
        return self._checked(await self._http.write("POST", f"{_VERSION}/oauth/access_token", data=body))

    def _checked(self, reply: Reply) -> Any:
        with self._http.parsing():
            error = reply.body.get("error") if isinstance(reply.body, dict) else None
            if error is not None:
                code, message = str(error["code"]), f"Meta: {shorten(str(error['message']))}"
                if code in _GRANT_REFUSALS or (code == _WRONG_CODE and error.get("type") == "OAuthException"):
                    raise GrantRefused(message, platform_code=code)
                raise PlatformError(message, platform_code=code, retryable=code in {"1", "2", "4"})
        if not reply.is_success:
            raise self._http.unexplained(reply, writes=False)
        return reply.body
