"""What a webhook must be to be believed, what is news, and what it says."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.errors import InvalidInput, Unauthenticated
from domain.platforms import Platform
from domain.webhooks import (
    MAX_CHANGES,
    AccountIssue,
    Change,
    WebhookKind,
    answered_challenge,
    changes,
    digest,
    issue,
    require_news,
    require_signed,
)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SECRET = "app secret"


def delivery(*entries: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({"object": "ad_account", "entry": list(entries), **changes}).encode()


def entry(account: str = "1", at: datetime | None = NOON, *told: dict[str, Any]) -> dict[str, Any]:
    moment = {} if at is None else {"time": int(at.timestamp())}
    return {"id": account, **moment, "changes": list(told) or [{"field": "f", "value": {"id": "9"}}]}


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.req("RO-03")
def test_only_the_right_signature_over_the_very_bytes_counts() -> None:
    body = delivery(entry())
    require_signed(SECRET, body, sign(body))
    wrong = [
        None,
        "",
        "sha256=",
        sign(body, "another"),
        sign(body + b" "),
        sign(body).upper(),
        sign(body).removeprefix("sha256="),
        "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest(),
        "sha256=ü",
    ]
    for signature in wrong:
        with pytest.raises(Unauthenticated):
            require_signed(SECRET, body, signature)


@pytest.mark.req("RO-03")
def test_the_challenge_is_answered_to_who_knows_the_token() -> None:
    assert answered_challenge("subscribe", "token", "1158201444", "token") == "1158201444"
    for mode, token, challenge in [
        ("unsubscribe", "token", "1"),
        (None, "token", "1"),
        ("subscribe", "other", "1"),
        ("subscribe", None, "1"),
        ("subscribe", "", "1"),
        ("subscribe", "token", None),
    ]:
        with pytest.raises(Unauthenticated):
            answered_challenge(mode, token, challenge, "token")
    for challenge in ("x" * 201, "a\r\nb"):
        with pytest.raises(InvalidInput):
            answered_challenge("subscribe", "token", challenge, "token")


@pytest.mark.req("RO-03")
def test_the_replay_window() -> None:
    hours = timedelta(hours=36)
    for at in (NOON, NOON - hours, NOON + timedelta(minutes=5)):
        require_news(delivery(entry(at=at)), NOON)
    # A newer entry makes an older one news: Meta gathers changes.
    require_news(delivery(entry(at=NOON - 2 * hours), entry(at=NOON)), NOON)
    require_news(delivery(entry(at=None)), NOON)
    for at in (NOON - hours - timedelta(seconds=1), NOON + timedelta(minutes=5, seconds=1)):
        with pytest.raises(InvalidInput):
            require_news(delivery(entry(at=at)), NOON)


def test_the_same_bytes_at_the_same_address_are_the_same_delivery() -> None:
    body = delivery(entry())
    assert digest(WebhookKind.INSIGHTS, body) == digest(WebhookKind.INSIGHTS, bytes(body))
    assert len({digest(kind, each) for kind in WebhookKind for each in (body, body + b" ")}) == 4


def test_what_a_delivery_says() -> None:
    body = delivery(
        entry("act_12", NOON, {"field": "with_issues_ad_objects", "value": {"id": "5"}}, {"field": "g", "value": 3}),
        {"id": "34"},
    )
    assert changes(body) == [
        Change("12", "with_issues_ad_objects", {"id": "5"}),
        Change("12", "g", {}),
        Change("34", "", {}),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b'{"object": "page", "entry": []}',
        b'{"object": "ad_account"}',
        b'{"object": "ad_account", "entry": [1]}',
        delivery({"id": 5}, object="ad_account").replace(b"5", b"null"),
        delivery({"id": "1 OR 1"}),
        delivery({"id": "1\u0000"}),
        delivery({"id": "1", "changes": {"a": 1}}),
        delivery({"id": "1", "changes": ["x"]}),
        delivery(*(entry() for _ in range(MAX_CHANGES + 1))),
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_what_is_no_delivery_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        changes(body)


def test_a_time_beyond_all_time_is_refused() -> None:
    with pytest.raises(InvalidInput):
        require_news(delivery({"id": "1", "time": 10**30}), NOON)


def test_an_issue_is_told_in_short_plain_texts() -> None:
    change = Change("1", "f", {"id": 7, "level": "ad", "error_code": 1815869, "error_summary": "no\r\ngood\x00"})
    assert issue(change, UUID(int=1), UUID(int=2), UUID(int=3)) == AccountIssue(
        UUID(int=1), UUID(int=2), UUID(int=3), Platform.META, "AD", "7", "1815869", "no good", ""
    )
    bare = issue(Change("1", "f", {}), UUID(int=1), UUID(int=2), UUID(int=3))
    assert (bare.summary, bare.code) == ("an error", "")
