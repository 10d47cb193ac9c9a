"""The sandbox's mailbox: every message that the stand-ins of mail, SMS and chat providers took. Knows no provider.

GET /control/mailbox          the messages as JSON, oldest first (?after= an id, ?to= an address)
POST /control/mailbox/clear   forget them
GET /mailbox, /mailbox/{id}   pages for people; a message's own HTML runs no script and loads nothing
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from kit.time import iso_utc
from sandbox.page import PAGE_STYLE, table

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_utc TEXT NOT NULL,
    channel TEXT NOT NULL,
    provider TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    headers TEXT NOT NULL
)
"""
_COLUMNS: Final = "id, at_utc, channel, provider, sender, recipient, subject, text, html, headers"
_PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"
_MAIL_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that a provider's stand-in took. `channel` is EMAIL, SMS or SLACK."""

    channel: str
    provider: str
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]


class Mailbox:
    """Keeps messages in the sandbox's state file, in a table of its own.

    Args:
        path: the SQLite file.
        now: the world's time, UTC.
    """

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.execute(_SCHEMA)
        self._now = now

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def keep(self, message: Taken) -> int:
        """Store a message. Returns its id."""
        row = self._db.execute(
            "INSERT INTO mailbox (at_utc, channel, provider, sender, recipient, subject, text, html, headers)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                iso_utc(self._now()),
                message.channel,
                message.provider,
                message.sender,
                message.recipient,
                message.subject,
                message.text,
                message.html,
                json.dumps(message.headers),
            ),
        ).fetchone()
        return int(row[0])

    def clear(self) -> None:
        """Forget all messages."""
        self._db.execute("DELETE FROM mailbox")

    def messages(self, *, after_id: int = 0, recipient: str | None = None) -> list[dict[str, Any]]:
        """Messages later than an id, oldest first; only those to one address if it is given."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM mailbox WHERE id > ? AND (? IS NULL OR recipient = ?) ORDER BY id",
            (after_id, recipient, recipient),
        )
        names = [name.strip() for name in _COLUMNS.split(",")]
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return [{**each, "headers": json.loads(each["headers"])} for each in found]

    def message(self, id_: int) -> dict[str, Any] | None:
        """One message."""
        return next((each for each in self.messages(after_id=id_ - 1) if each["id"] == id_), None)


def mailbox_routes(mailbox: Mailbox) -> list[Route]:
    """The mailbox's endpoints and pages."""

    async def listed(request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit()):
            return JSONResponse({"error": "after is the id of a message"}, status_code=400)
        found = mailbox.messages(after_id=int(after), recipient=request.query_params.get("to"))
        return JSONResponse({"messages": found})

    async def clear(_request: Request) -> Response:
        mailbox.clear()
        return JSONResponse({"messages": []})

    async def page(_request: Request) -> Response:
        newest = list(reversed(mailbox.messages()))[:_SHOWN]
        rows = "".join(_row(each) for each in newest) or "<tr><td colspan=5>Nothing yet.</td></tr>"
        body = (
            "<!doctype html><html lang='en'><meta charset='utf-8'><title>Mailbox</title>"
            f"<style>{PAGE_STYLE}</style><h1>Mailbox</h1><p>What left the product for people, newest first. "
            f"<a href='/'>Sandbox</a></p><table><tr><th>At<th>By<th>To<th>Subject<th>Text</tr>{rows}</table>"
        )
        return HTMLResponse(body, headers={"content-security-policy": _PAGE_POLICY})

    async def one(request: Request) -> Response:
        found = mailbox.message(request.path_params["id"])
        if found is None:
            return PlainTextResponse("no such message", status_code=404)
        facts = [(name, found[name]) for name in ("at_utc", "channel", "provider", "sender", "recipient", "subject")]
        body = (
            "<!doctype html><html lang='en'><meta charset='utf-8'><title>Message</title>"
            f"<style>{PAGE_STYLE}iframe{{width:100%;height:30rem;border:1px solid #ddd}}</style>"
            "<p><a href='/mailbox'>Mailbox</a></p>"
            f"{table(('', ''), [*facts, *found['headers'].items()])}<pre>{escape(found['text'])}</pre>"
            f"<iframe sandbox src='/mailbox/{found['id']}/html'></iframe>"
        )
        return HTMLResponse(body, headers={"content-security-policy": _PAGE_POLICY})

    async def html(request: Request) -> Response:
        found = mailbox.message(request.path_params["id"])
        text = "" if found is None else found["html"]
        return HTMLResponse(text, headers={"content-security-policy": _MAIL_POLICY})

    return [
        Route("/control/mailbox", listed, methods=["GET"]),
        Route("/control/mailbox/clear", clear, methods=["POST"]),
        Route("/mailbox", page),
        Route("/mailbox/{id:int}", one),
        Route("/mailbox/{id:int}/html", html),
    ]


def _row(message: dict[str, Any]) -> str:
    subject = escape(message["subject"]) or "(no subject)"
    cells = (escape(message["at_utc"]), escape(message["provider"]), escape(message["recipient"]))
    link = f"<a href='/mailbox/{message['id']}'>{subject}</a>"
    return "<tr>" + "".join(f"<td>{cell}" for cell in (*cells, link, escape(message["text"][:120]))) + "</tr>"
