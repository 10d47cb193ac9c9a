"""Stands in for Microsoft Advertising's REST API: accounts, campaigns and reports that are made in their own time.

Must not decide what a campaign does; that is the world's.

From the documentation: the paths and headers, ids as strings, Search campaigns only where no CampaignType is named,
PartialErrors beside a success, OperationErrors in a refusal, codes 105, 117, 207, 1100 and 1106, reports that are
submitted, polled and downloaded as a zipped CSV (no address where there is no data), in Pacific time unless another
zone is named. Assumed: the HTTP status of each refusal, and the codes of a daily amount for a lifetime budget and of a
status that is none. Not played: shared budgets. A report is ready at the third poll, however much time has passed.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kit.money import parse_micros, to_decimal
from sandbox.faults import Wording, respond, write_operation
from sandbox.options import CallCounter, Option
from sandbox.roster import MICROSOFT
from sandbox.simulation import Simulation, UnknownEntityError, bearer, is_whole_step, new_request_id
from sandbox.state import Fault
from sandbox.world import AccountSpec, CampaignDay, CampaignSpec

_MIN_DAILY_MICROS: Final = 50_000
_READY_AT_POLL: Final = 3
_KEPT_REPORTS: Final = 1_000
_MAX_CAMPAIGNS: Final = 100

_INTERNAL_ERROR: Final = 0
_NULL_REQUEST: Final = 100
_INVALID_CREDENTIALS: Final = 105
_NOT_AUTHORIZED: Final = 106
_CALL_RATE_EXCEEDED: Final = 117
_INVALID_CAMPAIGN_ID: Final = 1100
_INVALID_DAILY_BUDGET: Final = 1106
_NO_REPORT_REQUEST: Final = 2100

_NAMES: Final = {
    _INTERNAL_ERROR: "InternalError",
    _NULL_REQUEST: "NullRequest",
    _INVALID_CREDENTIALS: "InvalidCredentials",
    _NOT_AUTHORIZED: "UserIsNotAuthorized",
    _CALL_RATE_EXCEEDED: "CallRateExceeded",
    207: "ConcurrentRequestOverLimit",
    _INVALID_CAMPAIGN_ID: "CampaignServiceInvalidCampaignId",
    _INVALID_DAILY_BUDGET: "CampaignServiceInvalidDailyBudget",
    _NO_REPORT_REQUEST: "ReportingServiceInvalidReportId",
}

#: The platform's own names of the zones that the world has.
_ZONES: Final = {"America/New_York": "EasternTimeUSCanada"}
_KINDS: Final = {"Shopping": "Shopping", "Audience": "Audience"}

_COLUMNS: Final = ("TimePeriod", "CampaignId", "Impressions", "Clicks", "Spend", "ConversionsQualified", "Revenue")


class MicrosoftRefusal(Exception):
    """A request, or one campaign of it, that is refused with a numeric code."""

    def __init__(self, message: str, code: int = _NULL_REQUEST, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(slots=True)
class _Report:
    account: AccountSpec
    since: date
    until: date
    columns: tuple[str, ...]
    polls: int = 0


def microsoft_app(simulation: Simulation) -> Starlette:
    """The stand-in as an ASGI app, to be mounted where the platform's hosts would be."""
    microsoft = _Microsoft(simulation)
    campaigns, reports = "/CampaignManagement/v13/Campaigns", "/Reporting/v13/GenerateReport"
    return Starlette(
        routes=[
            Route("/CustomerManagement/v13/Account/Query", microsoft.read(microsoft.account), methods=["POST"]),
            Route(f"{campaigns}/QueryByAccountId", microsoft.read(microsoft.campaigns), methods=["POST"]),
            Route(f"{campaigns}/QueryByIds", microsoft.read(microsoft.campaigns_by_id), methods=["POST"]),
            Route(campaigns, microsoft.update_campaigns, methods=["PUT"]),
            Route(f"{reports}/Submit", microsoft.read(microsoft.submit_report), methods=["POST"]),
            Route(f"{reports}/Poll", microsoft.read(microsoft.poll_report), methods=["POST"]),
            Route("/files/{report}", microsoft.download),
        ]
    )


class _Microsoft:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._calls = CallCounter()
        self._reports: dict[str, _Report] = {}
        self._wording = Wording(quota=_quota_fault, server_error=_server_error, refuse=_refuse_fault)

    def read(self, handler: Callable[[Request, dict[str, Any]], dict[str, Any]]) -> Callable[[Request], Any]:
        """An endpoint for a handler of (request, body) that returns the answer's body."""

        async def endpoint(request: Request) -> Response:
            raw = await request.body()

            def answer() -> Response:
                try:
                    self._check_call(request)
                    body = handler(request, _object(raw))
                except MicrosoftRefusal as refusal:
                    return _fault(refusal)
                return JSONResponse(body, headers=_tracking(new_request_id()))

            return await respond(request, self._simulation, MICROSOFT, "read", self._wording, answer)

        return endpoint

    def account(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        account = self._account(body.get("AccountId"))
        return {
            "Account": {
                "Id": account.external_id,
                "Name": account.name,
                "Number": "F1490001",
                "CurrencyCode": account.currency_code,
                "TimeZone": _ZONES[account.time_zone],
                "AccountLifeCycleStatus": "Active",
            }
        }

    def campaigns(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        account = self._named_account(request, body)
        kinds = str(body.get("CampaignType") or "Search").split()
        records = [self._campaign_record(campaign) for campaign in self._simulation.campaigns(account)]
        return {"Campaigns": [record for record in records if record["CampaignType"] in kinds]}

    def campaigns_by_id(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        account = self._named_account(request, body)
        kinds = str(body.get("CampaignType") or "Search").split()
        wanted = body.get("CampaignIds")
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= _MAX_CAMPAIGNS:
            raise MicrosoftRefusal("CampaignIds must name 1 to 100 campaigns")
        found: list[dict[str, Any] | None] = []
        errors = []
        for index, external_id in enumerate(wanted):
            record = self._record_of(account, external_id)
            found.append(record if record and record["CampaignType"] in kinds else None)
            if found[-1] is None:
                refusal = MicrosoftRefusal("The campaign ID is not valid.", _INVALID_CAMPAIGN_ID)
                errors.append({**_error_entry(refusal), "Index": index})
        return {"Campaigns": found, "PartialErrors": errors}

    def _record_of(self, account: AccountSpec, external_id: object) -> dict[str, Any] | None:
        try:
            campaign = self._simulation.campaign_of(account, external_id) if isinstance(external_id, str) else None
        except UnknownEntityError:
            return None
        return None if campaign is None else self._campaign_record(campaign)

    async def update_campaigns(self, request: Request) -> Response:
        raw = await request.body()

        def answer() -> Response:
            try:
                self._check_call(request)
                return self._update(request, _object(raw))
            except MicrosoftRefusal as refusal:
                return _fault(refusal)

        operation = write_operation(raw, "Status")
        return await respond(request, self._simulation, MICROSOFT, operation, self._wording, answer)

    def _update(self, request: Request, body: dict[str, Any]) -> Response:
        """Each campaign for itself: the good ones are applied, the others are told in PartialErrors."""
        account, given = self._named_account(request, body), body.get("Campaigns")
        if not isinstance(given, list) or not 1 <= len(given) <= _MAX_CAMPAIGNS:
            raise MicrosoftRefusal("Campaigns must hold 1 to 100 campaigns")
        tracking_id, errors = new_request_id(), []
        for index, item in enumerate(given):
            try:
                self._change(account, item, tracking_id)
            except MicrosoftRefusal as refusal:
                errors.append({**_error_entry(refusal), "Index": index})
        return JSONResponse({"PartialErrors": errors}, headers=_tracking(tracking_id))

    def _change(self, account: AccountSpec, item: object, tracking_id: str) -> None:
        """Apply a campaign's new daily budget or status. Raises MicrosoftRefusal and changes nothing otherwise."""
        if not isinstance(item, dict) or not set(item) <= {"Id", "DailyBudget", "BudgetType", "Status"}:
            raise MicrosoftRefusal("the stand-in changes DailyBudget and Status only")
        try:
            campaign = self._simulation.campaign_of(account, str(item.get("Id")))
        except UnknownEntityError as error:
            raise MicrosoftRefusal("The campaign ID is not valid.", _INVALID_CAMPAIGN_ID) from error
        if "Status" in item:
            if len(item) > len(("Id", "Status")) or item["Status"] not in ("Active", "Paused"):
                raise MicrosoftRefusal("The campaign status is not valid.")
            self._simulation.set_paused(campaign, paused=item["Status"] == "Paused", request_id=tracking_id)
            return
        budget = campaign.budget
        other_type = item.get("BudgetType", "DailyBudgetStandard") != "DailyBudgetStandard"
        if self._simulation.lifetime_micros(budget) or other_type:
            raise MicrosoftRefusal("The budget type cannot be changed.", _INVALID_DAILY_BUDGET)
        amount_micros = _budget_micros(item.get("DailyBudget"), account)
        self._simulation.set_budget(budget, amount_micros, request_id=tracking_id)

    def submit_report(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        account = self._named_account(request, {})
        report = _wanted_report(body.get("ReportRequest"), account)
        report_id = new_request_id()
        self._reports[report_id] = report
        while len(self._reports) > _KEPT_REPORTS:
            del self._reports[next(iter(self._reports))]
        return {"ReportRequestId": report_id}

    def poll_report(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        account, report_id = self._named_account(request, {}), str(body.get("ReportRequestId"))
        report = self._reports.get(report_id)
        if report is None or report.account != account:
            raise MicrosoftRefusal("The report request ID is not valid.", _NO_REPORT_REQUEST)
        report.polls += 1
        if report.polls < _READY_AT_POLL:
            return {"ReportRequestStatus": {"Status": "Pending", "ReportDownloadUrl": None}}
        address = _file_address(request, report_id) if self._rows(report) else None
        return {"ReportRequestStatus": {"Status": "Success", "ReportDownloadUrl": address}}

    async def download(self, request: Request) -> Response:
        """The file of a report. Whoever knows its address may have it, and who also sends credentials may not."""
        report = self._reports.get(request.path_params["report"])
        if report is None or report.polls < _READY_AT_POLL or "authorization" in request.headers:
            return Response("<Error><Code>AuthenticationFailed</Code></Error>", 403, media_type="application/xml")
        text = io.StringIO()
        table = csv.DictWriter(text, report.columns, quoting=csv.QUOTE_ALL, extrasaction="ignore")
        table.writeheader()
        table.writerows(_report_row(row) for row in self._rows(report))
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{request.path_params['report']}.csv", text.getvalue().encode("utf-8-sig"))
        return Response(content.getvalue(), media_type="application/zip")

    def _rows(self, report: _Report) -> list[CampaignDay]:
        days = self._simulation.report(report.account, report.since, report.until)
        return [row for row in days if row.impressions]

    def _check_call(self, request: Request) -> None:
        if not self._simulation.accepts(MICROSOFT, bearer(request)):
            raise MicrosoftRefusal("Authentication failed.", _INVALID_CREDENTIALS, status=401)
        if not request.headers.get("developertoken"):
            raise MicrosoftRefusal("The developer token is missing.", _INVALID_CREDENTIALS, status=401)
        allowed = self._simulation.option(Option.MICROSOFT_CALLS_PER_MINUTE)
        window = f"{self._simulation.world_key()} {self._simulation.now_utc().replace(second=0, microsecond=0)}"
        if allowed and self._calls.count(window) > allowed:
            raise _throttled(_CALL_RATE_EXCEEDED)

    def _named_account(self, request: Request, body: dict[str, Any]) -> AccountSpec:
        """The account of the header; where the body names one too, it is the same."""
        named = request.headers.get("customeraccountid", "")
        if str(body.get("AccountId", named)) != named:
            raise MicrosoftRefusal("The account is not the header's.", _NOT_AUTHORIZED, status=403)
        return self._account(named)

    def _account(self, external_id: object) -> AccountSpec:
        try:
            return self._simulation.account(MICROSOFT, str(external_id))
        except UnknownEntityError as error:
            raise MicrosoftRefusal("The user is not authorized.", _NOT_AUTHORIZED, status=403) from error

    def _campaign_record(self, campaign: CampaignSpec) -> dict[str, Any]:
        lifetime = self._simulation.lifetime_micros(campaign.budget)
        daily = None if lifetime else float(to_decimal(self._simulation.budget_micros(campaign.budget)))
        return {
            "Id": campaign.external_id,
            "Name": campaign.name,
            "Status": "Paused" if self._simulation.is_paused(campaign) else "Active",
            "CampaignType": _KINDS.get(campaign.name.partition(" ")[0], "Search"),
            "BudgetType": "LifetimeBudgetStandard" if lifetime else "DailyBudgetStandard",
            "DailyBudget": daily,
            "BudgetId": None,
        }


def _file_address(request: Request, report_id: str) -> str:
    """Where a report's file is, under whatever address this stand-in is mounted."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}/files/{report_id}"


def _wanted_report(request: object, account: AccountSpec) -> _Report:
    match request:
        case {
            "Type": "CampaignPerformanceReportRequest",
            "Format": "Csv",
            "FormatVersion": "2.0",
            "Aggregation": "Daily",
            "ExcludeReportHeader": True,
            "ExcludeReportFooter": True,
            "Columns": [*columns],
            "Scope": {"AccountIds": [str(scope)]},
            "Time": {"CustomDateRangeStart": dict(since), "CustomDateRangeEnd": dict(until), **time},
        } if set(columns) <= set(_COLUMNS) and scope == account.external_id:
            pass
        case _:
            raise MicrosoftRefusal("the stand-in reports daily campaign performance as bare Csv only")
    # Days of another zone than the account's own would need hours, which the world does not have.
    if time.get("ReportTimeZone", "PacificTimeUSCanadaTijuana") != _ZONES[account.time_zone]:
        raise MicrosoftRefusal("the stand-in reports in the account's own time zone only")
    report = _Report(account, _date(since), _date(until), tuple(columns))
    if report.since > report.until:
        raise MicrosoftRefusal("The date range ends before it starts.")
    return report


def _report_row(row: CampaignDay) -> dict[str, str]:
    return {
        "TimePeriod": row.day.isoformat(),
        "CampaignId": row.campaign_id,
        "Impressions": str(row.impressions),
        "Clicks": str(row.clicks),
        "Spend": str(to_decimal(row.spend_micros)),
        "ConversionsQualified": f"{row.conversions:.2f}",
        "Revenue": str(to_decimal(row.revenue_micros)),
    }


def _date(given: dict[str, Any]) -> date:
    try:
        return date(given["Year"], given["Month"], given["Day"])
    except (KeyError, TypeError, ValueError) as error:
        raise MicrosoftRefusal("A date is {Year, Month, Day}.") from error


def _budget_micros(given: object, account: AccountSpec) -> int:
    if not isinstance(given, int | Decimal) or isinstance(given, bool):
        raise MicrosoftRefusal("DailyBudget must be a number.", _INVALID_DAILY_BUDGET)
    try:
        amount = parse_micros(Decimal(given))
    except ValueError as error:
        raise MicrosoftRefusal("DailyBudget has too many digits.", _INVALID_DAILY_BUDGET) from error
    if amount < _MIN_DAILY_MICROS or not is_whole_step(amount, account.currency_code):
        raise MicrosoftRefusal("The daily budget is not valid.", _INVALID_DAILY_BUDGET)
    return amount


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw, parse_float=Decimal)
    except ValueError as error:
        raise MicrosoftRefusal("The request message is null.") from error
    if not isinstance(body, dict):
        raise MicrosoftRefusal("The request message is null.")
    return body


def _tracking(tracking_id: str) -> dict[str, str]:
    return {"webrequestactivityid": tracking_id}


def _throttled(code: int) -> MicrosoftRefusal:
    return MicrosoftRefusal("The call rate was exceeded.", code, status=429)


def _error_entry(refusal: MicrosoftRefusal) -> dict[str, Any]:
    name = _NAMES.get(refusal.code, "Error")
    return {"Code": refusal.code, "ErrorCode": name, "Message": str(refusal), "Details": None}


def _fault(refusal: MicrosoftRefusal) -> Response:
    tracking_id = new_request_id()
    body = {"TrackingId": tracking_id, "OperationErrors": [_error_entry(refusal)], "BatchErrors": []}
    return JSONResponse(body, refusal.status, _tracking(tracking_id))


def _quota_fault(fault: Fault) -> Response:
    return _fault(_throttled(int(fault.code or _CALL_RATE_EXCEEDED)))


def _server_error() -> Response:
    return _fault(MicrosoftRefusal("An internal error has occurred.", _INTERNAL_ERROR, status=500))


def _refuse_fault(fault: Fault) -> Response:
    return _fault(MicrosoftRefusal("The campaign cannot be edited.", int(fault.code or _NOT_AUTHORIZED)))
