"""Stands in for the Google Ads API over REST: searchStream for a few queries, budget mutation, GoogleAdsFailure errors.

Must not decide what a campaign does; that is the world's. A query it does not know is refused, never guessed.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kit.money import MICROS_PER_UNIT, to_decimal
from sandbox.faults import Wording, respond
from sandbox.roster import GOOGLE
from sandbox.simulation import Simulation, UnknownEntityError, bearer, is_whole_step, new_request_id
from sandbox.state import Fault
from sandbox.world import AccountSpec, BudgetSpec, CampaignDay, CampaignSpec

DEVELOPER_TOKEN: Final = "sandbox-google-developer-token"  # noqa: S105 - any will do; the header must be there

_VERSION: Final = "v21"
_MIN_DAILY_MICROS: Final = MICROS_PER_UNIT
_BATCH_ROWS: Final = 200
_FAILURE_TYPE: Final = f"type.googleapis.com/google.ads.googleads.{_VERSION}.errors.GoogleAdsFailure"

_HTTP_STATUSES: Final = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
}

_QUERY: Final = re.compile(r"\s*SELECT\s+(?P<fields>.+?)\s+FROM\s+(?P<resource>\w+)(?:\s+WHERE\s+(?P<where>.+?))?\s*")
_DATES: Final = re.compile(r"segments\.date BETWEEN '([^']*)' AND '([^']*)'")
_BUDGET_ID: Final = re.compile(r"campaign_budget\.id = (\d+)")
_CAMPAIGN_ID: Final = re.compile(r"campaign\.id = (\d+)")
_NOT_REMOVED: Final = re.compile(r"campaign\.status != 'REMOVED'")
_RESOURCE_NAME: Final = re.compile(r"customers/(\d+)/campaignBudgets/(\d+)")

_CAMPAIGN_NAME: Final = re.compile(r"customers/(\d+)/campaigns/(\d+)")
_STATUSES: Final = ("ENABLED", "PAUSED")


class GoogleRefusal(Exception):
    """A request answered with google.rpc.Status; `error_code` as in {"quotaError": "RESOURCE_EXHAUSTED"}."""

    def __init__(
        self, message: str, status: str, error_code: dict[str, str], details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.details = details


@dataclass(frozen=True, slots=True)
class _Query:
    fields: tuple[str, ...]
    resource: str
    dates: tuple[date, date] | None
    budget_id: str | None
    campaign_id: str | None


def google_app(simulation: Simulation) -> Starlette:
    """The stand-in as an ASGI app, to be mounted where the platform's host would be."""
    google = _Google(simulation)
    customer = f"/{_VERSION}/customers/{{customer}}"
    return Starlette(
        routes=[
            Route(f"{customer}/googleAds:searchStream", google.search_stream, methods=["POST"]),
            Route(f"{customer}/campaignBudgets:mutate", google.mutate_budgets, methods=["POST"]),
            Route(f"{customer}/campaigns:mutate", google.mutate_campaigns, methods=["POST"]),
        ]
    )


class _Google:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._wording = Wording(quota=_quota_fault, server_error=_server_error, refuse=_refuse_fault)
        self._stream_wording = Wording(
            quota=lambda fault: _streamed(_quota_fault(fault)),
            server_error=lambda: _streamed(_server_error()),
            refuse=lambda fault: _streamed(_refuse_fault(fault)),
        )

    async def search_stream(self, request: Request) -> Response:
        raw = await request.body()

        def answer() -> Response:
            try:
                account = self._authorised(request)
                query = _parse_query(_object(raw).get("query"))
                rows = [_select(query, record) for record in self._records(account, query)]
            except GoogleRefusal as refusal:
                return _streamed(_error(refusal))
            request_id = new_request_id()
            mask = ",".join(_camel_path(field) for field in query.fields)
            batches = [
                {"results": rows[start : start + _BATCH_ROWS], "fieldMask": mask, "requestId": request_id}
                for start in range(0, len(rows), _BATCH_ROWS)
            ]
            return JSONResponse(batches, headers={"request-id": request_id})

        return await respond(request, self._simulation, GOOGLE, "read", self._stream_wording, answer)

    async def mutate_budgets(self, request: Request) -> Response:
        raw = await request.body()

        def answer() -> Response:
            try:
                account = self._authorised(request)
                return self._mutate(account, _object(raw))
            except GoogleRefusal as refusal:
                return _error(refusal)

        return await respond(request, self._simulation, GOOGLE, "set_budget", self._wording, answer)

    async def mutate_campaigns(self, request: Request) -> Response:
        raw = await request.body()

        def answer() -> Response:
            try:
                account = self._authorised(request)
                return self._switch(account, _object(raw))
            except GoogleRefusal as refusal:
                return _error(refusal)

        return await respond(request, self._simulation, GOOGLE, "set_status", self._wording, answer)

    def _switch(self, account: AccountSpec, body: dict[str, Any]) -> Response:
        """Pause a campaign or let it run: one operation, as the stand-in knows it."""
        match body.get("operations"):
            case [{"update": {"resourceName": str(name), "status": str(status)}, "updateMask": "status"}]:
                pass
            case _:
                raise _invalid("requestError", "UNKNOWN", "The stand-in updates the status of one campaign")
        named = _CAMPAIGN_NAME.fullmatch(name)
        if named is None or named[1] != account.external_id:
            raise _invalid("requestError", "INVALID_RESOURCE_NAME", "The resource name is malformed")
        if status not in _STATUSES:
            raise _invalid("requestError", "INVALID_ENUM_VALUE", "Enum value cannot be used.")
        try:
            campaign = self._simulation.campaign_of(account, named[2])
        except UnknownEntityError as error:
            raise _invalid("mutateError", "RESOURCE_NOT_FOUND", "Resource was not found.") from error
        request_id = new_request_id()
        headers = {"request-id": request_id}
        if body.get("validateOnly"):
            return JSONResponse({}, headers=headers)
        self._simulation.set_paused(campaign, paused=status == "PAUSED", request_id=request_id)
        return JSONResponse({"results": [{"resourceName": name}]}, headers=headers)

    def _mutate(self, account: AccountSpec, body: dict[str, Any]) -> Response:
        """All operations or none, unless partialFailure lets the good ones through; validateOnly applies nothing."""
        operations = body.get("operations")
        if not isinstance(operations, list) or not operations:
            raise _invalid("requestError", "REQUIRED_FIELD_MISSING", "operations is missing.")
        changes: list[tuple[BudgetSpec, int] | None] = []
        errors = []
        for index, operation in enumerate(operations):
            try:
                changes.append(self._change(account, operation))
            except GoogleRefusal as refusal:
                if not body.get("partialFailure"):
                    raise
                changes.append(None)
                errors.append(_failure_entry(refusal, index))
        if body.get("validateOnly"):
            return JSONResponse({}, headers={"request-id": new_request_id()})
        request_id = new_request_id()
        results = []
        for change in changes:
            results.append({} if change is None else {"resourceName": _budget_name(change[0])})
            if change is not None:
                self._simulation.set_budget(*change, request_id=request_id)
        answer: dict[str, Any] = {"results": results}
        if errors:
            failure = {"@type": _FAILURE_TYPE, "errors": errors}
            answer["partialFailureError"] = {"code": 3, "message": "Partial failure", "details": [failure]}
        return JSONResponse(answer, headers={"request-id": request_id})

    def _change(self, account: AccountSpec, operation: object) -> tuple[BudgetSpec, int]:
        update = operation.get("update") if isinstance(operation, dict) else None
        if not isinstance(operation, dict) or not isinstance(update, dict):
            raise _invalid("requestError", "REQUIRED_FIELD_MISSING", "An operation needs an update.")
        named = _RESOURCE_NAME.fullmatch(str(update.get("resourceName")))
        if named is None or named[1] != account.external_id:
            raise _invalid("requestError", "INVALID_RESOURCE_NAME", "The resource name is malformed")
        if operation.get("updateMask") not in ("amount_micros", "amountMicros"):
            raise _invalid("fieldMaskError", "FIELD_NOT_FOUND", "The stand-in updates amount_micros only")
        try:
            budget = self._simulation.budget(GOOGLE, named[2])
        except UnknownEntityError as error:
            raise _invalid("mutateError", "RESOURCE_NOT_FOUND", "Resource was not found.") from error
        if self._simulation.lifetime_micros(budget):
            message = "A budget of a custom period has no daily amount."
            raise _invalid("campaignBudgetError", "CANNOT_UPDATE_BUDGET_PERIOD", message)
        return budget, _amount_micros(update.get("amountMicros"), account)

    def _authorised(self, request: Request) -> AccountSpec:
        if not self._simulation.accepts(GOOGLE, bearer(request)):
            code = {"authenticationError": "OAUTH_TOKEN_INVALID"}
            raise GoogleRefusal("Request had invalid authentication credentials.", "UNAUTHENTICATED", code)
        if not request.headers.get("developer-token"):
            code = {"authenticationError": "DEVELOPER_TOKEN_PARAMETER_MISSING"}
            raise GoogleRefusal("The developer token is missing.", "UNAUTHENTICATED", code)
        try:
            return self._simulation.account(GOOGLE, request.path_params["customer"])
        except UnknownEntityError as error:
            code = {"authorizationError": "USER_PERMISSION_DENIED"}
            raise GoogleRefusal("User doesn't have permission.", "PERMISSION_DENIED", code) from error

    def _records(self, account: AccountSpec, query: _Query) -> list[dict[str, Any]]:
        """Every row the query finds, as field -> value with all fields the stand-in knows."""
        if query.resource == "customer":
            return [_customer_record(account)]
        campaigns = self._simulation.campaigns(account)
        if query.resource == "campaign_budget":
            # Several campaigns may share one.
            budgets = {campaign.budget.external_id: campaign.budget for campaign in campaigns}
            wanted = budgets.values() if query.budget_id is None else filter(None, [budgets.get(query.budget_id)])
            return [self._budget_record(budget) for budget in wanted]
        by_id = {
            campaign.external_id: self._campaign_record(campaign)
            for campaign in campaigns
            if query.campaign_id in (None, campaign.external_id)
        }
        if query.dates is None:
            return list(by_id.values())
        days = self._simulation.report(account, *query.dates)
        return [
            by_id[day.campaign_id] | _metrics_record(day)
            for day in days
            if day.impressions and day.campaign_id in by_id
        ]

    def _campaign_record(self, campaign: CampaignSpec) -> dict[str, Any]:
        account = campaign.budget.account
        return {
            "campaign.resource_name": f"customers/{account.external_id}/campaigns/{campaign.external_id}",
            "campaign.id": campaign.external_id,
            "campaign.name": campaign.name,
            "campaign.status": "PAUSED" if self._simulation.is_paused(campaign) else "ENABLED",
            **self._budget_record(campaign.budget),
        }

    def _budget_record(self, budget: BudgetSpec) -> dict[str, Any]:
        served = len(self._simulation.paid_by(budget))
        lifetime = self._simulation.lifetime_micros(budget)
        return {
            "campaign_budget.resource_name": _budget_name(budget),
            "campaign_budget.id": budget.external_id,
            "campaign_budget.amount_micros": None if lifetime else str(self._simulation.budget_micros(budget)),
            "campaign_budget.total_amount_micros": str(lifetime) if lifetime else None,
            "campaign_budget.period": "CUSTOM_PERIOD" if lifetime else "DAILY",
            "campaign_budget.explicitly_shared": served > 1,
            "campaign_budget.reference_count": str(served),
        }


def _parse_query(text: object) -> _Query:
    """Raises GoogleRefusal for anything but the few shapes that the stand-in answers."""
    match = _QUERY.fullmatch(text) if isinstance(text, str) else None
    if match is None or match["resource"] not in ("customer", "campaign", "campaign_budget"):
        raise _invalid("queryError", "UNEXPECTED_INPUT", "Error in query: unexpected input.")
    where = match["where"] or ""
    dates, budget, campaign = (pattern.search(where) for pattern in (_DATES, _BUDGET_ID, _CAMPAIGN_ID))
    rest = where
    for known in (_DATES, _BUDGET_ID, _CAMPAIGN_ID, _NOT_REMOVED):
        rest = known.sub("", rest)
    if rest.replace("AND", "").strip():
        raise _invalid("queryError", "BAD_FIELD_NAME", f"Error in query: the stand-in does not know {where!r}.")
    fields = tuple(field.strip() for field in match["fields"].split(","))
    return _Query(
        fields=fields,
        resource=match["resource"],
        dates=None if dates is None else _dates(dates),
        budget_id=budget[1] if budget else None,
        campaign_id=campaign[1] if campaign else None,
    )


def _dates(match: re.Match[str]) -> tuple[date, date]:
    try:
        since, until = date.fromisoformat(match[1]), date.fromisoformat(match[2])
    except ValueError as error:
        raise _invalid("queryError", "INVALID_VALUE_WITH_BETWEEN_OPERATOR", "Dates are YYYY-MM-DD.") from error
    if since > until:
        raise _invalid("queryError", "INVALID_VALUE_WITH_BETWEEN_OPERATOR", "The range ends before it begins.")
    return since, until


def _select(query: _Query, record: dict[str, Any]) -> dict[str, Any]:
    """The selected fields as nested camel-case JSON; resource names of selected resources always come along."""
    row: dict[str, Any] = {}
    for field in query.fields:
        if field not in record:
            raise _invalid("queryError", "UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{field}'.")
    resources = {field.partition(".")[0] for field in query.fields}
    for field, value in record.items():
        resource, _, name = field.partition(".")
        selected = field in query.fields or (name == "resource_name" and resource in resources)
        if selected and value is not None:  # protobuf's JSON leaves out what is not set
            row.setdefault(_camel(resource), {})[_camel(name)] = value
    return row


def _customer_record(account: AccountSpec) -> dict[str, Any]:
    return {
        "customer.resource_name": f"customers/{account.external_id}",
        "customer.id": account.external_id,
        "customer.descriptive_name": account.name,
        "customer.currency_code": account.currency_code,
        "customer.time_zone": account.time_zone,
    }


def _metrics_record(day: CampaignDay) -> dict[str, Any]:
    """64-bit integers as strings and doubles as numbers, as protobuf's JSON has them."""
    return {
        "segments.date": day.day.isoformat(),
        "metrics.impressions": str(day.impressions),
        "metrics.clicks": str(day.clicks),
        "metrics.conversions": day.conversions,
        "metrics.cost_micros": str(day.spend_micros),
        "metrics.conversions_value": float(to_decimal(day.revenue_micros)),
    }


def _amount_micros(given: object, account: AccountSpec) -> int:
    text = str(given)
    if not (text.isascii() and text.isdigit()):
        raise _invalid("campaignBudgetError", "NEGATIVE_MONEY_AMOUNT", "amount_micros must be a positive integer.")
    amount = int(text)
    if amount < _MIN_DAILY_MICROS:
        raise _invalid("campaignBudgetError", "BUDGET_BELOW_PER_DAY_MINIMUM", "The budget is below the daily minimum.")
    if not is_whole_step(amount, account.currency_code):
        message = "The amount is not a multiple of the minimum currency unit."
        raise _invalid("campaignBudgetError", "NON_MULTIPLE_OF_MINIMUM_CURRENCY_UNIT", message)
    return amount


def _budget_name(budget: BudgetSpec) -> str:
    return f"customers/{budget.account.external_id}/campaignBudgets/{budget.external_id}"


def _camel_path(field: str) -> str:
    return ".".join(_camel(part) for part in field.split("."))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _invalid("requestError", "UNKNOWN", "Invalid JSON payload received.")
    return body


def _invalid(kind: str, name: str, message: str) -> GoogleRefusal:
    return GoogleRefusal(message, "INVALID_ARGUMENT", {kind: name})


def _failure_entry(refusal: GoogleRefusal, index: int | None = None) -> dict[str, Any]:
    entry: dict[str, Any] = {"errorCode": refusal.error_code, "message": str(refusal)}
    if refusal.details is not None:
        entry["details"] = refusal.details
    if index is not None:
        entry["location"] = {"fieldPathElements": [{"fieldName": "operations", "index": index}]}
    return entry


def _error(refusal: GoogleRefusal) -> Response:
    return JSONResponse(*_error_parts(refusal))


def _error_parts(refusal: GoogleRefusal) -> tuple[dict[str, Any], int, dict[str, str]]:
    request_id, status = new_request_id(), _HTTP_STATUSES[refusal.status]
    failure = {"@type": _FAILURE_TYPE, "errors": [_failure_entry(refusal)], "requestId": request_id}
    error = {"code": status, "message": str(refusal), "status": refusal.status, "details": [failure]}
    return {"error": error}, status, {"request-id": request_id}


def _streamed(response: Response) -> Response:
    """A streaming method wraps its error into an array, as it does its batches."""
    kept = {"request-id": response.headers["request-id"]}
    return Response(b"[" + bytes(response.body) + b"]", response.status_code, kept, "application/json")


def _quota_fault(fault: Fault) -> Response:
    name = fault.code or "RESOURCE_TEMPORARILY_EXHAUSTED"
    usual_seconds = 3600 if name == "RESOURCE_EXHAUSTED" else 5
    delay = f"{fault.seconds or usual_seconds:g}s"
    details = {"quotaErrorDetails": {"rateScope": "DEVELOPER", "rateName": "Operations", "retryDelay": delay}}
    message = f"Too many requests. Retry in {delay}."
    return _error(GoogleRefusal(message, "RESOURCE_EXHAUSTED", {"quotaError": name}, details))


def _server_error() -> Response:
    return _error(GoogleRefusal("Internal error encountered.", "INTERNAL", {"internalError": "INTERNAL_ERROR"}))


def _refuse_fault(fault: Fault) -> Response:
    code = {"authorizationError": fault.code or "USER_PERMISSION_DENIED"}
    return _error(GoogleRefusal("User doesn't have permission.", "PERMISSION_DENIED", code))
