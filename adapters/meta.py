"""Meta's Marketing API behind the AdPlatform port: builds its requests, parses its answers. Must not retry or decide.

Here the budget sits on the campaign, so a budget entity's id is the campaign's. Campaigns whose ad sets carry the money
have no budget entity and are left out.
"""

import json
from datetime import date
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
    limits,
)

_VERSION: Final = "/v24.0"
_PAGE_SIZE: Final = 500

# Sources: Graph API "Error handling", Marketing API "Rate limiting".
_RATE_LIMIT_CODES: Final = frozenset((4, 17, 32, 341, 613, *range(80_000, 80_015)))
_TRANSIENT_CODES: Final = frozenset((1, 2))

_STATUSES: Final = {
    "ACTIVE": CampaignStatus.ENABLED,
    "PAUSED": CampaignStatus.PAUSED,
    "ARCHIVED": CampaignStatus.REMOVED,
    "DELETED": CampaignStatus.REMOVED,
}

#: What a campaign can be set to here.
_SWITCHES: Final = {CampaignStatus.ENABLED: "ACTIVE", CampaignStatus.PAUSED: "PAUSED"}

#: `omni_purchase` and the pixel's own type count the same purchases again, so exactly one type is read.
_PURCHASE: Final = "purchase"


class MetaPlatform:
    """AdPlatform for Meta. `client` has the API's base address; `access_token` may be looked up at every call."""

    platform = Platform.META

    def __init__(
        self, client: httpx.AsyncClient, access_token: AccessToken, *, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._http = PlatformHttp(Platform.META, client, total_seconds)
        self._access_token = access_token
        self._currencies: dict[str, str] = {}

    async def fetch_account(self, account: str) -> PlatformAccount:
        """The account's name, currency and time zone. Raises PlatformError."""
        fields = {"fields": "account_id,name,currency,timezone_name"}
        body = await self._get(f"act_{self._http.require_digits(account)}", fields)
        with self._http.parsing():
            found = PlatformAccount(body["account_id"], body["name"], body["currency"], body["timezone_name"])
        # An ad account's currency never changes; budgets need it to know what a minor unit is.
        self._currencies[account] = found.currency_code
        return found

    async def fetch_campaigns(self, account: str) -> list[PlatformCampaign]:
        """Every campaign that is not removed and carries its own budget, all pages. Raises PlatformError."""
        minor_micros = await self._minor_unit_micros(account)
        fields = {"fields": "id,name,status,daily_budget,lifetime_budget"}
        rows = await self._get_all(f"act_{self._http.require_digits(account)}/campaigns", fields)
        with self._http.parsing():
            campaigns = [_campaign(row, minor_micros) for row in rows]
        return [found for found in campaigns if found is not None and found.status is not CampaignStatus.REMOVED]

    async def fetch_daily_metrics(self, account: str, since: date, until: date) -> list[PlatformDailyMetric]:
        """Metrics of every campaign per account-zone day, bounds included, all pages. Raises PlatformError."""
        query = {
            "level": "campaign",
            "time_increment": "1",
            "time_range": json.dumps({"since": since.isoformat(), "until": until.isoformat()}),
            "fields": "campaign_id,impressions,clicks,spend,actions,action_values",
        }
        rows = await self._get_all(f"act_{self._http.require_digits(account)}/insights", query)
        with self._http.parsing():
            return [_metric(row) for row in rows]

    async def read_budget(self, account: str, budget_external_id: str) -> PlatformBudget:
        """The campaign's budget and its type as they stand now. Raises PlatformError."""
        minor_micros = await self._minor_unit_micros(account)
        fields = {"fields": "id,daily_budget,lifetime_budget"}
        body = await self._get(self._http.require_digits(budget_external_id), fields)
        with self._http.parsing():
            budget = _budget(body, minor_micros)
        if budget is None:
            message = f"Meta campaign {budget_external_id} has no budget of its own"
            raise PlatformError(message, platform_code="NO_CAMPAIGN_BUDGET")
        return PlatformBudget(budget_external_id, *budget)

    async def set_daily_budget(self, account: str, budget_external_id: str, daily_budget_micros: int) -> BudgetReceipt:
        """Set the campaign's absolute daily budget, account micros in whole minor units. Raises PlatformError."""
        minor_micros = await self._minor_unit_micros(account)
        minor, finer = divmod(daily_budget_micros, minor_micros)
        if finer:
            message = f"{daily_budget_micros} micros is not a whole number of Meta's minor units"
            raise PlatformError(message, platform_code="NOT_A_WHOLE_STEP")
        return BudgetReceipt(await self._write(budget_external_id, {"daily_budget": str(minor)}))

    async def read_campaign_status(
        self,
        account: str,  # noqa: ARG002 - here a campaign's id says it all
        campaign_external_id: str,
    ) -> CampaignStatus:
        """What the campaign itself is set to, whatever its parents are. Raises PlatformError."""
        body = await self._get(self._http.require_digits(campaign_external_id), {"fields": "id,status"})
        with self._http.parsing():
            return _STATUSES[body["status"]]

    async def set_campaign_status(
        self,
        account: str,  # noqa: ARG002 - here a campaign's id says it all
        campaign_external_id: str,
        status: CampaignStatus,
    ) -> StatusReceipt:
        """Pause the campaign or let it run. Raises PlatformError."""
        return StatusReceipt(await self._write(campaign_external_id, {"status": _SWITCHES[status]}))

    async def _write(self, campaign_external_id: str, form: dict[str, str]) -> str:
        """Change fields of a campaign. Returns the platform's id for the request."""
        path = f"{_VERSION}/{self._http.require_digits(campaign_external_id)}"
        reply = await self._http.write("POST", path, data=form, headers=self._headers())
        body = self._checked(reply, writes=True)
        with self._http.parsing(writes=True):
            if body["success"] is not True:
                raise ValueError("success is not true")
        return str(reply.headers.get("x-fb-trace-id", ""))

    async def _minor_unit_micros(self, account: str) -> int:
        if account not in self._currencies:
            await self.fetch_account(account)
        return limits(Platform.META, self._currencies[account]).step_micros

    async def _get(self, path: str, query: dict[str, str]) -> Any:
        reply = await self._http.read("GET", f"{_VERSION}/{path}", params=query, headers=self._headers())
        return self._checked(reply, writes=False)

    async def _get_all(self, path: str, query: dict[str, str]) -> list[Any]:
        """All pages' rows. The platform's `next` address only tells that there is more; it is never followed."""
        rows: list[Any] = []
        page_query = {**query, "limit": str(_PAGE_SIZE)}
        for _ in range(MAX_PAGES):
            body = await self._get(path, page_query)
            with self._http.parsing():
                rows += body["data"]
                if "next" not in body.get("paging", {}):
                    return rows
                page_query["after"] = body["paging"]["cursors"]["after"]
        raise self._http.endless()

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {current_token(self._access_token)}"}

    def _checked(self, reply: Reply, *, writes: bool) -> Any:
        """The body, if it is no error. Raises PlatformError with "code" or "code/subcode" otherwise."""
        with self._http.parsing(writes=writes):
            if isinstance(reply.body, dict) and "error" in reply.body:
                raise _error(reply, writes=writes)
        if not reply.is_success:
            raise self._http.unexplained(reply, writes=writes)
        return reply.body


def _error(reply: Reply, *, writes: bool) -> PlatformError:
    error = reply.body["error"]
    code = int(error["code"])
    subcode = error.get("error_subcode")
    limited = code in _RATE_LIMIT_CODES
    failed = not limited and (reply.is_server_error or code in _TRANSIENT_CODES)
    return PlatformError(
        f"Meta: {shorten(str(error['message']))}",
        platform_code=str(code) if subcode is None else f"{code}/{subcode}",
        retryable=limited or failed or error.get("is_transient") is True,
        outcome_known=not (writes and failed),
        retry_after_seconds=_retry_after(reply) if limited else None,
    )


def _retry_after(reply: Reply) -> float | None:
    """Seconds until access returns: the usage header counts minutes, per business and per kind of use."""
    usage = reply.headers.get("x-business-use-case-usage")
    if usage is None:
        return retry_after_header(reply.headers)
    minutes = [use["estimated_time_to_regain_access"] for uses in json.loads(usage).values() for use in uses]
    return max(minutes) * 60.0 if minutes and max(minutes) > 0 else None


def _campaign(row: Any, minor_micros: int) -> PlatformCampaign | None:
    budget = _budget(row, minor_micros)
    if budget is None:
        return None
    return PlatformCampaign(row["id"], row["name"], _STATUSES[row["status"]], row["id"], *budget)


def _budget(row: Any, minor_micros: int) -> tuple[BudgetType, int] | None:
    """Type and daily amount in micros (0 where the budget is for the lifetime); None if ad sets carry the money."""
    daily_minor, lifetime_minor = int(row.get("daily_budget", 0)), int(row.get("lifetime_budget", 0))
    if daily_minor:
        return BudgetType.DAILY, daily_minor * minor_micros
    return (BudgetType.LIFETIME, 0) if lifetime_minor else None


def _metric(row: Any) -> PlatformDailyMetric:
    return PlatformDailyMetric(
        campaign_external_id=row["campaign_id"],
        day=date.fromisoformat(row["date_start"]),
        impressions=int(row["impressions"]),
        clicks=int(row["clicks"]),
        conversions=float(_purchases(row, "actions")),
        spend_micros=money_micros(row["spend"]),
        revenue_micros=money_micros(_purchases(row, "action_values")),
    )


def _purchases(row: Any, field: str) -> str:
    """The value of the purchase action; a row without one had none."""
    return next((str(action["value"]) for action in row.get(field, ()) if action["action_type"] == _PURCHASE), "0")
