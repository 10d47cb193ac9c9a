"""A mail server that delivers everything into the mailbox: as much of RFC 5321 as a client needs to hand mail over.

No login, no encryption: only for this machine. Addresses that begin with "bounce" are refused for good and those that
begin with "later" for now, so that tests and demos can see what happens then.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Final

from sandbox.mailbox import Mailbox, Taken

MAX_BYTES: Final = 1_048_576
_MAX_LINE: Final = 2_048
_IDLE_SECONDS: Final = 60.0
_PATH: Final = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>", re.IGNORECASE)
_SHOWN_HEADERS: Final = ("Message-ID", "Date", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted")


class MailServer:
    """One listening server."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._sessions: set[asyncio.Task[None]] = set()
        self.port = 0

    @asynccontextmanager
    async def run(self, host: str, port: int) -> AsyncIterator["MailServer"]:
        """Listen until the block ends; port 0 takes a free one, which `port` then names."""
        server = await asyncio.start_server(self._accept, host, port, limit=_MAX_LINE)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for session in self._sessions:
                session.cancel()
            await asyncio.gather(*self._sessions, return_exceptions=True)
            await server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._sessions.add(task)
            task.add_done_callback(self._sessions.discard)
        try:
            await _Session(self._mailbox, reader, writer).serve()
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            # Who hangs up, dawdles or sends lines without an end gets no more answers.
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


class _Session:
    """One client's talk."""

    def __init__(self, mailbox: Mailbox, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._mailbox = mailbox
        self._reader = reader
        self._writer = writer
        self._sender: str | None = None
        self._recipients: list[str] = []

    async def serve(self) -> None:
        await self._say("220 sandbox ready")
        while True:
            line = (await self._line()).decode("utf-8", "replace").strip()
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    await self._say(f"250-sandbox\r\n250-SIZE {MAX_BYTES}\r\n250-8BITMIME\r\n250 SMTPUTF8")
                case "HELO" | "NOOP":
                    await self._say("250 sandbox")
                case "RSET":
                    self._forget()
                    await self._say("250 forgotten")
                case "MAIL":
                    await self._say(self._from(rest))
                case "RCPT":
                    await self._say(self._to(rest))
                case "DATA":
                    await self._data()
                case "QUIT":
                    await self._say("221 bye")
                    return
                case _:
                    await self._say("502 this server does not know that")

    def _forget(self) -> None:
        self._sender, self._recipients = None, []

    def _from(self, rest: str) -> str:
        found = _PATH.match(rest)
        if found is None:
            return "501 say MAIL FROM:<address>"
        self._forget()
        self._sender = found[1]
        return "250 sender noted"

    def _to(self, rest: str) -> str:
        found = _PATH.match(rest)
        if self._sender is None or found is None:
            return "503 say MAIL FROM:<address>, then RCPT TO:<address>"
        if found[1].startswith("bounce"):
            return "550 no such mailbox here"
        if found[1].startswith("later"):
            return "451 this mailbox is busy, try again later"
        self._recipients.append(found[1])
        return "250 recipient noted"

    async def _data(self) -> None:
        if not self._recipients:
            await self._say("503 nobody to deliver to")
            return
        await self._say("354 end with a line that holds only a point")
        content = bytearray()
        while (line := await self._line()) != b".\r\n":
            content += line[1:] if line.startswith(b".") else line
            if len(content) > MAX_BYTES:
                await self._say("552 too long")
                raise ConnectionError
        for recipient in self._recipients:
            self._mailbox.keep(_taken(bytes(content), self._sender or "", recipient))
        self._forget()
        await self._say("250 delivered")

    async def _line(self) -> bytes:
        async with asyncio.timeout(_IDLE_SECONDS):
            line = await self._reader.readline()
        if not line:
            raise ConnectionError
        return line

    async def _say(self, text: str) -> None:
        self._writer.write(f"{text}\r\n".encode())
        await self._writer.drain()


def _taken(content: bytes, sender: str, recipient: str) -> Taken:
    mail = message_from_bytes(content, _class=EmailMessage, policy=default)
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    return Taken(
        channel="EMAIL",
        provider="SMTP",
        sender=sender,
        recipient=recipient,
        subject=str(mail.get("Subject", "")),
        text="" if plain is None else plain.get_content(),
        html="" if rich is None else rich.get_content(),
        headers={name: str(mail[name]) for name in _SHOWN_HEADERS if name in mail},
    )
