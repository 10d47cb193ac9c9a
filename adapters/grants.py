"""Consent pages and token endpoints of Google, LinkedIn, Amazon and Microsoft, which follow OAuth 2.0 (RFC 6749).

Must not store or decide anything.

What differs is data (`Dialect`), and how accounts are listed. Secrets travel in bodies and headers only, never in an
address. A refusal of the grant itself is GrantRefused; everything else is a PlatformError like any other.
"""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from adapters.platform_http import PlatformHttp, Reply, shorten
from domain.connections import GrantRefused, OfferedAccount, Tokens
from domain.errors import PlatformError
from domain.platforms import Platform
from kit.time import Clock

#: Error codes that say that the grant, the code or the refresh token is no good (RFC 6749 section 5.2, and OpenID's).
_GRANT_REFUSALS: Final = frozenset({"invalid_grant", "access_denied", "consent_required", "interaction_required"})


@dataclass(frozen=True, slots=True)
class GrantClient:
    """The application as a platform knows it."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one platform spells OAuth.

    Attributes:
        consent_path, token_path, revoke_path: under the base address; no revoke_path: the platform has no such call.
        scopes: what is asked for.
        pkce: whether the platform takes a code challenge (RFC 7636, S256).
        consent_extra: further parameters of the consent page.
        accounts: lists the accounts of an access token.
    """

    platform: Platform
    consent_path: str
    token_path: str
    revoke_path: str | None
    scopes: tuple[str, ...]
    pkce: bool
    consent_extra: Mapping[str, str]
    accounts: "Callable[[OAuthGrants, str], Awaitable[list[OfferedAccount]]]"


class OAuthGrants:
    """GrantProvider for one dialect. `http` has the platform's base address, for the consent page, too."""

    def __init__(
        self, dialect: Dialect, http: PlatformHttp, client: GrantClient, clock: Clock, *, developer_token: str = ""
    ) -> None:
        self._dialect = dialect
        self.http = http
        self.client = client
        self.developer_token = developer_token
        self._clock = clock

    def consent_url(self, state: str, redirect_uri: str, verifier: str) -> str:
        """Where to send somebody who is to grant access."""
        asked = {
            "client_id": self.client.id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(self._dialect.scopes),
            "state": state,
            **self._dialect.consent_extra,
        }
        if self._dialect.pkce:
            asked |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        return f"{address(self.http)}{self._dialect.consent_path}?{urlencode(asked)}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """The tokens for a code. Raises GrantRefused, PlatformError."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if self._dialect.pkce:
            form["code_verifier"] = verifier
        return await self._tokens(form, None)

    async def renew(self, tokens: Tokens) -> Tokens:
        """New tokens by the refresh token; where the answer brings no new one, the old one stays.

        Raises:
            GrantRefused, PlatformError
        """
        if tokens.refresh_token is None:
            raise GrantRefused(
                f"{self._dialect.platform.value} gave no refresh token", platform_code="NO_REFRESH_TOKEN"
            )
        return await self._tokens({"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}, tokens)

    async def revoke(self, tokens: Tokens) -> bool:
        """End the grant; False where the platform has no such call. Raises PlatformError."""
        if self._dialect.revoke_path is None:
            return False
        form = {"token": tokens.refresh_token or tokens.access_token}
        if self._dialect.platform is Platform.LINKEDIN:
            form = {"token": tokens.access_token, "client_id": self.client.id, "client_secret": self.client.secret}
        reply = await self.http.write("POST", self._dialect.revoke_path, data=form)
        if not reply.is_success:
            raise refusal(self._dialect.platform, self.http, reply)
        return True

    async def offered_accounts(self, tokens: Tokens) -> list[OfferedAccount]:
        """The ad accounts that the grant opens. Raises PlatformError."""
        return await self._dialect.accounts(self, tokens.access_token)

    async def _tokens(self, form: dict[str, str], before: Tokens | None) -> Tokens:
        body = {**form, "client_id": self.client.id, "client_secret": self.client.secret}
        asked_at = self._clock.now_utc()
        reply = await self.http.write("POST", self._dialect.token_path, data=body)
        if not reply.is_success:
            raise refusal(self._dialect.platform, self.http, reply)
        with self.http.parsing():
            told = reply.body
            scope = told.get("scope")
            kept = self._dialect.scopes if before is None else before.scopes
            return Tokens(
                access_token=str(told["access_token"]),
                refresh_token=told.get("refresh_token") or (None if before is None else before.refresh_token),
                expires_at_utc=asked_at + timedelta(seconds=int(told["expires_in"])),
                scopes=tuple(scope.replace(",", " ").split()) if scope else kept,
            )


def address(http: PlatformHttp) -> str:
    """The base address of a platform's client, without a slash at its end."""
    return str(http.client.base_url).rstrip("/")


def challenge(verifier: str) -> str:
    """The S256 code challenge of a verifier (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def refusal(platform: Platform, http: PlatformHttp, reply: Reply) -> PlatformError:
    """What a token endpoint's error answer means. Its text never repeats what was sent."""
    body = reply.body if isinstance(reply.body, dict) else {}
    code = str(body.get("error") or "")
    if not code or reply.is_server_error:
        return http.unexplained(reply, writes=False)
    message = f"{platform.value}: {shorten(str(body.get('error_description') or code))}"
    if code in _GRANT_REFUSALS:
        return GrantRefused(message, platform_code=code)
    return PlatformError(message, platform_code=code, retryable=code == "temporarily_unavailable")


async def _listed(grants: OAuthGrants, method: str, path: str, headers: dict[str, str], **parts: Any) -> Any:
    reply = await grants.http.read(method, path, headers=headers, **parts)
    if not reply.is_success:
        raise grants.http.unexplained(reply, writes=False)
    return reply.body


async def _google_accounts(grants: OAuthGrants, token: str) -> list[OfferedAccount]:
    """Google lists resource names only; the name comes with the account itself."""
    headers = {"authorization": f"Bearer {token}", "developer-token": grants.developer_token}
    body = await _listed(grants, "GET", "/v21/customers:listAccessibleCustomers", headers)
    with grants.http.parsing():
        ids = [str(name).removeprefix("customers/") for name in body["resourceNames"]]
    return [OfferedAccount(each, each) for each in ids]


async def _linkedin_accounts(grants: OAuthGrants, token: str) -> list[OfferedAccount]:
    headers = {
        "authorization": f"Bearer {token}",
        "linkedin-version": "202610",
        "x-restli-protocol-version": "2.0.0",
    }
    body = await _listed(grants, "GET", "/rest/adAccounts", headers, params={"q": "search"})
    with grants.http.parsing():
        return [OfferedAccount(str(row["id"]), row["name"]) for row in body["elements"]]


async def _amazon_accounts(grants: OAuthGrants, token: str) -> list[OfferedAccount]:
    headers = {"authorization": f"Bearer {token}", "amazon-advertising-api-clientid": grants.client.id}
    body = await _listed(grants, "GET", "/v2/profiles", headers)
    with grants.http.parsing():
        return [OfferedAccount(str(row["profileId"]), row["accountInfo"]["name"]) for row in body]


async def _microsoft_accounts(grants: OAuthGrants, token: str) -> list[OfferedAccount]:
    headers = {"authorization": f"Bearer {token}", "developertoken": grants.developer_token}
    path = "/CustomerManagement/v13/AccountsInfo/Query"
    body = await _listed(grants, "POST", path, headers, json={"OnlyParentAccounts": False})
    with grants.http.parsing():
        return [OfferedAccount(str(row["Id"]), row["Name"]) for row in body["AccountsInfo"]]


GOOGLE: Final = Dialect(
    platform=Platform.GOOGLE,
    consent_path="/o/oauth2/v2/auth",
    token_path="/token",  # noqa: S106 - a path, not a secret
    revoke_path="/revoke",
    scopes=("https://www.googleapis.com/auth/adwords",),
    pkce=True,
    # Only a consent that is asked for anew brings a refresh token each time.
    consent_extra={"access_type": "offline", "prompt": "consent"},
    accounts=_google_accounts,
)
LINKEDIN: Final = Dialect(
    platform=Platform.LINKEDIN,
    consent_path="/oauth/v2/authorization",
    token_path="/oauth/v2/accessToken",  # noqa: S106 - a path, not a secret
    revoke_path="/oauth/v2/revoke",
    scopes=("r_ads", "r_ads_reporting", "rw_ads"),
    pkce=False,
    consent_extra={},
    accounts=_linkedin_accounts,
)
AMAZON: Final = Dialect(
    platform=Platform.AMAZON,
    consent_path="/ap/oa",
    token_path="/auth/o2/token",  # noqa: S106 - a path, not a secret
    revoke_path=None,
    scopes=("advertising::campaign_management",),
    pkce=True,
    consent_extra={},
    accounts=_amazon_accounts,
)
MICROSOFT: Final = Dialect(
    platform=Platform.MICROSOFT,
    consent_path="/common/oauth2/v2.0/authorize",
    token_path="/common/oauth2/v2.0/token",  # noqa: S106 - a path, not a secret
    revoke_path=None,
    scopes=("https://ads.microsoft.com/msads.manage", "offline_access"),
    pkce=True,
    consent_extra={"prompt": "consent"},
    accounts=_microsoft_accounts,
)
