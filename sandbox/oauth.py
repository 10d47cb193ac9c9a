"""Plays the platforms' OAuth: a consent page with Allow and Deny, token endpoints in each platform's own words.

GET,POST /<platform>/<consent path>   the page, and its buttons
POST     /<platform>/<token path>     codes, refresh tokens and exchanges against tokens
GET      /control/oauth               grants that stand, by platform
POST     /control/oauth/revoke        {"platform": ...} somebody takes every grant of a platform back
POST     /control/oauth/expire        {"platform": ...} every access token of a platform ends at once

Every client id is taken with the one secret `sandbox-<platform>-secret`. Must not decide what a token opens.
"""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.grants import Grant, Grants
from sandbox.page import PAGE_STYLE, table
from sandbox.roster import AMAZON, GOOGLE, LINKEDIN, META, MICROSOFT, PLATFORMS, TIKTOK
from sandbox.simulation import Simulation, bearer, new_request_id

_HOUR: Final = 3_600
_SIXTY_DAYS: Final = 5_184_000
_YEAR: Final = 31_536_000
_META_SHORT_SECONDS: Final = 5_400


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a platform spells OAuth.

    Attributes:
        client, secret, code: the names of these parameters.
        pkce: whether a code challenge is taken; one that was given must be answered.
        access_seconds: the life of an access token, None for one without an end.
        refresh_seconds: of a refresh token; 0 for none at all.
        rotates: a refresh token is good once.
        asks_redirect_uri: the token endpoint wants the redirect URI again.
    """

    platform: str
    consent_path: str
    token_path: str
    client: str = "client_id"
    secret: str = "client_secret"  # noqa: S105 - a parameter's name
    code: str = "code"
    pkce: bool = True
    access_seconds: int | None = _HOUR
    refresh_seconds: int | None = None
    rotates: bool = False
    asks_redirect_uri: bool = True
    form: bool = True


DIALECTS: Final = (
    Dialect(META, "/v24.0/dialog/oauth", "/v24.0/oauth/access_token", pkce=False, refresh_seconds=0),
    Dialect(GOOGLE, "/o/oauth2/v2/auth", "/token"),
    Dialect(
        TIKTOK,
        "/portal/auth",
        "/open_api/v1.3/oauth2/access_token/",
        client="app_id",
        secret="secret",  # noqa: S106 - a parameter's name
        code="auth_code",
        pkce=False,
        access_seconds=None,
        refresh_seconds=0,
        asks_redirect_uri=False,
        form=False,
    ),
    Dialect(
        LINKEDIN,
        "/oauth/v2/authorization",
        "/oauth/v2/accessToken",
        pkce=False,
        access_seconds=_SIXTY_DAYS,
        refresh_seconds=_YEAR,
    ),
    Dialect(AMAZON, "/ap/oa", "/auth/o2/token"),
    Dialect(
        MICROSOFT,
        "/common/oauth2/v2.0/authorize",
        "/common/oauth2/v2.0/token",
        refresh_seconds=90 * 86_400,
        rotates=True,
    ),
)


class OAuthRefusal(Exception):
    """A request that a token endpoint refuses; `error` in RFC 6749's words."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def oauth_routes(simulation: Simulation, grants: Grants) -> list[Route]:
    """Routes of all platforms; they stand before the platforms' own apps."""
    found: list[Route] = []
    for dialect in DIALECTS:
        plays, base = _Plays(simulation, grants, dialect), f"/{dialect.platform.lower()}"
        found += [
            Route(f"{base}{dialect.consent_path}", plays.ask, methods=["GET"]),
            Route(f"{base}{dialect.consent_path}", plays.decide, methods=["POST"]),
            Route(f"{base}{dialect.token_path}", plays.token, methods=["POST"]),
        ]
    further = _Further(simulation, grants)
    return [
        *found,
        Route("/meta/v24.0/me/permissions", further.meta_revoke, methods=["DELETE"]),
        Route("/meta/v24.0/me/adaccounts", further.meta_accounts),
        Route("/google/revoke", further.google_revoke, methods=["POST"]),
        Route("/google/v21/customers:listAccessibleCustomers", further.google_accounts),
        Route("/tiktok/open_api/v1.3/oauth2/revoke_token/", further.tiktok_revoke, methods=["POST"]),
        Route("/tiktok/open_api/v1.3/oauth2/advertiser/get/", further.tiktok_accounts),
        Route("/linkedin/oauth/v2/revoke", further.linkedin_revoke, methods=["POST"]),
        Route("/linkedin/rest/adAccounts", further.linkedin_accounts),
        Route("/amazon/v2/profiles", further.amazon_accounts),
        Route("/microsoft/CustomerManagement/v13/AccountsInfo/Query", further.microsoft_accounts, methods=["POST"]),
        Route("/control/oauth", further.standing),
        Route("/control/oauth/revoke", further.take_back, methods=["POST"]),
        Route("/control/oauth/expire", further.expire, methods=["POST"]),
    ]


class _Plays:
    """One platform's consent page and token endpoint."""

    def __init__(self, simulation: Simulation, grants: Grants, dialect: Dialect) -> None:
        self._simulation = simulation
        self._grants = grants
        self._dialect = dialect

    async def ask(self, request: Request) -> Response:
        """The page."""
        asked = dict(request.query_params)
        wrong = self._wrong(asked)
        if wrong is not None:
            # Nobody is sent to an address that was not asked for properly.
            return _page("This request is not right", f"<p>{escape(wrong)}</p>", 400)
        platform = self._dialect.platform
        accounts = [(each.name, each.external_id) for each in _accounts(self._simulation, platform)]
        hidden = "".join(
            f"<input type='hidden' name='{escape(name)}' value='{escape(value)}'>" for name, value in asked.items()
        )
        return _page(
            f"{escape(platform.title())} asks: may this application manage your ads?",
            f"<p>Application <b>{escape(asked[self._dialect.client])}</b>: {escape(asked.get('scope', 'ads'))}</p>"
            f"{table(('Account', 'Id'), accounts)}"
            f"<form method='post'>{hidden}<button name='decision' value='allow'>Allow</button> "
            "<button name='decision' value='deny'>Deny</button></form>",
        )

    async def decide(self, request: Request) -> Response:
        """A button was pressed."""
        asked = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        wrong = self._wrong(asked)
        if wrong is not None:
            return _page("This request is not right", f"<p>{escape(wrong)}</p>", 400)
        redirect_uri = asked["redirect_uri"]
        if asked.get("decision") != "allow":
            denied = {"error": "access_denied", "error_description": "The user denied the request"}
            back = {**denied, "error_reason": "user_denied"} if self._dialect.platform == META else denied
        else:
            challenge = asked.get("code_challenge", "") if self._dialect.pkce else ""
            back = {self._dialect.code: self._grants.allow(self._dialect.platform, redirect_uri, challenge)}
        joint = "&" if urlsplit(redirect_uri).query else "?"
        address = f"{redirect_uri}{joint}{urlencode({**back, 'state': asked['state']})}"
        return RedirectResponse(address, status_code=303)

    def _wrong(self, asked: dict[str, str]) -> str | None:
        for name in (self._dialect.client, "redirect_uri", "state"):
            if not asked.get(name):
                return f"{name} is missing"
        if urlsplit(asked["redirect_uri"]).scheme not in ("http", "https"):
            return "redirect_uri is no address"
        if self._dialect.platform != TIKTOK and asked.get("response_type", "code") != "code":
            return "response_type is code"
        if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            return "code_challenge_method is S256"
        return None

    async def token(self, request: Request) -> Response:
        """Codes and refresh tokens against access tokens."""
        raw = await request.body()
        try:
            given = _form(raw) if self._dialect.form else _json(raw)
            answer = self._answer(given)
        except OAuthRefusal as refusal:
            return _refused(self._dialect.platform, refusal)
        body = _tiktok(answer) if self._dialect.platform == TIKTOK else answer
        return JSONResponse(body, headers={"cache-control": "no-store"})

    def _answer(self, given: dict[str, str]) -> dict[str, Any]:
        dialect = self._dialect
        if not given.get(dialect.client):
            raise OAuthRefusal("invalid_client", f"{dialect.client} is missing")
        if given.get(dialect.secret) != f"sandbox-{dialect.platform.lower()}-secret":
            raise OAuthRefusal("invalid_client", "the application's secret is wrong")
        kind = given.get("grant_type", "authorization_code")
        if kind == "fb_exchange_token" and dialect.platform == META:
            return self._exchanged(given.get("fb_exchange_token", ""))
        if kind == "refresh_token" and dialect.refresh_seconds != 0:
            return self._renewed(given.get("refresh_token", ""))
        if kind != "authorization_code":
            raise OAuthRefusal("unsupported_grant_type", f"grant_type {kind} is not supported")
        challenge = _challenge(given["code_verifier"]) if given.get("code_verifier") and dialect.pkce else ""
        redirect_uri = given.get("redirect_uri", "") if dialect.asks_redirect_uri else None
        grant = self._grants.take_code(dialect.platform, given.get(dialect.code, ""), redirect_uri, challenge)
        if grant is None:
            raise OAuthRefusal("invalid_grant", f"the {dialect.code} is wrong, used or expired")
        if dialect.platform == META:
            return self._access(grant, _META_SHORT_SECONDS)
        return {**self._access(grant, dialect.access_seconds), **self._refresh(grant)}

    def _exchanged(self, token: str) -> dict[str, Any]:
        grant = self._grants.grant_of(META, token, "access")
        if grant is None:
            raise OAuthRefusal("invalid_grant", "Error validating access token: the session is no longer valid")
        return self._access(grant, _SIXTY_DAYS)

    def _renewed(self, token: str) -> dict[str, Any]:
        grant = self._grants.grant_of(self._dialect.platform, token, "refresh")
        if grant is None:
            raise OAuthRefusal("invalid_grant", "the refresh token is wrong, used, expired or revoked")
        answer = self._access(grant, self._dialect.access_seconds)
        if self._dialect.rotates:
            self._grants.end_token(token)
            return {**answer, **self._refresh(grant)}
        if self._dialect.platform == LINKEDIN:
            return {**answer, "refresh_token": token, "refresh_token_expires_in": _YEAR}
        return answer

    def _access(self, grant: Grant, seconds: int | None) -> dict[str, Any]:
        answer: dict[str, Any] = {"access_token": self._grants.issue(grant, "access", seconds), "token_type": "bearer"}
        return answer if seconds is None else {**answer, "expires_in": seconds}

    def _refresh(self, grant: Grant) -> dict[str, Any]:
        if self._dialect.refresh_seconds == 0:
            return {}
        return {"refresh_token": self._grants.issue(grant, "refresh", self._dialect.refresh_seconds)}


Handler = Callable[[Request], Awaitable[Response]]


class _Further:
    """Revocation and lists of accounts, in each platform's words; and the control endpoints."""

    def __init__(self, simulation: Simulation, grants: Grants) -> None:
        self._simulation = simulation
        self._grants = grants

    def _bearer(self, request: Request, platform: str) -> Grant | None:
        return self._grants.grant_of(platform, bearer(request), "access")

    async def meta_revoke(self, request: Request) -> Response:
        grant = self._bearer(request, META)
        if grant is None:
            return _refused(META, OAuthRefusal("invalid_grant", "Invalid OAuth access token"))
        self._grants.revoke(grant)
        return JSONResponse({"success": True})

    async def meta_accounts(self, request: Request) -> Response:
        if not self._opens(request, META):
            return _refused(META, OAuthRefusal("invalid_grant", "Invalid OAuth access token"))
        rows = [
            {"id": f"act_{each.external_id}", "account_id": each.external_id, "name": each.name}
            for each in _accounts(self._simulation, META)
        ]
        return JSONResponse({"data": rows, "paging": {"cursors": {"before": "MQ", "after": "Mg"}}})

    def _opens(self, request: Request, platform: str) -> bool:
        return self._simulation.accepts(platform, bearer(request))

    async def google_revoke(self, request: Request) -> Response:
        return self._end(GOOGLE, _form(await request.body()).get("token", ""))

    async def linkedin_revoke(self, request: Request) -> Response:
        return self._end(LINKEDIN, _form(await request.body()).get("token", ""))

    def _end(self, platform: str, token: str) -> Response:
        grant = self._grants.grant_of(platform, token, "refresh") or self._grants.grant_of(platform, token, "access")
        if grant is None:
            return _refused(platform, OAuthRefusal("invalid_token", "Token expired or revoked"))
        self._grants.revoke(grant)
        return JSONResponse({})

    async def google_accounts(self, request: Request) -> Response:
        if not self._opens(request, GOOGLE) or not request.headers.get("developer-token"):
            return JSONResponse({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, status_code=401)
        names = [f"customers/{each.external_id}" for each in _accounts(self._simulation, GOOGLE)]
        return JSONResponse({"resourceNames": names})

    async def tiktok_revoke(self, request: Request) -> Response:
        grant = self._grants.grant_of(TIKTOK, _json(await request.body()).get("access_token", ""), "access")
        if grant is None:
            return _refused(TIKTOK, OAuthRefusal("invalid_token", "Access token is incorrect or has been revoked."))
        self._grants.revoke(grant)
        return JSONResponse(_envelope({}))

    async def tiktok_accounts(self, request: Request) -> Response:
        if not self._simulation.accepts(TIKTOK, request.headers.get("access-token", "")):
            return _refused(TIKTOK, OAuthRefusal("invalid_token", "Access token is incorrect or has been revoked."))
        rows = [
            {"advertiser_id": each.external_id, "advertiser_name": each.name}
            for each in _accounts(self._simulation, TIKTOK)
        ]
        return JSONResponse(_envelope({"list": rows}))

    async def linkedin_accounts(self, request: Request) -> Response:
        if not self._opens(request, LINKEDIN):
            return JSONResponse({"code": "INVALID_ACCESS_TOKEN", "status": 401}, status_code=401)
        rows = [{"id": int(each.external_id), "name": each.name} for each in _accounts(self._simulation, LINKEDIN)]
        return JSONResponse({"elements": rows, "metadata": {}})

    async def amazon_accounts(self, request: Request) -> Response:
        if not self._opens(request, AMAZON):
            return JSONResponse({"code": "UNAUTHORIZED", "details": "Not authorized"}, status_code=401)
        rows = [
            {"profileId": int(each.external_id), "accountInfo": {"name": each.name, "type": "seller"}}
            for each in _accounts(self._simulation, AMAZON)
        ]
        return JSONResponse(rows)

    async def microsoft_accounts(self, request: Request) -> Response:
        if not self._opens(request, MICROSOFT):
            return JSONResponse({"Errors": [{"Code": 105, "Message": "Authentication failed."}]}, status_code=401)
        rows = [{"Id": each.external_id, "Name": each.name} for each in _accounts(self._simulation, MICROSOFT)]
        return JSONResponse({"AccountsInfo": rows})

    async def standing(self, _request: Request) -> Response:
        """How many grants stand, by platform."""
        return JSONResponse({platform: self._grants.active(platform) for platform in PLATFORMS})

    async def take_back(self, request: Request) -> Response:
        """Somebody takes the grants of a platform back."""
        return await self._told(request, "revoked", self._grants.revoke_all)

    async def expire(self, request: Request) -> Response:
        """The access tokens of a platform end."""
        return await self._told(request, "expired", self._grants.expire_all)

    async def _told(self, request: Request, word: str, act: Callable[[str], int]) -> Response:
        platform = _json(await request.body()).get("platform", "")
        if platform not in PLATFORMS:
            return JSONResponse({"error": f"platform is one of {', '.join(PLATFORMS)}"}, status_code=400)
        return JSONResponse({word: act(platform)})


def _accounts(simulation: Simulation, platform: str) -> list[Any]:
    return [each for each in simulation.roster.accounts if each.platform == platform]


def _refused(platform: str, refusal: OAuthRefusal) -> Response:
    if platform == META:
        code = {"invalid_grant": 190, "invalid_client": 101}.get(refusal.error, 100)
        error = {"message": str(refusal), "type": "OAuthException", "code": code, "fbtrace_id": new_request_id()}
        return JSONResponse({"error": error}, status_code=400)
    if platform == TIKTOK:
        code = {"invalid_grant": 40110, "invalid_token": 40105}.get(refusal.error, 40002)
        return JSONResponse(_envelope({}, code, str(refusal)))
    status = 401 if refusal.error == "invalid_client" else 400
    return JSONResponse({"error": refusal.error, "error_description": str(refusal)}, status_code=status)


def _tiktok(answer: dict[str, Any]) -> dict[str, Any]:
    return _envelope({"access_token": answer["access_token"], "scope": [4, 5], "advertiser_ids": []})


def _envelope(data: dict[str, Any], code: int = 0, message: str = "OK") -> dict[str, Any]:
    return {"code": code, "message": message, "request_id": new_request_id(), "data": data}


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _form(raw: bytes) -> dict[str, str]:
    return dict(parse_qsl(raw.decode(), keep_blank_values=True))


def _json(raw: bytes) -> dict[str, str]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in body.items()} if isinstance(body, dict) else {}


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Sandbox</title><style>{PAGE_STYLE}</style>"
        f"<h1>{title}</h1>{body}",
        status,
        {
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
        },
    )
