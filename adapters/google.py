"""The Google Ads API behind the AdPlatform port: builds its REST requests, parses its answers. Must not decide.

Here the budget is an entity of its own that may serve several campaigns; its id is the CampaignBudget's number.
"""

from datetime import date
from typing import Any, Final

import httpx

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

_VERSION: Final = "/v21"

_ACCOUNT_QUERY: Final = (
    "SELECT customer.id, customer.descriptive_name, customer.currency_code, customer.time_zone FROM customer"
)
_CAMPAIGNS_QUERY: Final = (
    "SELECT campaign.id, campaign.name, campaign.status, campaign_budget.id, campaign_budget.period,"
    " campaign_budget.amount_micros FROM campaign WHERE campaign.status != 'REMOVED'"
)
_METRICS_QUERY: Final = (
    "SELECT campaign.id, segments.date, metrics.impressions, metrics.clicks, metrics.conversions, metrics.cost_micros,"
    " metrics.conversions_value FROM campaign WHERE segments.date BETWEEN '{since}' AND '{until}'"
)
_BUDGET_QUERY: Final = (
    "SELECT campaign_budget.id, campaign_budget.period, campaign_budget.amount_micros FROM campaign_budget"
    " WHERE campaign_budget.id = {budget_id}"
)

_STATUS_QUERY: Final = "SELECT campaign.id, campaign.status FROM campaign WHERE campaign.id = {campaign_id}"

#: What a campaign can be set to here.
_SWITCHES: Final = {CampaignStatus.ENABLED: "ENABLED", CampaignStatus.PAUSED: "PAUSED"}

#: A budget for a set period has a total and no daily amount.
_PERIODS: Final = {"DAILY": BudgetType.DAILY, "CUSTOM_PERIOD": BudgetType.LIFETIME}

# Sources: Google Ads API "Common errors" and "API limits and quotas".
_TRANSIENT: Final = frozenset(("INTERNAL_ERROR", "TRANSIENT_ERROR", "DEADLINE_EXCEEDED", "UNAVAILABLE", "INTERNAL"))
_NOT_APPLIED_BUT_LATER: Final = frozenset(
    ("RESOURCE_EXHAUSTED", "RESOURCE_TEMPORARILY_EXHAUSTED", "CONCURRENT_MODIFICATION")
)


class GooglePlatform:
    """AdPlatform for Google Ads.

    Args:
        client: carries the API's base address.
        access_token: OAuth2 access token, or what gives the current one.
        developer_token: names the application; sent with every request.
        login_customer_id: the manager account through which the customer is reached, if any.
        total_seconds: the longest a request may take.
    """

    platform = Platform.GOOGLE

    def __init__(
        self,
        client: httpx.AsyncClient,
        access_token: AccessToken,
        developer_token: str,
        *,
        login_customer_id: str | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._http = PlatformHttp(Platform.GOOGLE, client, total_seconds)
        self._access_token = access_token
        self._developer_token = developer_token
        self._login_customer_id = login_customer_id

    async def fetch_account(self, account: str) -> PlatformAccount:
        """The customer's name, currency and time zone. Raises PlatformError."""
        rows = await self._search(account, _ACCOUNT_QUERY)
        with self._http.parsing():
            customer = rows[0]["customer"]
            return PlatformAccount(
                external_id=customer["id"],
                name=customer["descriptiveName"],
                currency_code=customer["currencyCode"],
                time_zone=customer["timeZone"],
            )

    async def fetch_campaigns(self, account: str) -> list[PlatformCampaign]:
        """Every campaign that is not removed, each with the budget that serves it. Raises PlatformError."""
        rows = await self._search(account, _CAMPAIGNS_QUERY)
        with self._http.parsing():
            return [_campaign(row["campaign"], row["campaignBudget"]) for row in rows]

    async def fetch_daily_metrics(self, account: str, since: date, until: date) -> list[PlatformDailyMetric]:
        """Metrics of every campaign per account-zone day, bounds included. Raises PlatformError."""
        rows = await self._search(account, _METRICS_QUERY.format(since=since.isoformat(), until=until.isoformat()))
        with self._http.parsing():
            return [_metric(row) for row in rows]

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        """The budget entity and its type as they stand now. Raises PlatformError."""
        budget_id = self._http.require_digits(budget_external_id)
        rows = await self._search(account, _BUDGET_QUERY.format(budget_id=budget_id))
        if not rows:
            message = f"Google Ads customer {account} has no budget {budget_id}"
            raise PlatformError(message, platform_code="RESOURCE_NOT_FOUND")
        with self._http.parsing():
            return PlatformBudget(budget_id, *_budget(rows[0]["campaignBudget"]))

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        """Set the entity's absolute daily amount, account micros. Raises PlatformError.

        There is no idempotency field: absolute values and reading back are what make a repeat harmless.
        """
        customer, budget_id = self._http.require_digits(account), self._http.require_digits(budget_external_id)
        update = {
            "resourceName": f"customers/{customer}/campaignBudgets/{budget_id}",
            "amountMicros": str(daily_budget_micros),
        }
        return BudgetReceipt(await self._mutate(f"customers/{customer}/campaignBudgets", update, "amount_micros"))

    async def read_campaign_status(self, account: str, campaign_external_id: str) -> CampaignStatus:
        """What the campaign is set to. Raises PlatformError."""
        campaign_id = self._http.require_digits(campaign_external_id)
        rows = await self._search(account, _STATUS_QUERY.format(campaign_id=campaign_id))
        if not rows:
            message = f"Google Ads customer {account} has no campaign {campaign_id}"
            raise PlatformError(message, platform_code="RESOURCE_NOT_FOUND")
        with self._http.parsing():
            return CampaignStatus(rows[0]["campaign"]["status"])

    async def set_campaign_status(
        self, account: str, campaign_external_id: str, status: CampaignStatus
    ) -> StatusReceipt:
        """Pause the campaign or let it run. Raises PlatformError."""
        customer, campaign_id = self._http.require_digits(account), self._http.require_digits(campaign_external_id)
        collection = f"customers/{customer}/campaigns"
        update = {"resourceName": f"{collection}/{campaign_id}", "status": _SWITCHES[status]}
        return StatusReceipt(await self._mutate(collection, update, "status"))

    async def _mutate(self, collection: str, update: dict[str, str], mask: str) -> str:
        """Change the masked field of one resource. Returns the platform's id for the request."""
        body = {
            "operations": [{"update": update, "updateMask": mask}],
            "partialFailure": False,
            "validateOnly": False,
        }
        reply = await self._http.write("POST", f"{_VERSION}/{collection}:mutate", json=body, headers=self._headers())
        answer = self._checked(reply, writes=True)
        with self._http.parsing(writes=True):
            if answer["results"][0]["resourceName"] != update["resourceName"]:
                raise ValueError("another resource was answered for")
        return str(reply.headers.get("request-id", ""))

    async def _search(self, account: str, query: str) -> list[Any]:
        """Every row of every batch of the stream."""
        path = f"{_VERSION}/customers/{self._http.require_digits(account)}/googleAds:searchStream"
        reply = await self._http.read("POST", path, json={"query": query}, headers=self._headers())
        batches = self._checked(reply, writes=False)
        with self._http.parsing():
            return [row for batch in batches for row in batch.get("results", ())]

    def _headers(self) -> dict[str, str]:
        headers = {
            "authorization": f"Bearer {current_token(self._access_token)}",
            "developer-token": self._developer_token,
        }
        return headers if self._login_customer_id is None else {**headers, "login-customer-id": self._login_customer_id}

    def _checked(self, reply: Reply, *, writes: bool) -> Any:
        """The body, if no part of it is an error; a stream can fail after some good batches."""
        parts = reply.body if isinstance(reply.body, list) else [reply.body]
        for part in parts:
            if isinstance(part, dict) and "error" in part:
                with self._http.parsing(writes=writes):
                    raise _error(reply, part["error"], writes=writes)
        if not reply.is_success:
            raise self._http.unexplained(reply, writes=writes)
        return reply.body


def _error(reply: Reply, error: Any, *, writes: bool) -> PlatformError:
    """The first GoogleAdsFailure error, which names the cause; the bare status where there is none."""
    first: Any = next((entry for detail in error.get("details", ()) for entry in detail.get("errors", ())), {})
    code = next(iter(first.get("errorCode", {}).values()), error["status"])
    later = code in _NOT_APPLIED_BUT_LATER
    failed = not later and (reply.is_server_error or code in _TRANSIENT)
    return PlatformError(
        f"Google Ads: {shorten(str(first.get('message', error['message'])))}",
        platform_code=str(code),
        retryable=later or failed,
        outcome_known=not (writes and failed),
        retry_after_seconds=_retry_delay(first) or retry_after_header(reply.headers),
    )


def _retry_delay(entry: Any) -> float | None:
    """Seconds of a protobuf duration such as "40.5s"."""
    delay = entry.get("details", {}).get("quotaErrorDetails", {}).get("retryDelay")
    return None if delay is None else float(delay.removesuffix("s"))


def _campaign(campaign: Any, budget: Any) -> PlatformCampaign:
    status = CampaignStatus(campaign["status"])
    return PlatformCampaign(campaign["id"], campaign["name"], status, budget["id"], *_budget(budget))


def _budget(budget: Any) -> tuple[BudgetType, int]:
    """Type and daily amount in micros, 0 where the budget is for a set period."""
    kind = _PERIODS[budget["period"]]
    return kind, int(budget["amountMicros"]) if kind is BudgetType.DAILY else 0


def _metric(row: Any) -> PlatformDailyMetric:
    """Protobuf's JSON may leave out a metric that is zero."""
    metrics = row.get("metrics", {})
    return PlatformDailyMetric(
        campaign_external_id=row["campaign"]["id"],
        day=date.fromisoformat(row["segments"]["date"]),
        impressions=int(metrics.get("impressions", 0)),
        clicks=int(metrics.get("clicks", 0)),
        conversions=float(metrics.get("conversions", 0)),
        spend_micros=int(metrics.get("costMicros", 0)),
        revenue_micros=money_micros(metrics.get("conversionsValue", 0)),
    )
