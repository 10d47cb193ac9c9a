"""Puts the sandbox together: one app with the platforms' stand-ins mounted, the control endpoints and a page.

/meta /google /tiktok /linkedin /amazon /microsoft   base addresses for the platform clients instead of the real hosts
/control/*                                           clock, ledger, world, faults, pauses, switches
/health  /                                           liveness, and a page for people
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.amazon import amazon_app
from sandbox.control import control_routes
from sandbox.google import google_app
from sandbox.linkedin import linkedin_app
from sandbox.meta import meta_app
from sandbox.microsoft import microsoft_app
from sandbox.page import Page
from sandbox.roster import demo_roster
from sandbox.simulation import Simulation
from sandbox.state import State
from sandbox.tiktok import tiktok_app


def _machine_now() -> datetime:
    return datetime.now(UTC)


def create_app(state_path: Path, *, now: Callable[[], datetime] = _machine_now, seed: int = 7) -> Starlette:
    """The sandbox as an ASGI app whose state lives in the SQLite file `state_path` (made if missing).

    Args:
        state_path: one sandbox at a time may use it.
        now: the machine's time, UTC; tests hand in their own.
        seed: of a new world. A world that exists keeps its own.
    """
    simulation = Simulation(demo_roster(), State(state_path, seed=seed, now_utc=now()), now)

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        simulation.state.close()

    return Starlette(
        routes=[
            Route("/", Page(simulation).show),
            Route("/health", health),
            *control_routes(simulation),
            Mount("/meta", meta_app(simulation)),
            Mount("/google", google_app(simulation)),
            Mount("/tiktok", tiktok_app(simulation)),
            Mount("/linkedin", linkedin_app(simulation)),
            Mount("/amazon", amazon_app(simulation)),
            Mount("/microsoft", microsoft_app(simulation)),
        ],
        lifespan=lifespan,
    )


def serve(host: str, port: int, state_path: Path) -> None:
    """Run the sandbox until it is told to stop (SIGINT or SIGTERM)."""
    uvicorn.run(create_app(state_path), host=host, port=port, log_level="warning")
