"""Every adapter against recorded cases: the requests it must send, the answers it gets, what it must make of them."""

import json
from dataclasses import asdict, is_dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from adapters.google import GooglePlatform
from adapters.meta import MetaPlatform
from adapters.tiktok import TikTokPlatform
from domain.errors import PlatformError
from domain.platforms import AdPlatform

CASES = {
    f"{path.parent.name}-{path.stem}": (path.parent.name, json.loads(path.read_text()))
    for path in sorted((Path(__file__).parent / "cases").glob("*/*.json"))
}


def make_platform(name: str, client: httpx.AsyncClient) -> AdPlatform:
    if name == "google":
        return GooglePlatform(client, lambda: "token-1", "dev-1")
    return MetaPlatform(client, "token-1") if name == "meta" else TikTokPlatform(client, "token-1")


def plain(value: object) -> object:
    """A value as its JSON case writes it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(item) for name, item in asdict(value).items()}
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value


class Recorded:
    """Answers requests in the recorded order and refuses any other."""

    def __init__(self, exchanges: list[dict]) -> None:
        self.left = list(exchanges)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert self.left, f"unexpected {request.method} {request.url}"
        exchange = self.left.pop(0)
        wanted, answer = exchange["request"], exchange["response"]
        assert (request.method, request.url.path) == (wanted["method"], wanted["path"])
        assert dict(request.url.params) == wanted["query"]
        assert {name: request.headers.get(name) for name in wanted["headers"]} == wanted["headers"]
        assert "token" not in str(request.url)
        if "form" in wanted:
            assert dict(parse_qsl(request.content.decode())) == wanted["form"]
        elif "json" in wanted:
            assert json.loads(request.content) == wanted["json"]
        else:
            assert request.content == b""
        content = answer["text"] if "text" in answer else json.dumps(answer["json"])
        return httpx.Response(answer["status"], headers=answer["headers"], content=content)


def test_every_platform_has_cases():
    assert {platform for platform, _ in CASES.values()} == {"google", "meta", "tiktok"}


@pytest.mark.parametrize("name", CASES)
async def test_case(name: str):
    platform, case = CASES[name]
    recorded = Recorded(case["exchanges"])
    arguments = list(case["call"]["arguments"])
    if case["call"]["method"] == "fetch_daily_metrics":
        arguments[1:] = [date.fromisoformat(text) for text in arguments[1:]]
    async with httpx.AsyncClient(transport=httpx.MockTransport(recorded), base_url="https://platform.test") as client:
        method = getattr(make_platform(platform, client), case["call"]["method"])
        if "error" in case:
            with pytest.raises(PlatformError) as caught:
                await method(*arguments)
            assert {name: getattr(caught.value, name) for name in case["error"]} == case["error"]
        else:
            assert plain(await method(*arguments)) == case["expected"]
    assert recorded.left == []


@pytest.mark.parametrize("name", ["google", "meta", "tiktok"])
@pytest.mark.parametrize(
    ("failure", "known_after_write"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.ConnectTimeout("slow"), True),
        (httpx.PoolTimeout("full"), True),
        (httpx.ReadTimeout("slow"), False),
        (httpx.WriteError("broken"), False),
        (httpx.ReadError("reset"), False),
        (httpx.RemoteProtocolError("cut"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_transport_failures_tell_whether_a_write_may_have_landed(name, failure, known_after_write):
    def answer(request: httpx.Request) -> httpx.Response:
        # Meta's adapter reads the account's currency before it writes; that must succeed for the write to be tried.
        if request.method == "GET" and "fields=account_id" in str(request.url):
            body = {"account_id": "1", "name": "n", "currency": "USD", "timezone_name": "UTC"}
            return httpx.Response(200, json=body)
        raise failure

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://platform.test") as client:
        platform = make_platform(name, client)
        with pytest.raises(PlatformError) as write:
            await platform.set_daily_budget("1", "2", 60_000_000)
        with pytest.raises(PlatformError) as read:
            await platform.read_budget("1", "2")
    assert (write.value.retryable, write.value.outcome_known) == (True, known_after_write)
    assert (read.value.retryable, read.value.outcome_known) == (True, True)
    assert write.value.platform_code == type(failure).__name__


async def test_google_goes_through_a_manager_account_and_asks_for_the_current_token():
    tokens = iter(("first", "second"))
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["authorization"], request.headers["login-customer-id"]))
        return httpx.Response(200, json=[])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://platform.test") as client:
        platform = GooglePlatform(client, lambda: next(tokens), "dev-1", login_customer_id="99")
        assert await platform.fetch_campaigns("1") == []
        assert await platform.fetch_campaigns("1") == []
    assert seen == [("Bearer first", "99"), ("Bearer second", "99")]


async def test_pages_that_never_end_are_given_up():
    def answer(request: httpx.Request) -> httpx.Response:
        more = {"cursors": {"after": "QQ"}, "next": "https://platform.test/again"}
        return httpx.Response(200, json={"data": [], "paging": more})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://platform.test") as client:
        with pytest.raises(PlatformError) as caught:
            await MetaPlatform(client, "token-1").fetch_daily_metrics("1", date(2026, 3, 1), date(2026, 3, 2))
    assert (caught.value.platform_code, caught.value.retryable) == ("ENDLESS_PAGES", False)
