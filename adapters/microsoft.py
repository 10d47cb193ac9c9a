"""Microsoft Advertising's REST API behind the AdPlatform port: builds requests, parses answers. Must not decide.

Here the budget sits on the campaign. Campaigns on a shared budget are left out: its id could not be told from a
campaign's. Reports are submitted, polled and fetched as a zipped CSV from an address of their own.

From the documentation: paths, headers, ids as strings, PartialErrors beside a success, the error codes, reports in
Pacific time unless another zone is named. Assumed: where no code says so, that HTTP's status tells a refusal from a
failure; that a suspended campaign counts as paused.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import httpx

from adapters.microsoft_zones import IANA_ZONES
from adapters.platform_http import (
    TOTAL_SECONDS,
    AccessToken,
    PlatformHttp,
    Reply,
    current_token,
    money_micros,
    retry_after_header,
    shorten,
)
from adapters.report_jobs import USUAL_WAIT, ReportWait, report_failed, unzip, wait_for_report
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

#: Without naming them all, Search campaigns only are given.
_CAMPAIGN_TYPES: Final = "Search Shopping DynamicSearchAds Audience Hotel PerformanceMax App"

# Source: "Operation error codes". 117 counts calls within a minute, 207 those under way at once.
_CALL_RATE_EXCEEDED: Final = "117"
_RATE_WINDOW_SECONDS: Final = 60.0
_LIMITED: Final = frozenset((_CALL_RATE_EXCEEDED, "207"))
_INTERNAL_ERROR: Final = "0"

_STATUSES: Final = {
    "Active": CampaignStatus.ENABLED,
    "BudgetPaused": CampaignStatus.ENABLED,
    "Paused": CampaignStatus.PAUSED,
    "BudgetAndManualPaused": CampaignStatus.PAUSED,
    "Suspended": CampaignStatus.PAUSED,
    "Deleted": CampaignStatus.REMOVED,
}
#: What a campaign can be set to here.
_SWITCHES: Final = {CampaignStatus.ENABLED: "Active", CampaignStatus.PAUSED: "Paused"}
_BUDGET_TYPES: Final = {
    "DailyBudgetStandard": BudgetType.DAILY,
    "DailyBudgetAccelerated": BudgetType.DAILY,
    "LifetimeBudgetStandard": BudgetType.LIFETIME,
}

_COLUMNS: Final = ("TimePeriod", "CampaignId", "Impressions", "Clicks", "Spend", "ConversionsQualified", "Revenue")


@dataclass(frozen=True, slots=True)
class MicrosoftRoots:
    """Where the three services are, if not under the client's base address: "https://campaign.api..." and so on."""

    campaigns: str = ""
    customers: str = ""
    reports: str = ""


SAME_ROOT: Final = MicrosoftRoots()


class MicrosoftPlatform:
    """AdPlatform for Microsoft Advertising.

    Args:
        client: carries the base address of all services that `roots` does not place elsewhere.
        access_token: OAuth2 access token, or what gives the current one.
        developer_token: names the application; sent with every request.
        customer_id: the manager account through which the account is reached, if any.
        roots: where the services are.
        total_seconds: the longest a request may take.
        report_wait: how to wait for reports.
    """

    platform = Platform.MICROSOFT

    def __init__(
        self,
        client: httpx.AsyncClient,
        access_token: AccessToken,
        developer_token: str,
        *,
        customer_id: str | None = None,
        roots: MicrosoftRoots = SAME_ROOT,
        total_seconds: float = TOTAL_SECONDS,
        report_wait: ReportWait = USUAL_WAIT,
    ) -> None:
        self._http = PlatformHttp(Platform.MICROSOFT, client, total_seconds)
        self._access_token = access_token
        self._developer_token = developer_token
        self._customer_id = customer_id
        self._campaigns = f"{roots.campaigns}/CampaignManagement/v13/Campaigns"
        self._accounts = f"{roots.customers}/CustomerManagement/v13/Account/Query"
        self._reports = f"{roots.reports}/Reporting/v13/GenerateReport"
        self._report_wait = report_wait
        self._zones: dict[str, str] = {}

    async def fetch_account(self, account: str) -> PlatformAccount:
        """The account's name, currency and time zone. Raises PlatformError."""
        body = await self._post(account, self._accounts, {"AccountId": account})
        with self._http.parsing():
            found = body["Account"]
            zone = found["TimeZone"]
            told = PlatformAccount(str(found["Id"]), found["Name"], found["CurrencyCode"], IANA_ZONES[zone])
        # An account keeps its zone; reports must name it, or they come in Pacific days.
        self._zones[account] = zone
        return told

    async def fetch_campaigns(self, account: str) -> list[PlatformCampaign]:
        """Every campaign that is not removed and carries its own budget. Raises PlatformError."""
        query = {"AccountId": account, "CampaignType": _CAMPAIGN_TYPES}
        body = await self._post(account, f"{self._campaigns}/QueryByAccountId", query)
        with self._http.parsing():
            campaigns = [_campaign(row) for row in body["Campaigns"] or () if _has_own_budget(row)]
        return [found for found in campaigns if found.status is not CampaignStatus.REMOVED]

    async def fetch_daily_metrics(self, account: str, since: date, until: date) -> list[PlatformDailyMetric]:
        """Metrics of every campaign per account-zone day, bounds included. Raises PlatformError."""
        if account not in self._zones:
            await self.fetch_account(account)
        body = {"ReportRequest": _report_request(account, since, until, self._zones[account])}
        answer = await self._post(account, f"{self._reports}/Submit", body)
        with self._http.parsing():
            report_id = str(answer["ReportRequestId"])
        address = await wait_for_report(Platform.MICROSOFT, lambda: self._poll(account, report_id), self._report_wait)
        if not address:
            return []
        content = await self._http.download(address)
        with self._http.parsing():
            return [_metric(row) for row in _csv_rows(unzip(content))]

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        """The campaign's budget and its type as they stand now. Raises PlatformError."""
        campaign_id = self._http.require_digits(budget_external_id)
        row = await self._campaign_row(account, campaign_id)
        with self._http.parsing():
            if not _has_own_budget(row):
                message = f"Microsoft campaign {campaign_id} has no budget of its own"
                raise PlatformError(message, platform_code="NO_CAMPAIGN_BUDGET")
            return PlatformBudget(campaign_id, *_budget(row))

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        """Set the campaign's absolute daily budget, account micros. Raises PlatformError.

        The type of the budget is not sent, so that it stays what it is.
        """
        campaign = {
            "Id": self._http.require_digits(budget_external_id),
            # JSON numbers are text: the float's shortest form is the amount's own digits (exact below 16 digits).
            "DailyBudget": float(to_decimal(daily_budget_micros)),
        }
        return BudgetReceipt(await self._update(account, campaign))

    async def read_campaign_status(self, account: str, campaign_external_id: str) -> CampaignStatus:
        """What the campaign is set to, whether or not its budget is used up. Raises PlatformError."""
        row = await self._campaign_row(account, self._http.require_digits(campaign_external_id))
        with self._http.parsing():
            return _STATUSES[row["Status"]]

    async def set_campaign_status(
        self, account: str, campaign_external_id: str, status: CampaignStatus
    ) -> StatusReceipt:
        """Pause the campaign or let it run. Raises PlatformError."""
        campaign = {"Id": self._http.require_digits(campaign_external_id), "Status": _SWITCHES[status]}
        return StatusReceipt(await self._update(account, campaign))

    async def _campaign_row(self, account: str, campaign_id: str) -> Any:
        query = {"AccountId": account, "CampaignIds": [campaign_id], "CampaignType": _CAMPAIGN_TYPES}
        body = await self._post(account, f"{self._campaigns}/QueryByIds", query)
        with self._http.parsing():
            self._refuse_partial_errors(body, writes=False)
            [row] = body["Campaigns"]
            if str(row["Id"]) != campaign_id:
                raise ValueError("another campaign was answered for")
            return row

    async def _update(self, account: str, campaign: dict[str, Any]) -> str:
        """Change the fields of one campaign that are named. Returns the platform's id for the request."""
        body = {"AccountId": self._http.require_digits(account), "Campaigns": [campaign]}
        reply = await self._http.write("PUT", self._campaigns, json=body, headers=self._headers(account))
        answer = self._checked(reply, writes=True)
        with self._http.parsing(writes=True):
            self._refuse_partial_errors(answer, writes=True)
        return str(reply.headers.get("webrequestactivityid", ""))

    async def _poll(self, account: str, report_id: str) -> str | None:
        """The report's address, "" where there is nothing to report, None while it is made."""
        answer = await self._post(account, f"{self._reports}/Poll", {"ReportRequestId": report_id})
        with self._http.parsing():
            status = answer["ReportRequestStatus"]
            if status["Status"] == "Success":
                return status.get("ReportDownloadUrl") or ""
            if status["Status"] != "Pending":
                raise report_failed(Platform.MICROSOFT, str(status["Status"]))
            return None

    async def _post(self, account: str, path: str, body: dict[str, Any]) -> Any:
        """Ask for something; here questions are posted."""
        reply = await self._http.read("POST", path, json=body, headers=self._headers(account))
        return self._checked(reply, writes=False)

    def _headers(self, account: str) -> dict[str, str]:
        headers = {
            "authorization": f"Bearer {current_token(self._access_token)}",
            "developertoken": self._developer_token,
            "customeraccountid": self._http.require_digits(account),
        }
        return headers if self._customer_id is None else {**headers, "customerid": self._customer_id}

    def _checked(self, reply: Reply, *, writes: bool) -> Any:
        """The body, if the answer is a success (it may still hold PartialErrors). Raises PlatformError otherwise."""
        if reply.is_success:
            return reply.body
        with self._http.parsing(writes=writes):
            if isinstance(reply.body, dict):
                for field in ("OperationErrors", "Errors", "BatchErrors"):
                    for entry in reply.body.get(field) or ():
                        raise _error(entry, reply, writes=writes)
        raise self._http.unexplained(reply, writes=writes)

    def _refuse_partial_errors(self, body: Any, *, writes: bool) -> None:
        """Raise the error of the one campaign that was asked for, if there is one."""
        for entry in body["PartialErrors"] or ():
            if entry is not None:
                raise _error(entry, None, writes=writes)


def _error(entry: Any, reply: Reply | None, *, writes: bool) -> PlatformError:
    """The error of an entry; `reply` is the refused request's, None where the request as a whole succeeded."""
    code = str(entry["Code"])
    limited = code in _LIMITED
    failed = not limited and (code == _INTERNAL_ERROR or (reply is not None and reply.is_server_error))
    told = None if reply is None else retry_after_header(reply.headers)
    return PlatformError(
        f"Microsoft: {shorten(str(entry.get('Message') or entry.get('ErrorCode', '')))}",
        platform_code=code,
        retryable=limited or failed,
        outcome_known=not (writes and failed),
        retry_after_seconds=told or (_RATE_WINDOW_SECONDS if code == _CALL_RATE_EXCEEDED else None),
    )


def _report_request(account: str, since: date, until: date, zone: str) -> dict[str, Any]:
    return {
        "Type": "CampaignPerformanceReportRequest",
        "ReportName": f"Campaigns {since.isoformat()} to {until.isoformat()}",
        "Format": "Csv",
        "FormatVersion": "2.0",
        "Aggregation": "Daily",
        "ExcludeReportHeader": True,
        "ExcludeReportFooter": True,
        "ReturnOnlyCompleteData": False,
        "Columns": list(_COLUMNS),
        "Scope": {"AccountIds": [account]},
        "Time": {
            "CustomDateRangeStart": _date(since),
            "CustomDateRangeEnd": _date(until),
            "ReportTimeZone": zone,
        },
    }


def _date(day: date) -> dict[str, int]:
    return {"Year": day.year, "Month": day.month, "Day": day.day}


def _csv_rows(content: bytes) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)


def _has_own_budget(row: Any) -> bool:
    return row.get("BudgetId") in (None, "", "0", 0)


def _campaign(row: Any) -> PlatformCampaign:
    campaign_id = str(row["Id"])
    return PlatformCampaign(campaign_id, row["Name"], _STATUSES[row["Status"]], campaign_id, *_budget(row))


def _budget(row: Any) -> tuple[BudgetType, int]:
    """Type and daily amount in micros, 0 where the budget is for the campaign's lifetime."""
    kind = _BUDGET_TYPES[row["BudgetType"]]
    return kind, money_micros(row["DailyBudget"]) if kind is BudgetType.DAILY else 0


def _metric(row: dict[str, str]) -> PlatformDailyMetric:
    return PlatformDailyMetric(
        campaign_external_id=row["CampaignId"],
        day=date.fromisoformat(row["TimePeriod"]),
        impressions=int(row["Impressions"]),
        clicks=int(row["Clicks"]),
        conversions=float(row["ConversionsQualified"]),
        spend_micros=money_micros(row["Spend"]),
        revenue_micros=money_micros(row["Revenue"]),
    )
