"""Every HTTP answer's x-request-id, and the log lines that carry it. Must not look into requests.

A client's own id is taken if it is a plain token, else there is a new one. The layers below find it in the request's
headers, so that masked errors, spans and answers all name the same.
"""

import re
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import REQUEST_ID
from kit.ids import new_id

_HEADER: Final = b"x-request-id"
_PLAIN: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class RequestIds:
    """ASGI middleware, around all others: an answer to what broke has an id too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve under an id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(_HEADER, b"")
        request_id = given if _PLAIN.fullmatch(given) else new_id().hex.encode()

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _with_id(message.get("headers", ()), request_id)}
            await send(message)

        # Never reset: each request is a task with variables of its own, and the server logs what broke after we end.
        REQUEST_ID.set(request_id.decode())
        await self._app({**scope, "headers": _with_id(scope["headers"], request_id)}, receive, told)


def _with_id(headers: Iterable[tuple[bytes, bytes]], request_id: bytes) -> list[tuple[bytes, bytes]]:
    others = [(name, value) for name, value in headers if name.lower() != _HEADER]
    return [*others, (_HEADER, request_id)]
