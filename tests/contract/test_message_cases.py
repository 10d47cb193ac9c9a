"""The message adapters against recorded cases: the request each must send, and what it must make of each answer."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import httpx
import pytest

from adapters.sendgrid import SendGridMailer
from adapters.slack import SlackPoster
from adapters.twilio import TwilioTexter
from domain.errors import DeliveryError
from domain.notifications.messages import Message
from domain.notifications.preferences import Channel
from services.ports import Messenger

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    f"{path.parent.name}-{path.stem}": (path.parent.name, json.loads(path.read_text()))
    for path in sorted((Path(__file__).parent / "message_cases").glob("*/*.json"))
}
CHANNELS = {"sendgrid": Channel.EMAIL, "twilio": Channel.SMS, "slack": Channel.SLACK}
BATCH = UUID("019a0000-0000-7000-8000-000000000001")


def make(name: str, client: httpx.AsyncClient) -> Messenger:
    if name == "sendgrid":
        return SendGridMailer(client, "key-1", "Campaign Express <notices@acme.test>")
    return TwilioTexter(client, "AC1", "token-1", "+14155550199") if name == "twilio" else SlackPoster(client, "xoxb-1")


def message(name: str, **parts: Any) -> Message:
    return Message(id=BATCH, channel=CHANNELS[name], **parts)


def client_of(answer: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://provider.test")


def test_every_provider_has_cases() -> None:
    assert {provider for provider, _ in CASES.values()} == set(CHANNELS)


@pytest.mark.parametrize("name", CASES)
async def test_case(name: str) -> None:
    provider, case = CASES[name]
    wanted, answer, asked = case["request"], case["response"], []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        content = answer["text"] if "text" in answer else json.dumps(answer["json"])
        return httpx.Response(answer["status"], headers=answer["headers"], content=content)

    async with client_of(respond) as client:
        sending = make(provider, client).send(message(provider, **case["message"]))
        if "error" in case:
            with pytest.raises(DeliveryError) as caught:
                await sending
            assert {name: getattr(caught.value, name) for name in case["error"]} == case["error"]
        else:
            await sending
    [request] = asked
    assert (request.method, request.url.path) == (wanted["method"], wanted["path"])
    assert {name: request.headers.get(name) for name in wanted["headers"]} == wanted["headers"]
    assert not request.url.query
    if "form" in wanted:
        assert dict(parse_qsl(request.content.decode())) == wanted["form"]
    else:
        assert json.loads(request.content) == wanted["json"]


@pytest.mark.parametrize("name", sorted(CHANNELS))
@pytest.mark.parametrize(
    ("failure", "known"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.ConnectTimeout("slow"), True),
        (httpx.ReadTimeout("slow"), False),
        (httpx.RemoteProtocolError("cut"), False),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_transport_failures_tell_whether_it_may_have_been_taken(
    name: str, failure: Exception, known: bool
) -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        raise failure

    async with client_of(respond) as client:
        with pytest.raises(DeliveryError) as caught:
            await make(name, client).send(message(name, address="x", subject="s", text="t", html="h"))
    assert (caught.value.retryable, caught.value.outcome_known) == (True, known)
    assert caught.value.code == "DELIVERY_RETRYABLE"
