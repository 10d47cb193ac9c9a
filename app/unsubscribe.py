"""One-click unsubscribing (RFC 8058): a page with a button, and the POST that mail programs and the button send.

No session: the token in the address says whose digests end, and can do nothing else. A GET changes nothing, because
mail scanners follow links.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from domain.errors import NotFound
from services import notifications
from services.ports import Ports

_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    # The address holds a token: it must neither be sent on nor kept.
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_PAGE: Final = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
    "<title>Campaign Express</title><h1>{title}</h1>{body}</html>"
)
_ASK: Final = (
    "<p>Digests by e-mail end for this workspace; what needs you at once still comes. You can choose otherwise in the "
    "app at any time.</p><form method='post'><button>Unsubscribe</button></form>"
)


def unsubscribe_routes(ports: Ports) -> list[Route]:
    """/unsubscribe/{token}."""

    async def ask(request: Request) -> Response:
        try:
            await notifications.unsubscribe_subject(ports, request.path_params["token"])
        except NotFound:
            return _no_longer_good()
        return _page("Unsubscribe from digests?", _ASK)

    async def end(request: Request) -> Response:
        try:
            await notifications.unsubscribe(ports, request.path_params["token"])
        except NotFound:
            return _no_longer_good()
        return _page("You are unsubscribed", "<p>No more digests of this workspace will be sent to you.</p>")

    return [
        Route("/unsubscribe/{token}", ask, methods=["GET"]),
        Route("/unsubscribe/{token}", end, methods=["POST"]),
    ]


def _no_longer_good() -> Response:
    return _page("This link is no longer good", "<p>Sign in to choose what you are told.</p>", 404)


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.format(title=title, body=body), status, _HEADERS)
