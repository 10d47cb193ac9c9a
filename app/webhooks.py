"""Webhooks in, over HTTP: /api/webhooks/meta/insights and /errors. Reads, checks and stores; processing comes later.

GET answers the challenge with which an address is registered. POST answers within a second: a delivery is checked over
its raw bytes, kept, and that is all; where it cannot be kept in time it is refused, so that it is sent again.
"""

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from domain.errors import InvalidInput, Unauthenticated
from domain.webhooks import MAX_BYTES, WebhookKind, answered_challenge, require_signed
from services import webhooks
from services.ports import Ports

STORE_SECONDS: Final = 0.9
#: From the first byte to the last of a body.
READ_SECONDS: Final = 10.0


class _TooLongError(Exception):
    """The body is longer than any delivery."""


def webhook_routes(ports: Ports, app_secret: str, verify_token: str) -> list[Route]:
    """Routes of Meta's webhooks; none where there is no secret to check them with.

    Args:
        ports: the queue's database.
        app_secret: of the app at Meta, which signs deliveries.
        verify_token: agreed when the address is registered.
    """
    if not (app_secret and verify_token):
        return []
    found = []
    for kind in WebhookKind:
        path = f"/api/webhooks/meta/{kind.value}"
        found.append(Route(path, _Challenge(verify_token).answer, methods=["GET"]))
        found.append(Route(path, _Delivery(ports, kind, app_secret).answer, methods=["POST"]))
    return found


class _Challenge:
    """GET: the registration's challenge."""

    def __init__(self, verify_token: str) -> None:
        self._verify_token = verify_token

    async def answer(self, request: Request) -> Response:
        """The answer to one request."""
        asked = request.query_params
        try:
            answer = answered_challenge(
                asked.get("hub.mode"), asked.get("hub.verify_token"), asked.get("hub.challenge"), self._verify_token
            )
        except Unauthenticated:
            return _told("forbidden", 403)
        except InvalidInput:
            return _told("bad challenge", 400)
        return _told(answer, 200)


class _Delivery:
    """POST: a delivery of one kind."""

    def __init__(self, ports: Ports, kind: WebhookKind, app_secret: str) -> None:
        self._ports = ports
        self._kind = kind
        self._app_secret = app_secret

    async def answer(self, request: Request) -> Response:
        """The answer to one request."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await _body(request)
            require_signed(self._app_secret, body, request.headers.get("x-hub-signature-256"))
            async with asyncio.timeout(STORE_SECONDS):
                news = await webhooks.receive(self._ports, self._kind, body)
        except _TooLongError:
            return _told("too long", 413)
        except Unauthenticated:
            return _told("the signature does not fit", 401)
        except InvalidInput as error:
            return _told(error.message, 400)
        except TimeoutError:
            return _told("try again", 503)
        return _told("kept" if news else "known", 200)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            raise _TooLongError
    return bytes(body)


def _told(text: str, status: int) -> Response:
    return PlainTextResponse(text, status, {"x-content-type-options": "nosniff"})
