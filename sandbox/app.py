"""Puts the sandbox together: one app with the platforms' stand-ins mounted, the control endpoints and a page.

/meta /google /tiktok /linkedin /amazon /microsoft   base addresses for the platform clients instead of the real hosts
/sendgrid /twilio /slack                             the same for providers that carry messages to people
/mailbox                                             what these took, and the mail server, where a port is given for it
/meta/.../dialog/oauth and so on                      the platforms' consent pages (sandbox/oauth.py)
/control/*                                           clock, ledger, world, faults, pauses, switches
/health  /                                           liveness, and a page for people
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
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
from sandbox.grants import Grants
from sandbox.linkedin import linkedin_app
from sandbox.mailbox import Mailbox, mailbox_routes
from sandbox.messengers import messenger_routes
from sandbox.meta import meta_app
from sandbox.microsoft import microsoft_app
from sandbox.oauth import oauth_routes
from sandbox.page import Page
from sandbox.roster import demo_roster
from sandbox.simulation import Simulation
from sandbox.smtp import MailServer
from sandbox.state import State
from sandbox.tiktok import tiktok_app
from sandbox.webhooks import WebhookTarget, webhook_routes


def _machine_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    state_path: Path,
    *,
    now: Callable[[], datetime] = _machine_now,
    seed: int = 7,
    smtp_address: tuple[str, int] | None = None,
    webhooks: WebhookTarget | None = None,
) -> Starlette:
    """The sandbox as an ASGI app whose state lives in the SQLite file `state_path` (made if missing).

    Args:
        state_path: one sandbox at a time may use it.
        now: the machine's time, UTC; tests hand in their own.
        seed: of a new world. A world that exists keeps its own.
        smtp_address: host and port of a mail server to run beside it; None for none.
        webhooks: where to send webhooks when asked to; None for nowhere.
    """
    simulation = Simulation(demo_roster(), State(state_path, seed=seed, now_utc=now()), now)

    mailbox = Mailbox(state_path, simulation.now_utc)
    grants = Grants(state_path, simulation.now_utc)
    simulation.was_granted = lambda platform, token: grants.grant_of(platform, token, "access") is not None

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(simulation.state.close)
            stack.callback(mailbox.close)
            stack.callback(grants.close)
            if smtp_address is not None:
                await stack.enter_async_context(MailServer(mailbox).run(*smtp_address))
            yield

    return Starlette(
        routes=[
            Route("/", Page(simulation).show),
            Route("/health", health),
            *control_routes(simulation),
            *mailbox_routes(mailbox),
            *messenger_routes(mailbox),
            *webhook_routes(webhooks, simulation.now_utc),
            *oauth_routes(simulation, grants),
            Mount("/meta", meta_app(simulation)),
            Mount("/google", google_app(simulation)),
            Mount("/tiktok", tiktok_app(simulation)),
            Mount("/linkedin", linkedin_app(simulation)),
            Mount("/amazon", amazon_app(simulation)),
            Mount("/microsoft", microsoft_app(simulation)),
        ],
        lifespan=lifespan,
    )


def serve(
    host: str,
    port: int,
    state_path: Path,
    smtp_port: int | None = None,
    webhooks: WebhookTarget | None = None,
) -> None:
    """Run the sandbox, with a mail server if it is given a port, until it is told to stop (SIGINT or SIGTERM)."""
    smtp_address = None if smtp_port is None else (host, smtp_port)
    app = create_app(state_path, smtp_address=smtp_address, webhooks=webhooks)
    uvicorn.run(app, host=host, port=port, log_level="warning")
