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
from sandbox.options import MAX_OPTION, Option
from sandbox.roster import AMAZON, GOOGLE, LINKEDIN, META, MICROSOFT, PLATFORMS, TIKTOK
from sandbox.simulation import Simulation, UnknownEntityError, new_request_id
from sandbox.state import Effect, Fault, StatusEffect
from sandbox.world import BudgetSpec, CampaignSpec, first_day, true_daily_revenue_micros

#: How each platform writes its error codes, so that a scripted one fits its envelope; "" is the usual one.
_FAULT_CODES: Final = {
    META: r"(\d+(/\d+)?)?",
    GOOGLE: r"[A-Z_]*",
    TIKTOK: r"\d*",
    LINKEDIN: r"[A-Z_]*",
    AMAZON: r"[A-Z_]*",
    MICROSOFT: r"\d*",
}
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
        Route("/control/statuses", _endpoint(control.statuses), methods=["GET"]),
        Route("/control/world", _endpoint(control.world), methods=["GET"]),
        Route("/control/reset", _endpoint(control.reset), methods=["POST"]),
        Route("/control/faults", _endpoint(control.faults), methods=["POST"]),
        Route("/control/external-change", _endpoint(control.external_change), methods=["POST"]),
        Route("/control/pause", _endpoint(control.pause), methods=["POST"]),
        Route("/control/lifetime", _endpoint(control.lifetime), methods=["POST"]),
        Route("/control/options", _endpoint(control.options), methods=["GET"]),
        Route("/control/options", _endpoint(control.set_options), methods=["POST"]),
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

    def statuses(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        """Every pause and start of a campaign, oldest first."""
        return {"statuses": [status_record(effect) for effect in self._simulation.state.status_effects()]}

    def world(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return {
            "seed": self._simulation.state.seed,
            "started_at": iso_utc(self._simulation.state.started_at_utc),
            "campaigns": [self._truth(campaign) for campaign in self._simulation.roster.campaigns],
        }

    def reset(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        seed = _whole(body.get("seed", self._simulation.state.seed), "seed")
        self._simulation.reset(seed)
        return {"seed": seed, "started_at": iso_utc(self._simulation.state.started_at_utc)}

    def faults(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        kinds = tuple(kind.value for kind in FaultKind)
        fault = Fault(
            platform=_one_of(body, "platform", PLATFORMS),
            operation=_one_of({"operation": "any", **body}, "operation", OPERATIONS),
            kind=_one_of(body, "kind", kinds),
            code=str(body.get("code", "")),
            seconds=_number(body.get("seconds", 0), "seconds"),
        )
        if not re.fullmatch(_FAULT_CODES[fault.platform], fault.code, re.ASCII):
            raise BadControlRequestError(f"{fault.code!r} is not how {fault.platform} writes a code")
        count = _whole(body.get("count", 1), "count")
        if count < 1:
            raise BadControlRequestError("count is a whole number from 1")
        self._simulation.state.queue_fault(fault, count=count)
        return {"queued": count}

    def external_change(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        budget = self._budget(body)
        amount = _whole(body.get("daily_budget_micros"), "daily_budget_micros")
        row = self._simulation.set_budget(budget, amount, request_id=new_request_id(), source="EXTERNAL")
        return {"id": row}

    def pause(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Somebody pauses a campaign on its platform, or sets it running again."""
        platform = _one_of(body, "platform", PLATFORMS)
        campaign = self._simulation.campaign(platform, str(body.get("campaign")))
        if not isinstance(body.get("paused"), bool):
            raise BadControlRequestError("paused is true or false")
        self._simulation.set_paused(campaign, paused=body["paused"], request_id=new_request_id(), source="EXTERNAL")
        return {"paused": body["paused"]}

    def lifetime(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Somebody gives an entity a budget for its lifetime, or (amount 0) a daily one again."""
        budget = self._budget(body)
        amount = _whole(body.get("lifetime_budget_micros"), "lifetime_budget_micros")
        self._simulation.state.set_lifetime(budget.account.platform, budget.external_id, amount)
        return {"lifetime_budget_micros": amount}

    def options(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return {option.value: self._simulation.option(option) for option in Option}

    def set_options(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Set the switches that are named; all of them or, where one makes no sense, none."""
        wanted = {}
        for name, value in body.items():
            option = Option(_one_of({"option": name}, "option", tuple(each.value for each in Option)))
            wanted[option] = _whole(value, name)
            if wanted[option] > MAX_OPTION:
                raise BadControlRequestError(f"{name} is at most {MAX_OPTION}")
        for option, value in wanted.items():
            self._simulation.state.set_option(option.value, value)
        return self.options(request, body)

    def _budget(self, body: dict[str, Any]) -> BudgetSpec:
        """The entity that a body names by platform, account and entity."""
        platform = _one_of(body, "platform", PLATFORMS)
        account = self._simulation.account(platform, str(body.get("account")))
        budget = self._simulation.budget(platform, str(body.get("entity")))
        if budget.account != account:
            raise UnknownEntityError(f"account {account.external_id} has no budget {budget.external_id}")
        return budget

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
            "lifetime_budget_micros": self._simulation.lifetime_micros(budget),
            "paused": self._simulation.is_paused(campaign),
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


def status_record(effect: StatusEffect) -> dict[str, Any]:
    """A pause or start as JSON."""
    return {
        "id": effect.id,
        "at": iso_utc(effect.at_utc),
        "platform": effect.platform,
        "campaign": effect.campaign,
        "paused": effect.paused,
        "request_id": effect.request_id,
        "source": effect.source,
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


def _whole(value: object, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadControlRequestError(f"{field} is a whole number from 0")
    return value


def _number(value: object, field: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise BadControlRequestError(f"{field} is a number from 0")
    return float(value)
