"""The sandbox as a sender of webhooks: it tells the product what Meta would, signed as Meta signs.

POST /control/webhooks/meta          {"kind": "insights" | "errors", "account": id} and, if wanted, "times" (the same
                                     bytes so often), "age_seconds", "signature" (a wrong one), "error" (facts)
POST /control/webhooks/meta/verify   {"kind"}: the challenge with which an address is registered
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_FIELDS: Final = {"insights": "in_process_ad_objects", "errors": "with_issues_ad_objects"}
_ERROR: Final = {
    "id": "23843000000000001",
    "level": "AD",
    "error_code": 1815869,
    "error_summary": "an ad was rejected",
    "error_message": "The ad does not follow the policy on personal attributes.",
}
_MOST_TIMES: Final = 100


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where webhooks go: `url` ends before the kind; `app_secret` signs, `verify_token` was agreed."""

    url: str
    app_secret: str
    verify_token: str


def webhook_routes(target: WebhookTarget | None, now: Callable[[], datetime]) -> list[Route]:
    """The control endpoints; without a target they say so.

    Args:
        target: of deliveries.
        now: the world's time, UTC.
    """
    sender = _Sender(target, now)
    return [
        Route("/control/webhooks/meta", sender.send, methods=["POST"]),
        Route("/control/webhooks/meta/verify", sender.verify, methods=["POST"]),
    ]


class _Sender:
    def __init__(self, target: WebhookTarget | None, now: Callable[[], datetime]) -> None:
        self._target = target
        self._now = now

    async def send(self, request: Request) -> Response:
        wish = await _wish(request)
        kind, times = wish.get("kind"), wish.get("times", 1)
        if self._target is None:
            return _refused("this sandbox was given no address to send webhooks to")
        if kind not in _FIELDS or not isinstance(times, int) or not 1 <= times <= _MOST_TIMES:
            return _refused(f"say kind (insights or errors), account, and times from 1 to {_MOST_TIMES}")
        body = self._body(kind, wish)
        signature = hmac.new(self._target.app_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-hub-signature-256": str(wish.get("signature", f"sha256={signature}")),
        }
        async with httpx.AsyncClient(timeout=10.0, trust_env=False) as client:
            answers = [
                await client.post(f"{self._target.url}/{kind}", content=body, headers=headers) for _ in range(times)
            ]
        return JSONResponse({"answers": [{"status": each.status_code, "text": each.text} for each in answers]})

    async def verify(self, request: Request) -> Response:
        wish = await _wish(request)
        if self._target is None or wish.get("kind") not in _FIELDS:
            return _refused("say kind (insights or errors); and this sandbox needs an address to send webhooks to")
        challenge = secrets.token_hex(8)
        asked = {"hub.mode": "subscribe", "hub.verify_token": self._target.verify_token, "hub.challenge": challenge}
        async with httpx.AsyncClient(timeout=10.0, trust_env=False) as client:
            answer = await client.get(f"{self._target.url}/{wish['kind']}", params=asked)
        return JSONResponse({"verified": (answer.status_code, answer.text) == (200, challenge)})

    def _body(self, kind: str, wish: dict[str, Any]) -> bytes:
        facts = {**_ERROR, **wish.get("error", {})} if kind == "errors" else {"id": secrets.token_hex(6)}
        moment = int(self._now().timestamp()) - int(wish.get("age_seconds", 0))
        change = {"field": _FIELDS[kind], "value": facts}
        entry = {"id": str(wish.get("account")), "time": moment, "changes": [change]}
        return json.dumps({"object": "ad_account", "entry": [entry]}).encode()


async def _wish(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refused(text: str) -> Response:
    return JSONResponse({"error": text}, status_code=400)
