"""Files to download over HTTP: the history as CSV, streamed page by page, and incident reports. Must not hold rules.

    GET /exports/history.csv?workspace=ID&platform=META&since=2026-01-01&until=2026-01-31
    Authorization: Bearer ...

`workspace` is the global id; without `platform` all are in it, without days the last thirty. A year is never in memory:
the next page is read when the client has taken the one before.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from app.backend import GraphQLBackend
from app.incidents import as_json, as_pdf
from domain.errors import DomainError, Forbidden, InvalidInput, NotFound, Unauthenticated
from domain.histories import HistoryEntry, is_executed
from domain.platforms import Platform
from kit.csv_text import Cell, csv_lines
from kit.money import to_decimal
from schema.base import parse_id
from services import histories, incidents
from services.ports import Ports
from services.viewers import Viewer, look_up

_STATUS: Final[dict[type[DomainError], HTTPStatus]] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    InvalidInput: HTTPStatus.BAD_REQUEST,
}

#: Money in units of the currency named beside it; moments in UTC, ISO 8601; ids as the platform has them unless `_id`
#: is our own.
COLUMNS: Final = (
    "adjustment_id", "status", "executed", "platform", "account", "account_name", "campaign", "campaign_name", "budget",
    "currency", "budget_before", "budget_suggested", "budget_approved", "delta", "reporting_currency",
    "delta_reporting", "automatic", "decided_by_kind", "decided_by", "suggested_at_utc", "approved_at_utc",
    "dispatched_at_utc", "confirmed_at_utc", "platform_execution", "failure_code", "failure_reason",
)  # fmt: skip


#: Nobody keeps what somebody was shown.
_PRIVATE: Final = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}

_Export = Callable[[Ports, GraphQLBackend, Request], Awaitable[Response]]


def export_routes(ports: Ports, backend: GraphQLBackend) -> list[Route]:
    """The routes of all files."""

    async def answer(request: Request, export: _Export) -> Response:
        try:
            return await export(ports, backend, request)
        except DomainError as error:
            status = _STATUS.get(type(error))
            if status is None:
                raise
            headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
            return JSONResponse({"code": error.code, "message": error.message}, status, headers)

    async def history_csv(request: Request) -> Response:
        return await answer(request, _history)

    async def incident(request: Request) -> Response:
        return await answer(request, _incident)

    return [
        Route("/exports/history.csv", history_csv),
        Route("/exports/incidents/{name}.{kind}", incident),
    ]


async def _viewer(ports: Ports, backend: GraphQLBackend, request: Request) -> Viewer:
    session = await backend.authenticate(request.headers.get("authorization"))
    if session.principal is None:
        raise Unauthenticated("send an access token or API key as: Authorization: Bearer ...")
    return await look_up(ports, session.principal)


async def _incident(ports: Ports, backend: GraphQLBackend, request: Request) -> Response:
    viewer = await _viewer(ports, backend, request)
    name, kind = request.path_params["name"], request.path_params["kind"]
    if kind not in {"json", "pdf"}:
        raise NotFound("an incident report is .json or .pdf")
    found = await incidents.report(ports, viewer, parse_id(name, "EmergencyStop"))
    file = f"incident-{found.stop.started_at_utc:%Y%m%d-%H%M%S}.{kind}"
    headers = {**_PRIVATE, "Content-Disposition": f'attachment; filename="{file}"'}
    if kind == "json":
        return JSONResponse(as_json(found), headers=headers)
    return Response(await asyncio.to_thread(as_pdf, found), media_type="application/pdf", headers=headers)


async def _history(ports: Ports, backend: GraphQLBackend, request: Request) -> Response:
    viewer = await _viewer(ports, backend, request)
    asked = request.query_params
    platform = _platform(asked.get("platform"))
    found = await histories.export(
        ports,
        viewer,
        parse_id(asked.get("workspace", ""), "Workspace", ("workspace",)),
        platform,
        _day(asked.get("since"), "since"),
        _day(asked.get("until"), "until"),
    )
    name = f"history-{'all' if platform is None else platform.value.lower()}-{found.days.since}-{found.days.until}.csv"
    return StreamingResponse(
        _lines(found),
        media_type="text/csv; charset=utf-8; header=present",
        headers={
            **_PRIVATE,
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


def _platform(text: str | None) -> Platform | None:
    if text is None:
        return None
    try:
        return Platform(text.upper())
    except ValueError as error:
        known = ", ".join(each.value for each in Platform)
        raise InvalidInput(f"platform is one of {known}", ("platform",)) from error


def _day(text: str | None, name: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{name} is a day such as 2026-01-31", (name,)) from error


async def _lines(found: histories.Export) -> AsyncIterator[str]:
    yield csv_lines([COLUMNS])
    async for page in found.pages:
        yield csv_lines(_row(entry, page.names) for entry in page.entries)


def _row(entry: HistoryEntry, names: dict[str, str]) -> tuple[Cell, ...]:
    change, suggested = entry.adjustment, entry.recommendation
    return (
        str(change.id),
        change.status.value,
        is_executed(change),
        entry.account.platform.value,
        entry.account.external_id,
        entry.account.name,
        None if entry.campaign is None else entry.campaign.external_id,
        None if entry.campaign is None else entry.campaign.name,
        None if entry.budget is None else entry.budget.external_id,
        change.currency_code,
        to_decimal(change.before_micros),
        None if suggested is None else to_decimal(suggested.suggested_micros),
        to_decimal(change.intended_micros),
        to_decimal(change.intended_micros - change.before_micros),
        entry.reporting_currency,
        to_decimal(change.delta_reporting_micros),
        change.auto_approved,
        entry.decided_by.kind.value,
        names.get(entry.decided_by.id, entry.decided_by.id),
        None if suggested is None else suggested.created_at_utc,
        change.created_at_utc,
        change.dispatched_at_utc,
        change.confirmed_at_utc,
        change.platform_execution_id,
        change.failure_code,
        change.failure_reason,
    )
