"""E-mail over SMTP, through the standard library's client in a thread. Builds and parses; must not decide.

smtp://user:password@host:port        plain, for a relay on this machine or network
smtp+starttls://user:password@host    encrypted from the greeting on; refused where the server cannot
smtps://user:password@host            encrypted from the first byte
"""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final
from urllib.parse import unquote, urlsplit

from adapters.mail_headers import unsubscribe_headers
from adapters.platform_http import shorten
from domain.errors import DeliveryError, InvalidInput
from domain.notifications.messages import Message
from kit.time import Clock

#: For each exchange with the server, not for all of them together.
STEP_SECONDS: Final = 10.0
_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_PERMANENT: Final = 500
_AUTHENTICATION: Final = frozenset({530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where to hand e-mails over. `scheme` is one of smtp, smtp+starttls, smtps."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """The server behind an address. Raises InvalidInput for what is none."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise InvalidInput("an SMTP address looks like smtp://host:port") from error
        if parts.scheme not in _PORTS or not parts.hostname:
            known = ", ".join(f"{scheme}://" for scheme in _PORTS)
            raise InvalidInput(f"an SMTP address begins with one of {known} and names a host")
        user, password = (None if text is None else unquote(text) for text in (parts.username, parts.password))
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password)


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """Sends as `sender`, such as "Campaign Express <notices@example.com>"."""

    server: SmtpServer
    sender: str
    clock: Clock
    step_seconds: float = STEP_SECONDS

    async def send(self, message: Message) -> None:
        """Hand one message over. Raises DeliveryError."""
        try:
            mail = self._mail(message)
        except ValueError as error:
            raise DeliveryError(f"no e-mail can be made of this: {error}") from error
        await asyncio.to_thread(self._hand_over, mail, message.address)

    def _mail(self, message: Message) -> EmailMessage:
        name, address = parseaddr(self.sender)
        # Headers are objects of the library, which refuses a line break in any of them.
        mail = EmailMessage(policy=SMTP)
        mail["From"] = Address(name, addr_spec=address)
        mail["To"] = Address(addr_spec=message.address)
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(self.clock.now_utc())
        # The same for every attempt, so that a mailbox recognises a second copy.
        mail["Message-ID"] = f"<{message.id}@{address.rpartition('@')[2]}>"
        for header, value in unsubscribe_headers(message).items():
            mail[header] = value
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        return mail

    def _hand_over(self, mail: EmailMessage, address: str) -> None:
        try:
            client = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise _failure(error, outcome_known=True) from error
        try:
            client.send_message(mail, to_addrs=[address])
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # A connection that broke may have broken after the server took the message.
            raise _failure(error, outcome_known=isinstance(error, smtplib.SMTPResponseException)) from error
        finally:
            _leave(client)

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        if server.scheme == "smtps":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self.step_seconds, context=ssl.create_default_context()
            )
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=self.step_seconds)
        try:
            if server.scheme == "smtp+starttls":
                client.starttls(context=ssl.create_default_context())
            if server.user is not None:
                client.login(server.user, server.password or "")
        except (OSError, smtplib.SMTPException):
            client.close()
            raise
        return client


def _leave(client: smtplib.SMTP) -> None:
    """Say goodbye; the message is taken or not whatever the server answers to that."""
    try:
        client.quit()
    except (OSError, smtplib.SMTPException):
        client.close()


def _failure(error: Exception, *, outcome_known: bool) -> DeliveryError:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        [(code, words)] = error.recipients.values()
        return _refusal(code, words)
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPNotSupportedError | ValueError):
        return DeliveryError(f"the mail server cannot take this: {shorten(str(error))}")
    message = f"the mail server did not answer ({type(error).__name__})"
    return DeliveryError(message, retryable=True, outcome_known=outcome_known)


def _refusal(code: int, words: bytes | str) -> DeliveryError:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    # RFC 5321: 4xx may go through later. So may a login, once somebody has corrected it.
    retryable = code < _PERMANENT or code in _AUTHENTICATION
    return DeliveryError(f"the mail server answered {code}: {shorten(text)}", retryable=retryable)
