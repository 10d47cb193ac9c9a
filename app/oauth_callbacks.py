"""Where ad platforms send people back to: /oauth/{platform}/callback. Reads, calls one use-case, leads to the app.

The person comes by a link of the platform's, so there is no Authorization header: who they are stands behind the
state. What comes in the address is neither logged nor passed on.
"""

import logging
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from domain.errors import DomainError
from domain.platforms import Platform
from schema.base import global_id
from services import connections
from services.ports import Ports

logger = logging.getLogger("campaign_express.connections")

#: Longer than any platform's codes and states.
_LONGEST: Final = 2_048
_HEADERS: Final = {"cache-control": "no-store", "referrer-policy": "no-referrer"}


def oauth_routes(ports: Ports) -> list[Route]:
    """The callback of every platform."""

    async def back(request: Request) -> Response:
        try:
            platform = Platform(request.path_params["platform"].upper())
        except ValueError:
            return _to_app(ports, "connection_error=NOT_FOUND")
        asked = request.query_params
        state, code = asked.get("state", "")[:_LONGEST], (asked.get("code") or asked.get("auth_code") or "")[:_LONGEST]
        try:
            if not code:
                await connections.refuse(ports, platform, state)
                return _to_app(ports, "connection_error=DENIED")
            made = await connections.finish(ports, platform, state, code)
        except DomainError as error:
            logger.info("a connection to %s was not made: %s", platform.value, error.code)
            return _to_app(ports, f"connection_error={error.code}")
        return _to_app(ports, f"connection={global_id('PlatformGrant', made.id)}")

    return [Route("/oauth/{platform}/callback", back, methods=["GET"])]


def _to_app(ports: Ports, query: str) -> Response:
    return RedirectResponse(f"{ports.app_url}/?{query}", status_code=303, headers=_HEADERS)
