"""E-mail through SendGrid's mail-send API (v3). Builds and parses; must not decide."""

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

import httpx

from adapters.mail_headers import unsubscribe_headers
from adapters.message_http import MessageHttp
from domain.notifications.messages import Message


@dataclass(frozen=True, slots=True)
class SendGridMailer:
    """Sends as `sender`, such as "Campaign Express <notices@example.com>", with an API key."""

    client: httpx.AsyncClient
    api_key: str
    sender: str

    async def send(self, message: Message) -> None:
        """Hand one message over. Raises DeliveryError."""
        http = MessageHttp("SendGrid", self.client, lambda body: str(body["errors"][0]["message"]))
        headers = {"authorization": f"Bearer {self.api_key}"}
        await http.post("/v3/mail/send", headers=headers, json=self._body(message))

    def _body(self, message: Message) -> dict[str, Any]:
        name, address = parseaddr(self.sender)
        return {
            "personalizations": [{"to": [{"email": message.address}]}],
            "from": {"email": address, "name": name},
            "subject": message.subject,
            # In the order of RFC 2046: the plainest first.
            "content": [
                {"type": "text/plain", "value": message.text},
                {"type": "text/html", "value": message.html},
            ],
            "headers": unsubscribe_headers(message),
            "custom_args": {"batch_id": str(message.id)},
        }
