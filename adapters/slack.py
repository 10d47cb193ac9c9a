"""Slack messages through chat.postMessage with a bot's token. Builds and parses; must not decide."""

from dataclasses import dataclass
from html import escape
from typing import Final

import httpx

from adapters.message_http import MessageHttp
from domain.errors import DeliveryError
from domain.notifications.messages import Message

#: Slack answers 200 to refusals too; after these trying again may help, the others stay refused.
_BUSY: Final = frozenset({"ratelimited", "rate_limited"})
_FAILED: Final = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


@dataclass(frozen=True, slots=True)
class SlackPoster:
    """Posts as the bot that the token belongs to, to members and channels by their ids."""

    client: httpx.AsyncClient
    token: str

    async def send(self, message: Message) -> None:
        """Hand one message over. Raises DeliveryError."""
        http = MessageHttp("Slack", self.client, lambda body: str(body["error"]))
        response = await http.post(
            "/api/chat.postMessage",
            headers={"authorization": f"Bearer {self.token}"},
            json={
                "channel": message.address,
                # Slack's own three escapes: a name must not become a mention or a link.
                "text": escape(message.text, quote=False),
                "unfurl_links": False,
                "unfurl_media": False,
            },
        )
        _check(response)


def _check(response: httpx.Response) -> None:
    try:
        body = response.json()
        done, error = body["ok"] is True, str(body.get("error", "no explanation"))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise DeliveryError("Slack answered in an unknown shape", retryable=True, outcome_known=False) from problem
    if not done:
        failed = error in _FAILED
        raise DeliveryError(f"Slack refused: {error}", retryable=failed or error in _BUSY, outcome_known=not failed)
