"""Webhooks in: what Meta may tell us by itself, whether it is really Meta, whether it is news, what it says. Pure.

A delivery is authentic if it is signed with the app's secret over its raw bytes. It is news if no moment in it lies
outside the replay window and nobody has sent the same bytes before; digests are remembered for longer than the window
lasts, so nothing is counted twice. The window is wide because Meta tries for 36 hours to deliver what failed.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.errors import InvalidInput, Unauthenticated
from domain.notifications.notices import plain
from domain.platforms import Platform

#: How old the newest moment of a delivery may be, and how far ahead a clock may be.
WINDOW: Final = timedelta(hours=36)
AHEAD: Final = timedelta(minutes=5)
#: Digests of delivered bodies are remembered so long; deliveries without any moment are recognised for as long.
DIGEST_LIFE: Final = timedelta(days=90)
MAX_BYTES: Final = 1_048_576
#: Entries of one delivery; Meta gathers at most a thousand changes.
MAX_CHANGES: Final = 1_000

LEASE: Final = timedelta(seconds=30)
MAX_ATTEMPTS: Final = 10

_ACCOUNT: Final = re.compile(r"(?:act_)?[0-9]{1,64}", re.ASCII)
_SIGNATURE_START: Final = "sha256="
_CHALLENGE_CHARACTERS: Final = 200
_ID_CHARACTERS: Final = 64
_CODE_CHARACTERS: Final = 32
_SUMMARY_CHARACTERS: Final = 160
_MESSAGE_CHARACTERS: Final = 600


class WebhookKind(StrEnum):
    """What a delivery is about, as its address says."""

    INSIGHTS = "insights"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to an ad account, `account_external_id` without Meta's "act_"."""

    account_external_id: str
    field: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WaitingWebhook:
    """A stored delivery that was not processed yet."""

    id: UUID
    kind: WebhookKind
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class RequestedSync:
    """An account that has news, and since when we know."""

    tenant_id: UUID
    account_id: UUID
    requested_at_utc: datetime


@dataclass(frozen=True, slots=True)
class AccountIssue:
    """An error that a platform reports on an ad account, or on something in it (`external_id`, at `level`)."""

    id: UUID
    workspace_id: UUID
    account_id: UUID
    platform: Platform
    level: str
    external_id: str
    code: str
    summary: str
    message: str


def require_signed(secret: str, body: bytes, signature: str | None) -> None:
    """Raise Unauthenticated unless `X-Hub-Signature-256` signs these very bytes with the app's secret."""
    wanted = _SIGNATURE_START + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if signature is None or not hmac.compare_digest(wanted.encode(), signature.encode()):
        raise Unauthenticated("the signature does not fit the body")


def answered_challenge(mode: str | None, token: str | None, challenge: str | None, expected_token: str) -> str:
    """What to answer when the address is registered. Raises Unauthenticated for whoever does not know the token."""
    known = hmac.compare_digest((token or "").encode(), expected_token.encode())
    if mode != "subscribe" or not known or challenge is None:
        raise Unauthenticated("this is not the verification that was agreed")
    if len(challenge) > _CHALLENGE_CHARACTERS or not challenge.isprintable():
        raise InvalidInput("a challenge is a short text")
    return challenge


def digest(kind: WebhookKind, body: bytes) -> str:
    """What a delivery is recognised by: the same bytes at the same address are the same delivery."""
    return hashlib.sha256(kind.value.encode() + b"\x00" + body).hexdigest()


def require_news(body: bytes, now_utc: datetime) -> None:
    """Raise InvalidInput for what is no delivery, or one whose moments lie outside the replay window."""
    moments = list(_moments(_entries(body)))
    if moments and max(moments) < now_utc - WINDOW:
        raise InvalidInput("this delivery is older than the replay window")
    if moments and max(moments) > now_utc + AHEAD:
        raise InvalidInput("this delivery comes from the future")


def changes(body: bytes) -> list[Change]:
    """What a delivery says, in its order. Raises InvalidInput for what is no delivery."""
    found = [change for entry in _entries(body) for change in _changes(entry)]
    if len(found) > MAX_CHANGES:
        raise InvalidInput(f"a delivery has at most {MAX_CHANGES} changes")
    return found


def issue(change: Change, id_: UUID, workspace_id: UUID, account_id: UUID) -> AccountIssue:
    """The error that a change of an account reports."""
    facts = change.facts
    return AccountIssue(
        id=id_,
        workspace_id=workspace_id,
        account_id=account_id,
        platform=Platform.META,
        level=_text(facts, "level", _CODE_CHARACTERS).upper(),
        external_id=_text(facts, "id", _ID_CHARACTERS),
        code=_text(facts, "error_code", _CODE_CHARACTERS),
        summary=_text(facts, "error_summary", _SUMMARY_CHARACTERS) or "an error",
        message=_text(facts, "error_message", _MESSAGE_CHARACTERS),
    )


def _text(facts: Mapping[str, Any], name: str, limit: int) -> str:
    value = facts.get(name)
    return "" if value is None else plain(str(value), limit)


def _entries(body: bytes) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the body is not JSON") from error
    if not isinstance(found, dict) or found.get("object") != "ad_account" or not isinstance(found.get("entry"), list):
        raise InvalidInput("the body is no delivery about ad accounts")
    entries: list[Mapping[str, Any]] = found["entry"]
    if not all(isinstance(entry, dict) and _ACCOUNT.fullmatch(str(entry.get("id"))) for entry in entries):
        raise InvalidInput("an entry names an ad account")
    return entries


def _changes(entry: Mapping[str, Any]) -> Iterator[Change]:
    account = str(entry["id"]).removeprefix("act_")
    told = entry.get("changes") or [{}]
    if not isinstance(told, list) or not all(isinstance(change, dict) for change in told):
        raise InvalidInput("changes are a list of objects")
    for change in told:
        value = change.get("value")
        yield Change(account, str(change.get("field", "")), value if isinstance(value, dict) else {})


def _moments(entries: list[Mapping[str, Any]]) -> Iterator[datetime]:
    for entry in entries:
        moment = entry.get("time")
        if isinstance(moment, int) and not isinstance(moment, bool):
            try:
                yield datetime.fromtimestamp(moment, UTC)
            except (OverflowError, ValueError, OSError) as error:
                raise InvalidInput("a time counts seconds since 1970") from error
