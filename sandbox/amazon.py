"""Stands in for the Amazon Ads API: Sponsored Products campaigns and reports that are made in their own time.

Must not decide what a campaign does; that is the world's.

From the documentation: the four headers, the versioned content types, /sp/campaigns/list with its tokens, a 207 whose
`success` and `error` lists name requests by index, reports that go PENDING, PROCESSING, COMPLETED and come as gzipped
JSON from an address of their own, at most 31 days each, 425 for a report already asked for, 429 with Retry-After.
Assumed: the wording of refusals; a lifetime budget is shown although Sponsored Products has daily ones only. Not
played: that days older than 95 are gone. A report is ready at the third look, however much time has passed.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
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
from sandbox.roster import AMAZON
from sandbox.simulation import Simulation, UnknownEntityError, bearer, is_whole_step, new_request_id
from sandbox.state import Fault
from sandbox.world import AccountSpec, CampaignDay, CampaignSpec

_CAMPAIGN_TYPE: Final = "application/vnd.spcampaign.v3+json"
_REPORT_TYPE: Final = "application/vnd.createasyncreportrequest.v3+json"

_MIN_DAILY_MICROS: Final = MICROS_PER_UNIT
_DEFAULT_PAGE_SIZE: Final = 100
_MAX_PAGE_SIZE: Final = 1_000
_MAX_REPORT_DAYS: Final = 31
_READY_AT_LOOK: Final = 3
_KEPT_REPORTS: Final = 1_000
_USUAL_WAIT_SECONDS: Final = 2

_COLUMNS: Final = {"date", "campaignId", "impressions", "clicks", "cost", "purchases7d", "sales7d"}


class AmazonRefusal(Exception):
    """A whole request refused; `code` as in the body."""

    def __init__(self, message: str, code: str = "BAD_REQUEST", *, status: int = 400, wait_seconds: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.wait_seconds = wait_seconds


class AmazonItemError(Exception):
    """One campaign of a request refused, as {"errorType": kind, "errorValue": {kind: {"reason": reason}}}."""

    def __init__(self, message: str, kind: str, reason: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason


@dataclass(slots=True)
class _Report:
    account: AccountSpec
    since: date
    until: date
    columns: tuple[str, ...]
    looks: int = 0

    def asks_for(self, other: "_Report") -> bool:
        """Whether both ask for the same."""
        return (self.account, self.since, self.until) == (other.account, other.since, other.until)

    @property
    def is_ready(self) -> bool:
        return self.looks >= _READY_AT_LOOK


def amazon_app(simulation: Simulation) -> Starlette:
    """The stand-in as an ASGI app, to be mounted where the platform's host would be."""
    amazon = _Amazon(simulation)
    return Starlette(
        routes=[
            Route("/v2/profiles/{profile}", amazon.read(amazon.profile)),
            Route("/sp/campaigns/list", amazon.read(amazon.campaigns), methods=["POST"]),
            Route("/sp/campaigns", amazon.update_campaigns, methods=["PUT"]),
            Route("/reporting/reports", amazon.read(amazon.ask_for_report), methods=["POST"]),
            Route("/reporting/reports/{report}", amazon.read(amazon.look_at_report)),
            Route("/files/{report}", amazon.download),
        ]
    )


class _Amazon:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._calls = CallCounter()
        self._reports: dict[str, _Report] = {}
        self._wording = Wording(quota=_quota_fault, server_error=_server_error, refuse=_refuse_fault)

    def read(self, handler: Callable[[Request, bytes], dict[str, Any]]) -> Callable[[Request], Any]:
        """An endpoint for a handler of (request, body) that returns the answer's body."""

        async def endpoint(request: Request) -> Response:
            raw = await request.body()

            def answer() -> Response:
                try:
                    self._check_call(request)
                    return JSONResponse(handler(request, raw), headers=_request_id())
                except AmazonRefusal as refusal:
                    return _error(refusal)

            return await respond(request, self._simulation, AMAZON, "read", self._wording, answer)

        return endpoint

    def profile(self, request: Request, _raw: bytes) -> dict[str, Any]:
        account = self._account(request.path_params["profile"])
        return {
            "profileId": int(account.external_id),
            "countryCode": "US",
            "currencyCode": account.currency_code,
            "timezone": account.time_zone,
            "accountInfo": {"marketplaceStringId": "ATVPDKIKX0DER", "type": "seller", "name": account.name},
        }

    def campaigns(self, request: Request, raw: bytes) -> dict[str, Any]:
        account = self._scope(request)
        _check_content_type(request, _CAMPAIGN_TYPE)
        body = _object(raw)
        wanted, states = _included(body, "campaignIdFilter"), _included(body, "stateFilter")
        found = [
            self._campaign_record(campaign)
            for campaign in self._simulation.campaigns(account)
            if wanted is None or campaign.external_id in wanted
        ]
        return _page(body, [record for record in found if states is None or record["state"] in states])

    async def update_campaigns(self, request: Request) -> Response:
        raw = await request.body()

        def answer() -> Response:
            try:
                self._check_call(request)
                return self._update(request, raw)
            except AmazonRefusal as refusal:
                return _error(refusal)

        operation = write_operation(raw, "state")
        return await respond(request, self._simulation, AMAZON, operation, self._wording, answer)

    def _update(self, request: Request, raw: bytes) -> Response:
        """Each campaign for itself: the good ones are applied, the others are told."""
        account = self._scope(request)
        _check_content_type(request, _CAMPAIGN_TYPE)
        given = _object(raw).get("campaigns")
        if not isinstance(given, list) or not given:
            raise AmazonRefusal("campaigns must be a list with entries")
        headers = _request_id()
        success, errors = [], []
        for index, item in enumerate(given):
            try:
                campaign_id = self._change(account, item, headers["x-amzn-requestid"])
            except AmazonItemError as error:
                errors.append({"index": index, "errors": [_item_error(error, index)]})
                continue
            success.append({"index": index, "campaignId": campaign_id})
        return JSONResponse({"campaigns": {"success": success, "error": errors}}, 207, headers)

    def _change(self, account: AccountSpec, item: object, request_id: str) -> str:
        """Apply a campaign's new daily budget or state. Returns its id."""
        match item:
            case {"campaignId": str(campaign_id), "budget": {"budgetType": "DAILY", "budget": amount}}:
                campaign = self._known(account, campaign_id)
                if self._simulation.lifetime_micros(campaign.budget):
                    raise AmazonItemError("The budget type cannot be changed", "entityStateError", "CANNOT_UPDATE")
                amount_micros = _budget_micros(amount, account)
                self._simulation.set_budget(campaign.budget, amount_micros, request_id=request_id)
            case {"campaignId": str(campaign_id), "state": "ENABLED" | "PAUSED" as state}:
                campaign = self._known(account, campaign_id)
                self._simulation.set_paused(campaign, paused=state == "PAUSED", request_id=request_id)
            case _:
                message = "the stand-in changes daily budgets and states only"
                raise AmazonItemError(message, "missingValueError", "MISSING_VALUE")
        return campaign_id

    def _known(self, account: AccountSpec, campaign_id: str) -> CampaignSpec:
        try:
            return self._simulation.campaign_of(account, campaign_id)
        except UnknownEntityError as error:
            raise AmazonItemError("Campaign not found", "entityNotFoundError", "ENTITY_NOT_FOUND") from error

    def ask_for_report(self, request: Request, raw: bytes) -> dict[str, Any]:
        account = self._scope(request)
        _check_content_type(request, _REPORT_TYPE)
        wanted = _wanted_report(_object(raw), account)
        for report_id, known in self._reports.items():
            if not known.is_ready and known.asks_for(wanted):
                raise AmazonRefusal(f"The Request is a duplicate of : {report_id}", "425", status=425)
        report_id = new_request_id()
        self._reports[report_id] = wanted
        while len(self._reports) > _KEPT_REPORTS:
            del self._reports[next(iter(self._reports))]
        return self._report_record(request, report_id, wanted)

    def look_at_report(self, request: Request, _raw: bytes) -> dict[str, Any]:
        account, report_id = self._scope(request), request.path_params["report"]
        report = self._reports.get(report_id)
        if report is None or report.account != account:
            raise AmazonRefusal(f"Report {report_id} not found", "404", status=404)
        report.looks += 1
        return self._report_record(request, report_id, report)

    def _report_record(self, request: Request, report_id: str, report: _Report) -> dict[str, Any]:
        status = "COMPLETED" if report.is_ready else "PROCESSING" if report.looks else "PENDING"
        return {
            "reportId": report_id,
            "status": status,
            "startDate": report.since.isoformat(),
            "endDate": report.until.isoformat(),
            "url": _file_address(request, report_id) if report.is_ready else None,
            "failureReason": None,
        }

    async def download(self, request: Request) -> Response:
        """The file of a report. Whoever knows its address may have it, and who also sends credentials may not."""
        report = self._reports.get(request.path_params["report"])
        if report is None or not report.is_ready or "authorization" in request.headers:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        rows = [
            {key: value for key, value in _report_row(row).items() if key in report.columns}
            for row in self._simulation.report(report.account, report.since, report.until)
            if row.impressions
        ]
        content = gzip.compress(json.dumps(rows).encode())
        return Response(content, media_type="application/octet-stream")

    def _check_call(self, request: Request) -> None:
        if not self._simulation.accepts(AMAZON, bearer(request)):
            raise AmazonRefusal("Not authorized to access this advertiser", "UNAUTHORIZED", status=401)
        if not request.headers.get("amazon-advertising-api-clientid"):
            raise AmazonRefusal("Amazon-Advertising-API-ClientId is missing", "UNAUTHORIZED", status=401)
        allowed = self._simulation.option(Option.AMAZON_CALLS_PER_SECOND)
        window = f"{self._simulation.world_key()} {self._simulation.now_utc().replace(microsecond=0)}"
        if allowed and self._calls.count(window) > allowed:
            raise _throttled(_USUAL_WAIT_SECONDS)

    def _scope(self, request: Request) -> AccountSpec:
        """The profile that the scope header names."""
        return self._account(request.headers.get("amazon-advertising-api-scope", ""))

    def _account(self, external_id: str) -> AccountSpec:
        try:
            return self._simulation.account(AMAZON, external_id)
        except UnknownEntityError as error:
            raise AmazonRefusal("Not authorized to manage this profile", "ACCESS_DENIED", status=403) from error

    def _campaign_record(self, campaign: CampaignSpec) -> dict[str, Any]:
        lifetime = self._simulation.lifetime_micros(campaign.budget)
        amount = to_decimal(lifetime or self._simulation.budget_micros(campaign.budget))
        return {
            "campaignId": campaign.external_id,
            "name": campaign.name,
            "state": "PAUSED" if self._simulation.is_paused(campaign) else "ENABLED",
            "targetingType": "MANUAL",
            "budget": {"budgetType": "LIFETIME" if lifetime else "DAILY", "budget": float(amount)},
        }


def _file_address(request: Request, report_id: str) -> str:
    """Where a report's file is, under whatever address this stand-in is mounted."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}/files/{report_id}"


def _check_content_type(request: Request, wanted: str) -> None:
    if request.headers.get("content-type", "").lower() != wanted:
        raise AmazonRefusal(f"Content-Type must be {wanted}", "UNSUPPORTED_MEDIA_TYPE", status=415)


def _wanted_report(body: dict[str, Any], account: AccountSpec) -> _Report:
    configuration = body.get("configuration")
    match configuration:
        case {
            "adProduct": "SPONSORED_PRODUCTS",
            "reportTypeId": "spCampaigns",
            "groupBy": ["campaign"],
            "timeUnit": "DAILY",
            "format": "GZIP_JSON",
            "columns": [*columns],
        } if set(columns) <= _COLUMNS:
            pass
        case _:
            raise AmazonRefusal("the stand-in reports spCampaigns by campaign and day as GZIP_JSON only", "400")
    try:
        since, until = date.fromisoformat(str(body["startDate"])), date.fromisoformat(str(body["endDate"]))
    except (KeyError, ValueError) as error:
        raise AmazonRefusal("startDate and endDate are YYYY-MM-DD", "400") from error
    if not 0 <= (until - since).days < _MAX_REPORT_DAYS:
        raise AmazonRefusal(f"A report covers at most {_MAX_REPORT_DAYS} days", "400")
    return _Report(account, since, until, tuple(columns))


def _report_row(row: CampaignDay) -> dict[str, Any]:
    """Numbers as numbers; purchases are whole."""
    return {
        "date": row.day.isoformat(),
        "campaignId": int(row.campaign_id),
        "impressions": row.impressions,
        "clicks": row.clicks,
        "cost": float(to_decimal(row.spend_micros)),
        "purchases7d": round(row.conversions),
        "sales7d": float(to_decimal(row.revenue_micros)),
    }


def _budget_micros(given: object, account: AccountSpec) -> int:
    if not isinstance(given, int | Decimal) or isinstance(given, bool):
        raise AmazonItemError("budget must be a number", "malformedValueError", "MALFORMED_VALUE")
    try:
        amount = parse_micros(Decimal(given))
    except ValueError as error:
        raise AmazonItemError("budget has too many digits", "malformedValueError", "MALFORMED_VALUE") from error
    if not is_whole_step(amount, account.currency_code):
        raise AmazonItemError("budget has too many digits", "malformedValueError", "MALFORMED_VALUE")
    if amount < _MIN_DAILY_MICROS:
        raise AmazonItemError("The budget is lower than the minimum", "rangeError", "TOO_LOW")
    return amount


def _item_error(error: AmazonItemError, index: int) -> dict[str, Any]:
    cause = {"location": f"$.campaigns[{index}].budget.budget"}
    value = {error.kind: {"reason": error.reason, "message": str(error), "cause": cause}}
    return {"errorType": error.kind, "errorValue": value}


def _included(body: dict[str, Any], name: str) -> list[Any] | None:
    """What a filter includes, None where the filter is not there."""
    given = body.get(name)
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("include"), list):
        raise AmazonRefusal(f"{name}.include must be a list")
    return list(given["include"])


def _page(body: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
    size, token = body.get("maxResults", _DEFAULT_PAGE_SIZE), body.get("nextToken", "0")
    if not isinstance(size, int) or not 1 <= size <= _MAX_PAGE_SIZE or not str(token).isdecimal():
        raise AmazonRefusal(f"maxResults is 1 to {_MAX_PAGE_SIZE}, nextToken what was given")
    end = int(token) + size
    more = {"nextToken": str(end)} if end < len(records) else {}
    return {"campaigns": records[int(token) : end], "totalResults": len(records), **more}


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw, parse_float=Decimal)
    except ValueError as error:
        raise AmazonRefusal("The body is not JSON") from error
    if not isinstance(body, dict):
        raise AmazonRefusal("The body is not a JSON object")
    return body


def _request_id() -> dict[str, str]:
    return {"x-amzn-requestid": new_request_id()}


def _throttled(wait_seconds: int) -> AmazonRefusal:
    return AmazonRefusal("Too Many Requests", "THROTTLED", status=429, wait_seconds=wait_seconds)


def _error(refusal: AmazonRefusal) -> Response:
    headers = _request_id()
    if refusal.wait_seconds:
        headers["retry-after"] = str(refusal.wait_seconds)
    return JSONResponse({"code": refusal.code, "details": str(refusal)}, refusal.status, headers)


def _quota_fault(fault: Fault) -> Response:
    return _error(_throttled(round(fault.seconds) or _USUAL_WAIT_SECONDS))


def _server_error() -> Response:
    return _error(AmazonRefusal("Internal Server Error", "INTERNAL_ERROR", status=500))


def _refuse_fault(fault: Fault) -> Response:
    return _error(AmazonRefusal("The campaign cannot be edited", fault.code or "ACCESS_DENIED", status=403))
