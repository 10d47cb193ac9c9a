"""The approvers' console as files: one page, its assets, its policy. Must not build HTML from data, nor the console.

Where `make console` has not built it, the plain page stands in its place; that one is always at /plain.
"""

import mimetypes
import secrets
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
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

#: Best first: what a client may take and how the build names it.
_CODINGS: Final = (("br", ".br"), ("gzip", ".gz"))

#: What the build writes where the nonce of an answer belongs.
_NONCE: Final = "CSP_NONCE"


def console_routes(built: Path) -> list[BaseRoute]:
    """The console's routes, or the plain page's where nothing was built in that folder."""
    plain = PAGES / "review.html"
    if not (built / "index.html").is_file():
        return [page("/", plain), page("/plain", plain)]
    shown = [built_page(each, built / "index.html") for each in ADDRESSES]
    return [
        *(each for each in shown if each is not None),
        page("/plain", plain),
        Mount("/assets", _Assets(directory=built / "assets")),
    ]


def built_page(address: str, path: Path, *, editor: bool = False) -> Route | None:
    """A route that shows one page of the build with a nonce of its own in each answer; None where it was not built.

    Args:
        address: where it is shown.
        path: the page as the build wrote it.
        editor: whether the page holds the code editor, whose library writes styles without a nonce and runs workers.
    """
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")

    async def show(_: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {
            "content-security-policy": content_security_policy(None if editor else nonce),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
        }
        return HTMLResponse(text.replace(_NONCE, nonce), headers=headers)

    return Route(address, show)


def content_security_policy(nonce: str | None) -> str:
    """The policy of one answer: scripts and requests of its own host, styles of its own or with its nonce.

    Without a nonce any inline style may apply, and fonts may stand in the styles; scripts stay as strict.
    """
    style = "'unsafe-inline'" if nonce is None else f"'nonce-{nonce}'"
    return (
        f"default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' {style}; connect-src 'self'; "
        f"img-src 'self' data:; font-src 'self'{' data:' if nonce is None else ''}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class _Assets(StaticFiles):
    """Files whose names change with what is in them, so that a browser keeps them for good; compressed by the build."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory)
        self._names = frozenset(each.name for each in directory.iterdir()) if directory.is_dir() else frozenset()

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file in the best form that the client takes and the build made, or 404."""
        coding, suffix = next(
            ((coding, suffix) for coding, suffix in _CODINGS if self._offers(path + suffix) and _takes(scope, coding)),
            (None, ""),
        )
        answer = await super().get_response(path + suffix, scope)
        if coding is not None:
            answer.headers["content-encoding"] = coding
            answer.headers["content-type"] = mimetypes.guess_type(path)[0] or "application/octet-stream"
        answer.headers["vary"] = "Accept-Encoding"
        answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        answer.headers["x-content-type-options"] = "nosniff"
        return answer

    def _offers(self, path: str) -> bool:
        return path in self._names


def _takes(scope: Scope, coding: str) -> bool:
    """Whether a client names a coding and does not weigh it with nothing."""
    for each in Headers(scope=scope).get("accept-encoding", "").split(","):
        name, _, weight = each.partition(";")
        if name.strip().lower() == coding:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
