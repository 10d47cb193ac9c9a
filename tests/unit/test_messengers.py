"""Which channels the settings open, and what half a setting is told."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.sendgrid import SendGridMailer
from adapters.smtp import SmtpMailer, SmtpServer
from app.messengers import open_messengers
from app.settings import Settings
from domain.errors import InvalidInput
from domain.notifications.preferences import Channel
from kit.time import FixedClock

CLOCK = FixedClock(datetime(2026, 3, 10, 12, 0, tzinfo=UTC))


async def opened(**settings: Any) -> dict[Channel, Any]:
    async with AsyncExitStack() as stack:
        return dict(await open_messengers(stack, Settings(**settings), CLOCK))


async def test_without_settings_nothing_leaves() -> None:
    assert await opened() == {}


async def test_each_channel_by_its_settings() -> None:
    by_smtp = await opened(smtp_url="smtp://127.0.0.1:2525", slack_token="xoxb-1")
    assert isinstance(by_smtp[Channel.EMAIL], SmtpMailer)
    assert set(by_smtp) == {Channel.EMAIL, Channel.SLACK}
    by_sendgrid = await opened(sendgrid_key="k", twilio_account="AC1", twilio_token="t", twilio_from="+15005550006")
    assert isinstance(by_sendgrid[Channel.EMAIL], SendGridMailer)
    assert set(by_sendgrid) == {Channel.EMAIL, Channel.SMS}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"smtp_url": "smtp://h", "sendgrid_key": "k"}, "not both"),
        ({"twilio_account": "AC1"}, "together"),
        ({"smtp_url": "smtp://"}, "and names a host"),
    ],
)
async def test_half_a_setting_is_told(settings: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        await opened(**settings)


@pytest.mark.parametrize("name", ["smtp_url", "sendgrid_url", "app_url"])
def test_a_mistyped_address_is_told_at_the_start(name: str) -> None:
    with pytest.raises(ValueError, match="an address begins with"):
        Settings(**{name: "ftp://x"})


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.test", SmtpServer("smtp", "mail.test", 25)),
        ("smtps://u%40x:p%2Fw@mail.test", SmtpServer("smtps", "mail.test", 465, "u@x", "p/w")),
        ("smtp+starttls://mail.test:2525", SmtpServer("smtp+starttls", "mail.test", 2525)),
    ],
)
def test_smtp_addresses(url: str, server: SmtpServer) -> None:
    assert SmtpServer.parse(url) == server


async def test_the_demo_sends_everything_to_the_sandbox_whatever_else_is_set() -> None:
    found = await opened(messages="sandbox", smtp_url="smtp://mail.test")
    assert set(found) == set(Channel)
    assert isinstance(found[Channel.EMAIL], SendGridMailer)


def test_links_lead_to_where_people_reach_the_app() -> None:
    assert Settings(api_port=8123).app_address == "http://127.0.0.1:8123"
    assert Settings(app_url="https://app.acme.test/").app_address == "https://app.acme.test"
