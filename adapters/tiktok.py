"""TikTok's Marketing API behind the AdPlatform port: builds its requests, parses its answers. Must not retry or decide.

Here the budget sits on the campaign, in currency units with decimals. Campaigns whose ad groups carry the money
(BUDGET_MODE_INFINITE) have no budget entity and are left out.
"""

import json
from datetime import date, timedelta
from typing import Any, Final

import httpx

from adapters.platform_http import (
    MAX_PAGES,
    TOTAL_SECONDS,
    AccessToken,
    PlatformHttp,
    Reply,
    current_token,
    money_micros,
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

_ROOT: Final = "/open_api/v1.3"
_PAGE_SIZE: Final = 1_000

#: The longest range of a report by day.
_REPORT_DAYS: Final = 30

_OK: Final = 0
#: Seen for the same thing in different places of the API.
_RATE_LIMIT_CODES: Final = frozenset((40100, 42900))
_SYSTEM_ERROR_CODES: Final = range(50_000, 60_000)

_CAMPAIGN_FIELDS: Final = (
    "campaign_id",
    "campaign_name",
    "operation_status",
    "secondary_status",
    "budget_mode",
    "budget",
)
#: Purchases and, despite its name, their value.
_PURCHASES: Final = "complete_payment"
_PURCHASE_VALUE: Final = "total_complete_payment_rate"

_STATUSES: Final = {"ENABLE": CampaignStatus.ENABLED, "DISABLE": CampaignStatus.PAUSED}
#: What a campaign can be set to here.
_SWITCHES: Final = {CampaignStatus.ENABLED: "ENABLE", CampaignStatus.PAUSED: "DISABLE"}
_DELETED: Final = "CAMPAIGN_STATUS_DELETE"

_BUDGET_MODES: Final = {
    "BUDGET_MODE_DAY": BudgetType.DAILY,
    "BUDGET_MODE_DYNAMIC_DAILY_BUDGET": BudgetType.DAILY,
    "BUDGET_MODE_TOTAL": BudgetType.LIFETIME,
}
_ON_AD_GROUPS: Final = "BUDGET_MODE_INFINITE"


class TikTokPlatform:
    """AdPlatform for TikTok. `client` has the API's base address; `access_token` may be looked up at every call."""

    platform = Platform.TIKTOK

    def __init__(
        self, client: httpx.AsyncClient, access_token: AccessToken, *, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._http = PlatformHttp(Platform.TIKTOK, client, total_seconds)
        self._access_token = access_token

    async def fetch_account(self, account: str) -> PlatformAccount:
        """The advertiser's name, currency and time zone. Raises PlatformError."""
        query = {
            "advertiser_ids": json.dumps([self._http.require_digits(account)]),
            "fields": json.dumps(["advertiser_id", "name", "currency", "timezone"]),
        }
        data = await self._get("advertiser/info", query)
        with self._http.parsing():
            found = data["list"][0]
            return PlatformAccount(found["advertiser_id"], found["name"], found["currency"], found["timezone"])

    async def fetch_campaigns(self, account: str) -> list[PlatformCampaign]:
        """Every campaign that is not removed and carries its own budget, all pages. Raises PlatformError."""
        query = {"advertiser_id": self._http.require_digits(account), "fields": json.dumps(_CAMPAIGN_FIELDS)}
        rows = await self._get_all("campaign/get", query)
        with self._http.parsing():
            return [
                _campaign(row)
                for row in rows
                if row["budget_mode"] != _ON_AD_GROUPS and row["secondary_status"] != _DELETED
            ]

    async def fetch_daily_metrics(self, account: str, since: date, until: date) -> list[PlatformDailyMetric]:
        """Metrics of every campaign per account-zone day, bounds included, all pages. Raises PlatformError."""
        query = {
            "advertiser_id": self._http.require_digits(account),
            "report_type": "BASIC",
            "data_level": "AUCTION_CAMPAIGN",
            "dimensions": json.dumps(["campaign_id", "stat_time_day"]),
            "metrics": json.dumps(["spend", "impressions", "clicks", _PURCHASES, _PURCHASE_VALUE]),
        }
        rows: list[Any] = []
        while since <= until:
            last = min(until, since + timedelta(days=_REPORT_DAYS - 1))
            days = {"start_date": since.isoformat(), "end_date": last.isoformat()}
            rows += await self._get_all("report/integrated/get", {**query, **days})
            since = last + timedelta(days=1)
        with self._http.parsing():
            return [_metric(row["dimensions"], row["metrics"]) for row in rows]

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        """The campaign's budget and its type as they stand now. Raises PlatformError."""
        campaign_id = self._http.require_digits(budget_external_id)
        query = {
            "advertiser_id": self._http.require_digits(account),
            "filtering": json.dumps({"campaign_ids": [campaign_id]}),
            "fields": json.dumps(["campaign_id", "budget_mode", "budget"]),
        }
        rows = await self._get_all("campaign/get", query)
        with self._http.parsing():
            found = next((row for row in rows if row["campaign_id"] == campaign_id), None)
            if found is None or found["budget_mode"] == _ON_AD_GROUPS:
                message = f"TikTok advertiser {account} has no campaign {campaign_id} with a budget of its own"
                raise PlatformError(message, platform_code="NO_CAMPAIGN_BUDGET")
            return PlatformBudget(campaign_id, *_budget(found))

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        """Set the campaign's absolute daily budget, account micros. Raises PlatformError."""
        body = {
            "advertiser_id": self._http.require_digits(account),
            "campaign_id": self._http.require_digits(budget_external_id),
            # JSON numbers are text: the float's shortest form is the amount's own digits (exact below 16 digits).
            "budget": float(to_decimal(daily_budget_micros)),
        }
        reply = await self._http.write("POST", f"{_ROOT}/campaign/update/", json=body, headers=self._headers())
        self._checked(reply, writes=True)
        with self._http.parsing(writes=True):
            return BudgetReceipt(str(reply.body["request_id"]))

    async def read_campaign_status(self, account: str, campaign_external_id: str) -> CampaignStatus:
        """What the campaign is set to. Raises PlatformError."""
        campaign_id = self._http.require_digits(campaign_external_id)
        query = {
            "advertiser_id": self._http.require_digits(account),
            "filtering": json.dumps({"campaign_ids": [campaign_id]}),
            "fields": json.dumps(["campaign_id", "operation_status", "secondary_status"]),
        }
        rows = await self._get_all("campaign/get", query)
        with self._http.parsing():
            found = next((row for row in rows if row["campaign_id"] == campaign_id), None)
            if found is None:
                message = f"TikTok advertiser {account} has no campaign {campaign_id}"
                raise PlatformError(message, platform_code="NO_SUCH_CAMPAIGN")
            removed = found["secondary_status"] == _DELETED
            return CampaignStatus.REMOVED if removed else _STATUSES[found["operation_status"]]

    async def set_campaign_status(
        self, account: str, campaign_external_id: str, status: CampaignStatus
    ) -> StatusReceipt:
        """Pause the campaign or let it run. Raises PlatformError."""
        body = {
            "advertiser_id": self._http.require_digits(account),
            "campaign_ids": [self._http.require_digits(campaign_external_id)],
            "operation_status": _SWITCHES[status],
        }
        reply = await self._http.write("POST", f"{_ROOT}/campaign/status/update/", json=body, headers=self._headers())
        self._checked(reply, writes=True)
        with self._http.parsing(writes=True):
            return StatusReceipt(str(reply.body["request_id"]))

    async def _get(self, path: str, query: dict[str, str]) -> Any:
        reply = await self._http.read("GET", f"{_ROOT}/{path}/", params=query, headers=self._headers())
        return self._checked(reply, writes=False)

    async def _get_all(self, path: str, query: dict[str, str]) -> list[Any]:
        rows: list[Any] = []
        for page in range(1, MAX_PAGES + 1):
            data = await self._get(path, {**query, "page": str(page), "page_size": str(_PAGE_SIZE)})
            with self._http.parsing():
                rows += data["list"]
                if page >= int(data["page_info"]["total_page"]):
                    return rows
        raise self._http.endless()

    def _headers(self) -> dict[str, str]:
        return {"access-token": current_token(self._access_token)}

    def _checked(self, reply: Reply, *, writes: bool) -> Any:
        """The envelope's data, if its code is 0. HTTP's status says little here: most refusals come with 200."""
        with self._http.parsing(writes=writes):
            if isinstance(reply.body, dict) and "code" in reply.body:
                if reply.is_success and reply.body["code"] == _OK:
                    return reply.body.get("data", {})
                raise _error(reply, writes=writes)
        raise self._http.unexplained(reply, writes=writes)


def _error(reply: Reply, *, writes: bool) -> PlatformError:
    code = int(reply.body["code"])
    limited = code in _RATE_LIMIT_CODES
    failed = not limited and (reply.is_server_error or code in _SYSTEM_ERROR_CODES)
    return PlatformError(
        f"TikTok: {shorten(str(reply.body.get('message', '')))}",
        platform_code=str(code),
        retryable=limited or failed,
        outcome_known=not (writes and failed),
    )


def _campaign(row: Any) -> PlatformCampaign:
    status = _STATUSES[row["operation_status"]]
    return PlatformCampaign(row["campaign_id"], row["campaign_name"], status, row["campaign_id"], *_budget(row))


def _budget(row: Any) -> tuple[BudgetType, int]:
    """Type and daily amount in micros, 0 where the budget is for the campaign's lifetime."""
    kind = _BUDGET_MODES[row["budget_mode"]]
    return kind, money_micros(row["budget"]) if kind is BudgetType.DAILY else 0


def _metric(dimensions: Any, metrics: Any) -> PlatformDailyMetric:
    return PlatformDailyMetric(
        campaign_external_id=dimensions["campaign_id"],
        day=date.fromisoformat(dimensions["stat_time_day"][:10]),
        impressions=int(metrics["impressions"]),
        clicks=int(metrics["clicks"]),
        conversions=float(metrics[_PURCHASES]),
        spend_micros=money_micros(metrics["spend"]),
        revenue_micros=money_micros(metrics[_PURCHASE_VALUE]),
    )
