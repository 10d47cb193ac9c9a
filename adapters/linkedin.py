"""LinkedIn's Marketing API behind the AdPlatform port: builds its requests, parses its answers. Must not decide.

Here the budget sits on the campaign, as a decimal string with its currency. A campaign with a daily budget may have a
total one beside it; it counts as daily. Campaigns whose group carries the money have no budget entity and are left out.

From the documentation: paths, headers, the Rest.li query's shape, partial updates, the limits of adAnalytics, daily
quotas that start anew at midnight UTC. Assumed: that every account's days are UTC's, as Campaign Manager's are.
"""

from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from adapters.platform_http import (
    MAX_PAGES,
    TOTAL_SECONDS,
    AccessToken,
    PlatformHttp,
    Reply,
    current_token,
    money_micros,
    retry_after_header,
    shorten,
)
from domain.errors import PlatformError
from domain.platforms import (
    BudgetReceipt,
    BudgetType,
    CampaignStatus,
    Platform,
    PlatformAccount,
    PlatformBudget,
    PlatformCampaign,
    PlatformDailyMetric,
    StatusReceipt,
)
from kit.money import to_decimal

#: A version is served for a year; a newer one is a change of this line, after a look at the migration notes.
_VERSION: Final = "202610"
_PAGE_SIZE: Final = 1_000

#: adAnalytics does not page: an answer of this length may have lost its end.
_MAX_ELEMENTS: Final = 15_000

_TIME_ZONE: Final = "UTC"
_TOO_MANY_REQUESTS: Final = 429
_DAY_LIMIT: Final = " DAY limit "

_FIELDS: Final = (
    "dateRange,pivotValues,impressions,clicks,costInLocalCurrency,externalWebsiteConversions,"
    "conversionValueInLocalCurrency"
)

_STATUSES: Final = {
    "ACTIVE": CampaignStatus.ENABLED,
    "PAUSED": CampaignStatus.PAUSED,
    "DRAFT": CampaignStatus.PAUSED,
    "COMPLETED": CampaignStatus.PAUSED,
    "ARCHIVED": CampaignStatus.REMOVED,
    "CANCELED": CampaignStatus.REMOVED,
    "PENDING_DELETION": CampaignStatus.REMOVED,
    "REMOVED": CampaignStatus.REMOVED,
}

#: What a campaign can be set to here.
_SWITCHES: Final = {CampaignStatus.ENABLED: "ACTIVE", CampaignStatus.PAUSED: "PAUSED"}


class LinkedInPlatform:
    """AdPlatform for LinkedIn. `client` has the API's base address; `access_token` may be looked up at every call."""

    platform = Platform.LINKEDIN

    def __init__(
        self, client: httpx.AsyncClient, access_token: AccessToken, *, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._http = PlatformHttp(Platform.LINKEDIN, client, total_seconds)
        self._access_token = access_token
        self._currencies: dict[str, str] = {}

    async def fetch_account(self, account: str) -> PlatformAccount:
        """The account's name and currency; its days are UTC's. Raises PlatformError."""
        body = await self._get(self._account_path(account))
        with self._http.parsing():
            found = PlatformAccount(str(body["id"]), body["name"], body["currency"], _TIME_ZONE)
        # An ad account's currency never changes; every amount that is sent must name it.
        self._currencies[account] = found.currency_code
        return found

    async def fetch_campaigns(self, account: str) -> list[PlatformCampaign]:
        """Every campaign that is not removed and carries its own budget, all pages. Raises PlatformError."""
        path = f"{self._account_path(account)}/adCampaigns?q=search&pageSize={_PAGE_SIZE}"
        rows: list[Any] = []
        token = ""
        for _ in range(MAX_PAGES):
            body = await self._get(path + token)
            with self._http.parsing():
                rows += body["elements"]
                following = body.get("metadata", {}).get("nextPageToken")
                if following is None:
                    campaigns = [_campaign(row) for row in rows]
                    return [each for each in campaigns if each and each.status is not CampaignStatus.REMOVED]
                token = f"&pageToken={quote(str(following), safe='')}"
        raise self._http.endless()

    async def fetch_daily_metrics(self, account: str, since: date, until: date) -> list[PlatformDailyMetric]:
        """Metrics of every campaign per UTC day, bounds included. Raises PlatformError."""
        rows = await self._days(self._http.require_digits(account), since, until)
        with self._http.parsing():
            return [_metric(row) for row in rows]

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        """The campaign's budget and its type as they stand now. Raises PlatformError."""
        path = self._campaign_path(account, budget_external_id)
        body = await self._get(f"{path}?fields=id,dailyBudget,totalBudget")
        with self._http.parsing():
            budget = _budget(body)
        if budget is None:
            message = f"LinkedIn campaign {budget_external_id} has no budget of its own"
            raise PlatformError(message, platform_code="NO_CAMPAIGN_BUDGET")
        return PlatformBudget(budget_external_id, *budget)

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        """Set the campaign's absolute daily budget, account micros. Raises PlatformError.

        A partial update: a total budget beside the daily one stays as it is.
        """
        path = self._campaign_path(account, budget_external_id)
        if account not in self._currencies:
            await self.fetch_account(account)
        amount = {"amount": str(to_decimal(daily_budget_micros)), "currencyCode": self._currencies[account]}
        return BudgetReceipt(await self._patch(path, {"dailyBudget": amount}))

    async def read_campaign_status(self, account: str, campaign_external_id: str) -> CampaignStatus:
        """What the campaign is set to. Raises PlatformError."""
        body = await self._get(f"{self._campaign_path(account, campaign_external_id)}?fields=id,status")
        with self._http.parsing():
            return _STATUSES[body["status"]]

    async def set_campaign_status(
        self, account: str, campaign_external_id: str, status: CampaignStatus
    ) -> StatusReceipt:
        """Pause the campaign or let it run. Raises PlatformError."""
        path = self._campaign_path(account, campaign_external_id)
        return StatusReceipt(await self._patch(path, {"status": _SWITCHES[status]}))

    async def _patch(self, path: str, fields: dict[str, Any]) -> str:
        """Change some fields and leave the others. Returns the platform's id for the request."""
        headers = {**self._headers(), "x-restli-method": "PARTIAL_UPDATE"}
        reply = await self._http.write("POST", path, json={"patch": {"$set": fields}}, headers=headers)
        self._checked(reply, writes=True)
        return str(reply.headers.get("x-li-uuid", ""))

    async def _days(self, account: str, since: date, until: date) -> list[Any]:
        """The elements of a range, which is halved for as long as an answer may have lost its end."""
        urn = quote(f"urn:li:sponsoredAccount:{account}", safe="")
        # Rest.li's parentheses, colons and commas are structure and must not be encoded; those of the URN must.
        path = (
            f"/rest/adAnalytics?q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY"
            f"&dateRange=(start:{_date(since)},end:{_date(until)})&accounts=List({urn})&fields={_FIELDS}"
        )
        body = await self._get(path)
        with self._http.parsing():
            elements: list[Any] = list(body["elements"])
        if len(elements) < _MAX_ELEMENTS:
            return elements
        if since == until:
            message = f"LinkedIn reports more than {_MAX_ELEMENTS} campaigns of one day"
            raise PlatformError(message, platform_code="REPORT_TOO_LARGE")
        middle = since + (until - since) // 2
        return [
            *await self._days(account, since, middle),
            *await self._days(account, middle + timedelta(days=1), until),
        ]

    async def _get(self, path: str) -> Any:
        reply = await self._http.read("GET", path, headers=self._headers())
        return self._checked(reply, writes=False)

    def _account_path(self, account: str) -> str:
        return f"/rest/adAccounts/{self._http.require_digits(account)}"

    def _campaign_path(self, account: str, campaign: str) -> str:
        return f"{self._account_path(account)}/adCampaigns/{self._http.require_digits(campaign)}"

    def _headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {current_token(self._access_token)}",
            "linkedin-version": _VERSION,
            "x-restli-protocol-version": "2.0.0",
        }

    def _checked(self, reply: Reply, *, writes: bool) -> Any:
        """The body (None after a write), if the answer is a success. Raises PlatformError otherwise."""
        if reply.is_success:
            return reply.body
        with self._http.parsing(writes=writes):
            if isinstance(reply.body, dict) and ("code" in reply.body or "serviceErrorCode" in reply.body):
                raise _error(reply, writes=writes)
        raise self._http.unexplained(reply, writes=writes)


def _error(reply: Reply, *, writes: bool) -> PlatformError:
    limited = reply.status == _TOO_MANY_REQUESTS
    message = str(reply.body.get("message", ""))
    return PlatformError(
        f"LinkedIn: {shorten(message)}",
        platform_code=str(reply.body.get("code") or reply.body["serviceErrorCode"]),
        retryable=limited or reply.is_server_error,
        outcome_known=not (writes and reply.is_server_error),
        retry_after_seconds=_retry_after(reply, message) if limited else None,
    )


def _retry_after(reply: Reply, message: str) -> float | None:
    """Seconds until access returns. LinkedIn names none, but a daily quota starts anew at midnight UTC."""
    if _DAY_LIMIT not in message or "date" not in reply.headers:
        return retry_after_header(reply.headers)
    at = parsedate_to_datetime(reply.headers["date"]).astimezone(UTC)
    midnight = datetime(at.year, at.month, at.day, tzinfo=UTC) + timedelta(days=1)
    return (midnight - at).total_seconds()


def _date(day: date) -> str:
    return f"(year:{day.year},month:{day.month},day:{day.day})"


def _campaign(row: Any) -> PlatformCampaign | None:
    budget, external_id = _budget(row), str(row["id"])
    if budget is None:
        return None
    return PlatformCampaign(external_id, row["name"], _STATUSES[row["status"]], external_id, *budget)


def _budget(row: Any) -> tuple[BudgetType, int] | None:
    """Type and daily amount in micros (0 where there is only a total); None if the campaign group carries the money."""
    daily, total = row.get("dailyBudget"), row.get("totalBudget")
    if daily is not None:
        return BudgetType.DAILY, money_micros(daily["amount"])
    return None if total is None else (BudgetType.LIFETIME, 0)


def _metric(row: Any) -> PlatformDailyMetric:
    start = row["dateRange"]["start"]
    [urn] = row["pivotValues"]
    return PlatformDailyMetric(
        campaign_external_id=urn.rpartition(":")[2],
        day=date(start["year"], start["month"], start["day"]),
        impressions=int(row["impressions"]),
        clicks=int(row["clicks"]),
        conversions=float(row.get("externalWebsiteConversions", 0)),
        spend_micros=money_micros(row["costInLocalCurrency"]),
        revenue_micros=money_micros(row.get("conversionValueInLocalCurrency", 0)),
    )
