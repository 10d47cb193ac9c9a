"""Commands that serve: `up`, `serve`, `worker`, `sandbox`."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Annotated

import typer
import uvicorn

from app.cli.database import opened
from app.cli.listening import STOP_SIGNALS, Host, Port, bound, logger, run_on_uvloop
from app.cli.main import app, fail
from app.container import Container
from app.graphql_transport import uvicorn_options
from app.logs import log_to_stderr
from app.seed import DEMO_MEMBERS, demo_password, seed_demo
from app.settings import Settings, address, authority
from app.supervisor import Child, Step, run_up
from app.tracing import tracing
from app.web import create_app
from app.worker import run_worker
from sandbox.app import serve as serve_sandbox
from sandbox.webhooks import WebhookTarget


@app.command()
def up() -> None:
    """Start the whole demo: sandbox, one process holding API and worker, and the bid process; Ctrl-C stops it.

    Example: `campaign-express up`
    """
    settings = Settings()
    if not (settings.api_port and settings.sandbox_port and settings.bid_port):
        raise fail(
            "`up` needs ports that it can name: set CE_API_PORT, CE_SANDBOX_PORT and CE_BID_PORT to others than 0"
        )
    me = [sys.executable, "-m", "app"]
    api, bid = address(settings.api_host, settings.api_port), address(settings.bid_host, settings.bid_port)
    # Sandbox and product must agree on what signs webhooks; nothing that would be known.
    signing = {
        "CE_META_APP_SECRET": settings.meta_app_secret.get_secret_value() or secrets.token_hex(16),
        "CE_META_VERIFY_TOKEN": settings.meta_verify_token.get_secret_value() or secrets.token_hex(16),
    }
    follow = {"CE_CLOCK": "sandbox", "CE_MESSAGES": "sandbox", **signing}
    children = [
        Child("sandbox", [*me, "sandbox"], f"{settings.sandbox}/health", env=signing, port_setting="CE_SANDBOX_PORT"),
        Child("api", [*me, "serve", "--with-worker", "--demo"], f"{api}/ready", env=follow, port_setting="CE_API_PORT"),
        # Ready once the worker, of the process before it, has made a snapshot.
        Child("bid", [*me, "bid"], f"{bid}/ready", port_setting="CE_BID_PORT"),
    ]
    status = run_up(
        children,
        var_dir=settings.var_dir,
        prepare=[Step("migrating the database", [*me, "migrate"])],
        banner=_banner(settings, api, bid),
        health_timeout_seconds=120.0,
    )
    raise typer.Exit(status)


def _banner(settings: Settings, api: str, bid: str) -> str:
    over_grpc = f"; gRPC at {authority(settings.bid_host, settings.bid_grpc_port)}" if settings.bid_grpc_port else ""
    people = "\n".join(f"    {each.email:16} {each.title}" for each in DEMO_MEMBERS)
    return f"""
  Campaign Express is up.

    review page      {api}/
    plain page       {api}/plain
    GraphQL          {api}/graphql
    explorer         {api}/explorer
    health, metrics  {api}/ready  {api}/metrics
    bid requests     {bid}/v1/bid   (OpenRTB 2.6{over_grpc})
    ad platforms     {settings.sandbox}/   (the sandbox: its clock, budgets and ledger)
    mailbox          {settings.sandbox}/mailbox   (what the product sends to people)

  Demo logins, all with the password {demo_password(settings.var_dir)}
{people}

  Open the review page in two browsers, as ana and as ben, and decide the same recommendation.
  In another shell, first: export CE_CLOCK=sandbox   (so that tokens follow the sandbox's clock when it is advanced)
  Ctrl-C stops everything."""


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    *,
    with_worker: Annotated[bool, typer.Option(help="Run the worker in this process too.")] = False,
    demo: Annotated[bool, typer.Option(help="Make the demo workspace first, if there is none.")] = False,
) -> None:
    """Serve the API.

    Example: `campaign-express serve --with-worker`
    """
    settings = Settings()
    log_to_stderr(settings.log_format)
    with tracing("campaign-express-api", settings.otlp_url):
        run_on_uvloop(
            _serve(settings, host or settings.api_host, settings.api_port if port is None else port, with_worker, demo)
        )


async def _serve(settings: Settings, host: str, port: int, with_worker: bool, demo: bool) -> None:
    with bound(host, port, "CE_API_PORT") as listener:
        async with opened(settings) as container:
            if demo:
                await seed_demo(container)
            around: AbstractAsyncContextManager[object] | None = worker_beside(container) if with_worker else None
            stopping = asyncio.Event()
            asgi, limits = create_app(container, around, stopping)
            config = uvicorn.Config(
                asgi, log_level="warning", access_log=False, log_config=None, **uvicorn_options(limits)
            )
            logger.info("serving at %s", address(*listener.getsockname()[:2]))
            await Server(config, stopping, settings.drain_seconds).serve(sockets=[listener])


class Server(uvicorn.Server):
    """A server that does not die of the signal that ended it: what it served with is still to be closed."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, drain_seconds: float) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._drain_seconds = drain_seconds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in good order: at the first signal after the time to drain, at the next one without it, then at once.

        In that time /ready says no and all else is served: whoever sends requests here learns of it and goes elsewhere.
        """
        loop = asyncio.get_running_loop()

        def stop(number: int) -> None:
            if self._drain_seconds and not self._stopping.is_set():
                logger.info("draining for %g s", self._drain_seconds)
                loop.call_later(self._drain_seconds, setattr, self, "should_exit", True)
            else:
                self.handle_exit(number, None)
            self._stopping.set()

        for each in STOP_SIGNALS:
            loop.add_signal_handler(each, stop, each)
        try:
            yield
        finally:
            for each in STOP_SIGNALS:
                loop.remove_signal_handler(each)


@asynccontextmanager
async def worker_beside(container: Container) -> AsyncIterator[None]:
    """The worker as a task of this process, stopped cleanly at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(container, stop))
    try:
        yield
    finally:
        stop.set()
        await task


@app.command()
def worker() -> None:
    """Run the worker: sync, propose, dispatch, expire, anchor.

    Example: `campaign-express worker`
    """
    settings = Settings()
    log_to_stderr(settings.log_format)
    with tracing("campaign-express-worker", settings.otlp_url):
        run_on_uvloop(_work(settings))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, stop.set)
    async with opened(settings) as container:
        logger.info("working")
        await run_worker(container, stop)


@app.command()
def sandbox(host: Host = None, port: Port = None) -> None:
    """Serve the sandbox that plays the six ad platforms.

    Example: `campaign-express sandbox --port 8010`
    """
    settings = Settings()
    host, port = host or settings.sandbox_host, settings.sandbox_port if port is None else port
    smtp_port = settings.sandbox_smtp_port or None
    with bound(host, port, "CE_SANDBOX_PORT"):
        settings.var_dir.mkdir(parents=True, exist_ok=True)
    if smtp_port is not None:
        with bound(host, smtp_port, "CE_SANDBOX_SMTP_PORT"):
            pass
    serve_sandbox(host, port, settings.var_dir / "sandbox.db", smtp_port, _webhook_target(settings))


def _webhook_target(settings: Settings) -> WebhookTarget | None:
    """Where the sandbox sends webhooks; None where it was not told what to sign them with."""
    secret, token = settings.meta_app_secret.get_secret_value(), settings.meta_verify_token.get_secret_value()
    if not (secret and token):
        return None
    return WebhookTarget(f"{address(settings.api_host, settings.api_port)}/api/webhooks/meta", secret, token)
