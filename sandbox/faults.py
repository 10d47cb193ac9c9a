"""Meets scripted faults: refuses, delays or cuts a request as a queued fault says. Knows no platform's wording."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.simulation import Simulation
from sandbox.state import Fault


class FaultKind(StrEnum):
    """What can go wrong.

    `slow` waits before it applies: a caller that has given up still sees the effect arrive late.
    """

    QUOTA = "quota"
    SERVER_ERROR = "server_error"
    REFUSE = "refuse"
    CUT_AFTER_APPLY = "cut_after_apply"
    CUT_BEFORE_APPLY = "cut_before_apply"
    SLOW = "slow"


#: What a fault may be scripted for; "any" meets all.
OPERATIONS: Final = ("set_budget", "set_status", "read", "any")


def write_operation(body: bytes, status_field: str) -> str:
    """Which write a body asks for, where both go to one address: a status is set by the field that names it."""
    return "set_status" if f'"{status_field}"'.encode() in body else "set_budget"


@dataclass(frozen=True, slots=True)
class Wording:
    """How a platform words the failures that a fault can ask for."""

    quota: Callable[[Fault], Response]
    server_error: Callable[[], Response]
    refuse: Callable[[Fault], Response]


class CutConnection(Response):
    """Drops the connection without a byte of reply, as a crashed peer or a broken network does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the ASGI signature
        """Abort the server's transport; needs uvicorn, whose `receive` belongs to the cycle that holds it."""
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        abort = getattr(transport, "abort", None)
        if not callable(abort):
            raise TypeError("only a uvicorn connection can be cut; serve the sandbox over a socket")
        abort()
        while (await receive())["type"] != "http.disconnect":
            pass


async def respond(
    request: Request,
    simulation: Simulation,
    platform: str,
    operation: str,
    wording: Wording,
    answer: Callable[[], Response],
) -> Response:
    """What this request gets: `answer()` (which applies what it asks), or the fault queued for it."""
    await request.body()  # read before a cut, so that the client has surely sent everything
    fault = simulation.take_fault(platform, operation)
    if fault is None:
        return answer()
    return await _meet(fault, wording, answer)


async def _meet(fault: Fault, wording: Wording, answer: Callable[[], Response]) -> Response:
    match FaultKind(fault.kind):
        case FaultKind.QUOTA:
            return wording.quota(fault)
        case FaultKind.SERVER_ERROR:
            return wording.server_error()
        case FaultKind.REFUSE:
            return wording.refuse(fault)
        case FaultKind.CUT_BEFORE_APPLY:
            return CutConnection()
        case FaultKind.CUT_AFTER_APPLY:
            answer()
            return CutConnection()
        case FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
            return answer()
