"""The sandbox's mail server and message stand-ins refuse what the real ones refuse, and keep what they take."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from sandbox.app import create_app
from sandbox.mailbox import Mailbox, Taken, mailbox_routes
from sandbox.messengers import messenger_routes
from sandbox.smtp import MAX_BYTES, MailServer

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    kept = Mailbox(tmp_path / "mailbox.db", lambda: NOON)
    yield kept
    kept.close()


async def talk(mailbox: Mailbox, lines: list[str]) -> list[str]:
    """What the server answers to each line, its greeting first."""
    async with MailServer(mailbox).run("127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        answers = [(await reader.readline()).decode().strip()]
        for line in lines:
            writer.write(f"{line}\r\n".encode())
            if not line.startswith("EHLO"):
                answers.append((await reader.readline()).decode().strip())
        writer.close()
    return answers


async def test_a_talk_out_of_order_is_refused_and_goes_on(mailbox: Mailbox) -> None:
    answers = await talk(
        mailbox,
        ["RCPT TO:<a@b.test>", "DATA", "VRFY x", "MAIL to me", "MAIL FROM:<x@y.test>", "RCPT TO:<a@b.test>", "RSET",
         "DATA", "QUIT"],
    )  # fmt: skip
    assert [each[:3] for each in answers] == ["220", "503", "503", "502", "501", "250", "250", "250", "503", "221"]
    assert mailbox.messages() == []


async def test_a_line_that_begins_with_a_point_keeps_it(mailbox: Mailbox) -> None:
    lines = ["MAIL FROM:<x@y.test>", "RCPT TO:<a@b.test>", "RCPT TO:<c@d.test>", "DATA"]
    async with MailServer(mailbox).run("127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for line in lines:
            writer.write(f"{line}\r\n".encode())
        writer.write(b"Subject: s\r\n\r\n..dot\r\n.\r\nQUIT\r\n")
        said = (await reader.read()).decode().splitlines()
        writer.close()
    assert [each[:3] for each in said] == ["220", "250", "250", "250", "354", "250", "221"]
    found = mailbox.messages()
    assert [(each["recipient"], each["text"].strip()) for each in found] == [("a@b.test", ".dot"), ("c@d.test", ".dot")]
    assert mailbox.messages(after_id=found[0]["id"]) == found[1:]


async def test_a_message_without_an_end_is_cut_off(mailbox: Mailbox) -> None:
    async with MailServer(mailbox).run("127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"MAIL FROM:<x@y.test>\r\nRCPT TO:<a@b.test>\r\nDATA\r\n")
        line = b"x" * 1_000 + b"\r\n"
        said = b""
        try:
            for _ in range(MAX_BYTES // len(line) + 2):
                writer.write(line)
                await writer.drain()
            async with asyncio.timeout(10):
                said = await reader.read()
        except ConnectionError:
            pass
        writer.close()
    assert b"delivered" not in said
    assert mailbox.messages() == []


@pytest.mark.parametrize(
    ("path", "headers", "content", "status", "words"),
    [
        ("/sendgrid/v3/mail/send", {}, "{}", 401, "authorization grant is invalid"),
        ("/sendgrid/v3/mail/send", {"authorization": "Bearer k"}, "{}", 400, "Bad Request"),
        ("/twilio/2010-04-01/Accounts/AC1/Messages.json", {}, "", 401, "Authenticate"),
        (
            "/twilio/2010-04-01/Accounts/AC1/Messages.json",
            {"authorization": "Basic QUMxOnQ="},
            "To=15",
            400,
            "21211",
        ),
        ("/slack/api/chat.postMessage", {}, "{}", 200, "not_authed"),
        ("/slack/api/chat.postMessage", {"authorization": "Bearer k"}, "[]", 200, "invalid_arguments"),
    ],
)
async def test_what_the_providers_refuse_is_refused_in_their_words(
    mailbox: Mailbox, path: str, headers: dict[str, str], content: str, status: int, words: str
) -> None:
    transport = httpx.ASGITransport(Starlette(routes=[*messenger_routes(mailbox)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        answer = await client.post(path, headers=headers, content=content)
    assert (answer.status_code, words in answer.text) == (status, True)
    assert mailbox.messages() == []


async def test_the_pages_escape_whatever_a_message_holds(mailbox: Mailbox) -> None:
    evil = "<script>alert(1)</script>"
    id_ = mailbox.keep(Taken("EMAIL", evil, evil, evil, evil, evil, evil, {evil: evil}))
    transport = httpx.ASGITransport(Starlette(routes=[*mailbox_routes(mailbox)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        for path in ("/mailbox", f"/mailbox/{id_}"):
            page = await client.get(path)
            assert "<script" not in page.text
            assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert (await client.get("/control/mailbox", params={"after": "x"})).status_code == 400


async def test_the_sandbox_runs_its_mail_server_while_it_serves(tmp_path: Path) -> None:
    app = create_app(tmp_path / "sandbox.db", now=lambda: NOON, smtp_address=("127.0.0.1", 0))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            assert (await client.get("/control/mailbox")).json() == {"messages": []}
