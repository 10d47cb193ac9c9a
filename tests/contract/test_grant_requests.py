"""What each platform's token endpoint is sent and what is made of its answers, request by request."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from app.connections import provider
from domain.connections import GrantRefused, Tokens
from domain.errors import PlatformError
from domain.platforms import Platform
from kit.time import FixedClock
from services.ports import GrantProvider

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BACK, VERIFIER = "https://app.test/oauth/callback", "verifier-1"
#: Of "verifier-1" (RFC 7636, S256).
CHALLENGE = "xTYRBLTDt1gS3-rw_3FBVafZ0iNg9bZYBbG8fRPvkEs"
OLD = Tokens("old-access", "old-refresh", NOW, ("ads",))

_STANDARD = {"client_id": "campaign-express", "response_type": "code", "redirect_uri": BACK, "state": "state-1"}
_PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}

#: The consent page and the parameters it is opened with.
CONSENT: dict[Platform, tuple[str, dict[str, str]]] = {
    Platform.META: (
        "/v24.0/dialog/oauth",
        {**_STANDARD, "scope": "ads_management,ads_read,business_management"},
    ),
    Platform.GOOGLE: (
        "/o/oauth2/v2/auth",
        {
            **_STANDARD,
            **_PKCE,
            "scope": "https://www.googleapis.com/auth/adwords",
            "access_type": "offline",
            "prompt": "consent",
        },
    ),
    Platform.TIKTOK: ("/portal/auth", {"app_id": "campaign-express", "redirect_uri": BACK, "state": "state-1"}),
    Platform.LINKEDIN: ("/oauth/v2/authorization", {**_STANDARD, "scope": "r_ads r_ads_reporting rw_ads"}),
    Platform.AMAZON: ("/ap/oa", {**_STANDARD, **_PKCE, "scope": "advertising::campaign_management"}),
    Platform.MICROSOFT: (
        "/common/oauth2/v2.0/authorize",
        {
            **_STANDARD,
            **_PKCE,
            "scope": "https://ads.microsoft.com/msads.manage offline_access",
            "prompt": "consent",
        },
    ),
}


def known(platform: Platform) -> dict[str, str]:
    return {"client_id": "campaign-express", "client_secret": f"sandbox-{platform.value.lower()}-secret"}


TOKEN_PATHS = {
    Platform.GOOGLE: "/token",
    Platform.LINKEDIN: "/oauth/v2/accessToken",
    Platform.AMAZON: "/auth/o2/token",
    Platform.MICROSOFT: "/common/oauth2/v2.0/token",
}


class Endpoint:
    """Answers in order and keeps what was sent: method, path, body."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert "secret" not in str(request.url) or "advertiser/get" in request.url.path
        text = request.content.decode()
        is_json = request.headers.get("content-type", "").startswith("application/json")
        self.sent.append((request.method, request.url.path, json.loads(text) if is_json else dict(parse_qsl(text))))
        status, body = self.answers.pop(0)
        return httpx.Response(status, json=body)

    def provider(self, platform: Platform) -> GrantProvider:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self), base_url="https://platform.test")
        return provider(platform, client, FixedClock(NOW))


@pytest.mark.parametrize("platform", sorted(Platform))
def test_the_consent_page_is_opened_with_the_platforms_own_parameters(platform: Platform) -> None:
    url = urlsplit(Endpoint().provider(platform).consent_url("state-1", BACK, VERIFIER))
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.path, asked) == CONSENT[platform]
    assert VERIFIER not in url.query


@pytest.mark.parametrize("platform", sorted(TOKEN_PATHS))
async def test_a_code_and_a_refresh_token_where_the_standard_is_followed(platform: Platform) -> None:
    answer = {"access_token": "a1", "refresh_token": "r1", "expires_in": 3600, "token_type": "bearer"}
    endpoint = Endpoint((200, answer), (200, {**answer, "access_token": "a2", "refresh_token": "r2"}))
    asked = endpoint.provider(platform)
    first = await asked.exchange("code-1", BACK, VERIFIER)
    assert (first.access_token, first.refresh_token, first.expires_at_utc) == ("a1", "r1", NOW + timedelta(hours=1))
    assert (await asked.renew(OLD)).refresh_token == "r2"
    verifier = {} if platform is Platform.LINKEDIN else {"code_verifier": VERIFIER}
    code = {"grant_type": "authorization_code", "code": "code-1", "redirect_uri": BACK, **verifier}
    refresh = {"grant_type": "refresh_token", "refresh_token": "old-refresh"}
    path = TOKEN_PATHS[platform]
    assert endpoint.sent == [
        ("POST", path, {**code, **known(platform)}),
        ("POST", path, {**refresh, **known(platform)}),
    ]


async def test_an_answer_without_a_new_refresh_token_keeps_the_old_one() -> None:
    endpoint = Endpoint((200, {"access_token": "a2", "expires_in": 3599}))
    fresh = await endpoint.provider(Platform.GOOGLE).renew(OLD)
    assert (fresh.access_token, fresh.refresh_token, fresh.scopes) == ("a2", "old-refresh", ("ads",))


async def test_metas_code_brings_a_short_token_that_is_exchanged_at_once() -> None:
    short, long = {"access_token": "short", "expires_in": 5400}, {"access_token": "long", "expires_in": 5_184_000}
    endpoint = Endpoint((200, short), (200, long), (200, {"access_token": "longer"}))
    asked = endpoint.provider(Platform.META)
    first = await asked.exchange("code-1", BACK, VERIFIER)
    assert (first.access_token, first.refresh_token, first.expires_at_utc) == ("long", None, NOW + timedelta(days=60))
    assert (await asked.renew(first)).expires_at_utc == NOW + timedelta(days=60)
    path, exchange = "/v24.0/oauth/access_token", {"grant_type": "fb_exchange_token"}
    assert endpoint.sent == [
        ("POST", path, {"code": "code-1", "redirect_uri": BACK, **known(Platform.META)}),
        ("POST", path, {**exchange, "fb_exchange_token": "short", **known(Platform.META)}),
        ("POST", path, {**exchange, "fb_exchange_token": "long", **known(Platform.META)}),
    ]


async def test_tiktoks_auth_code_brings_a_token_without_an_end() -> None:
    data = {"access_token": "a1", "scope": [4, 5], "advertiser_ids": ["7"]}
    endpoint = Endpoint((200, {"code": 0, "message": "OK", "data": data}))
    asked = endpoint.provider(Platform.TIKTOK)
    first = await asked.exchange("code-1", BACK, VERIFIER)
    assert (first.access_token, first.expires_at_utc, first.scopes) == ("a1", None, ("4", "5"))
    body = {"app_id": "campaign-express", "secret": "sandbox-tiktok-secret", "auth_code": "code-1"}
    assert endpoint.sent == [("POST", "/open_api/v1.3/oauth2/access_token/", body)]
    with pytest.raises(GrantRefused):
        await asked.renew(first)


@pytest.mark.parametrize(
    ("platform", "status", "body", "refused", "retryable"),
    [
        (Platform.GOOGLE, 400, {"error": "invalid_grant", "error_description": "revoked"}, True, False),
        (Platform.GOOGLE, 401, {"error": "invalid_client"}, False, False),
        (Platform.MICROSOFT, 400, {"error": "interaction_required"}, True, False),
        (Platform.MICROSOFT, 400, {"error": "temporarily_unavailable"}, False, True),
        (Platform.AMAZON, 503, {}, False, True),
        (Platform.LINKEDIN, 429, {}, False, True),
        (Platform.META, 400, {"error": {"code": 190, "message": "ended", "type": "OAuthException"}}, True, False),
        (Platform.META, 400, {"error": {"code": 101, "message": "no app", "type": "OAuthException"}}, False, False),
        (Platform.META, 500, {"error": {"code": 2, "message": "later", "type": "OAuthException"}}, False, True),
        (Platform.TIKTOK, 200, {"code": 40110, "message": "used", "data": {}}, True, False),
        (Platform.TIKTOK, 200, {"code": 51000, "message": "later", "data": {}}, False, True),
        (Platform.GOOGLE, 200, {"nothing": "known"}, False, False),
    ],
)
async def test_only_a_refused_grant_takes_a_person(
    platform: Platform, status: int, body: Any, *, refused: bool, retryable: bool
) -> None:
    with pytest.raises(PlatformError) as caught:
        await Endpoint((status, body)).provider(platform).exchange("code-1", BACK, VERIFIER)
    assert (isinstance(caught.value, GrantRefused), caught.value.retryable) == (refused, retryable)
    assert "secret" not in str(caught.value)
