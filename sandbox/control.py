"""The sandbox's own endpoints: clock, ledger, truth, scripted faults, outside changes. Knows no platform's wording.

Only for local runs, tests and demos: nothing here asks who is calling.
"""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kit.time import iso_utc
from sandbox.faults import OPERATIONS, FaultKind
from sandbox.roster import GOOGLE, META, TIKTOK
from sandbox.simulation import Simulation, UnknownEntityError, new_request_id
from sandbox.state import Effect, Fault
from sandbox.world import CampaignSpec, first_day, true_daily_revenue_micros

_PLATFORMS: Final = (META, GOOGLE, TIKTOK)
#: How each platform writes its error codes, so that a scripted one fits its envelope; "" is the usual one.
_FAULT_CODES: Final = {META: r"(\d+(/\d+)?)?", GOOGLE: r"[A-Z_]*", TIKTOK: r"\d*"}
_MAX_OFFSET_DAYS: Final = 3_660
_SECONDS: Final = {"seconds": 1, "days": 86_400}


class BadControlRequestError(ValueError):
    """A control request that makes no sense; its text says what would."""


def control_routes(simulation: Simulation) -> list[Route]:
    """Routes under /control."""
    control = _Control(simulation)
    return [
        Route("/control/clock", _endpoint(control.clock), methods=["GET"]),
        Route("/control/clock/advance", _endpoint(control.advance), methods=["POST"]),
        Route("/control/ledger", _endpoint(control.ledger), methods=["GET"]),
        Route("/control/world", _endpoint(control.world), methods=["GET"]),
        Route("/control/reset", _endpoint(control.reset), methods=["POST"]),
        Route("/control/faults", _endpoint(control.faults), methods=["POST"]),
        Route("/control/external-change", _endpoint(control.external_change), methods=["POST"]),
        Route("/control/page/advance-day", control.advance_day_from_page, methods=["POST"]),
    ]


Handler = Callable[[Request, dict[str, Any]], dict[str, Any]]


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(handler(request, await _body(request)))
        except BadControlRequestError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except UnknownEntityError as error:
            return JSONResponse({"error": str(error)}, status_code=404)

    return endpoint


class _Control:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def clock(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        offset = self._simulation.state.offset
        return {"now": iso_utc(self._simulation.now_utc()), "offset_seconds": offset.total_seconds()}

    def advance(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        if len(body) != 1 or not set(body) <= set(_SECONDS):
            raise BadControlRequestError('say {"seconds": n} or {"days": n}')
        [(unit, amount)] = body.items()
        seconds = _number(amount, unit) * _SECONDS[unit]
        if self._simulation.state.offset.total_seconds() + seconds > _MAX_OFFSET_DAYS * _SECONDS["days"]:
            raise BadControlRequestError(f"the world's clock runs at most {_MAX_OFFSET_DAYS} days ahead")
        self._simulation.advance(timedelta(seconds=seconds))
        return self.clock(request, body)

    async def advance_day_from_page(self, _request: Request) -> Response:
        """The page's button: a day on, then back to the page."""
        self._simulation.advance(timedelta(days=1))
        return RedirectResponse("/", status_code=303)

    def ledger(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit()):
            raise BadControlRequestError("after is the id of a ledger row")
        return {"effects": [effect_record(effect) for effect in self._simulation.ledger(after_id=int(after))]}

    def world(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return {
            "seed": self._simulation.state.seed,
            "started_at": iso_utc(self._simulation.state.started_at_utc),
            "campaigns": [self._truth(campaign) for campaign in self._simulation.roster.campaigns],
        }

    def reset(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        seed = body.get("seed", self._simulation.state.seed)
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            raise BadControlRequestError("seed is a whole number from 0")
        self._simulation.reset(seed)
        return {"seed": seed, "started_at": iso_utc(self._simulation.state.started_at_utc)}

    def faults(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        kinds = tuple(kind.value for kind in FaultKind)
        fault = Fault(
            platform=_one_of(body, "platform", _PLATFORMS),
            operation=_one_of({"operation": "any", **body}, "operation", OPERATIONS),
            kind=_one_of(body, "kind", kinds),
            code=str(body.get("code", "")),
            seconds=_number(body.get("seconds", 0), "seconds"),
        )
        if not re.fullmatch(_FAULT_CODES[fault.platform], fault.code, re.ASCII):
            raise BadControlRequestError(f"{fault.code!r} is not how {fault.platform} writes a code")
        count = body.get("count", 1)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise BadControlRequestError("count is a whole number from 1")
        self._simulation.state.queue_fault(fault, count=count)
        return {"queued": count}

    def external_change(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        platform = _one_of(body, "platform", _PLATFORMS)
        account = self._simulation.account(platform, str(body.get("account")))
        budget = self._simulation.budget(platform, str(body.get("entity")))
        amount = body.get("daily_budget_micros")
        if budget.account != account:
            raise UnknownEntityError(f"account {account.external_id} has no budget {budget.external_id}")
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
            raise BadControlRequestError("daily_budget_micros is a whole number from 0")
        row = self._simulation.set_budget(budget, amount, request_id=new_request_id(), source="EXTERNAL")
        return {"id": row}

    def _truth(self, campaign: CampaignSpec) -> dict[str, Any]:
        budget = campaign.budget
        share_micros = round(self._simulation.budget_micros(budget) * campaign.budget_share)
        return {
            "platform": budget.account.platform,
            "account": budget.account.external_id,
            "currency": budget.account.currency_code,
            "campaign": campaign.external_id,
            "name": campaign.name,
            "entity": budget.external_id,
            "first_day": first_day(campaign, self._simulation.start_day(budget.account)).isoformat(),
            "daily_budget_micros": self._simulation.budget_micros(budget),
            "budget_share": campaign.budget_share,
            "ceiling_micros": campaign.response.ceiling_micros,
            "half_spend_micros": campaign.response.half_spend_micros,
            "slope": campaign.response.slope,
            "weekday": campaign.weekday,
            "noise_sd": campaign.noise_sd,
            "delay_shares": campaign.delay_shares,
            "demand_cap_micros": campaign.demand_cap_micros,
            "true_daily_revenue_micros": true_daily_revenue_micros(campaign, share_micros),
        }


def effect_record(effect: Effect) -> dict[str, Any]:
    """A ledger row as JSON. Amounts in account micros; `unchanged` where the request set what already stood there."""
    return {
        "id": effect.id,
        "at": iso_utc(effect.at_utc),
        "platform": effect.platform,
        "account": effect.account,
        "entity": effect.entity,
        "before_micros": effect.before_micros,
        "after_micros": effect.after_micros,
        "request_id": effect.request_id,
        "source": effect.source,
        "unchanged": effect.unchanged,
    }


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as error:
        raise BadControlRequestError("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadControlRequestError("the body is a JSON object")
    return body


def _one_of(body: dict[str, Any], field: str, allowed: tuple[str, ...]) -> str:
    value = body.get(field)
    if value not in allowed:
        raise BadControlRequestError(f"{field} is one of {', '.join(allowed)}")
    return str(value)


def _number(value: object, field: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise BadControlRequestError(f"{field} is a number from 0")
    return float(value)
