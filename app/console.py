"""The approvers' console as files: one page, its assets, its policy. Must not build HTML from data, nor the console.

Where `make console` has not built it, the plain page stands in its place; that one is always at /plain.
"""

import secrets
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.pages import PAGES, page

#: Where the build lies in a checkout.
CONSOLE: Final = Path(__file__).resolve().parent.parent / "console" / "dist"

#: The console's own addresses; what it shows there is its business.
ADDRESSES: Final = ("/", "/adjustments", "/history", "/notifications", "/guardrails", "/stop")

#: What the build writes where the nonce of an answer belongs.
_NONCE: Final = "CSP_NONCE"


def console_routes(built: Path) -> list[BaseRoute]:
    """The console's routes, or the plain page's where nothing was built in that folder."""
    plain = PAGES / "review.html"
    if not (built / "index.html").is_file():
        return [page("/", plain), page("/plain", plain)]
    text = (built / "index.html").read_text(encoding="utf-8")

    async def show(_: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {
            "content-security-policy": content_security_policy(nonce),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
        }
        return HTMLResponse(text.replace(_NONCE, nonce), headers=headers)

    return [
        *(Route(each, show) for each in ADDRESSES),
        page("/plain", plain),
        Mount("/assets", _Assets(directory=built / "assets")),
    ]


def content_security_policy(nonce: str) -> str:
    """The policy of one answer: scripts and requests of its own host, styles of its own or with its nonce."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; "
        "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class _Assets(StaticFiles):
    """Files whose names change with what is in them, so that a browser need never ask again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 404."""
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        answer.headers["x-content-type-options"] = "nosniff"
        return answer
