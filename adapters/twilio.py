"""Text messages through Twilio's Messages resource. Builds and parses; must not decide."""

from base64 import b64encode
from dataclasses import dataclass

import httpx

from adapters.message_http import MessageHttp
from domain.notifications.messages import Message


@dataclass(frozen=True, slots=True)
class TwilioTexter:
    """Sends from one number of an account. `account` is its id (AC...), `token` its secret."""

    client: httpx.AsyncClient
    account: str
    token: str
    sender: str

    async def send(self, message: Message) -> None:
        """Hand one message over. Raises DeliveryError."""
        http = MessageHttp("Twilio", self.client, lambda body: f"{body['message']} ({body['code']})")
        login = f"{self.account}:{self.token}".encode()
        await http.post(
            f"/2010-04-01/Accounts/{self.account}/Messages.json",
            headers={"authorization": f"Basic {b64encode(login).decode()}"},
            data={"To": message.address, "From": self.sender, "Body": message.text},
        )
