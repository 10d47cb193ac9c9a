"""Every adapter against recorded cases: the requests it must send, the answers it gets, what it must make of them."""

import base64
import gzip
import io
import json
import zipfile
from dataclasses import asdict, is_dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from adapters.amazon import AmazonPlatform
from adapters.google import GooglePlatform
from adapters.linkedin import LinkedInPlatform
from adapters.meta import MetaPlatform
from adapters.microsoft import MicrosoftPlatform, MicrosoftRoots
from adapters.report_jobs import MAX_UNPACKED_BYTES, ReportWait, gunzip, unzip, wait_for_report
from adapters.tiktok import TikTokPlatform
from domain.errors import PlatformError
from domain.platforms import AdPlatform, CampaignStatus, Platform

PLATFORMS = {platform.value.lower() for platform in Platform}
CASES = {
    f"{path.parent.name}-{path.stem}": (path.parent.name, json.loads(path.read_text()))
    for path in sorted((Path(__file__).parent / "cases").glob("*/*.json"))
}


def make_platform(name: str, client: httpx.AsyncClient) -> AdPlatform:
    at_once = ReportWait(first_seconds=0.0, longest_seconds=0.0)
    match name:
        case "google":
            return GooglePlatform(client, lambda: "token-1", "dev-1")
        case "linkedin":
            return LinkedInPlatform(client, lambda: "token-1")
        case "amazon":
            return AmazonPlatform(client, lambda: "token-1", "client-1", report_wait=at_once)
        case "microsoft":
            return MicrosoftPlatform(client, lambda: "token-1", "dev-1", report_wait=at_once)
        case "meta":
            return MetaPlatform(client, "token-1")
        case _:
            return TikTokPlatform(client, "token-1")


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
        return httpx.Response(answer["status"], headers=answer["headers"], content=content_of(answer))


def content_of(answer: dict) -> str | bytes:
    if "base64" in answer:
        return base64.b64decode(answer["base64"])
    return answer["text"] if "text" in answer else json.dumps(answer["json"])


def test_every_platform_has_cases():
    assert {platform for platform, _ in CASES.values()} == PLATFORMS


@pytest.mark.parametrize("name", CASES)
async def test_case(name: str):
    platform, case = CASES[name]
    recorded = Recorded(case["exchanges"])
    arguments = list(case["call"]["arguments"])
    if case["call"]["method"] == "set_campaign_status":
        arguments[2] = CampaignStatus(arguments[2])
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


@pytest.mark.parametrize("name", sorted(PLATFORMS))
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
        # Meta's and LinkedIn's read the account's currency before they write; that must succeed for the write to be tried.
        if request.method == "GET" and "fields=account_id" in str(request.url):
            body = {"account_id": "1", "name": "n", "currency": "USD", "timezone_name": "UTC"}
            return httpx.Response(200, json=body)
        if request.method == "GET" and request.url.path == "/rest/adAccounts/1":
            return httpx.Response(200, json={"id": 1, "name": "n", "currency": "USD"})
        raise failure

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://platform.test") as client:
        platform = make_platform(name, client)
        with pytest.raises(PlatformError) as write:
            await platform.set_daily_budget("1", "2", 60_000_000)
        with pytest.raises(PlatformError) as read:
            await platform.read_budget("1", "2")
        with pytest.raises(PlatformError) as pause:
            await platform.set_campaign_status("1", "2", CampaignStatus.PAUSED)
        with pytest.raises(PlatformError) as look:
            await platform.read_campaign_status("1", "2")
    assert (pause.value.retryable, pause.value.outcome_known) == (True, known_after_write)
    assert (look.value.retryable, look.value.outcome_known) == (True, True)
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


async def test_linkedin_sends_its_query_s_structure_bare_and_its_names_encoded():
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"elements": []})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://platform.test/li") as client:
        await LinkedInPlatform(client, "token-1").fetch_daily_metrics("7", date(2026, 3, 1), date(2026, 3, 31))
    fields = (
        "dateRange,pivotValues,impressions,clicks,costInLocalCurrency,externalWebsiteConversions,"
        "conversionValueInLocalCurrency"
    )
    query = (
        "q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY"
        "&dateRange=(start:(year:2026,month:3,day:1),end:(year:2026,month:3,day:31))"
        f"&accounts=List(urn%3Ali%3AsponsoredAccount%3A7)&fields={fields}"
    )
    assert seen == [f"/li/rest/adAnalytics?{query}"]


def linkedin_days(request: httpx.Request, per_day: int) -> httpx.Response:
    """Up to 15,000 elements of the asked range, as the platform cuts them off."""
    numbers = [
        int(part)
        for part in request.url.params["dateRange"].replace(")", ",").replace(":", ",").split(",")
        if part.isdigit()
    ]
    since, until = date(*numbers[:3]), date(*numbers[3:])
    days = [since + timedelta(days=later) for later in range((until - since).days + 1)]
    elements = [
        {
            "dateRange": {"start": {"year": day.year, "month": day.month, "day": day.day}},
            "pivotValues": [f"urn:li:sponsoredCampaign:{number}"],
            "impressions": 1,
            "clicks": 0,
            "costInLocalCurrency": "0.5",
        }
        for day in days
        for number in range(per_day)
    ]
    return httpx.Response(200, json={"elements": elements[:15_000]})


async def test_linkedin_halves_a_range_whose_answer_may_have_lost_its_end():
    transport = httpx.MockTransport(lambda request: linkedin_days(request, 4_000))
    async with httpx.AsyncClient(transport=transport, base_url="https://platform.test") as client:
        rows = await LinkedInPlatform(client, "token-1").fetch_daily_metrics("7", date(2026, 2, 26), date(2026, 3, 3))
    assert len(rows) == 6 * 4_000
    assert [row.day for row in rows[::4_000]] == [date(2026, 2, 26) + timedelta(days=later) for later in range(6)]


async def test_linkedin_gives_up_a_day_that_no_answer_holds():
    transport = httpx.MockTransport(lambda request: linkedin_days(request, 15_000))
    async with httpx.AsyncClient(transport=transport, base_url="https://platform.test") as client:
        with pytest.raises(PlatformError) as caught:
            await LinkedInPlatform(client, "token-1").fetch_daily_metrics("7", date(2026, 3, 1), date(2026, 3, 1))
    assert (caught.value.platform_code, caught.value.retryable) == ("REPORT_TOO_LARGE", False)


async def test_linkedin_asks_an_account_s_currency_once():
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        if request.method == "GET":
            return httpx.Response(200, json={"id": 7, "name": "n", "currency": "USD"})
        return httpx.Response(204)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://platform.test") as client:
        platform = LinkedInPlatform(client, "token-1")
        for amount in (60_000_000, 61_000_000):
            assert (await platform.set_daily_budget("7", "41", amount)).execution_id == ""
    assert seen == ["GET", "POST", "POST"]


async def test_microsoft_s_services_may_have_hosts_of_their_own():
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers["customerid"]))
        match request.url.host:
            case "campaigns.test":
                return httpx.Response(200, json={"Campaigns": [], "PartialErrors": []})
            case "customers.test":
                account = {"Id": "7", "Name": "n", "CurrencyCode": "USD", "TimeZone": "EasternTimeUSCanada"}
                return httpx.Response(200, json={"Account": account})
            case _:
                status = {"Status": "Success", "ReportDownloadUrl": None}
                return httpx.Response(200, json={"ReportRequestId": "1", "ReportRequestStatus": status})

    roots = MicrosoftRoots("https://campaigns.test", "https://customers.test", "https://reports.test")
    wait = ReportWait(first_seconds=0.0)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        platform = MicrosoftPlatform(client, "token-1", "dev-1", customer_id="99", roots=roots, report_wait=wait)
        assert await platform.fetch_campaigns("7") == []
        assert await platform.fetch_daily_metrics("7", date(2026, 3, 1), date(2026, 3, 2)) == []
    hosts = ["campaigns.test", "customers.test", "reports.test", "reports.test"]
    assert seen == [(host, "99") for host in hosts]


async def test_a_report_is_looked_at_ever_more_seldom(monkeypatch):
    waits = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async def never() -> str | None:
        return None

    monkeypatch.setattr("adapters.report_jobs.asyncio.sleep", note)
    with pytest.raises(PlatformError) as caught:
        await wait_for_report(Platform.AMAZON, never, ReportWait(1.0, 4.0, 12.0))
    assert waits == [1.0, 2.0, 4.0, 4.0, 4.0]
    assert (caught.value.platform_code, caught.value.retryable) == ("REPORT_NOT_READY", True)


def test_files_that_unpack_to_more_than_a_report_are_not_opened():
    packed, archive = gzip.compress(bytes(1_000)), io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as two:
        two.writestr("a.csv", bytes(1_000))
    assert gunzip(packed, limit=1_000) == unzip(archive.getvalue(), limit=1_000) == bytes(1_000)
    with pytest.raises(ValueError, match="too large"):
        gunzip(packed, limit=999)
    with pytest.raises(ValueError, match="too large"):
        unzip(archive.getvalue(), limit=999)
    with zipfile.ZipFile(archive, "a") as two:
        two.writestr("b.csv", b"")
    with pytest.raises(ValueError, match="too many values"):
        unzip(archive.getvalue())
    assert MAX_UNPACKED_BYTES == 268_435_456
