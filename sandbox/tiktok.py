"""Stands in for TikTok's Marketing API: its envelope, paging, decimal budgets and 30-day report limit.

Must not decide what a campaign does; that is the world's. As with the real one, nearly every answer is HTTP 200 and
`code` says what happened.
"""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kit.money import MICROS_PER_UNIT, parse_micros, to_decimal
from sandbox.faults import Wording, respond
from sandbox.options import Option
from sandbox.roster import TIKTOK
from sandbox.simulation import Simulation, UnknownEntityError, is_whole_step, new_request_id
from sandbox.state import Fault
from sandbox.world import AccountSpec, BudgetSpec, CampaignDay, CampaignSpec

_MIN_DAILY_MICROS: Final = 50 * MICROS_PER_UNIT
_MAX_REPORT_DAYS: Final = 30
_DEFAULT_PAGE_SIZE: Final = 10
_MAX_PAGE_SIZE: Final = 1_000

_NO_PERMISSION: Final = 40001
_INVALID_PARAMETER: Final = 40002
_RATE_LIMITED: Final = 40100
_BAD_TOKEN: Final = 40105
_SYSTEM_ERROR: Final = 50000

_STATUSES: Final = ("ENABLE", "DISABLE")
_DIMENSIONS: Final = {"campaign_id", "stat_time_day"}


class TikTokRefusal(Exception):
    """A request answered with a code other than 0."""

    def __init__(self, message: str, code: int = _INVALID_PARAMETER) -> None:
        super().__init__(message)
        self.code = code


def tiktok_app(simulation: Simulation) -> Starlette:
    """The stand-in as an ASGI app, to be mounted where the platform's host would be."""
    tiktok = _TikTok(simulation)
    return Starlette(
        routes=[
            Route("/open_api/v1.3/advertiser/info/", tiktok.read(tiktok.advertisers)),
            Route("/open_api/v1.3/campaign/get/", tiktok.read(tiktok.campaigns)),
            Route("/open_api/v1.3/report/integrated/get/", tiktok.read(tiktok.report)),
            Route("/open_api/v1.3/campaign/update/", tiktok.update_campaign, methods=["POST"]),
            Route("/open_api/v1.3/campaign/status/update/", tiktok.update_statuses, methods=["POST"]),
        ]
    )


class _TikTok:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._wording = Wording(quota=_quota_fault, server_error=_server_error, refuse=_refuse_fault)

    def read(self, handler: Callable[[Request], dict[str, Any]]) -> Callable[[Request], Any]:
        """An endpoint for a handler that returns the envelope's data."""

        async def endpoint(request: Request) -> Response:
            def answer() -> Response:
                try:
                    _check_token(self._simulation, request)
                    return _envelope(handler(request))
                except TikTokRefusal as refusal:
                    return _error(refusal)

            return await respond(request, self._simulation, TIKTOK, "read", self._wording, answer)

        return endpoint

    def advertisers(self, request: Request) -> dict[str, Any]:
        accounts = [self._account(external_id) for external_id in _json_list(request, "advertiser_ids")]
        fields = set(_json_list(request, "fields"))
        return {"list": [_keep(_advertiser_record(account), fields) for account in accounts]}

    def campaigns(self, request: Request) -> dict[str, Any]:
        account = self._account(request.query_params.get("advertiser_id"))
        filtering = _json(request, "filtering", {})
        if not isinstance(filtering, dict):
            raise TikTokRefusal("filtering: Not a valid object.")
        wanted = filtering.get("campaign_ids")
        if wanted is not None and not isinstance(wanted, list):
            raise TikTokRefusal("filtering.campaign_ids: Not a valid list.")
        records = [
            self._campaign_record(campaign)
            for campaign in self._simulation.campaigns(account)
            if wanted is None or campaign.external_id in wanted
        ]
        fields = set(_json_list(request, "fields"))
        return _page(request, [_keep(record, fields) for record in records])

    def report(self, request: Request) -> dict[str, Any]:
        account = self._account(request.query_params.get("advertiser_id"))
        shape = (request.query_params.get("report_type"), request.query_params.get("data_level"))
        if shape != ("BASIC", "AUCTION_CAMPAIGN") or set(_json_list(request, "dimensions")) != _DIMENSIONS:
            raise TikTokRefusal("the stand-in reports BASIC, AUCTION_CAMPAIGN by campaign_id and stat_time_day only")
        since, until = _day(request, "start_date"), _day(request, "end_date")
        if not 0 <= (until - since).days < _MAX_REPORT_DAYS:
            raise TikTokRefusal(f"The time range with stat_time_day is at most {_MAX_REPORT_DAYS} days")
        metrics = set(_json_list(request, "metrics"))
        rows = self._simulation.report(account, since, until)
        return _page(request, [_report_row(row, metrics) for row in rows if row.impressions])

    async def update_campaign(self, request: Request) -> Response:
        raw = await request.body()

        def answer() -> Response:
            request_id = new_request_id()
            try:
                _check_token(self._simulation, request)
                budget, amount_micros = self._change(_object(raw))
            except TikTokRefusal as refusal:
                return _error(refusal)
            self._simulation.set_budget(budget, amount_micros, request_id=request_id)
            return _envelope({"campaign_id": budget.external_id}, request_id)

        return await respond(request, self._simulation, TIKTOK, "set_budget", self._wording, answer)

    async def update_statuses(self, request: Request) -> Response:
        raw = await request.body()

        def answer() -> Response:
            request_id = new_request_id()
            try:
                _check_token(self._simulation, request)
                campaigns, status = self._switch(_object(raw))
            except TikTokRefusal as refusal:
                return _error(refusal)
            for campaign in campaigns:
                self._simulation.set_paused(campaign, paused=status == "DISABLE", request_id=request_id)
            told = {"campaign_ids": [campaign.external_id for campaign in campaigns], "status": status}
            return _envelope(told, request_id)

        return await respond(request, self._simulation, TIKTOK, "set_status", self._wording, answer)

    def _switch(self, body: dict[str, Any]) -> tuple[list[CampaignSpec], str]:
        """All the campaigns named, or none: one that is not the advertiser's refuses the request."""
        account = self._account(body.get("advertiser_id"))
        named, status = body.get("campaign_ids"), body.get("operation_status")
        if not isinstance(named, list) or not named:
            raise TikTokRefusal("campaign_ids: Missing data for required field.")
        if status not in _STATUSES:
            raise TikTokRefusal("operation_status: Must be one of: ENABLE, DISABLE, DELETE.")
        try:
            return [self._simulation.campaign_of(account, str(each)) for each in named], str(status)
        except UnknownEntityError as error:
            raise TikTokRefusal("Campaign does not exist") from error

    def _change(self, body: dict[str, Any]) -> tuple[BudgetSpec, int]:
        account = self._account(body.get("advertiser_id"))
        try:
            budget = self._simulation.budget(TIKTOK, str(body.get("campaign_id")))
        except UnknownEntityError as error:
            raise TikTokRefusal("Campaign does not exist") from error
        if budget.account != account:
            raise TikTokRefusal("Campaign does not exist")
        amount = _budget_micros(body.get("budget"), account)
        self._check_change(budget, amount)
        return budget, amount

    def _check_change(self, budget: BudgetSpec, amount_micros: int) -> None:
        """Raises TikTokRefusal for a budget of the other kind, and beyond the share that a change may have."""
        if self._simulation.lifetime_micros(budget):
            raise TikTokRefusal("budget_mode: a campaign's total budget cannot be changed to a daily budget")
        percent = self._simulation.option(Option.TIKTOK_MAX_CHANGE_PERCENT)
        before = self._simulation.budget_micros(budget)
        if percent and abs(amount_micros - before) * 100 > before * percent:
            raise TikTokRefusal(f"budget: a change of more than {percent}% is not accepted")

    def _account(self, external_id: object) -> AccountSpec:
        try:
            return self._simulation.account(TIKTOK, str(external_id))
        except UnknownEntityError as error:
            raise TikTokRefusal(f"No permission to operate advertiser {external_id}", _NO_PERMISSION) from error

    def _campaign_record(self, campaign: CampaignSpec) -> dict[str, Any]:
        status = "DISABLE" if self._simulation.is_paused(campaign) else "ENABLE"
        lifetime = self._simulation.lifetime_micros(campaign.budget)
        return {
            "advertiser_id": campaign.budget.account.external_id,
            "campaign_id": campaign.external_id,
            "campaign_name": campaign.name,
            "operation_status": status,
            "secondary_status": f"CAMPAIGN_STATUS_{status}",
            "budget_mode": "BUDGET_MODE_TOTAL" if lifetime else "BUDGET_MODE_DAY",
            "budget": float(to_decimal(lifetime or self._simulation.budget_micros(campaign.budget))),
        }


def _check_token(simulation: Simulation, request: Request) -> None:
    if not simulation.accepts(TIKTOK, request.headers.get("access-token", "")):
        raise TikTokRefusal("Access token is incorrect or has been revoked.", _BAD_TOKEN)


def _advertiser_record(account: AccountSpec) -> dict[str, Any]:
    return {
        "advertiser_id": account.external_id,
        "name": account.name,
        "currency": account.currency_code,
        "timezone": account.time_zone,
        "status": "STATUS_ENABLE",
    }


def _report_row(row: CampaignDay, metrics: set[str]) -> dict[str, Any]:
    """Every metric as a string; `total_complete_payment_rate` is, despite its name, the purchases' value."""
    values = {
        "spend": str(to_decimal(row.spend_micros)),
        "impressions": str(row.impressions),
        "clicks": str(row.clicks),
        "complete_payment": str(row.conversions),
        "total_complete_payment_rate": str(to_decimal(row.revenue_micros)),
    }
    if unknown := metrics - set(values):
        raise TikTokRefusal(f"Invalid metric fields: {sorted(unknown)}")
    dimensions = {"campaign_id": row.campaign_id, "stat_time_day": f"{row.day.isoformat()} 00:00:00"}
    return {"dimensions": dimensions, "metrics": _keep(values, metrics)}


def _budget_micros(given: object, account: AccountSpec) -> int:
    """Micros of a decimal budget in currency units. Raises TikTokRefusal below the minimum or finer than a cent."""
    if not isinstance(given, int | Decimal) or isinstance(given, bool):
        raise TikTokRefusal("budget: Not a valid number.")
    try:
        amount = parse_micros(Decimal(given))
    except ValueError as error:
        raise TikTokRefusal("budget: at most two decimal places") from error
    if not is_whole_step(amount, account.currency_code):
        raise TikTokRefusal("budget: at most two decimal places")
    if amount < _MIN_DAILY_MICROS:
        raise TikTokRefusal("The daily budget of a campaign must be at least 50")
    return amount


def _keep(record: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    """The named fields, or all where none is named."""
    return {key: value for key, value in record.items() if not fields or key in fields}


def _page(request: Request, rows: list[dict[str, Any]]) -> dict[str, Any]:
    page, size = _whole(request, "page", 1), _whole(request, "page_size", _DEFAULT_PAGE_SIZE)
    if not (page >= 1 and 1 <= size <= _MAX_PAGE_SIZE):
        raise TikTokRefusal(f"page starts at 1, page_size is 1 to {_MAX_PAGE_SIZE}")
    info = {"page": page, "page_size": size, "total_number": len(rows), "total_page": -(-len(rows) // size)}
    return {"list": rows[(page - 1) * size : page * size], "page_info": info}


def _whole(request: Request, name: str, otherwise: int) -> int:
    text = request.query_params.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit()):
        raise TikTokRefusal(f"{name}: Not a valid integer.")
    return int(text)


def _day(request: Request, name: str) -> date:
    try:
        return date.fromisoformat(request.query_params.get(name, ""))
    except ValueError as error:
        raise TikTokRefusal(f"{name}: Not a valid date.") from error


def _json(request: Request, name: str, otherwise: Any) -> Any:
    text = request.query_params.get(name)
    try:
        return otherwise if text is None else json.loads(text)
    except ValueError as error:
        raise TikTokRefusal(f"{name}: Not valid JSON.") from error


def _json_list(request: Request, name: str) -> list[Any]:
    value = _json(request, name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TikTokRefusal(f"{name}: Not a valid list.")
    return value


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw, parse_float=Decimal)
    except ValueError as error:
        raise TikTokRefusal("The body is not JSON") from error
    if not isinstance(body, dict):
        raise TikTokRefusal("The body is not a JSON object")
    return body


def _envelope(data: dict[str, Any], request_id: str | None = None) -> Response:
    return JSONResponse({"code": 0, "message": "OK", "request_id": request_id or new_request_id(), "data": data})


def _error(refusal: TikTokRefusal, status: int = 200) -> Response:
    body = {"code": refusal.code, "message": str(refusal), "request_id": new_request_id(), "data": {}}
    return JSONResponse(body, status_code=status)


def _quota_fault(fault: Fault) -> Response:
    return _error(TikTokRefusal("Too many requests. Please retry in some time.", int(fault.code or _RATE_LIMITED)))


def _server_error() -> Response:
    return _error(TikTokRefusal("System error", _SYSTEM_ERROR), status=500)


def _refuse_fault(fault: Fault) -> Response:
    return _error(TikTokRefusal("The campaign cannot be edited", int(fault.code or _INVALID_PARAMETER)))
