"""Messages over real protocols into the sandbox's mailbox."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from adapters.sendgrid import SendGridMailer
from adapters.slack import SlackPoster
from adapters.smtp import SmtpMailer, SmtpServer
from adapters.twilio import TwilioTexter
from app.container import open_container
from app.settings import Settings
from domain.errors import DeliveryError
from domain.notifications.messages import Message
from domain.notifications.notices import NoticeKind
from domain.notifications.preferences import Channel, KindPreference, Pace, PreferencesChange
from kit.time import FixedClock
from sandbox.app import create_app
from sandbox.mailbox import Mailbox, mailbox_routes
from sandbox.messengers import messenger_routes
from sandbox.smtp import MailServer
from services import notifications as cases
from services.ports import Ports
from tests.conftest import NOON, House, build_house, viewer_of
from tests.integration.test_notification_deliveries import tell
from tests.integration.test_notifications import fail_adjustment


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    kept = Mailbox(tmp_path / "mailbox.db", lambda: NOON)
    yield kept
    kept.close()


def mail(address: str, **changes: Any) -> Message:
    parts: dict[str, Any] = {"subject": "[Acmé] 12 waits", "text": "Hello\n.dot\n", "html": "<p>Hello</p>", **changes}
    return Message(id=UUID(int=7), channel=Channel.EMAIL, address=address, **parts)


async def test_smtp_hands_over_both_bodies_and_the_headers(mailbox: Mailbox) -> None:
    async with MailServer(mailbox).run("127.0.0.1", 0) as server:
        where = SmtpServer.parse(f"smtp://127.0.0.1:{server.port}")
        mailer = SmtpMailer(where, "Campaign Express <notices@acme.test>", FixedClock(NOON))
        await mailer.send(mail("ana@acme.test", unsubscribe_url="https://app.acme.test/unsubscribe/cu_1"))
        with pytest.raises(DeliveryError) as refused:
            await mailer.send(mail("bounce@acme.test"))
        assert (refused.value.message, refused.value.retryable) == (
            "the mail server answered 550: no such mailbox here", False,
        )  # fmt: skip
        with pytest.raises(DeliveryError) as busy:
            await mailer.send(mail("later@acme.test"))
        assert (busy.value.retryable, busy.value.outcome_known) == (True, True)
        with pytest.raises(DeliveryError) as injected:
            await mailer.send(mail("ana@acme.test", subject="a\r\nBcc: eve@evil.test"))
        assert not injected.value.retryable
    [taken] = mailbox.messages()
    assert (taken["sender"], taken["recipient"], taken["subject"]) == (
        "notices@acme.test", "ana@acme.test", "[Acmé] 12 waits",
    )  # fmt: skip
    assert (taken["text"].replace("\r\n", "\n"), taken["html"].strip()) == ("Hello\n.dot\n", "<p>Hello</p>")
    assert taken["headers"] == {
        "Message-ID": "<00000000-0000-0000-0000-000000000007@acme.test>",
        "Date": "Tue, 10 Mar 2026 12:00:00 +0000",
        "List-Unsubscribe": "<https://app.acme.test/unsubscribe/cu_1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }


async def test_a_mail_server_that_is_not_there_or_hangs_is_an_answer_too() -> None:
    clock = FixedClock(NOON)
    with pytest.raises(DeliveryError) as gone:
        await SmtpMailer(SmtpServer("smtp", "127.0.0.1", 1), "a <a@acme.test>", clock).send(mail("ana@acme.test"))
    assert (gone.value.retryable, gone.value.outcome_known) == (True, True)

    async def greet_and_hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet_and_hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        mailer = SmtpMailer(SmtpServer("smtp", "127.0.0.1", port), "a <a@acme.test>", clock, step_seconds=0.2)
        with pytest.raises(DeliveryError) as hung:
            await mailer.send(mail("ana@acme.test"))
    assert (hung.value.retryable, hung.value.outcome_known) == (True, False)


@pytest.mark.req("RB-F7", "GO-08")
async def test_by_every_channel_into_the_mailbox(
    ports: Ports, house: House, mailbox: Mailbox, clock: FixedClock
) -> None:
    app = Starlette(routes=[*messenger_routes(mailbox), *mailbox_routes(mailbox)])
    async with AsyncExitStack() as stack:

        async def client(path: str) -> httpx.AsyncClient:
            made = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://sandbox{path}")
            return await stack.enter_async_context(made)

        told = replace(
            ports,
            messengers={
                Channel.EMAIL: SendGridMailer(await client("/sendgrid"), "key", "CE <notices@acme.test>"),
                Channel.SMS: TwilioTexter(await client("/twilio"), "AC1", "token", "+15005550006"),
                Channel.SLACK: SlackPoster(await client("/slack"), "xoxb-1"),
            },
        )
        ana = await viewer_of(told, house, house.owner_id)
        loud = KindPreference(in_app=True, email=Pace.AT_ONCE, sms=Pace.AT_ONCE, slack=Pace.AT_ONCE)
        change = PreferencesChange({NoticeKind.ADJUSTMENT_FAILED: loud}, "+14155550100", "U012ABCDEF")
        await cases.preferences_set(told, ana, house.workspace.id, change)
        await fail_adjustment(told, house)
        assert await tell(told) == 4
        sandbox = await client("")
        found = (await sandbox.get("/control/mailbox")).json()["messages"]
        assert sorted((each["channel"], each["recipient"]) for each in found) == [
            ("EMAIL", "owner@acme.test"),
            ("EMAIL", "reviewer@acme.test"),
            ("SLACK", "U012ABCDEF"),
            ("SMS", "+14155550100"),
        ]
        [text] = [each for each in found if each["channel"] == "SMS"]
        assert text["text"] == "acme: A budget change failed (100/33) - http://127.0.0.1:8000/"
        page = await sandbox.get("/mailbox")
        assert "[acme] A budget change failed (100/33)" in page.text
        one = await sandbox.get(f"/mailbox/{found[0]['id']}")
        assert "no such ad set" in one.text
        html = await sandbox.get(f"/mailbox/{found[0]['id']}/html")
        assert html.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert (await sandbox.get("/mailbox/999")).status_code == 404
        assert (await sandbox.get("/control/mailbox", params={"to": "owner@acme.test"})).json()["messages"] != []
        await sandbox.post("/control/mailbox/clear")
        assert (await sandbox.get("/control/mailbox")).json() == {"messages": []}


@pytest.fixture
def sandbox_url(tmp_path: Path) -> Iterator[str]:
    app = create_app(tmp_path / "sandbox.db", now=lambda: NOON)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the sandbox did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.req("RB-F7")
async def test_the_demos_settings_send_into_the_sandboxs_mailbox(
    database_url: str, clock: FixedClock, tmp_path: Path, sandbox_url: str
) -> None:
    settings = Settings(
        var_dir=tmp_path / "var", database_url=database_url, sandbox_url=sandbox_url, messages="sandbox"
    )
    async with open_container(settings, clock) as opened:
        assert set(opened.ports.messengers) == set(Channel)
        house = await build_house(opened.ports, "acme")
        await fail_adjustment(opened.ports, house)
        assert await tell(opened.ports) == 2
    async with httpx.AsyncClient(base_url=sandbox_url) as client:
        found = (await client.get("/control/mailbox")).json()["messages"]
    assert [each["recipient"] for each in found] == ["owner@acme.test", "reviewer@acme.test"]
    assert len({each["headers"]["batch_id"] for each in found}) == 2
