"""The Amazon Ads API behind the AdPlatform port: builds its requests, parses its answers. Must not retry or decide.

An account is a profile: one advertiser in one marketplace. Sponsored Products only; there the budget sits on the
campaign. Reports are asked for, waited for and fetched from an address of their own.

From the documentation: headers, content types, the lists of a 207, reports of at most 31 days, 425 for a report that
was asked for already, 429 with Retry-After. Conversions and their value are those within seven days of the click.
Assumed: which words errors carry beside the documented kinds, and that a 207's `internalServerError` may be applied.
"""

import json
import re
from datetime import date, timedelta
from decimal import Decimal
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
from adapters.report_jobs import USUAL_WAIT, ReportWait, gunzip, report_failed, wait_for_report
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

_CAMPAIGN_TYPE: Final = "application/vnd.spCampaign.v3+json"
_REPORT_TYPE: Final = "application/vnd.createasyncreportrequest.v3+json"
_PAGE_SIZE: Final = 1_000

#: The longest range of a report by day.
_REPORT_DAYS: Final = 31

_TOO_MANY_REQUESTS: Final = 429
_ASKED_ALREADY: Final = 425
_REPORT_ID: Final = re.compile(r"duplicate of\s*:\s*([0-9A-Za-z-]+)")

_COLUMNS: Final = ("date", "campaignId", "impressions", "clicks", "cost", "purchases7d", "sales7d")

_STATUSES: Final = {
    "ENABLED": CampaignStatus.ENABLED,
    "PAUSED": CampaignStatus.PAUSED,
    "ARCHIVED": CampaignStatus.REMOVED,
}
#: What a campaign can be set to here.
_SWITCHES: Final = {CampaignStatus.ENABLED: "ENABLED", CampaignStatus.PAUSED: "PAUSED"}
_BUDGET_TYPES: Final = {"DAILY": BudgetType.DAILY, "LIFETIME": BudgetType.LIFETIME}

_THROTTLED: Final = "throttledError"
_FAILED: Final = "internalServerError"


class AmazonPlatform:
    """AdPlatform for Amazon.

    Args:
        client: carries the API's base address, which depends on the marketplace's region.
        access_token: OAuth2 access token, or what gives the current one.
        client_id: names the application; sent with every request.
        total_seconds: the longest a request may take.
        report_wait: how to wait for reports.
    """

    platform = Platform.AMAZON

    def __init__(
        self,
        client: httpx.AsyncClient,
        access_token: AccessToken,
        client_id: str,
        *,
        total_seconds: float = TOTAL_SECONDS,
        report_wait: ReportWait = USUAL_WAIT,
    ) -> None:
        self._http = PlatformHttp(Platform.AMAZON, client, total_seconds)
        self._access_token = access_token
        self._client_id = client_id
        self._report_wait = report_wait

    async def fetch_account(self, account: str) -> PlatformAccount:
        """The profile's name, currency and time zone. Raises PlatformError."""
        headers = self._headers(account)
        reply = await self._http.read("GET", f"/v2/profiles/{account}", headers=headers)
        body = self._checked(reply, writes=False)
        with self._http.parsing():
            return PlatformAccount(
                str(body["profileId"]), body["accountInfo"]["name"], body["currencyCode"], body["timezone"]
            )

    async def fetch_campaigns(self, account: str) -> list[PlatformCampaign]:
        """Every Sponsored Products campaign that is not archived, all pages. Raises PlatformError."""
        rows = await self._list(account, {"stateFilter": {"include": ["ENABLED", "PAUSED"]}})
        with self._http.parsing():
            return [_campaign(row) for row in rows]

    async def fetch_daily_metrics(self, account: str, since: date, until: date) -> list[PlatformDailyMetric]:
        """Metrics of every campaign per account-zone day, bounds included. Raises PlatformError.

        All the reports that the range needs are asked for first, so that the platform makes them side by side.
        """
        reports = []
        while since <= until:
            last = min(until, since + timedelta(days=_REPORT_DAYS - 1))
            reports.append(await self._ask_for_report(account, since, last))
            since = last + timedelta(days=1)
        found: list[PlatformDailyMetric] = []
        for report_id in reports:
            found += await self._report(account, report_id)
        return found

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        """The campaign's budget and its type as they stand now. Raises PlatformError."""
        campaign_id = self._http.require_digits(budget_external_id)
        found = await self._campaign_row(account, campaign_id)
        with self._http.parsing():
            return PlatformBudget(campaign_id, *_budget(found["budget"]))

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        """Set the campaign's absolute daily budget, account micros. Raises PlatformError."""
        campaign_id = self._http.require_digits(budget_external_id)
        # JSON numbers are text: the float's shortest form is the amount's own digits (exact below 16 digits).
        budget = {"budgetType": "DAILY", "budget": float(to_decimal(daily_budget_micros))}
        return BudgetReceipt(await self._update(account, campaign_id, {"budget": budget}))

    async def read_campaign_status(self, account: str, campaign_external_id: str) -> CampaignStatus:
        """What the campaign is set to. Raises PlatformError."""
        found = await self._campaign_row(account, self._http.require_digits(campaign_external_id))
        with self._http.parsing():
            return _STATUSES[found["state"]]

    async def set_campaign_status(
        self, account: str, campaign_external_id: str, status: CampaignStatus
    ) -> StatusReceipt:
        """Pause the campaign or let it run. Raises PlatformError."""
        campaign_id = self._http.require_digits(campaign_external_id)
        return StatusReceipt(await self._update(account, campaign_id, {"state": _SWITCHES[status]}))

    async def _campaign_row(self, account: str, campaign_id: str) -> Any:
        rows = await self._list(account, {"campaignIdFilter": {"include": [campaign_id]}})
        with self._http.parsing():
            found = next((row for row in rows if row["campaignId"] == campaign_id), None)
        if found is None:
            message = f"Amazon profile {account} has no campaign {campaign_id}"
            raise PlatformError(message, platform_code="ENTITY_NOT_FOUND")
        return found

    async def _update(self, account: str, campaign_id: str, fields: dict[str, Any]) -> str:
        """Change some fields of one campaign. Returns the platform's id for the request."""
        body = {"campaigns": [{"campaignId": campaign_id, **fields}]}
        headers = self._headers(account, _CAMPAIGN_TYPE)
        reply = await self._http.write("PUT", "/sp/campaigns", content=json.dumps(body), headers=headers)
        answer = self._checked(reply, writes=True)
        with self._http.parsing(writes=True):
            refused = answer["campaigns"].get("error", ())
            if refused:
                raise _item_error(refused[0]["errors"][0])
            if [done["campaignId"] for done in answer["campaigns"]["success"]] != [campaign_id]:
                raise ValueError("another campaign was answered for")
        return str(reply.headers.get("x-amzn-requestid", ""))

    async def _list(self, account: str, condition: dict[str, Any]) -> list[Any]:
        headers, rows = self._headers(account, _CAMPAIGN_TYPE), list[Any]()
        query: dict[str, Any] = {**condition, "maxResults": _PAGE_SIZE}
        for _ in range(MAX_PAGES):
            reply = await self._http.read("POST", "/sp/campaigns/list", content=json.dumps(query), headers=headers)
            body = self._checked(reply, writes=False)
            with self._http.parsing():
                rows += body["campaigns"]
                if body.get("nextToken") is None:
                    return rows
                query["nextToken"] = body["nextToken"]
        raise self._http.endless()

    async def _ask_for_report(self, account: str, since: date, until: date) -> str:
        """The id of the report; of the one asked for before where the platform still works on it."""
        body = {
            "name": f"Campaigns {since.isoformat()} to {until.isoformat()}",
            "startDate": since.isoformat(),
            "endDate": until.isoformat(),
            "configuration": {
                "adProduct": "SPONSORED_PRODUCTS",
                "groupBy": ["campaign"],
                "columns": list(_COLUMNS),
                "reportTypeId": "spCampaigns",
                "timeUnit": "DAILY",
                "format": "GZIP_JSON",
            },
        }
        headers = self._headers(account, _REPORT_TYPE)
        reply = await self._http.read("POST", "/reporting/reports", content=json.dumps(body), headers=headers)
        if reply.status == _ASKED_ALREADY:
            known = _REPORT_ID.search(_told(reply.body))
            if known is not None:
                return known[1]
        answer = self._checked(reply, writes=False)
        with self._http.parsing():
            return str(answer["reportId"])

    async def _report(self, account: str, report_id: str) -> list[PlatformDailyMetric]:
        path = f"/reporting/reports/{quote(report_id, safe='')}"

        async def look() -> str | None:
            reply = await self._http.read("GET", path, headers=self._headers(account))
            body = self._checked(reply, writes=False)
            with self._http.parsing():
                if body["status"] == "COMPLETED":
                    return str(body["url"])
                if body["status"] in ("PENDING", "PROCESSING"):
                    return None
                raise report_failed(Platform.AMAZON, str(body["status"]))

        address = await wait_for_report(Platform.AMAZON, look, self._report_wait)
        content = await self._http.download(address)
        with self._http.parsing():
            return [_metric(row) for row in json.loads(gunzip(content), parse_float=Decimal)]

    def _headers(self, account: str, media_type: str = "application/json") -> dict[str, str]:
        return {
            "authorization": f"Bearer {current_token(self._access_token)}",
            "amazon-advertising-api-clientid": self._client_id,
            "amazon-advertising-api-scope": self._http.require_digits(account),
            "content-type": media_type,
            "accept": media_type if media_type == _CAMPAIGN_TYPE else "*/*",
        }

    def _checked(self, reply: Reply, *, writes: bool) -> Any:
        """The body, if the answer is a success (a 207 may still hold refusals). Raises PlatformError otherwise."""
        if reply.is_success:
            return reply.body
        with self._http.parsing(writes=writes):
            if isinstance(reply.body, dict) and "code" in reply.body:
                raise _error(reply, writes=writes)
        raise self._http.unexplained(reply, writes=writes)


def _error(reply: Reply, *, writes: bool) -> PlatformError:
    limited = reply.status == _TOO_MANY_REQUESTS
    return PlatformError(
        f"Amazon: {shorten(_told(reply.body))}",
        platform_code=str(reply.body["code"]),
        retryable=limited or reply.is_server_error,
        outcome_known=not (writes and reply.is_server_error),
        retry_after_seconds=retry_after_header(reply.headers),
    )


def _told(body: Any) -> str:
    """The words of an error; the parts of the API name their field differently."""
    fields = ("details", "detail", "message") if isinstance(body, dict) else ()
    return next((str(body[field]) for field in fields if field in body), "")


def _item_error(entry: Any) -> PlatformError:
    """The error of the one campaign that was sent."""
    kind = entry["errorType"]
    value = entry.get("errorValue", {}).get(kind, {})
    reason = value.get("reason")
    return PlatformError(
        f"Amazon: {shorten(str(value.get('message', kind)))}",
        platform_code=kind if reason is None else f"{kind}/{reason}",
        retryable=kind in (_THROTTLED, _FAILED),
        outcome_known=kind != _FAILED,
    )


def _campaign(row: Any) -> PlatformCampaign:
    campaign_id = row["campaignId"]
    return PlatformCampaign(campaign_id, row["name"], _STATUSES[row["state"]], campaign_id, *_budget(row["budget"]))


def _budget(budget: Any) -> tuple[BudgetType, int]:
    """Type and daily amount in micros, 0 where the budget is for the campaign's lifetime."""
    kind = _BUDGET_TYPES[budget["budgetType"]]
    return kind, money_micros(budget["budget"]) if kind is BudgetType.DAILY else 0


def _metric(row: Any) -> PlatformDailyMetric:
    return PlatformDailyMetric(
        campaign_external_id=str(row["campaignId"]),
        day=date.fromisoformat(row["date"]),
        impressions=int(row["impressions"]),
        clicks=int(row["clicks"]),
        conversions=float(row["purchases7d"]),
        spend_micros=money_micros(row["cost"]),
        revenue_micros=money_micros(row["sales7d"]),
    )
