"""Stands in for LinkedIn's Marketing API: versioned REST, Rest.li queries, partial updates, adAnalytics by day.

Must not decide what a campaign does; that is the world's.

From the documentation: the paths, the LinkedIn-Version and X-RestLi-Method headers, amounts as decimal strings with
their currency, cursors in `metadata.nextPageToken`, one adAnalytics answer of at most 15,000 elements without pages,
429 without Retry-After, daily quotas that start anew at midnight UTC. Assumed: the words of `code` in refusals of an
amount, and that the accounts' days are UTC's.
"""

import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kit.money import MICROS_PER_UNIT, parse_micros, to_decimal
from sandbox.faults import Wording, respond, write_operation
from sandbox.options import CallCounter, Option
from sandbox.roster import LINKEDIN
from sandbox.simulation import Simulation, UnknownEntityError, bearer, is_whole_step, new_request_id
from sandbox.state import Fault
from sandbox.world import AccountSpec, CampaignDay, CampaignSpec

_MIN_DAILY_MICROS: Final = 10 * MICROS_PER_UNIT
_DEFAULT_PAGE_SIZE: Final = 100
_MAX_PAGE_SIZE: Final = 1_000
_MAX_ELEMENTS: Final = 15_000

_VERSION: Final = re.compile(r"20\d\d(0[1-9]|1[0-2])")
_DATE: Final = r"\(year:(\d{4}),month:(\d{1,2}),day:(\d{1,2})\)"
_DATE_RANGE: Final = re.compile(rf"\(start:{_DATE},end:{_DATE}\)")
_ACCOUNTS: Final = re.compile(r"List\(urn:li:sponsoredAccount:(\d+)\)")

#: How a throttled call is worded; only the first kind lasts until midnight UTC.
_THROTTLES: Final = {
    "DAY_LIMIT": "Resource level throttle APPLICATION DAY limit for calls to this resource is reached.",
    "TOO_MANY_REQUESTS": "Too many requests. Please try again later.",
}


class LinkedInRefusal(Exception):
    """A request answered with an error; `code` is the platform's word for it."""

    def __init__(self, message: str, code: str, *, status: int = 400, service_code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.service_code = service_code


def linkedin_app(simulation: Simulation) -> Starlette:
    """The stand-in as an ASGI app, to be mounted where the platform's host would be."""
    linkedin = _LinkedIn(simulation)
    account = "/rest/adAccounts/{account}"
    return Starlette(
        routes=[
            Route(account, linkedin.read(linkedin.account)),
            Route(f"{account}/adCampaigns", linkedin.read(linkedin.campaigns)),
            Route(f"{account}/adCampaigns/{{campaign}}", linkedin.read(linkedin.campaign), methods=["GET"]),
            Route(f"{account}/adCampaigns/{{campaign}}", linkedin.update_campaign, methods=["POST"]),
            Route("/rest/adAnalytics", linkedin.read(linkedin.analytics)),
        ]
    )


class _LinkedIn:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._calls = CallCounter()
        self._wording = Wording(quota=_quota_fault, server_error=_server_error, refuse=_refuse_fault)

    def read(self, handler: Callable[[Request], dict[str, Any]]) -> Callable[[Request], Any]:
        """An endpoint for a handler that returns the body."""

        async def endpoint(request: Request) -> Response:
            def answer() -> Response:
                try:
                    _check_headers(self._simulation, request)
                    self._count()
                    body = handler(request)
                except LinkedInRefusal as refusal:
                    return _error(refusal)
                return JSONResponse(body, headers={"x-li-uuid": new_request_id()})

            return await respond(request, self._simulation, LINKEDIN, "read", self._wording, answer)

        return endpoint

    def account(self, request: Request) -> dict[str, Any]:
        account = self._account(request.path_params["account"])
        return {
            "id": int(account.external_id),
            "name": account.name,
            "currency": account.currency_code,
            "status": "ACTIVE",
            "type": "BUSINESS",
            "test": False,
        }

    def campaigns(self, request: Request) -> dict[str, Any]:
        account = self._account(request.path_params["account"])
        if request.query_params.get("q") != "search":
            raise LinkedInRefusal("Finder method is not supported", "ILLEGAL_ARGUMENT")
        records = [self._campaign_record(campaign) for campaign in self._simulation.campaigns(account)]
        return _page(request, records)

    def campaign(self, request: Request) -> dict[str, Any]:
        record = self._campaign_record(self._campaign(request))
        fields = request.query_params.get("fields")
        return record if fields is None else {key: value for key, value in record.items() if key in fields.split(",")}

    def analytics(self, request: Request) -> dict[str, Any]:
        query = request.query_params
        if (query.get("q"), query.get("pivot"), query.get("timeGranularity")) != ("analytics", "CAMPAIGN", "DAILY"):
            message = "the stand-in knows q=analytics with pivot=CAMPAIGN and timeGranularity=DAILY only"
            raise LinkedInRefusal(message, "ILLEGAL_ARGUMENT")
        # Structure that was percent-encoded is text to Rest.li, so it would not be understood.
        if "dateRange=(" not in request.url.query or "accounts=List(" not in request.url.query:
            raise LinkedInRefusal("Invalid query parameters passed to request", "ILLEGAL_ARGUMENT")
        named = _ACCOUNTS.fullmatch(query.get("accounts", ""))
        account = self._account(named[1] if named else "")
        since, until = _date_range(query.get("dateRange", ""))
        fields = set(query.get("fields", "impressions,clicks").split(","))
        rows = [row for row in self._simulation.report(account, since, until) if row.impressions]
        elements = [
            {key: value for key, value in _element(row).items() if key in fields} for row in rows[:_MAX_ELEMENTS]
        ]
        return {"paging": {"start": 0, "count": 10, "links": []}, "elements": elements}

    async def update_campaign(self, request: Request) -> Response:
        raw = await request.body()

        def answer() -> Response:
            try:
                _check_headers(self._simulation, request)
                self._count()
                campaign = self._campaign(request)
                request_id = new_request_id()
                self._change(request, campaign, raw, request_id)
            except LinkedInRefusal as refusal:
                return _error(refusal)
            return Response(status_code=204, headers={"x-li-uuid": request_id})

        operation = write_operation(raw, "status")
        return await respond(request, self._simulation, LINKEDIN, operation, self._wording, answer)

    def _change(self, request: Request, campaign: CampaignSpec, raw: bytes, request_id: str) -> None:
        if request.headers.get("x-restli-method", "").upper() != "PARTIAL_UPDATE":
            raise LinkedInRefusal("The method needs X-RestLi-Method: PARTIAL_UPDATE", "ILLEGAL_ARGUMENT")
        match _object(raw):
            case {"patch": {"$set": {"dailyBudget": dict(wanted)} as fields}} if len(fields) == 1:
                if self._simulation.lifetime_micros(campaign.budget):
                    raise LinkedInRefusal("A daily budget cannot join a total budget", "DAILY_BUDGET_NOT_ALLOWED")
                amount_micros = _amount_micros(wanted, campaign.budget.account)
                self._simulation.set_budget(campaign.budget, amount_micros, request_id=request_id)
            case {"patch": {"$set": {"status": "ACTIVE" | "PAUSED" as status} as fields}} if len(fields) == 1:
                self._simulation.set_paused(campaign, paused=status == "PAUSED", request_id=request_id)
            case _:
                raise LinkedInRefusal("the stand-in patches dailyBudget or status only", "ILLEGAL_ARGUMENT")

    def _count(self) -> None:
        allowed = self._simulation.option(Option.LINKEDIN_CALLS_PER_DAY)
        calls = self._calls.count(f"{self._simulation.world_key()} {self._simulation.now_utc().date()}")
        if allowed and calls > allowed:
            raise _throttled("DAY_LIMIT")

    def _account(self, external_id: str) -> AccountSpec:
        try:
            return self._simulation.account(LINKEDIN, external_id)
        except UnknownEntityError as error:
            message = f"Not enough permissions to access: adAccounts {external_id}"
            raise LinkedInRefusal(message, "ACCESS_DENIED", status=403, service_code=100) from error

    def _campaign(self, request: Request) -> CampaignSpec:
        account = self._account(request.path_params["account"])
        external_id = request.path_params["campaign"]
        try:
            return self._simulation.campaign_of(account, external_id)
        except UnknownEntityError as error:
            message = f"Campaign {external_id} not found"
            raise LinkedInRefusal(message, "RESOURCE_NOT_FOUND", status=404) from error

    def _campaign_record(self, campaign: CampaignSpec) -> dict[str, Any]:
        """A total budget has no daily one beside it here; the platform allows both."""
        account, budget = campaign.budget.account, campaign.budget
        lifetime = self._simulation.lifetime_micros(budget)
        amount = {
            "amount": str(to_decimal(lifetime or self._simulation.budget_micros(budget))),
            "currencyCode": account.currency_code,
        }
        return {
            "id": int(campaign.external_id),
            "name": campaign.name,
            "account": f"urn:li:sponsoredAccount:{account.external_id}",
            "status": "PAUSED" if self._simulation.is_paused(campaign) else "ACTIVE",
            "type": "SPONSORED_UPDATES",
            "totalBudget" if lifetime else "dailyBudget": amount,
        }


def _check_headers(simulation: Simulation, request: Request) -> None:
    if not simulation.accepts(LINKEDIN, bearer(request)):
        raise LinkedInRefusal("Invalid access token", "INVALID_ACCESS_TOKEN", status=401, service_code=65600)
    version = request.headers.get("linkedin-version")
    if version is None:
        raise LinkedInRefusal("A version must be present. Add the LinkedIn-Version header.", "VERSION_MISSING")
    if not _VERSION.fullmatch(version):
        raise LinkedInRefusal(f"Requested version {version} is not active", "NONEXISTENT_VERSION", status=426)
    if request.headers.get("x-restli-protocol-version") != "2.0.0":
        raise LinkedInRefusal("Invalid query parameters passed to request", "ILLEGAL_ARGUMENT")


def _element(row: CampaignDay) -> dict[str, Any]:
    """Counts as whole numbers, money as decimal strings, as the platform gives them."""
    day = {"year": row.day.year, "month": row.day.month, "day": row.day.day}
    return {
        "dateRange": {"start": day, "end": day},
        "pivotValues": [f"urn:li:sponsoredCampaign:{row.campaign_id}"],
        "impressions": row.impressions,
        "clicks": row.clicks,
        "costInLocalCurrency": str(to_decimal(row.spend_micros)),
        "externalWebsiteConversions": round(row.conversions),
        "conversionValueInLocalCurrency": str(to_decimal(row.revenue_micros)),
    }


def _date_range(text: str) -> tuple[date, date]:
    match = _DATE_RANGE.fullmatch(text)
    try:
        numbers = [int(number) for number in match.groups()] if match else []
        since, until = date(*numbers[:3]), date(*numbers[3:])
    except (TypeError, ValueError) as error:
        raise LinkedInRefusal("dateRange is malformed", "ILLEGAL_ARGUMENT") from error
    if since > until:
        raise LinkedInRefusal("dateRange ends before it starts", "ILLEGAL_ARGUMENT")
    return since, until


def _amount_micros(given: dict[str, Any], account: AccountSpec) -> int:
    if given.get("currencyCode") != account.currency_code:
        raise LinkedInRefusal("The currency is not the account's", "CURRENCY_MISMATCH")
    text = given.get("amount")
    if not isinstance(text, str) or not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        raise LinkedInRefusal("amount must be a decimal string", "FIELD_INVALID")
    try:
        amount = parse_micros(Decimal(text))
    except ValueError as error:
        raise LinkedInRefusal("amount has too many digits", "FIELD_INVALID") from error
    if not is_whole_step(amount, account.currency_code):
        raise LinkedInRefusal("amount is finer than the currency's smallest unit", "FIELD_INVALID")
    if amount < _MIN_DAILY_MICROS:
        raise LinkedInRefusal("The daily budget is below the minimum of 10.00", "DAILY_BUDGET_BELOW_MINIMUM")
    return amount


def _page(request: Request, records: list[dict[str, Any]]) -> dict[str, Any]:
    """One page and, where more follow, the token that gets them."""
    try:
        size = int(request.query_params.get("pageSize", _DEFAULT_PAGE_SIZE))
        start = int(request.query_params.get("pageToken", "0"))
    except ValueError as error:
        raise LinkedInRefusal("Invalid paging parameters", "ILLEGAL_ARGUMENT") from error
    if not 1 <= size <= _MAX_PAGE_SIZE or start < 0:
        raise LinkedInRefusal("Invalid paging parameters", "ILLEGAL_ARGUMENT")
    end = start + size
    more = {"nextPageToken": str(end)} if end < len(records) else {}
    return {"elements": records[start:end], "metadata": more}


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise LinkedInRefusal("The body is not JSON", "ILLEGAL_ARGUMENT") from error
    if not isinstance(body, dict):
        raise LinkedInRefusal("The body is not a JSON object", "ILLEGAL_ARGUMENT")
    return body


def _throttled(code: str) -> LinkedInRefusal:
    return LinkedInRefusal(_THROTTLES[code], "TOO_MANY_REQUESTS", status=429, service_code=101)


def _error(refusal: LinkedInRefusal) -> Response:
    body: dict[str, Any] = {"status": refusal.status, "code": refusal.code, "message": str(refusal)}
    if refusal.service_code is not None:
        body["serviceErrorCode"] = refusal.service_code
    return JSONResponse(body, refusal.status, {"x-li-uuid": new_request_id()})


def _quota_fault(fault: Fault) -> Response:
    return _error(_throttled("DAY_LIMIT" if fault.code == "DAY_LIMIT" else "TOO_MANY_REQUESTS"))


def _server_error() -> Response:
    return _error(LinkedInRefusal("Internal Server Error", "INTERNAL_SERVER_ERROR", status=500))


def _refuse_fault(fault: Fault) -> Response:
    return _error(LinkedInRefusal("The campaign cannot be edited", fault.code or "CAMPAIGN_NOT_EDITABLE"))
