"""Stands in for Meta's Marketing API: its paths, paging, error envelope and usage header over the sandbox's world.

Must not decide what a campaign does; that is the world's. Refusals carry Meta's own codes.
"""

import base64
import json
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kit.money import MICROS_PER_UNIT, micros_to_minor, minor_to_micros, to_decimal
from sandbox.faults import Wording, respond
from sandbox.options import Option
from sandbox.roster import META
from sandbox.simulation import Simulation, UnknownEntityError, bearer, new_request_id
from sandbox.state import Fault
from sandbox.world import AccountSpec, CampaignDay, CampaignSpec

_VERSION: Final = "v24.0"
_MIN_DAILY_MICROS: Final = MICROS_PER_UNIT
_DEFAULT_LIMIT: Final = 25
_MAX_LIMIT: Final = 500

# The standard tier of the platform's scoring: a read costs 1, a write 3, 9,000 are allowed, and points fade in 300 s.
_READ_SCORE: Final = 1
_WRITE_SCORE: Final = 3
_MAX_SCORE: Final = 9_000
_SCORE_FADES_SECONDS: Final = 300.0
_BLOCKED_MINUTES: Final = 1

#: The platform's own code for budgets changed too often in an hour (source: Marketing API, "Rate limiting").
_TOO_MANY_BUDGET_CHANGES: Final = "613/1487632"

#: What the stand-in can set a campaign to.
_STATUSES: Final = ("ACTIVE", "PAUSED")

_QUOTA_MESSAGES: Final = {
    "4": "Application request limit reached",
    "17/2446079": "User request limit reached",
    "613/1487742": "Calls to this api have exceeded the rate limit.",
    "80004/2446079": "There have been too many calls to this ad-account. Wait a bit and try again.",
}


class MetaRefusal(Exception):
    """A request that Meta answers with its error envelope; `code` is "code" or "code/subcode"."""

    def __init__(self, message: str, code: str = "100", *, kind: str = "OAuthException", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind
        self.status = status


class UsageScore:
    """Points per ad account that fade linearly over 300 s: what the usage header tells and the limit is measured on."""

    def __init__(self, tell_seconds: Callable[[], float] = monotonic) -> None:
        self._tell_seconds = tell_seconds
        self._points: dict[str, tuple[float, float]] = {}

    def add(self, account: str, points: int) -> float:
        """Count a call. Returns the account's score after it."""
        score = self.read(account) + points
        self._points[account] = (score, self._tell_seconds())
        return score

    def read(self, account: str) -> float:
        """The account's score now."""
        score, at_seconds = self._points.get(account, (0.0, self._tell_seconds()))
        faded = (self._tell_seconds() - at_seconds) * _MAX_SCORE / _SCORE_FADES_SECONDS
        return max(0.0, score - faded)


def meta_app(simulation: Simulation) -> Starlette:
    """The stand-in as an ASGI app, to be mounted where the platform's host would be."""
    meta = _Meta(simulation)
    return Starlette(
        routes=[
            Route(f"/{_VERSION}/act_{{account}}", meta.read(meta.account)),
            Route(f"/{_VERSION}/act_{{account}}/campaigns", meta.read(meta.campaigns)),
            Route(f"/{_VERSION}/act_{{account}}/insights", meta.read(meta.insights)),
            Route(f"/{_VERSION}/{{campaign}}", meta.read(meta.campaign), methods=["GET"]),
            Route(f"/{_VERSION}/{{campaign}}", meta.write_campaign, methods=["POST"]),
        ]
    )


class _Meta:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._usage = UsageScore()
        self._wording = Wording(quota=self._quota_fault, server_error=_server_error, refuse=_refuse_fault)

    def read(self, handler: Callable[[Request], tuple[str, dict[str, Any]]]) -> Callable[[Request], Any]:
        """An endpoint for a handler that returns (account id, body)."""

        async def endpoint(request: Request) -> Response:
            def answer() -> Response:
                try:
                    _check_token(self._simulation, request, {})
                    account, body = handler(request)
                    self._count(account, _READ_SCORE)
                except MetaRefusal as refusal:
                    return _error(refusal)
                return self._ok(account, body)

            return await respond(request, self._simulation, META, "read", self._wording, answer)

        return endpoint

    def account(self, request: Request) -> tuple[str, dict[str, Any]]:
        account = self._account(request)
        record = {
            "account_id": account.external_id,
            "name": account.name,
            "currency": account.currency_code,
            "timezone_name": account.time_zone,
            "account_status": 1,
        }
        return account.external_id, _select(request, f"act_{account.external_id}", record)

    def campaigns(self, request: Request) -> tuple[str, dict[str, Any]]:
        account = self._account(request)
        rows = [
            _select(request, campaign.external_id, self._campaign_record(campaign))
            for campaign in self._simulation.campaigns(account)
        ]
        return account.external_id, _page(request, rows)

    def insights(self, request: Request) -> tuple[str, dict[str, Any]]:
        account = self._account(request)
        if (request.query_params.get("level"), request.query_params.get("time_increment")) != ("campaign", "1"):
            raise MetaRefusal("(#100) the stand-in knows level=campaign with time_increment=1 only")
        since, until = _time_range(request)
        names = {campaign.external_id: campaign.name for campaign in self._simulation.campaigns(account)}
        fields = _fields(request)
        rows = [
            {key: value for key, value in _insight(row, names[row.campaign_id]).items() if key in fields}
            | {"date_start": row.day.isoformat(), "date_stop": row.day.isoformat()}
            for row in self._simulation.report(account, since, until)
            if row.impressions
        ]
        return account.external_id, _page(request, rows)

    def campaign(self, request: Request) -> tuple[str, dict[str, Any]]:
        campaign = self._campaign(request)
        record = _select(request, campaign.external_id, self._campaign_record(campaign))
        return campaign.budget.account.external_id, record

    async def write_campaign(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))

        def answer() -> Response:
            try:
                _check_token(self._simulation, request, form)
                campaign = self._campaign(request)
                trace_id = new_request_id()
                apply = self._change(campaign, form, trace_id)
                self._count(campaign.budget.account.external_id, _WRITE_SCORE)
            except MetaRefusal as refusal:
                return _error(refusal)
            apply()
            return self._ok(campaign.budget.account.external_id, {"success": True}, trace_id)

        operation = "set_status" if "status" in form else "set_budget"
        return await respond(request, self._simulation, META, operation, self._wording, answer)

    def _change(self, campaign: CampaignSpec, form: dict[str, str], trace_id: str) -> Callable[[], object]:
        """What to do to change the one field that the form names. Raises MetaRefusal where it may not be done."""
        if "status" not in form:
            amount_micros = _daily_budget_micros(form, campaign.budget.account)
            self._check_change(campaign)
            return partial(self._simulation.set_budget, campaign.budget, amount_micros, request_id=trace_id)
        if "daily_budget" in form:
            raise MetaRefusal("(#100) the stand-in changes status or daily_budget, not both")
        if form["status"] not in _STATUSES:
            raise MetaRefusal("(#100) Param status must be one of {ACTIVE, PAUSED, DELETED, ARCHIVED}")
        paused = form["status"] == "PAUSED"
        return partial(self._simulation.set_paused, campaign, paused=paused, request_id=trace_id)

    def _check_change(self, campaign: CampaignSpec) -> None:
        """Raises MetaRefusal for a budget of the other kind, and beyond the changes that an hour allows."""
        if self._simulation.lifetime_micros(campaign.budget):
            raise MetaRefusal("(#100) A campaign's lifetime budget cannot be changed to a daily budget")
        allowed = self._simulation.option(Option.META_CHANGES_PER_HOUR)
        hour_ago = self._simulation.now_utc() - timedelta(hours=1)
        if allowed and self._simulation.changes_since(campaign.budget, hour_ago) >= allowed:
            raise MetaRefusal(f"You can change this budget {allowed} times an hour.", _TOO_MANY_BUDGET_CHANGES)

    def _ok(self, account: str, body: dict[str, Any], trace_id: str | None = None) -> Response:
        usage = {"x-business-use-case-usage": self._usage_header(account, blocked_minutes=0)}
        return JSONResponse(body, headers={"x-fb-trace-id": trace_id or new_request_id(), **usage})

    def _count(self, account: str, points: int) -> None:
        if self._usage.add(self._score_key(account), points) > _MAX_SCORE:
            raise MetaRefusal(_QUOTA_MESSAGES["17/2446079"], "17/2446079")

    def _score_key(self, account: str) -> str:
        """Scores belong to a world: a reset starts them anew."""
        return f"{self._simulation.world_key()} {account}"

    def _usage_header(self, account: str, *, blocked_minutes: float) -> str:
        percent = min(100, round(self._usage.read(self._score_key(account)) / _MAX_SCORE * 100))
        usage = {
            "type": "ads_management",
            "call_count": percent,
            "total_cputime": 0,
            "total_time": 0,
            "estimated_time_to_regain_access": blocked_minutes,
            "ads_api_access_tier": "standard_access",
        }
        return json.dumps({account: [usage]})

    def _quota_fault(self, fault: Fault) -> Response:
        code = fault.code or "80004/2446079"
        response = _error(MetaRefusal(_QUOTA_MESSAGES.get(code, "Rate limit reached"), code))
        minutes = fault.seconds / 60 if fault.seconds else _BLOCKED_MINUTES
        response.headers["x-business-use-case-usage"] = self._usage_header("0", blocked_minutes=minutes)
        return response

    def _account(self, request: Request) -> AccountSpec:
        try:
            return self._simulation.account(META, request.path_params["account"])
        except UnknownEntityError as error:
            raise _no_such_object(f"act_{request.path_params['account']}") from error

    def _campaign(self, request: Request) -> CampaignSpec:
        external_id = request.path_params["campaign"]
        try:
            return self._simulation.campaign(META, external_id)
        except UnknownEntityError as error:
            raise _no_such_object(external_id) from error

    def _campaign_record(self, campaign: CampaignSpec) -> dict[str, Any]:
        status = "PAUSED" if self._simulation.is_paused(campaign) else "ACTIVE"
        return {
            "account_id": campaign.budget.account.external_id,
            "name": campaign.name,
            "status": status,
            "effective_status": status,
            **self._budget_record(campaign),
        }

    def _budget_record(self, campaign: CampaignSpec) -> dict[str, str]:
        """A campaign has a daily or a lifetime budget; the field of the other kind is left out."""
        currency, lifetime = campaign.budget.account.currency_code, self._simulation.lifetime_micros(campaign.budget)
        if lifetime:
            return {"lifetime_budget": str(micros_to_minor(lifetime, currency))}
        return {"daily_budget": str(micros_to_minor(self._simulation.budget_micros(campaign.budget), currency))}


def _check_token(simulation: Simulation, request: Request, form: dict[str, str]) -> None:
    given = (bearer(request), request.query_params.get("access_token"), form.get("access_token"))
    if not any(token and simulation.accepts(META, token) for token in given):
        raise MetaRefusal("Invalid OAuth access token - Cannot parse access token", "190", status=401)


def _daily_budget_micros(form: dict[str, str], account: AccountSpec) -> int:
    text = form.get("daily_budget", "")
    if not (text.isascii() and text.isdigit()):
        raise MetaRefusal("(#100) Param daily_budget must be an integer")
    amount_micros = minor_to_micros(int(text), account.currency_code)
    if amount_micros < _MIN_DAILY_MICROS:
        raise MetaRefusal("Your budget is too low. It must be at least 1.00 a day.", "100/1885272")
    return amount_micros


def _time_range(request: Request) -> tuple[date, date]:
    try:
        given = json.loads(request.query_params.get("time_range", ""))
        since, until = date.fromisoformat(given["since"]), date.fromisoformat(given["until"])
    except (ValueError, KeyError, TypeError) as error:
        raise MetaRefusal("(#100) time_range must be {since, until} as YYYY-MM-DD") from error
    if since > until:
        raise MetaRefusal("(#100) The start date of the time range cannot be after the end date")
    return since, until


def _insight(row: CampaignDay, name: str) -> dict[str, Any]:
    """Every number as a string, conversions inside lists by action type, as the platform gives them."""
    return {
        "campaign_id": row.campaign_id,
        "campaign_name": name,
        "impressions": str(row.impressions),
        "clicks": str(row.clicks),
        "spend": str(to_decimal(row.spend_micros)),
        "actions": [
            {"action_type": "link_click", "value": str(row.clicks)},
            {"action_type": "purchase", "value": str(row.conversions)},
            {"action_type": "omni_purchase", "value": str(row.conversions)},
        ],
        "action_values": [
            {"action_type": "omni_purchase", "value": str(to_decimal(row.revenue_micros))},
            {"action_type": "purchase", "value": str(to_decimal(row.revenue_micros))},
        ],
    }


def _fields(request: Request) -> set[str]:
    return set(request.query_params.get("fields", "").split(","))


def _select(request: Request, object_id: str, record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key in _fields(request)} | {"id": object_id}


def _page(request: Request, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of rows with a cursor, and a `next` address only where more follow."""
    try:
        limit = min(int(request.query_params.get("limit", _DEFAULT_LIMIT)), _MAX_LIMIT)
        after = request.query_params.get("after")
        start = int(base64.urlsafe_b64decode(after)) if after else 0
    except ValueError as error:
        raise MetaRefusal("(#100) Invalid paging parameter") from error
    if limit < 1 or start < 0:
        raise MetaRefusal("(#100) Invalid paging parameter")
    page = rows[start : start + limit]
    if not page:
        return {"data": []}
    end = start + len(page)
    cursors = {"before": _cursor(start), "after": _cursor(end)}
    more = {"next": str(request.url.include_query_params(after=_cursor(end)))} if end < len(rows) else {}
    return {"data": page, "paging": {"cursors": cursors, **more}}


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def _no_such_object(object_id: str) -> MetaRefusal:
    message = f"Unsupported request. Object with ID '{object_id}' does not exist"
    return MetaRefusal(message, "100/33", kind="GraphMethodException")


def _error(refusal: MetaRefusal) -> Response:
    code, _, subcode = refusal.code.partition("/")
    error: dict[str, Any] = {"message": str(refusal), "type": refusal.kind, "code": int(code)}
    if subcode:
        error["error_subcode"] = int(subcode)
    error["fbtrace_id"] = new_request_id()
    return JSONResponse({"error": error}, status_code=refusal.status)


def _server_error() -> Response:
    return _error(MetaRefusal("An unexpected error has occurred. Please retry your request later.", "2", status=500))


def _refuse_fault(fault: Fault) -> Response:
    return _error(MetaRefusal("(#100) The campaign cannot be edited", fault.code or "100"))
