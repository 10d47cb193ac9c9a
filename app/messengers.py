"""Which channels notices can leave by, out of the settings: the composition of the message adapters."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

import httpx

from adapters.sendgrid import SendGridMailer
from adapters.slack import SlackPoster
from adapters.smtp import SmtpMailer, SmtpServer
from adapters.twilio import TwilioTexter
from app.settings import Settings
from domain.errors import InvalidInput
from domain.notifications.preferences import Channel
from kit.time import Clock
from services.ports import Messenger

#: The sandbox lets anybody in who says something.
_SANDBOX: Final = "sandbox"


async def open_messengers(stack: AsyncExitStack, settings: Settings, clock: Clock) -> Mapping[Channel, Messenger]:
    """The channels that are set up, each with a client of its own; the stack closes them.

    Raises:
        InvalidInput: two ways for e-mail, or half a way for text messages.
    """
    if settings.messages == "sandbox":
        return await _to_sandbox(stack, settings)
    found: dict[Channel, Messenger] = {}
    sendgrid_key, slack_token = settings.sendgrid_key.get_secret_value(), settings.slack_token.get_secret_value()
    if settings.smtp_url and sendgrid_key:
        raise InvalidInput("e-mail goes one way: set CE_SMTP_URL or CE_SENDGRID_KEY, not both")
    if settings.smtp_url:
        found[Channel.EMAIL] = SmtpMailer(SmtpServer.parse(settings.smtp_url), settings.mail_from, clock)
    elif sendgrid_key:
        client = await _client(stack, settings.sendgrid_url)
        found[Channel.EMAIL] = SendGridMailer(client, sendgrid_key, settings.mail_from)
    twilio = (settings.twilio_account, settings.twilio_token.get_secret_value(), settings.twilio_from)
    if any(twilio):
        if not all(twilio):
            raise InvalidInput("text messages need CE_TWILIO_ACCOUNT, CE_TWILIO_TOKEN and CE_TWILIO_FROM together")
        found[Channel.SMS] = TwilioTexter(await _client(stack, settings.twilio_url), *twilio)
    if slack_token:
        found[Channel.SLACK] = SlackPoster(await _client(stack, settings.slack_url), slack_token)
    return found


async def _to_sandbox(stack: AsyncExitStack, settings: Settings) -> Mapping[Channel, Messenger]:
    """Every channel into the sandbox's mailbox, by the providers' own protocols."""

    async def reach(provider: str) -> httpx.AsyncClient:
        # Proxy settings are for the outside world; the sandbox is on this machine or network.
        return await _client(stack, f"{settings.sandbox}/{provider}", trust_env=False)

    return {
        Channel.EMAIL: SendGridMailer(await reach("sendgrid"), _SANDBOX, settings.mail_from),
        Channel.SMS: TwilioTexter(await reach("twilio"), _SANDBOX, _SANDBOX, "+15005550006"),
        Channel.SLACK: SlackPoster(await reach("slack"), _SANDBOX),
    }


async def _client(stack: AsyncExitStack, url: str, *, trust_env: bool = True) -> httpx.AsyncClient:
    return await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=trust_env))
